"""The engine's own word on what kind of statements a text holds, before any of it runs."""

from __future__ import annotations

import re

import duckdb
from duckdb import StatementType

from startrail.adapters.warehouse.duckdb.failures import Place, translated
from startrail.ports.warehouse import DoesNotBind, NotAllowed

_IN_SCRIPTS = {
    StatementType.SELECT,
    StatementType.INSERT,
    StatementType.UPDATE,
    StatementType.DELETE,
    StatementType.MERGE_INTO,
    StatementType.CREATE,
    StatementType.DROP,
    StatementType.ALTER,
    StatementType.TRANSACTION,
    StatementType.VARIABLE_SET,
    StatementType.MULTI,
}

_SET_VARIABLE = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*set\s+variable\s", re.IGNORECASE | re.DOTALL)


def statements(cursor: duckdb.DuckDBPyConnection, place: Place) -> list[duckdb.Statement]:
    """A script's statements. Raises NotAllowed for one that does more than change scratch tables."""
    with translated(Place(place.sql, place.path, place.first_line), memory=0):
        found = cursor.extract_statements(place.sql)
    for statement in found:
        if statement.type not in _IN_SCRIPTS and not _sets_variable(statement):
            raise NotAllowed(
                f"a script must not run: {statement.query.strip().splitlines()[0]}",
                at=place.span(None),
                hint="a script creates, fills, changes and drops tables",
            )
    return found


def only_select(cursor: duckdb.DuckDBPyConnection, sql: str, place: Place) -> str:
    """The text of the one SELECT, without its semicolon. Raises NotAllowed for anything else."""
    with translated(Place(sql, place.path, place.first_line), memory=0):
        found = cursor.extract_statements(sql)
    if len(found) == 1 and found[0].type == StatementType.MULTI:
        raise DoesNotBind(
            "PIVOT without a list of values makes columns out of data",
            at=place.span(None),
            hint="list them: PIVOT ... ON column IN (...)",
        )
    if len(found) != 1 or found[0].type != StatementType.SELECT:
        raise NotAllowed("only one SELECT can be run here", at=place.span(None), hint="keep one SELECT")
    return _without_semicolon(cursor, sql)


def parameters_of(cursor: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """Names of the parameters of a text that has been judged."""
    return {name for statement in cursor.extract_statements(sql) for name in statement.named_parameters}


def _without_semicolon(cursor: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The text up to a semicolon after which only comments follow. One inside a string or comment does not count."""
    for at in range(len(sql) - 1, -1, -1):
        if sql[at] == ";" and _count(cursor, sql[at + 1 :]) == 0 and _count(cursor, sql[:at]) == 1:
            return sql[:at]
    return sql


def _count(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    try:
        return len(cursor.extract_statements(sql))
    except duckdb.Error:
        return -1


def _sets_variable(statement: duckdb.Statement) -> bool:
    return statement.type == StatementType.SET and _SET_VARIABLE.match(statement.query) is not None
