"""Relations: what stands in a FROM, with the flow of each column and of the rows as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from startrail.lineage.trace.flows import Flow, add, through
from startrail.lineage.trace.names import loose
from startrail.model.lineage import EVERY, IDENTITY


class Column(NamedTuple):
    """One column: the name it shows, what its values come from, its declared type if there is one."""

    name: str
    flow: Flow
    type: str | None = None


class Rest(NamedTuple):
    """Columns nobody has named: those of a table (``table``), or fields of a value (``flow``), less ``without``."""

    table: str | None
    flow: Flow
    without: frozenset[str] = frozenset()

    def column(self, name: str) -> Column:
        """The column of that name, taken on trust."""
        return Column(name, {(self.table, name): IDENTITY} if self.table is not None else dict(self.flow))

    def every(self) -> Flow:
        """All of them together."""
        return {(self.table, EVERY): IDENTITY} if self.table is not None else dict(self.flow)


class SeveralRests(Exception):
    """A column may come from more than one table whose columns are not known."""


@dataclass(frozen=True)
class Relation:
    """``columns`` by key, in order. ``rows``: what decides which rows there are; only indirect roles."""

    columns: dict[str, Column] = field(default_factory=dict)
    rows: Flow = field(default_factory=dict)
    rests: tuple[Rest, ...] = ()

    def known(self, key: str) -> Column | None:
        """A column that is surely there."""
        found = self.columns.get(key)
        return found if found is not None else self._loosely.get(loose(key))

    def get(self, key: str, shown: str) -> Column | None:
        """A column that is there, or that can only be one of a single table's unknown columns. Raises SeveralRests."""
        found = self.known(key)
        if found is not None or not self.rests:
            return found
        possible = [rest for rest in self.rests if key not in rest.without]
        if len(possible) > 1:
            raise SeveralRests
        return possible[0].column(shown) if possible else None

    def everything(self) -> Flow:
        """All values of all columns."""
        found: Flow = {}
        for column in self.columns.values():
            add(found, column.flow)
        for rest in self.rests:
            add(found, rest.every())
        return found

    def renamed(self, names: Iterable[tuple[str, str]]) -> Relation:
        """The first columns under new (key, shown) names, by position; needs them to be known."""
        given = list(names)
        if not given:
            return self
        if self.rests:
            # Nobody knows which unknown column stands where: each may come from any of them.
            every = through(self.everything(), IDENTITY)
            only = self.rests[0] if len(self.rests) == 1 and not self.columns else None
            flow = every if only is None or only.table is not None else dict(only.flow)
            return Relation({key: Column(shown, flow) for key, shown in given}, self.rows)
        columns: dict[str, Column] = {}
        for place, (key, column) in enumerate(self.columns.items()):
            if place < len(given):
                columns[given[place][0]] = column._replace(name=given[place][1])
            else:
                columns[key] = column
        return Relation(columns, self.rows)

    @cached_property
    def _loosely(self) -> dict[str, Column]:
        found: dict[str, Column | None] = {}
        for key, column in self.columns.items():
            found[loose(key)] = None if loose(key) in found else column
        return {key: column for key, column in found.items() if column is not None}


def collect(columns: Iterable[tuple[str, Column]]) -> dict[str, Column]:
    """Columns by key; a key that comes again is kept under one of its own, as SQL results may repeat names."""
    found: dict[str, Column] = {}
    for key, column in columns:
        unique, number = key, 2
        while unique in found:
            unique, number = f"{key}\0{number}", number + 1
        found[unique] = column
    return found
