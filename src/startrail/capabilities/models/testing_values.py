"""Values as people write them in a unit test, as values of a column's type; and rows compared as multisets."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal as Number
from decimal import InvalidOperation
from typing import Any
from uuid import UUID

from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

_INFERRED: dict[type[object], str] = {bool: "boolean", int: "long", float: "double", str: "string"}


def infer(rows: Iterable[Mapping[str, object]]) -> TableSchema:
    """A schema from values alone, for a table that nothing else describes. A column of only NULL is text."""
    kinds: dict[str, DataType] = {}
    for row in rows:
        for name, value in row.items():
            if value is None:
                kinds.setdefault(name, Primitive("null"))
            elif kinds.get(name) in (None, Primitive("null"), Primitive("long")):
                kinds[name] = _inferred(value)
    return TableSchema(
        tuple(Column(name, Primitive("string") if kind == Primitive("null") else kind) for name, kind in kinds.items())
    )


def typed(value: object, kind: DataType) -> Any:
    """The value, exactly, in the Python type of a column. Raises ValueError with a sentence."""
    if value is None:
        return None
    try:
        return _typed(value, kind)
    except (TypeError, ValueError, InvalidOperation):
        raise ValueError(f"{value!r} is not a value of type {kind}") from None


def as_built(value: Any, kind: DataType) -> Any:
    """A result value as the table would hold it, where the header promises a decimal for a double or a whole number."""
    if isinstance(kind, Decimal) and isinstance(value, float | int):
        return Number(str(value))
    return value


def comparable(value: Any) -> Any:
    """Hashable, and equal when two values mean the same; doubles to twelve digits, since sums of them are not exact."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, list):
        return tuple(comparable(item) for item in value)
    if isinstance(value, dict):
        return tuple(sorted((str(key), comparable(item)) for key, item in value.items()))
    return value


def _inferred(value: object) -> DataType:
    if isinstance(value, list):
        return ListOf(_inferred(value[0]) if value else Primitive("string"))
    if isinstance(value, dict):
        return StructOf(tuple((str(name), _inferred(inner)) for name, inner in value.items()))
    return Primitive(_INFERRED.get(type(value), "string"))


def _typed(value: object, kind: DataType) -> Any:
    match kind:
        case Decimal():
            return _number(value, kind)
        case ListOf():
            if not isinstance(value, list):
                raise TypeError
            return [typed(item, kind.item) for item in value]
        case MapOf():
            if not isinstance(value, dict):
                raise TypeError
            return {typed(key, kind.key): typed(item, kind.value) for key, item in value.items()}
        case StructOf():
            if not isinstance(value, dict) or value.keys() - {name for name, _ in kind.fields}:
                raise TypeError
            return {name: typed(value.get(name), inner) for name, inner in kind.fields}
        case Primitive():
            return _primitive(value, kind.name)


def _number(value: object, kind: Decimal) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = Number(str(value))
    if number != round(number, kind.scale):
        raise ValueError
    return number


def _primitive(value: object, name: str) -> Any:
    if name == "string":
        if isinstance(value, str):
            return value
    elif name == "boolean":
        if isinstance(value, bool):
            return value
    elif name in ("int", "long"):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    elif name in ("float", "double"):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif isinstance(value, str):
        return _from_text(value, name)
    raise TypeError


def _from_text(text: str, name: str) -> Any:
    match name:
        case "date":
            return date.fromisoformat(text)
        case "time":
            return time.fromisoformat(text)
        case "timestamp":
            wall = datetime.fromisoformat(text)
            if wall.tzinfo is not None:
                raise ValueError
            return wall
        case "timestamptz":
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is None:
                raise ValueError
            return instant.astimezone(UTC)
        case "uuid":
            return UUID(text)
        case "binary":
            return base64.b64decode(text, validate=True)
        case _:
            raise TypeError
