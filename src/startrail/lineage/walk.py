"""Walks over an atlas: where a column comes from, and what it feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from startrail.base.text import did_you_mean, printable
from startrail.lineage.atlas import Atlas
from startrail.lineage.errors import UnknownLineage
from startrail.model.lineage import EVERY, ColumnName, Edge, Influence, Subtype

Direction = Literal["up", "down"]


class Link(msgspec.Struct, frozen=True):
    """One step to the next column, with every way in which the one influences the other, strongest first."""

    to: ColumnName
    subtypes: tuple[Subtype, ...]
    direct: bool


class Tree(msgspec.Struct, frozen=True):
    """A column with what it leads to. ``repeated``: it stands in full elsewhere in the tree."""

    column: ColumnName
    subtypes: tuple[Subtype, ...] = ()
    branches: tuple[Tree, ...] = ()
    repeated: bool = False


class Map:
    """The atlas, ready for walks in both directions. Names are found in any letter case."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self._tables = {name.lower(): name for name in atlas.nodes}
        self._down: dict[ColumnName, dict[ColumnName, int]] | None = None

    def find(self, text: str) -> tuple[ColumnName, ...]:
        """The columns that a name means: one, or all of a table, source or report. Raises UnknownLineage."""
        wanted = text.strip().lower()
        for name in (wanted, f"source:{wanted}", f"report:{wanted}"):
            if name in self._tables:
                table = self._tables[name]
                return tuple(ColumnName(table, column) for column in self.atlas.nodes[table].columns)
        table, dot, column = wanted.rpartition(".")
        for name in (table, f"source:{table}", f"report:{table}") if dot else ():
            if name in self._tables:
                return (self._column(self._tables[name], column),)
        names = [*self.atlas.nodes, *(name.partition(":")[2] for name in self.atlas.nodes if ":" in name)]
        raise UnknownLineage(
            f"the project has no table, source or report '{printable(text, 80)}'",
            hint=did_you_mean(text, names, "a table is namespace.name, a column namespace.name.column"),
        )

    def _column(self, table: str, column: str) -> ColumnName:
        known = self.atlas.nodes[table].columns
        found = next((name for name in known if name.lower() == column), None)
        if found is None:
            raise UnknownLineage(
                f"'{table}' has no column '{printable(column, 80)}'",
                at=self.atlas.nodes[table].at,
                hint=did_you_mean(column, known, f"its columns: startrail lineage {table}"),
            )
        return ColumnName(table, found)

    def links(self, column: ColumnName, direction: Direction) -> tuple[Link, ...]:
        """The next columns."""
        roles = self._up_roles(column) if direction == "up" else self._downward().get(column, {})
        return tuple(_link(other, mask) for other, mask in roles.items())

    def tree(self, column: ColumnName, direction: Direction, hops: int | None = None) -> Tree:
        """Everything within ``hops`` steps, each column once in full."""
        return self._grown(column, direction, hops)

    def edges(self, columns: Iterable[ColumnName], direction: Direction, hops: int | None = None) -> Iterator[tuple[int, Edge]]:
        """Every edge within ``hops`` steps with its distance, breadth first."""
        seen = set(columns)
        front: Sequence[ColumnName] = [*seen] if not isinstance(columns, tuple) else columns
        depth = 0
        while front and (hops is None or depth < hops):
            depth += 1
            following: dict[ColumnName, None] = {}
            for column in front:
                for link in self.links(column, direction):
                    target, source = (column, link.to) if direction == "up" else (link.to, column)
                    for kind, subtype in _words(link):
                        yield depth, Edge(target, source, kind, subtype)  # type: ignore[bad-argument-type]
                    if link.to not in seen:
                        seen.add(link.to)
                        following[link.to] = None
            front = [*following]

    def _grown(self, start: ColumnName, direction: Direction, hops: int | None) -> Tree:
        """Breadth first for what stands in full where, then built from the leaves without recursion."""
        full: dict[ColumnName, tuple[Link, ...]] = {}
        parent: dict[ColumnName, ColumnName | None] = {start: None}
        front, depth = [start], 0
        while front and (hops is None or depth < hops):
            following = []
            for column in front:
                full[column] = self.links(column, direction)
                for link in full[column]:
                    if link.to not in parent:
                        parent[link.to] = column
                        following.append(link.to)
            front, depth = following, depth + 1
        built: dict[ColumnName, Tree] = {}
        for column in reversed([*parent]):
            branches = [
                msgspec.structs.replace(built[link.to], subtypes=link.subtypes)
                if parent[link.to] == column
                else Tree(link.to, link.subtypes, repeated=bool(self.links(link.to, direction)))
                for link in full.get(column, ())
            ]
            built[column] = Tree(column, (), tuple(branches))
        return built[start]

    def _up_roles(self, column: ColumnName) -> dict[ColumnName, int]:
        table = self.atlas.tables.get(column.table or "")
        if table is None:
            return {}
        found: dict[ColumnName, int] = {}
        for each in table.columns:
            if each.name == column.column:
                _gather(found, each.influences)
        _gather(found, table.rows)
        return {self._real(other): mask for other, mask in found.items()}

    def _real(self, column: ColumnName) -> ColumnName:
        """The column under the name that its table gives it."""
        table = self._tables.get((column.table or "").lower())
        if table is None:
            return column
        name = next((each for each in self.atlas.nodes[table].columns if each.lower() == column.column.lower()), column.column)
        return ColumnName(table, name)

    def _downward(self) -> dict[ColumnName, dict[ColumnName, int]]:
        if self._down is None:
            self._down = {}
            for name in self.atlas.tables:
                for column in self.atlas.nodes[name].columns:
                    target = ColumnName(name, column)
                    for source, mask in self._up_roles(target).items():
                        for each in self._every(source):
                            self._down.setdefault(each, {})[target] = mask
        return self._down

    def _every(self, source: ColumnName) -> Iterable[ColumnName]:
        if source.column != EVERY or source.table not in self.atlas.nodes:
            return (source,)
        return [source, *(ColumnName(source.table, column) for column in self.atlas.nodes[source.table].columns)]


def _gather(into: dict[ColumnName, int], influences: Iterable[Influence]) -> None:
    for each in influences:
        name = ColumnName(each.table, each.column)
        into[name] = into.get(name, 0) | each.roles


def _link(other: ColumnName, mask: int) -> Link:
    words = Influence("", "", mask).subtypes()
    return Link(other, tuple(subtype for _, subtype in words), any(kind == "direct" for kind, _ in words))


def _words(link: Link) -> list[tuple[str, Subtype]]:
    return [("direct" if link.direct and place == 0 else "indirect", subtype) for place, subtype in enumerate(link.subtypes)]
