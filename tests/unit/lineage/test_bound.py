"""A SELECT with its parameters' values in their places."""

from __future__ import annotations

from datetime import datetime

import pytest

from startrail.lineage.bound import bound

DAY = {"start": datetime(2026, 5, 1), "end": datetime.max, "partition": "2026-05-01", "env": "it's"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 ; -- all", "select 1 "),
        ("select $start::date", "select CAST('2026-05-01 00:00:00.000000' AS TIMESTAMP)::date"),
        ("select $END, $env", "select CAST('9999-12-31 23:59:59.999999' AS TIMESTAMP), 'it''s'"),
        ("select '$start', \"$start\", $partition", "select '$start', \"$start\", '2026-05-01'"),
        ("select 1 /* $start ; */ as a", "select 1                as a"),
        ("select ';' as a;", "select ';' as a"),
        ("select Größe, $start_of from T", "select Größe, $start_of from T"),
    ],
)
def test_only_parameters_are_replaced(sql: str, expected: str) -> None:
    assert bound(sql, DAY).rstrip() == expected.rstrip()
