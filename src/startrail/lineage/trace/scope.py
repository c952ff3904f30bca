"""Which column a name means where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sqlglot import exp

from startrail.lineage.trace.flows import Flow, through
from startrail.lineage.trace.names import Names, loose
from startrail.lineage.trace.relations import Column, Relation, SeveralRests
from startrail.model.lineage import TRANSFORMATION

Place = Literal["select", "where", "group", "order"]
"""Where a name stands decides whether it may mean an alias of the SELECT list, and which comes first."""

_LATERAL_ALIASES = {"duckdb", "snowflake", "redshift", "databricks", "spark", "clickhouse", "teradata", "doris", "starrocks"}
_WHERE_ALIASES = {"duckdb", "snowflake", "clickhouse", "sqlite", "teradata"}
_WHOLE_ROWS = {"postgres", "duckdb", "bigquery", "redshift", "materialize", "risingwave"}
"""Dialects in which the name of a table may stand for its row."""
_ENGINE_MADE = {
    "oracle": {"rownum", "rowid", "level", "sysdate", "systimestamp", "user", "connect_by_isleaf", "connect_by_iscycle"},
    "snowflake": {"level"},
    "sqlite": {"rowid", "_rowid_", "oid"},
    "duckdb": {"rowid"},
    "postgres": {"ctid", "xmin", "xmax", "tableoid"},
    "bigquery": {"_partitiontime", "_partitiondate", "_table_suffix"},
}
"""What looks like a column and is made by the engine, by dialect."""
_NO_COLUMNS = {"default", "current_date", "current_timestamp", "current_user", "current_role"}


class Unresolved(Exception):
    """A name that cannot be given one meaning; the sentence says why."""


class Reader(Protocol):
    """What the parts of the analysis ask each other for."""

    dialect: str
    names: Names

    def query(self, node: exp.Expr, parent: Scope | None) -> Relation:
        """What a query returns that stands where ``parent`` is seen."""
        ...

    def table(self, node: exp.Table) -> Relation:
        """A table by name: from the text itself, from the schema, or unknown."""
        ...

    def text_of(self, node: exp.Expr) -> str:
        """An expression as it is written."""
        ...

    def problem(self, node: exp.Expr, reason: str) -> None:
        """Remember that something is not known."""
        ...


@dataclass
class Source:
    """One item of FROM: the parts of its name by which columns may be qualified, and what it is."""

    name: tuple[str, ...]
    relation: Relation
    hidden: bool = False
    """The right side of a semi or anti join: seen in ON only."""
    joined: frozenset[str] = frozenset()
    """Keys of columns that USING has merged into another."""

    def called(self, qualifier: Sequence[str]) -> bool:
        return bool(self.name) and self.name[-len(qualifier) :] == tuple(qualifier)


@dataclass
class Scope:
    """The names that one SELECT sees. ``weak``: the parent counts only for names that cannot stand here."""

    reader: Reader
    parent: Scope | None = None
    weak: bool = False
    ctes: dict[str, Relation] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Column] = field(default_factory=dict)
    rows: Flow = field(default_factory=dict)
    aliases: dict[str, Column] = field(default_factory=dict)
    windows: dict[str, exp.Expr] = field(default_factory=dict)

    def cte(self, key: str) -> Relation | None:
        """A common table expression that is visible here."""
        scope: Scope | None = self
        while scope is not None:
            if key in scope.ctes:
                return scope.ctes[key]
            scope = scope.parent
        return None

    def visible(self) -> list[Source]:
        return [source for source in self.sources if not source.hidden]

    def source(self, qualifier: Sequence[str]) -> Source | None:
        return next((source for source in self.sources if source.called(qualifier)), None)

    def column(self, parts: Sequence[exp.Expr], place: Place = "select") -> Column | None:
        """The column that a name of one or more parts means. None: not a column. Raises Unresolved."""
        if len(parts) > 1:
            found = self._qualified(parts)
            if found is not None:
                return found
        found = self._bare(parts[0], place)
        return _field(found, parts[1:]) if found is not None else None

    def _qualified(self, parts: Sequence[exp.Expr]) -> Column | None:
        keys = [loose(self.reader.names.part(part)) for part in parts]
        missing: str | None = None
        scope: Scope | None = self
        while scope is not None:
            for length in range(len(parts) - 1, 0, -1):
                source = scope.source(keys[:length])
                if source is None:
                    continue
                try:
                    found = source.relation.get(self.reader.names.column(parts[length]), parts[length].name)
                except SeveralRests:
                    raise Unresolved(
                        f"'{parts[length].name}' of '{parts[length - 1].name}' may come from several tables of unknown columns"
                    ) from None
                if found is not None:
                    return _field(found, parts[length + 1 :])
                missing = f"'{'.'.join(part.name for part in parts[:length])}' has no column '{parts[length].name}'"
            scope = scope.parent
        if missing is None:
            return None
        if self._known(parts[0]):
            return None  # a column of that name, and fields inside
        raise Unresolved(missing)

    def _known(self, name: exp.Expr) -> bool:
        key = self.reader.names.column(name)
        return any(source.relation.known(key) is not None for source in self.visible())

    def _bare(self, name: exp.Expr, place: Place) -> Column | None:
        key = self.reader.names.column(name)
        alias = self._alias(key, place)
        if place == "order" and alias is not None:
            return alias
        found = self._here(key)
        if found is not None:
            return found
        possible = self._possible(key, name.name)
        if alias is not None and (place == "group" or not possible or self.reader.dialect == "clickhouse"):
            return alias
        if name.name.lower() in _ENGINE_MADE.get(self.reader.dialect, _NO_COLUMNS) or name.name.lower() in _NO_COLUMNS:
            return None
        outer = self._outer(name)
        self._one_meaning(name.name, possible, alias, outer)
        if possible:
            return possible[0]
        if outer is not None:
            return outer
        if self.parent is not None:
            return self.parent._bare(name, "select")
        row = self.source([loose(self.reader.names.part(name))])
        if row is not None:
            return Column(name.name, through(row.relation.everything(), TRANSFORMATION))
        if not self.sources:
            return None
        raise Unresolved(f"no table here has a column '{name.name}'")

    def _here(self, key: str) -> Column | None:
        if key in self.merged:
            return self.merged[key]
        found = [column for source in self.visible() if (column := source.relation.known(key)) is not None]
        if len(found) > 1 and any(column.flow != found[0].flow for column in found):
            raise Unresolved(f"'{found[0].name}' is a column of {len(found)} tables here; qualify it")
        return found[0] if found else None

    def _possible(self, key: str, shown: str) -> list[Column]:
        """What the name may mean among the columns nobody knows: one per table."""
        return [
            rest.column(shown)
            for source in self.visible()
            if key not in source.joined
            for rest in source.relation.rests
            if key not in rest.without
        ]

    def _alias(self, key: str, place: Place) -> Column | None:
        dialect = self.reader.dialect
        if (place == "select" and dialect not in _LATERAL_ALIASES) or (place == "where" and dialect not in _WHERE_ALIASES):
            return None
        return self.aliases.get(key)

    def _outer(self, name: exp.Expr) -> Column | None:
        """What the name surely means further out, when this is a subquery that may look there."""
        scope = None if self.weak else self.parent
        while scope is not None:
            found = scope._here(scope.reader.names.column(name))
            if found is not None:
                return found
            scope = None if scope.weak else scope.parent
        return None

    def _one_meaning(self, name: str, possible: list[Column], alias: Column | None, outer: Column | None) -> None:
        others_same = all(column.flow == possible[0].flow for column in possible[1:])
        row = self.reader.dialect in _WHOLE_ROWS and self.source([name.lower()]) is not None
        if possible and others_same and not row and (alias is None or alias.flow == possible[0].flow) and outer is None:
            return
        if not possible:
            return
        tables = sorted({table for column in possible for table, _ in column.flow})
        others = [f"the alias '{name}'"] if alias is not None else []
        if row and alias is None and outer is None:
            others = [f"the row of '{name}'"]
        others += ["a table outside of the subquery"] if outer is not None and alias is None else []
        raise Unresolved(f"'{name}' may belong to {' or '.join([*tables, *others])}; their columns are not known")


def _field(column: Column, path: Sequence[exp.Expr]) -> Column:
    """A field inside a column: the column is what it is taken from."""
    return column if not path else Column(path[-1].name, through(column.flow, TRANSFORMATION))
