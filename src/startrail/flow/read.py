"""Reading what is published: any SELECT over tables and views, also as they were."""

from __future__ import annotations

from startrail.base.text import did_you_mean
from startrail.flow.errors import UnknownTable
from startrail.flow.workspace import Workspace
from startrail.lineage.errors import ForbiddenStatement, SeveralStatements
from startrail.lineage.versions import versioned
from startrail.model.table import Relation, TableName, View, overlay
from startrail.ports.ledger import Ledger
from startrail.ports.tables import Tables
from startrail.ports.warehouse import Query


def published(sql: str, workspace: Workspace, ledger: Ledger, tables: Tables) -> Query:
    """The query with the relations it needs. Raises UnknownTable, and ModelError for SQL that is no SELECT."""
    from startrail.lineage.analyse import analyse

    found = versioned(sql)
    try:
        analysis = analyse(found.sql, path="query", first_line=1)
    except (ForbiddenStatement, SeveralStatements) as error:
        message = error.message.replace("a model is", "a query is", 1)
        raise type(error)(message, at=error.at, hint="write one SELECT; a query only reads") from None
    relations: dict[str, Relation | View] = {}
    for name in analysis.reads:
        if name in found.tables:
            table, version = found.tables[name]
            relations[name] = _as_it_was(name, table, version, workspace, ledger, tables)
        else:
            relations |= {relation.name: relation for relation in workspace.relations(name)}
    return Query(found.sql, tuple(relations.values()))


def _as_it_was(name: str, table: str, version: str, workspace: Workspace, ledger: Ledger, tables: Tables) -> Relation:
    parsed = TableName.parse(table)
    if version == "failed":
        change = ledger.held(parsed)
        if change is None:
            raise UnknownTable(f"nothing of '{table}' is held back by a failed check", hint=f"query '{table}' itself")
        return overlay(name, workspace.state(table), change)
    pointer = workspace.pointers.get(parsed)
    if pointer is None:
        raise UnknownTable(f"there is no table '{table}' yet", hint=did_you_mean(table, map(str, workspace.pointers)))
    schema, files = tables.files(pointer, int(version))
    return Relation(name, schema, files)
