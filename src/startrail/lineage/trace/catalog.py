"""Tables by name while a script is read: those of the schema, those it makes, and scratch ones that it sees through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from startrail.lineage.trace.flows import Flow, Leaf, add
from startrail.lineage.trace.names import Names, loose
from startrail.lineage.trace.relations import Column, Relation, Rest
from startrail.model.lineage import IDENTITY

Key = tuple[str, ...]
Schemas = Mapping[str, Mapping[str, str]]
"""Table -> column -> type."""
Moved = Callable[[Leaf], Leaf]


@dataclass
class Write:
    """What one statement puts into one table; ``table`` None = the rows it returns."""

    table: Key | None
    columns: dict[str, Column]
    rows: Flow = field(default_factory=dict)
    rests: tuple[Rest, ...] = ()


@dataclass
class Catalog:
    """Scratch tables are temporary ones and those dropped before the end: what is read from them comes from their sources."""

    names: Names
    schemas: Schemas = field(default_factory=dict)
    shown: dict[Key, str] = field(default_factory=dict)
    scratch: dict[Key, Relation] = field(default_factory=dict)
    made: dict[Key, Relation] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._declared: dict[tuple[str, ...], list[str]] = {}
        for name in self.schemas:
            parts = tuple(loose(part.strip('"`[] ')) for part in name.split("."))
            for start in range(len(parts)):
                self._declared.setdefault(parts[start:], []).append(name)
        self._relations: dict[Key, Relation] = {}

    def key(self, table: exp.Expr) -> Key:
        """What a table is known by; remembers how it is first written."""
        parts = table.parts if isinstance(table, exp.Table) else [table]
        key = tuple(self.names.part(part) for part in parts)
        self.shown.setdefault(key, ".".join(_shown(part) for part in parts))
        return key

    def relation(self, table: exp.Expr) -> Relation:
        """What a reader of the table sees."""
        key = self.key(table)
        if key in self.scratch:
            return self.scratch[key]
        if key in self.made:
            return self.made[key]
        if key not in self._relations:
            self._relations[key] = self._from_schema(key)
        return self._relations[key]

    def columns(self, table: exp.Expr) -> dict[str, str] | None:
        """The table's columns, key -> name, in order; None when they are not all known."""
        found = self.relation(table)
        return None if found.rests else {key: column.name for key, column in found.columns.items()}

    def define(self, key: Key, write: Write) -> None:
        """From now on the table has these columns."""
        if key in self.scratch:
            self.scratch[key] = Relation(write.columns, write.rows, write.rests)
            return
        name = self.shown[key]
        columns = {
            each: Column(column.name, {(name, column.name): IDENTITY}, column.type) for each, column in write.columns.items()
        }
        self.made[key] = Relation(columns, {}, (Rest(name, {}),) if write.rests else ())

    def extend(self, key: Key, write: Write) -> None:
        """More rows for a scratch table."""
        before = self.scratch[key]
        columns = dict(before.columns)
        for each, column in write.columns.items():
            columns[each] = _joined(columns.get(each), column, {})
        rows = dict(before.rows)
        add(rows, write.rows)
        self.scratch[key] = Relation(
            columns, rows, tuple(dict.fromkeys((*before.rests, *write.rests))) if write.rests else before.rests
        )

    def change(self, key: Key, write: Write) -> None:
        """Other values in some columns of a scratch table; ``rows`` decided which."""
        before = self.scratch[key]
        columns = dict(before.columns)
        for each, column in write.columns.items():
            columns[each] = _joined(columns.get(each), column, write.rows)
        self.scratch[key] = Relation(columns, before.rows, before.rests)

    def drop(self, key: Key) -> None:
        self.scratch.pop(key, None)
        self.made.pop(key, None)

    def rename(self, old: Key, new: Key) -> None:
        """A table changes its name, also in what was said about it so far."""
        for tables in (self.scratch, self.made, self._relations):
            if old in tables:
                tables[new] = tables.pop(old)
        self._retell({self.shown[old]: self.shown[new]}, {old: new})

    def swap(self, one: Key, other: Key) -> None:
        """Two tables change places."""
        for tables in (self.scratch, self.made, self._relations):
            first, second = tables.pop(one, None), tables.pop(other, None)
            if first is not None:
                tables[other] = first
            if second is not None:
                tables[one] = second
        self._retell({self.shown[one]: self.shown[other], self.shown[other]: self.shown[one]}, {one: other, other: one})

    def rename_column(self, key: Key, old: str, new_key: str, new: str) -> None:
        """A column changes its name, also in what was said about it so far."""
        table = self.shown[key]
        before = self.relation_of(key).known(old)
        shown = before.name if before is not None else old

        def moved(leaf: Leaf) -> Leaf:
            return (table, new) if leaf[0] == table and leaf[1].lower() == shown.lower() else leaf

        for tables in (self.scratch, self.made):
            for each, relation in tables.items():
                tables[each] = _mapped(relation, moved)
            if key in tables:
                tables[key] = _with_name(tables[key], old, new_key, new)
        if key not in self.scratch and key not in self.made and before is not None:
            self.made[key] = _with_name(_mapped(self.relation_of(key), moved), old, new_key, new)
        for write in self.writes:
            _map_write(write, moved)
            if write.table == key:
                write.columns = _with_name(Relation(write.columns), old, new_key, new).columns

    def relation_of(self, key: Key) -> Relation:
        found = self.scratch.get(key) or self.made.get(key) or self._relations.get(key)
        return found if found is not None else self._from_schema(key)

    def _from_schema(self, key: Key) -> Relation:
        name = self.shown[key]
        declared = self._declared_as(tuple(loose(part) for part in key))
        if declared is None:
            return Relation(rests=(Rest(name, {}),))
        columns: dict[str, Column] = {}
        for column, kind in declared.items():
            identifier = exp.to_identifier(column, quoted=True)
            columns[self.names.column(identifier)] = Column(column, {(name, column): IDENTITY}, kind)
        return Relation(columns)

    def _declared_as(self, parts: tuple[str, ...]) -> Mapping[str, str] | None:
        """The schema's entry for a name; either may be written with more of its qualifiers. Only if it is the one."""
        for start in range(len(parts)):
            names = self._declared.get(parts[start:], ())
            exact = [name for name in names if len(name.split(".")) == len(parts) - start]
            found = exact or (names if start == 0 else ())
            if len(found) == 1:
                return self.schemas[found[0]]
            if found:
                return None
        return None

    def _retell(self, shown: dict[str, str], keys: dict[Key, Key]) -> None:
        def moved(leaf: Leaf) -> Leaf:
            return (shown.get(leaf[0], leaf[0]), leaf[1])

        for tables in (self.scratch, self.made, self._relations):
            for each, relation in tables.items():
                tables[each] = _mapped(relation, moved, shown)
        for write in self.writes:
            _map_write(write, moved, shown)
            if write.table is not None:
                write.table = keys.get(write.table, write.table)


def _shown(part: exp.Expr) -> str:
    mark = "#" if part.args.get("temporary") else "@" if isinstance(part, exp.Parameter) else ""
    return mark + part.name


def _joined(before: Column | None, more: Column, rows: Flow) -> Column:
    flow: Flow = dict(before.flow) if before is not None else {}
    add(flow, more.flow)
    add(flow, rows)
    return Column(before.name if before is not None else more.name, flow, before.type if before is not None else more.type)


def _moved_flow(flow: Flow, moved: Moved) -> Flow:
    found: Flow = {}
    for leaf, roles in flow.items():
        add(found, {moved(leaf): roles})
    return found


def _mapped(relation: Relation, moved: Moved, shown: Mapping[str, str] | None = None) -> Relation:
    columns = {key: column._replace(flow=_moved_flow(column.flow, moved)) for key, column in relation.columns.items()}
    rests = tuple(_moved_rest(rest, moved, shown) for rest in relation.rests)
    return Relation(columns, _moved_flow(relation.rows, moved), rests)


def _moved_rest(rest: Rest, moved: Moved, shown: Mapping[str, str] | None) -> Rest:
    table = (shown or {}).get(rest.table, rest.table) if rest.table is not None else None
    return rest._replace(table=table, flow=_moved_flow(rest.flow, moved))


def _map_write(write: Write, moved: Moved, shown: Mapping[str, str] | None = None) -> None:
    found = _mapped(Relation(write.columns, write.rows, write.rests), moved, shown)
    write.columns, write.rows, write.rests = found.columns, found.rows, found.rests


def _with_name(relation: Relation, old: str, key: str, name: str) -> Relation:
    columns = {
        (key if each == old else each): (column._replace(name=name) if each == old else column)
        for each, column in relation.columns.items()
    }
    return Relation(columns, relation.rows, relation.rests)
