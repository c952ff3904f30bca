"""Result values as Python's. The engine's own conversion of instants needs a library that we do without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from startrail.adapters.warehouse.duckdb.exact import Output
from startrail.adapters.warehouse.duckdb.types import holds_instants, quote, storable, word
from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

_TEXT = Primitive("string")
_WALL = Primitive("timestamp")


class Shown(NamedTuple):
    """The SELECT list to fetch, and the schema of what arrives."""

    columns: str
    schema: TableSchema


def for_python(outputs: list[Output]) -> Shown:
    """Instants as wall times in UTC, to be made instants again; what no table can hold as text."""
    columns, parts = [], []
    for place, output in enumerate(outputs):
        kind = storable(output.type)
        # By position, because a query typed by hand may repeat a name.
        source = f"#{place + 1}"
        if kind is None:
            kind, source = _TEXT, f"CAST({source} AS VARCHAR)"
        elif holds_instants(kind):
            source = f"CAST({source} AS {word(_walls(kind))})"
        columns.append(Column(output.name, kind))
        parts.append(f"{source} AS {quote(output.name)}")
    return Shown(", ".join(parts), TableSchema(tuple(columns)))


def to_python(rows: list[tuple[Any, ...]], schema: TableSchema) -> list[tuple[Any, ...]]:
    """Give instants their zone back."""
    fixes = {place: _fix(column.type) for place, column in enumerate(schema.columns) if holds_instants(column.type)}
    if not fixes:
        return rows
    return [tuple(fixes[place](value) if place in fixes else value for place, value in enumerate(row)) for row in rows]


def _walls(kind: DataType) -> DataType:
    match kind:
        case Primitive(name="timestamptz"):
            return _WALL
        case Primitive() | Decimal():
            return kind
        case ListOf():
            return ListOf(_walls(kind.item))
        case MapOf():
            return MapOf(_walls(kind.key), _walls(kind.value))
        case StructOf():
            return StructOf(tuple((name, _walls(inner)) for name, inner in kind.fields))


def _fix(kind: DataType) -> Callable[[Any], Any]:
    """A function from the value that arrives to the value that is meant."""
    match kind:
        case Primitive(name="timestamptz"):
            return lambda value: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        case Primitive() | Decimal():
            return lambda value: value
        case ListOf():
            item = _fix(kind.item)
            return lambda value: None if value is None else [item(inner) for inner in value]
        case MapOf():
            fix_key, fix_value = _fix(kind.key), _fix(kind.value)
            return lambda value: None if value is None else {fix_key(k): fix_value(v) for k, v in value.items()}
        case StructOf():
            fields = {name: _fix(inner) for name, inner in kind.fields}
            return lambda value: None if value is None else {name: fields[name](inner) for name, inner in value.items()}
