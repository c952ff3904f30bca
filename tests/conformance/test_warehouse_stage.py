"""Staging: describing a query and building it, in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.warehouse import open_duckdb, schema

from startrail.model.table import Relation, TableSchema
from startrail.ports.warehouse import LossyColumn, Query, Target, Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = open_duckdb(tmp_path)
    yield opened
    opened.close()


def test_rows_go_where_the_target_says_under_the_ids_it_gives(warehouse: Warehouse) -> None:
    query = Query("select 7::bigint as id, 'seven' as name")
    seen: list[TableSchema] = []

    def target(described: TableSchema) -> Target:
        seen.append(described)
        return Target(schema(id="long", name="string"), "tables/marts/t/data", "made", "2026-10-03")

    staged = warehouse.stage(query, target)
    assert seen == [warehouse.describe(query)]
    assert staged.schema == schema(id="long", name="string")
    assert [(file.key, file.rows, file.part) for file in staged.files] == [
        ("tables/marts/t/data/2026-10-03/made-0.parquet", 1, "2026-10-03")
    ]
    read = Query("select name, id from marts.t", (Relation("marts.t", staged.schema, staged.files),))
    assert warehouse.fetch(read).rows == [("seven", 7)]


def test_no_rows_leave_no_file(warehouse: Warehouse) -> None:
    staged = warehouse.stage(Query("select 1 as id where false"), lambda _: Target(schema(id="int"), "t", "x", "all"))
    assert staged.files == ()


def test_a_value_that_the_promised_type_cannot_hold_stops_it(warehouse: Warehouse) -> None:
    with pytest.raises(LossyColumn, match="'amount'"):
        warehouse.stage(Query("select 1.005 as amount"), lambda _: Target(schema(amount="decimal(18,2)"), "t", "x", "all"))


def test_a_target_that_refuses_leaves_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    def refuse(_: TableSchema) -> Target:
        raise ValueError("not these columns")

    with pytest.raises(ValueError, match="not these columns"):
        warehouse.stage(Query("select 1 as id"), refuse)
    assert not list((tmp_path / "store").rglob("*.parquet"))
