"""Fields with what is inside them: objects from their properties, arrays from their item, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.model.contract import Field
from startrail.model.types import DataType, ListOf, MapOf, StructOf

ITEM = "[]"
VALUE = "{}"
"""How a path goes on into an array's items and a map's values."""


def object_field(name: str, fields: tuple[Field, ...], **promises: Any) -> Field:
    """An object with these properties."""
    return Field(name, StructOf(tuple((field.name, field.type) for field in fields)), fields=fields, **promises)


def array_field(name: str, item: Field, **promises: Any) -> Field:
    """An array whose items are like ``item``, which needs no name."""
    item = msgspec.structs.replace(item, name="element")
    return Field(name, ListOf(item.type), item=item, **promises)


def map_field(name: str, key: DataType, value: DataType, **promises: Any) -> Field:
    """A map; of its sides a contract keeps the types only."""
    return Field(name, MapOf(key, value), **promises)


def field_of(name: str, kind: DataType, **promises: Any) -> Field:
    """A field of a type, with fields made up for what is inside."""
    if isinstance(kind, StructOf):
        return object_field(name, tuple(field_of(inner, part) for inner, part in kind.fields), **promises)
    if isinstance(kind, ListOf):
        return array_field(name, field_of("element", kind.item), **promises)
    return Field(name, kind, **promises)


def inner_fields(field: Field) -> tuple[Field, ...]:
    """What is directly inside: an object's properties, an array's ``element``, a map's ``key`` and ``value``."""
    kind = field.type
    if isinstance(kind, StructOf):
        return field.fields or field_of("", kind).fields
    if isinstance(kind, ListOf):
        return (field.item or field_of("element", kind.item),)
    if isinstance(kind, MapOf):
        return field_of("key", kind.key), field_of("value", kind.value)
    return ()
