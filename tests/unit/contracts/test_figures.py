"""Figures of rows: the engine and plain Python come to the same, and every change of a value shows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.warehouse import open_duckdb, schema, table

from startrail.capabilities.contracts.drift.figures import Tally, added, stored
from startrail.model.proof import Figures
from startrail.model.types import DataType

TYPES = {
    "b": "boolean", "i": "int", "l": "long", "f": "float", "d": "double", "n": "decimal(12,2)", "day": "date", "t": "time",
    "ts": "timestamp", "tz": "timestamptz", "s": "string", "x": "binary", "u": "uuid", "li": "list<string>",
    "o": "struct<a: long, b: list<date>>", "m": "map<string, long>",
}  # fmt: skip
COLUMNS: dict[str, DataType] = {column.name: column.type for column in schema(**TYPES).columns}
ROWS: list[tuple[str, dict[str, Any]]] = [
    (
        "(true, -1, 9007199254740993, 0.1::float, 0.1, 12.50, date '0001-01-05', time '10:00:01.5',"
        " timestamp '1969-12-31 23:59:59.9', timestamptz '2026-10-03 10:00:00+02', 'a𝄞é|,:', from_base64('/wA='),"
        " uuid 'AAAAAAAA-0000-0000-0000-00000000000A', ['x', null, ''], {'a': 1, 'b': [date '2026-01-01']},"
        " map {'b': 1, 'a': null})",
        {
            "b": True, "i": -1, "l": 9007199254740993, "f": 0.1, "d": 0.1, "n": "12.50", "day": "0001-01-05",
            "t": "10:00:01.500000", "ts": "1969-12-31T23:59:59.900000", "tz": "2026-10-03T08:00:00.000000Z", "s": "a𝄞é|,:",
            "x": "/wA=", "u": "aaaaaaaa-0000-0000-0000-00000000000a", "li": ["x", None, ""],
            "o": {"a": 1, "b": ["2026-01-01"]}, "m": {"b": 1, "a": None},
        },
    ),
    (
        "(false, 0, 0, -0.0::float, 1e300, -0.01, date '9999-12-31', time '00:00:00', timestamp '9999-12-31 23:59:59.999999',"
        " timestamptz '1970-01-01 00:00:00+00', '', ''::blob, uuid '00000000-0000-0000-0000-000000000000', [], "
        " {'a': null, 'b': []}, map {})",
        {
            "b": False, "i": 0, "l": 0, "f": -0.0, "d": 1e300, "n": "-0.01", "day": "9999-12-31", "t": "00:00:00.000000",
            "ts": "9999-12-31T23:59:59.999999", "tz": "1970-01-01T00:00:00.000000Z", "s": "", "x": "",
            "u": "00000000-0000-0000-0000-000000000000", "li": [], "o": {"a": None, "b": []}, "m": {},
        },
    ),
    ("(" + ", ".join(["null"] * len(TYPES)) + ")", {}),
]  # fmt: skip


def in_engine(folder: Path, rows: list[str], columns: dict[str, DataType] = COLUMNS) -> Figures:
    warehouse = open_duckdb(folder)
    types = schema(**TYPES)
    names = ", ".join(f'"{name}"' for name in TYPES)
    relation = table(warehouse, "raw.t", types, f"select * from (values {', '.join(rows)}) as v({names})")
    try:
        return stored((relation,), columns, warehouse)
    finally:
        warehouse.close()


def in_python(records: list[dict[str, Any]], columns: dict[str, DataType] = COLUMNS) -> Figures:
    tally = Tally(columns)
    for record in records:
        tally.add(record)
    return tally.figures()


def test_engine_and_python_agree_on_every_type(tmp_path: Path) -> None:
    found = in_engine(tmp_path, [sql for sql, _ in ROWS])
    assert found == in_python([record for _, record in ROWS])
    assert found.sums == {"i": "-1", "l": "9007199254740993", "n": "12.49"}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_each_column_alone_agrees_and_a_null_in_it_shows(name: str, tmp_path: Path) -> None:
    only = {name: COLUMNS[name]}
    records = [record for _, record in ROWS]
    assert in_engine(tmp_path, [sql for sql, _ in ROWS], only) == in_python(records, only)
    assert in_python(records, only) != in_python([{**records[0], name: None}, *records[1:]], only)


def test_the_definition_can_be_computed_by_hand() -> None:
    mark = hashlib.md5(b"1:7,2:ab,-", usedforsecurity=False).hexdigest()
    columns = {name: COLUMNS[name] for name in ("l", "s", "u")}
    assert in_python([{"l": 7, "s": "ab", "u": None}], columns) == Figures(1, {"l": "7"}, mark)


record = st.fixed_dictionaries({"l": st.none() | st.integers(-9, 9), "s": st.none() | st.text(max_size=3)})
PAIR = {name: COLUMNS[name] for name in ("l", "s")}


@given(st.lists(record, max_size=6), st.randoms(), st.integers(0, 6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_order_does_not_count_and_parts_add_up(records: list[dict[str, Any]], random: Any, cut: int) -> None:
    whole = in_python(records, PAIR)
    shuffled = list(records)
    random.shuffle(shuffled)
    assert in_python(shuffled, PAIR) == whole
    assert added([in_python(records[:cut], PAIR), in_python(records[cut:], PAIR)]) == whole


@given(st.lists(record, min_size=1, max_size=6), record, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_another_value_another_checksum(records: list[dict[str, Any]], other: dict[str, Any], at: int) -> None:
    changed = list(records)
    changed[at % len(records)] = other
    same = sorted(repr((each["l"], each["s"])) for each in changed) == sorted(repr((each["l"], each["s"])) for each in records)
    assert (in_python(changed, PAIR).checksum == in_python(records, PAIR).checksum) == same


def test_a_row_that_comes_twice_is_not_a_row_that_does_not_come() -> None:
    row = {"l": 1, "s": "a"}
    assert in_python([row, row], PAIR) != in_python([], PAIR)
