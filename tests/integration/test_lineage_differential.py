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
