"""Checks on real rows in the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.warehouse import open_duckdb, schema, table

from startrail.base.errors import ModelError
from startrail.base.span import Span
from startrail.capabilities.models.checks import CheckColumnMissing, CheckSqlWrong, CheckTargetMissing, run_checks
from startrail.model.model import Check, Model
from startrail.model.step import CheckResult
from startrail.model.table import Relation, View
from startrail.ports.warehouse import Query, Rows, Warehouse

NOW = datetime(2026, 10, 3, 7, 0, tzinfo=UTC)
AT = Span("models/marts/sales.sql", 9, 5)
SALES = schema(day="date", region="string", amount="decimal(18,2)", customer="long")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = open_duckdb(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def sales(warehouse: Warehouse) -> Relation:
    """Two partitions: a good old one, and a new one with every fault."""
    old = table(
        warehouse,
        "marts.sales",
        SALES,
        "select date '2026-10-01' as day, 'north' as region, 5 as amount, 1 as customer",
        "2026-10-01",
    )
    new = table(
        warehouse,
        "marts.sales",
        SALES,
        """
        select date '2026-10-02' as day, region, amount::decimal(18,2) as amount, customer::bigint as customer
        from (values ('north', 10, 1), ('north', 10, 1), ('south', -1, 2), (null, 3, null), ('moon', null, 99))
            as v(region, amount, customer)
        """,
        "2026-10-02",
    )
    return Relation("marts.sales", SALES, old.files + new.files)


@pytest.fixture
def people(warehouse: Warehouse) -> Relation:
    return table(warehouse, "raw.people", schema(id="long"), "select unnest([1, 2]) as id")


def check(name: str, **fields: object) -> Check:
    return msgspec.convert({"name": name, **fields}, Check)


def model(*checks: Check) -> Model:
    placed = tuple(msgspec.structs.replace(one, span=AT) for one in checks)
    return Model("marts.sales", "select 1", "models/marts/sales.sql", kind="partition", partition_by="day", checks=placed)


def run(
    warehouse: Warehouse,
    relations: tuple[Relation | View, ...],
    *checks: Check,
    parts: frozenset[str] | None = frozenset({"2026-10-02"}),
) -> list[CheckResult]:
    return list(run_checks(model(*checks), relations, parts, warehouse=warehouse, now=NOW))


@pytest.mark.parametrize(
    ("one", "failing", "words"),
    [
        (check("not_null", columns=["day"]), 0, ""),
        (check("not_null", columns=["region", "amount"]), 2, "2 rows"),
        (check("accepted_values", columns=["region"], values=["north", "south"]), 1, "1 rows"),
        (check("accepted_values", columns=["region"], values=["north", "south", "moon"]), 0, ""),
        (check("accepted_values", columns=["customer"], values=[1, 2]), 1, "1 rows"),
        (check("accepted_values", columns=["day"], values=["2026-10-02"]), 0, ""),
        (check("accepted_values", columns=["amount"], values=[10, 3, -1]), 0, ""),
        (check("accepted_values", columns=["region"], values=["x'; drop table y; --"]), 4, "4 rows"),
        (check("sql", sql="amount >= 0"), 2, "2 rows"),
        (check("sql", sql="amount >= -1 or amount is null -- refunds"), 0, ""),
        (check("sql", sql="day = date '2026-10-02'"), 0, ""),
        (check("unique", columns=["day", "region"]), 2, "2 rows share 1 keys"),
        (check("unique", columns=["day", "region", "amount", "customer"]), 2, "2 rows share 1 keys"),
        (check("unique", columns=["region"]), 3, "3 rows share 1 keys"),
        (check("relationship", columns=["customer"], to="raw.people", to_columns=["id"]), 1, "no match in raw.people"),
        (check("row_count", minimum=1), 0, ""),
        (check("row_count", minimum=1, maximum=4), 1, "5 rows in 2026-10-02; expected 1 to 4"),
        (check("row_count", minimum=6), 1, "5 rows in 2026-10-02; expected at least 6"),
        (check("freshness", columns=["day"], within="2 days"), 0, ""),
        (check("freshness", columns=["day"], within="1 day"), 1, "31 hours ago"),
    ],
)  # fmt: skip
def test_each_check_counts_what_fails(
    warehouse: Warehouse, sales: Relation, people: Relation, one: Check, failing: int, words: str
) -> None:
    (result,) = run(warehouse, (sales, people), one)
    assert (result.failing, result.passed) == (failing, failing == 0)
    assert words in result.message
    assert result.check == one.title()


def test_failing_rows_are_shown_and_passing_ones_are_not(warehouse: Warehouse, sales: Relation) -> None:
    failed, passed = run(
        warehouse, (sales,), check("sql", sql="amount >= 0", severity="warn"), check("not_null", columns=["day"])
    )
    assert failed.severity == "warn"
    assert [row["region"] for row in json.loads(failed.sample)] == ["south", "moon"]
    assert json.loads(failed.sample)[0] == {"day": "2026-10-02", "region": "south", "amount": "-1.00", "customer": 2}
    assert passed.sample == "[]"


def test_at_most_ten_rows_are_shown(warehouse: Warehouse) -> None:
    many = table(warehouse, "marts.sales", schema(x="long"), "select range as x from range(50)")
    (result,) = run(warehouse, (many,), check("sql", sql="x < 0"), parts=frozenset({"all"}))
    assert (result.failing, len(json.loads(result.sample))) == (50, 10)


def test_a_partition_without_rows_counts_as_zero(warehouse: Warehouse, sales: Relation) -> None:
    (result,) = run(warehouse, (sales,), check("row_count", minimum=1), parts=frozenset({"2026-10-02", "2026-10-03"}))
    assert result.message == "0 rows in 2026-10-03; expected at least 1"


def test_unique_within_the_partition_looks_at_the_staged_rows_alone(warehouse: Warehouse, sales: Relation) -> None:
    unique = (check("unique", columns=["day", "region"]), check("unique", columns=["region"]))
    inside, across = run(warehouse, (sales,), *unique, parts=frozenset({"2026-10-01"}))
    assert (inside.failing, across.failing) == (0, 3)


def test_doubled_rows_with_null_in_their_key_are_doubled(warehouse: Warehouse) -> None:
    rows = table(warehouse, "marts.sales", schema(x="long"), "select unnest([null, null, 1]) as x")
    (result,) = run(warehouse, (rows,), check("unique", columns=["x"]), parts=frozenset({"all"}))
    assert result.failing == 2


def test_an_empty_table_is_not_fresh_and_has_no_bad_rows(warehouse: Warehouse) -> None:
    empty = Relation("marts.sales", SALES)
    results = run(
        warehouse,
        (empty,),
        check("freshness", columns=["day"], within="1 day"),
        check("not_null", columns=["day"]),
        check("unique", columns=["day"]),
    )
    assert [result.failing for result in results] == [1, 0, 0]
    assert results[0].message == "there are no rows"


def test_a_view_is_checked_as_a_whole(warehouse: Warehouse, sales: Relation) -> None:
    base = Relation("raw.base", sales.schema, sales.files)
    relations = (base, View("marts.sales", "select region, amount from raw.base"))
    results = run(warehouse, relations, check("not_null", columns=["region"]), check("row_count", maximum=5), parts=None)
    assert [result.failing for result in results] == [1, 1]
    assert results[1].message == "6 rows; expected 0 to 5"


def test_conditions_on_single_rows_share_one_scan(warehouse: Warehouse, sales: Relation) -> None:
    asked: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(warehouse, name)

        def fetch(self, query: Query, limit: int | None = None) -> Rows:
            asked.append(query.sql)
            return warehouse.fetch(query, limit)

    checks = [
        check("not_null", columns=["day"]),
        check("sql", sql="amount < 1000 or amount is null"),
        check("row_count", minimum=1),
    ]
    run_checks(model(*checks), (sales,), frozenset({"2026-10-02"}), warehouse=Counting(), now=NOW)  # type: ignore[arg-type]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("one", "error", "words"),
    [
        (check("not_null", columns=["regin"]), CheckColumnMissing, "regin"),
        (check("unique", columns=["day", "Regions"]), CheckColumnMissing, "Regions"),
        (check("relationship", columns=["customer"], to="raw.people", to_columns=["idd"]), CheckColumnMissing, "idd"),
        (check("relationship", columns=["customer"], to="raw.persons", to_columns=["id"]), CheckTargetMissing, "raw.persons"),
        (check("sql", sql="amout >= 0"), CheckSqlWrong, "amout"),
        (check("sql", sql="amount >="), CheckSqlWrong, "cannot be run"),
        (check("sql", sql="true) union all (select 1"), CheckSqlWrong, "cannot be run"),
        (check("sql", sql="exists (select 1 from read_text('/etc/passwd'))"), CheckSqlWrong, "outside"),
        (check("accepted_values", columns=["day"], values=[5]), CheckSqlWrong, "cannot be run"),
        (check("freshness", columns=["region"], within="1 day"), CheckSqlWrong, "date"),
    ],
)
def test_a_check_that_cannot_be_run_is_an_error_at_its_place(
    warehouse: Warehouse, sales: Relation, people: Relation, one: Check, error: type[ModelError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        run(warehouse, (sales, people), check("not_null", columns=["day"]), one)
    assert caught.value.at == AT


def test_names_of_columns_are_quoted(warehouse: Warehouse) -> None:
    odd = table(
        warehouse, "marts.sales", schema(**{'a"b; --': "int", "select": "int"}), """select 1 as "a""b; --", null as "select" """
    )
    results = run(
        warehouse, (odd,), check("not_null", columns=['a"b; --']), check("unique", columns=["select"]), parts=frozenset({"all"})
    )  # fmt: skip
    assert [result.failing for result in results] == [0, 0]
