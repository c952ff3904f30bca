"""Lineage against the engine: what it does not name has no influence, and what it calls identical is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as st
from tests.fixtures.random_sql import TABLES, queries

from startrail.lineage.trace.script import trace
from startrail.model.lineage import Edge

Data = dict[str, dict[str, list[str]]]
"""Table -> column -> its values as SQL literals."""
_ROWS = 7
_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


def data_of(seed: int) -> Data:
    """Small tables: few different values, so that joins and conditions hit; ids are unique."""
    random = Random(seed)

    def number() -> str:
        return random.choice(("null", "-1", "0", "1", "1", "2", "3"))

    def value(kind: str) -> str:
        if kind == "int":
            return number()
        if kind == "int[]":
            return f"[{', '.join(number() for _ in range(random.randint(0, 3)))}]"
        return f"{{'u': {number()}, 'v': {number()}}}"

    return {
        table: {
            column: random.sample([str(id) for id in range(_ROWS)], _ROWS)
            if column == "id"
            else [value(kind) for _ in range(_ROWS)]
            for column, kind in columns.items()
        }
        for table, columns in TABLES.items()
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        yield connection


def fill(engine: duckdb.DuckDBPyConnection, data: Data) -> None:
    for table, columns in data.items():
        kinds = TABLES[table]
        types = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        rows = ", ".join(f"({', '.join(columns[name][row] for name in kinds)})" for row in range(_ROWS))
        engine.execute(f"create or replace table {table} ({types})")
        engine.execute(f"insert into {table} values {rows}")


def answer(engine: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Counter[str]]:
    """The values of each output column, with how often each comes."""
    found = engine.execute(sql)
    names = [column[0] for column in found.description or ()]
    rows = found.fetchall()
    return {name: Counter(repr(row[place]) for row in rows) for place, name in enumerate(names)}


def edges(sql: str) -> list[Edge]:
    found = trace(sql, "duckdb", TABLES)
    assert not found.not_analysed, found.not_analysed
    return [edge for table in found.tables for edge in table.edges()]


@settings(max_examples=250, deadline=None, suppress_health_check=_SLOW)
@given(queries(), st.integers(0, 10**6))
def test_a_column_that_lineage_does_not_name_has_no_influence(engine: duckdb.DuckDBPyConnection, sql: str, seed: int) -> None:
    known = edges(sql)
    data, other = data_of(seed), data_of(seed + 1)
    fill(engine, data)
    try:
        before = answer(engine, sql)
    except duckdb.Error as error:
        note(f"not a valid query: {error}")
        reject()
    influences = {(edge.target.column, edge.source.table, edge.source.column) for edge in known}
    for table, columns in TABLES.items():
        for column in columns:
            free = [target for target in before if (target, table, column) not in influences]
            if free:
                fill(engine, {table: {**data[table], column: other[table][column]}})
                after = answer(engine, sql)
                for target in free:
                    assert after[target] == before[target], f"{table}.{column} moves {target} of {sql}"
        fill(engine, {table: data[table]})


@settings(max_examples=150, deadline=None, suppress_health_check=_SLOW)
@given(queries(), st.integers(0, 10**6))
def test_identical_values_are_values_of_the_source(engine: duckdb.DuckDBPyConnection, sql: str, seed: int) -> None:
    direct = [edge for edge in edges(sql) if edge.kind == "direct"]
    data = data_of(seed)
    fill(engine, data)
    try:
        found = answer(engine, sql)
    except duckdb.Error:
        reject()
    for target, values in found.items():
        sources = [edge for edge in direct if edge.target.column == target]
        if sources and all(edge.subtype == "identity" for edge in sources):
            there = {value for edge in sources for value in data[edge.source.table or ""][edge.source.column]}
            assert set(values) <= there | {"None"}, sql


SCRIPTS = [
    "insert into o select a, b from r where c > 0",
    "insert into o (o1) select x from t join r on r.id = t.id",
    "insert into o by name select y as o1, x as o0 from t",
    "insert into o select id, a from r; update o set o1 = t.y from t where t.id = o.o0 and t.x > 0",
    "insert into o select id, a from r; delete from o where o0 in (select id from t where t.x > 1)",
    "insert into o select id, a from r; merge into o using t on o.o0 = t.id when matched and t.x > 0 then update set o1 = t.y",
    "insert into o select id, a from r; merge into o using (select distinct a from t) d on o.o0 = d.a when matched then delete",
    "create temp table m as select id, sum(b) over (partition by a) as v from r; insert into o select v, id from m; drop table m",
    "create table m as select id, c from r where b > 0; alter table m rename to m2; "
    "insert into o select c, id from m2; drop table m2",
    "create table m (u int, v int); insert into m select a, b from r; insert into m select x, y from t; "
    "insert into o select v, u from m where u > 0; drop table m",
    "create view m as select a as q, max(c) as v from r group by a; insert into o select * from m; drop view m",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_changes_what_lineage_says(script: str, engine: duckdb.DuckDBPyConnection) -> None:
    found = trace(script, "duckdb", {**TABLES, "o": {"o0": "int", "o1": "int"}})
    assert not found.not_analysed
    known = {(e.target.column, e.source.table, e.source.column) for table in found.tables for e in table.edges()}
    moved: set[tuple[str, str | None, str]] = set()
    for seed in range(12):
        data, other = data_of(seed), data_of(seed + 1000)
        before = _left(engine, script, data)
        for table, columns in TABLES.items():
            for column in columns:
                after = _left(engine, script, {**data, table: {**data[table], column: other[table][column]}})
                moved |= {(target, table, column) for target in before if after[target] != before[target]}
    assert moved <= _through_o(known)
    # Every source of a value shows at least once, so that the edges are not merely many; ids only change their order.
    direct = [edge for table in found.tables for edge in table.edges() if edge.kind == "direct"]
    values = {(edge.target.column, edge.source.table, edge.source.column) for edge in direct}
    assert {edge for edge in values if edge[2] != "id" and edge[1] != "o"} <= moved


def _through_o(known: set[tuple[str, str | None, str]]) -> set[tuple[str, str | None, str]]:
    """Also what reaches a column of the written table by way of another one of its columns."""
    every = set(known)
    for _ in range(3):
        every |= {
            (target, table, column) for target, by, middle in every if by == "o" for at, table, column in known if at == middle
        }
    return every


def _left(engine: duckdb.DuckDBPyConnection, script: str, data: Data) -> dict[str, Counter[str]]:
    fill(engine, data)
    engine.execute("create or replace table o (o0 int, o1 int)")
    engine.execute(script)
    return answer(engine, "select * from o")
