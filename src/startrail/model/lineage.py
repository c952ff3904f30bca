"""Column lineage as values: which columns a table's columns come from, and in which role."""

from __future__ import annotations

from typing import Literal

import msgspec

from startrail.base.span import Span

IDENTITY, TRANSFORMATION, AGGREGATION = 1, 2, 4
JOIN, FILTER, GROUP_BY, SORT, WINDOW, CONDITIONAL = 8, 16, 32, 64, 128, 256
DIRECT = IDENTITY | TRANSFORMATION | AGGREGATION

Kind = Literal["direct", "indirect"]
Subtype = Literal["identity", "transformation", "aggregation", "join", "filter", "group_by", "sort", "window", "conditional"]

SUBTYPES: dict[int, Subtype] = {
    AGGREGATION: "aggregation", TRANSFORMATION: "transformation", IDENTITY: "identity", JOIN: "join", FILTER: "filter",
    GROUP_BY: "group_by", SORT: "sort", WINDOW: "window", CONDITIONAL: "conditional",
}  # fmt: skip
"""Role -> its word. The direct ones stand strongest first: a value that is aggregated anywhere counts as aggregated."""

EVERY = "*"
"""As a column: every column of a table of which it is not known which columns it has."""


class Influence(msgspec.Struct, frozen=True, array_like=True):
    """One column that a value or a row set depends on; ``roles`` is a sum of the role constants."""

    table: str
    column: str
    roles: int

    def subtypes(self) -> tuple[tuple[Kind, Subtype], ...]:
        """Its kinds and subtypes: of the direct ones only the strongest, of the indirect ones all."""
        direct = next((word for role, word in SUBTYPES.items() if role & DIRECT & self.roles), None)
        found: list[tuple[Kind, Subtype]] = []
        if direct is not None:
            found.append(("direct", direct))
        for role, word in SUBTYPES.items():
            if role & self.roles & ~DIRECT:
                found.append(("indirect", word))
        return tuple(found)


class TracedColumn(msgspec.Struct, frozen=True, array_like=True):
    """One column and what its values come from."""

    name: str
    influences: tuple[Influence, ...] = ()


class TracedTable(msgspec.Struct, frozen=True, array_like=True):
    """One table that a text writes; ``table`` None = the rows that a query returns.

    ``rows`` influences which rows there are, and so every column.
    """

    table: str | None
    columns: tuple[TracedColumn, ...] = ()
    rows: tuple[Influence, ...] = ()

    def edges(self) -> tuple[Edge, ...]:
        """Every column with every influence on it, in the order of the text."""
        found: dict[Edge, None] = {}
        for column in self.columns:
            target = ColumnName(self.table, column.name)
            roles: dict[ColumnName, int] = {}
            for each in (*column.influences, *self.rows):
                source = ColumnName(each.table, each.column)
                roles[source] = roles.get(source, 0) | each.roles
            for source, role in roles.items():
                for kind, subtype in Influence(source.table or "", source.column, role).subtypes():
                    found[Edge(target, source, kind, subtype)] = None
        return tuple(found)


class NotAnalysed(msgspec.Struct, frozen=True):
    """A place of which the lineage says nothing, and why. Line and column count from 1, statements too."""

    statement: int
    line: int
    column: int
    reason: str
    text: str = ""
    """How the statement, or the name, is written."""


class Traced(msgspec.Struct, frozen=True):
    """All that a text writes or returns."""

    tables: tuple[TracedTable, ...] = ()
    not_analysed: tuple[NotAnalysed, ...] = ()


class ColumnName(msgspec.Struct, frozen=True, order=True):
    """A column of a table; ``table`` None = of a query's result."""

    table: str | None
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}" if self.table else self.column


class Edge(msgspec.Struct, frozen=True):
    """One influence of ``source`` on ``target``, named as OpenLineage names it."""

    target: ColumnName
    source: ColumnName
    kind: Kind
    subtype: Subtype


class Node(msgspec.Struct, frozen=True):
    """A table, source or report of the project, with its columns as far as they are known."""

    name: str
    kind: Literal["source", "table", "view", "script", "report"]
    columns: tuple[str, ...] = ()
    at: Span | None = None
