"""Our types and schemas as Iceberg's, and back."""

from __future__ import annotations

from collections.abc import Iterator

from pyiceberg import types as iceberg
from pyiceberg.schema import Schema

from startrail.model.table import Column, TableSchema
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

_PRIMITIVES: dict[str, iceberg.PrimitiveType] = {
    "boolean": iceberg.BooleanType(),
    "int": iceberg.IntegerType(),
    "long": iceberg.LongType(),
    "float": iceberg.FloatType(),
    "double": iceberg.DoubleType(),
    "date": iceberg.DateType(),
    "time": iceberg.TimeType(),
    "timestamp": iceberg.TimestampType(),
    "timestamptz": iceberg.TimestamptzType(),
    "string": iceberg.StringType(),
    "binary": iceberg.BinaryType(),
    "uuid": iceberg.UUIDType(),
}
_NAMES: dict[type[iceberg.IcebergType], str] = {type(kind): name for name, kind in _PRIMITIVES.items()}


def to_iceberg(schema: TableSchema, schema_id: int) -> Schema:
    """The Iceberg schema with the field ids of ``schema``."""
    fields = (
        iceberg.NestedField(
            column.id, column.name, _outward(column.type, iter(column.nested)), required=column.required, doc=column.doc
        )
        for column in schema.columns
    )
    return Schema(*fields, schema_id=schema_id)


def from_iceberg(schema: Schema) -> TableSchema:
    """Our schema. Raises ValueError for a type that we do not have (fixed, nanoseconds, ...)."""
    return TableSchema(tuple(_column(field) for field in schema.fields))


def _outward(kind: DataType, ids: Iterator[int]) -> iceberg.IcebergType:
    match kind:
        case Primitive():
            return _PRIMITIVES[kind.name]
        case Decimal():
            return iceberg.DecimalType(kind.precision, kind.scale)
        case ListOf():
            return iceberg.ListType(next(ids), _outward(kind.item, ids), element_required=False)
        case MapOf():
            key_id, key = next(ids), _outward(kind.key, ids)
            return iceberg.MapType(key_id, key, next(ids), _outward(kind.value, ids), value_required=False)
        case StructOf():
            return iceberg.StructType(
                *(iceberg.NestedField(next(ids), name, _outward(inner, ids), required=False) for name, inner in kind.fields)
            )


def _column(field: iceberg.NestedField) -> Column:
    ids: list[int] = []
    kind = _inward(field.field_type, ids)
    return Column(field.name, kind, field.field_id, tuple(ids), field.required, field.doc)


def _inward(kind: iceberg.IcebergType, ids: list[int]) -> DataType:
    if isinstance(kind, iceberg.DecimalType):
        return Decimal(kind.precision, kind.scale)
    if isinstance(kind, iceberg.ListType):
        ids.append(kind.element_id)
        return ListOf(_inward(kind.element_type, ids))
    if isinstance(kind, iceberg.MapType):
        ids.append(kind.key_id)
        key = _inward(kind.key_type, ids)
        ids.append(kind.value_id)
        return MapOf(key, _inward(kind.value_type, ids))
    if isinstance(kind, iceberg.StructType):
        fields: list[tuple[str, DataType]] = []
        for field in kind.fields:
            ids.append(field.field_id)
            fields.append((field.name, _inward(field.field_type, ids)))
        return StructOf(tuple(fields))
    name = _NAMES.get(type(kind))
    if name is None:
        raise ValueError(f"type {kind} has no counterpart here")
    return Primitive(name)
