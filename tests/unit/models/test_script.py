"""Scripts: a cron job's SQL, unchanged, with what it leaves staged like any table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.fixtures.warehouse import open_duckdb, schema, table

from startrail.capabilities.models.script import WritesNothing, build_script
from startrail.lineage.analyse import analyse
from startrail.model.model import Model
from startrail.model.step import Step, StepOutput
from startrail.model.table import Relation, TableSchema
from startrail.ports.warehouse import DoesNotBind, Query, Warehouse

SQL = """
create temp table big as select * from raw.orders where amount > 2;
create or replace table marts.totals as select count(*) as orders, sum(amount) as amount from big;
insert into marts.log select 'ran', orders from marts.totals;
"""


class Work:
    """A run's view: tables that exist, and field ids counted from 1."""

    def __init__(self, *tables: Relation) -> None:
        self.tables = {relation.name: relation for relation in tables}

    def exists(self, name: str) -> bool:
        return name in self.tables

    def relations(self, *names: str) -> tuple[Relation, ...]:
        return tuple(self.tables[name] for name in names)

    def schema(self, _name: str, described: TableSchema) -> TableSchema:
        return TableSchema(tuple(msgspec.structs.replace(column, id=place + 1) for place, column in enumerate(described.columns)))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = open_duckdb(tmp_path)
    yield opened
    opened.close()


def build(sql: str, warehouse: Warehouse, *tables: Relation) -> StepOutput:
    model = Model("jobs.nightly", sql, "models/jobs/nightly.sql", kind="script", sql_line=4)
    analysis = analyse(sql, script=True, path=model.path, first_line=4)
    session: Any = SimpleNamespace(
        workspace=Work(*tables), ports=SimpleNamespace(warehouse=lambda: warehouse), project=SimpleNamespace(name="shop")
    )
    return build_script(model, analysis, Step("build", model.name), session)


def test_every_table_it_leaves_is_staged_whole(warehouse: Warehouse) -> None:
    orders = table(
        warehouse, "raw.orders", schema(id="long", amount="int"), "select range as id, range::int as amount from range(5)"
    )
    log = table(warehouse, "marts.log", schema(what="string", n="long"), "select 'before' as what, 1 as n")
    output = build(SQL, warehouse, orders, log)
    assert [str(change.table) for change in output.changes] == ["marts.totals", "marts.log"]
    assert all(change.replaces is None for change in output.changes)
    assert output.rows == 3
    relations = tuple(Relation(str(change.table), change.schema, change.files) for change in output.changes)
    assert warehouse.fetch(Query("select * from marts.totals", relations)).rows == [(2, 7)]
    assert warehouse.fetch(Query("select * from marts.log order by n", relations)).rows == [("before", 1), ("ran", 2)]


def test_a_table_that_it_fills_must_be_there(warehouse: Warehouse) -> None:
    orders = table(warehouse, "raw.orders", schema(id="long", amount="int"), "select 1 as id, 3 as amount")
    with pytest.raises(DoesNotBind, match="log") as caught:
        build(SQL, warehouse, orders)
    assert str(caught.value.at) == "models/jobs/nightly.sql:7:1"


def test_a_script_that_leaves_nothing_is_an_error(warehouse: Warehouse) -> None:
    with pytest.raises(WritesNothing):
        build("create temp table x as select 1 as a; create table y as select 2 as b", warehouse)
