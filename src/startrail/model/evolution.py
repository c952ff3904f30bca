"""How a table's columns change: which keep their field id, which types may widen, which id comes next.

Data files are read by field id, so an id must mean one column for ever: a renamed column keeps it, a
column whose type changed beyond a widening is another column and gets a fresh one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

_WIDENINGS = {("int", "long"), ("float", "double")}


def assign_ids(schema: TableSchema, current: TableSchema | None, last_id: int) -> TableSchema:
    """``schema`` with a field id for every column and inner field.

    A column that already has an id of ``current`` keeps it (a rename); otherwise the column of the same name
    gives its id. Both only when the type is equal or wider; all others get ids greater than ``last_id``.
    """
    known = {column.id: column for column in current.columns} if current is not None else {}
    by_name = {column.name: column for column in known.values()}
    fresh = count(max([last_id, *(id for column in known.values() for id in ids_of(column))]) + 1)
    renamed = {column.id for column in schema.columns if column.id in known}
    columns: list[Column] = []
    for column in schema.columns:
        origin = known.get(column.id)
        if origin is None:
            origin = by_name.get(column.name)
            if origin is not None and origin.id in renamed:
                origin = None
        columns.append(_assigned(column, origin, fresh))
    return TableSchema(tuple(columns))


def widens(old: DataType, new: DataType) -> bool:
    """True when every value of ``old`` is a value of ``new`` in Iceberg's sense (equal types included).

    A struct may gain, lose and retype fields, since each inner field has its own id; the element of a list
    and the key and value of a map may only widen.
    """
    match old, new:
        case Primitive(), Primitive():
            return old == new or (old.name, new.name) in _WIDENINGS
        case Decimal(), Decimal():
            return old.scale == new.scale and old.precision <= new.precision
        case ListOf(), ListOf():
            return widens(old.item, new.item)
        case MapOf(), MapOf():
            return old.key == new.key and widens(old.value, new.value)
        case StructOf(), StructOf():
            return True
    return False


def united(first: TableSchema, second: TableSchema) -> TableSchema:
    """The columns of both, those of ``second`` first; of a column that both have, the wider type."""
    known = {column.id: column for column in first.columns}
    columns = [_wider(column, known.get(column.id)) for column in second.columns]
    there = {column.id for column in columns} | {0}
    names = {column.name.lower() for column in columns}
    more = (column for column in first.columns if column.id not in there and column.name.lower() not in names)
    return TableSchema((*columns, *more))


def ids_of(column: Column) -> tuple[int, ...]:
    """The column's own id and those of its inner fields."""
    return (column.id, *column.nested)


def greatest_id(schema: TableSchema) -> int:
    """The greatest field id in use; 0 for no columns."""
    return max((id for column in schema.columns for id in ids_of(column)), default=0)


def inner_fields(kind: DataType) -> tuple[tuple[str, DataType], ...]:
    """What is directly inside a type, in the order in which ``Column.nested`` lists ids."""
    match kind:
        case ListOf():
            return (("element", kind.item),)
        case MapOf():
            return (("key", kind.key), ("value", kind.value))
        case StructOf():
            return kind.fields
    return ()


def _wider(column: Column, other: Column | None) -> Column:
    if other is None or other.type == column.type or not widens(column.type, other.type) or widens(other.type, column.type):
        return column
    return Column(column.name, other.type, column.id, other.nested, column.required and other.required, column.doc)


def _assigned(column: Column, origin: Column | None, fresh: Iterator[int]) -> Column:
    if origin is None or not widens(origin.type, column.type):
        own, old = next(fresh), {}
    else:
        own, old = origin.id, _by_path(origin.type, iter(origin.nested), ())
    nested = tuple(_nested(column.type, old, fresh, ()))
    return Column(column.name, column.type, own, nested, column.required, column.doc)


_Path = tuple[str, ...]


def _by_path(kind: DataType, ids: Iterator[int], at: _Path) -> dict[_Path, tuple[int, DataType]]:
    found: dict[_Path, tuple[int, DataType]] = {}
    for name, inner in inner_fields(kind):
        found[(*at, name)] = (next(ids), inner)
        found |= _by_path(inner, ids, (*at, name))
    return found


def _nested(kind: DataType, old: dict[_Path, tuple[int, DataType]], fresh: Iterator[int], at: _Path) -> Iterator[int]:
    for name, inner in inner_fields(kind):
        path = (*at, name)
        origin = old.get(path)
        if origin is not None and widens(origin[1], inner):
            yield origin[0]
            yield from _nested(inner, old, fresh, path)
        else:
            yield next(fresh)
            yield from _nested(inner, {}, fresh, path)
