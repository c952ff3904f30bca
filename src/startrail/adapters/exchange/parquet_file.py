"""Parquet files: their schema in Arrow's JSON words, and what their columns show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from startrail.adapters.exchange.facts import column_facts
from startrail.adapters.loader.blocks import Unreadable
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.text import printable
from startrail.ports.exchange import ColumnFacts

Node = dict[str, Any]
_UNITS = {"s": "SECOND", "ms": "MILLISECOND", "us": "MICROSECOND", "ns": "NANOSECOND"}


def described(path: Path) -> bytes:
    """The file's schema. Raises Unreadable."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise Unreadable(f"it is no Parquet file that can be read: {printable(str(error), 160)}") from error
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key != b"pandas"}
    node: Node = {"fields": [_field(field) for field in schema], "metadata": _metadata(metadata)}
    return json.dumps({"schema": node}).encode()


def facts(path: Path) -> tuple[ColumnFacts, ...]:
    """Rows, nulls and distinct values of every column that has a plain type. Raises Unreadable."""
    with duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "400MB"}) as connection:
        try:
            connection.execute("SET TimeZone = 'UTC'")
            reader = f"read_parquet({sql.text(str(path))})"
            columns = connection.sql(f"SELECT * FROM {reader}")
            pairs = list(zip(columns.columns, (kind.id for kind in columns.types), strict=True))
            nested = {name for name, kind in pairs if kind in ("struct", "list", "array", "map")}
            texts = {name for name, kind in pairs if kind in ("varchar", "enum")}
            names = [name for name, _ in pairs]
            return column_facts(
                names, nested, texts, f"FROM {reader}", sql.quote, lambda text: connection.execute(text).fetchall()
            )
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].replace(str(path), path.name)
            raise Unreadable(f"its rows cannot be read: {printable(reason, 160)}") from error


def _field(field: pa.Field) -> Node:
    kind = field.type
    node: Node = {"name": field.name, "nullable": field.nullable}
    metadata = dict(field.metadata or {})
    if isinstance(kind, pa.BaseExtensionType):
        metadata[b"ARROW:extension:name"] = kind.extension_name.encode()
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        node["dictionary"] = {}
        kind = kind.value_type
    node |= {"type": _type(kind), "children": [_field(child) for child in _children(kind)]}
    return node | {"metadata": _metadata(metadata)}


def _children(kind: pa.DataType) -> list[pa.Field]:
    if pa.types.is_map(kind):
        return [pa.field("entries", pa.struct([kind.key_field, kind.item_field]), nullable=False)]
    if pa.types.is_struct(kind):
        return [kind.field(index) for index in range(kind.num_fields)]
    return [kind.value_field] if _is_list(kind) else []


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    views = types.is_list_view(kind) or types.is_large_list_view(kind)
    return views or types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _type(kind: pa.DataType) -> Node:
    types = pa.types
    if types.is_integer(kind):
        return {"name": "int", "bitWidth": kind.bit_width, "isSigned": types.is_signed_integer(kind)}
    if types.is_floating(kind):
        return {"name": "floatingpoint", "precision": {16: "HALF", 32: "SINGLE", 64: "DOUBLE"}[kind.bit_width]}
    if types.is_decimal(kind):
        return {"name": "decimal", "precision": kind.precision, "scale": kind.scale, "bitWidth": kind.bit_width}
    if types.is_timestamp(kind):
        return {"name": "timestamp", "unit": _UNITS[kind.unit]} | ({"timezone": kind.tz} if kind.tz else {})
    if types.is_time(kind):
        return {"name": "time", "unit": _UNITS[kind.unit], "bitWidth": kind.bit_width}
    if types.is_fixed_size_binary(kind):
        return {"name": "fixedsizebinary", "byteWidth": kind.byte_width}
    if types.is_map(kind):
        return {"name": "map", "keysSorted": False}
    if types.is_fixed_size_list(kind):
        return {"name": "fixedsizelist", "listSize": kind.list_size}
    return {"name": _plain_name(kind)}


def _plain_name(kind: pa.DataType) -> str:
    types = pa.types
    if types.is_boolean(kind):
        return "bool"
    if types.is_date(kind):
        return "date"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "utf8"
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return "binary"
    if types.is_struct(kind):
        return "struct"
    return "list" if _is_list(kind) else str(kind)


def _metadata(entries: dict[bytes, bytes]) -> list[Node]:
    return [{"key": key.decode("utf-8", "replace"), "value": value.decode("utf-8", "replace")} for key, value in entries.items()]
