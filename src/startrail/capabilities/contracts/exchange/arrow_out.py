"""A contract as a description of an Arrow schema, in the JSON form of Arrow's integration format.

Arrow and Parquet name types and nulls; they promise nothing about values. Descriptions, and the contract's name
and version, stand in their metadata.
"""

from __future__ import annotations

from typing import Any

from startrail.capabilities.contracts.exchange.fields import inner_fields
from startrail.capabilities.contracts.exchange.json_text import write_json
from startrail.model.contract import Contract, Field
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

Node = dict[str, Any]

_TYPES: dict[str, Node] = {
    "boolean": {"name": "bool"},
    "int": {"name": "int", "isSigned": True, "bitWidth": 32},
    "long": {"name": "int", "isSigned": True, "bitWidth": 64},
    "float": {"name": "floatingpoint", "precision": "SINGLE"},
    "double": {"name": "floatingpoint", "precision": "DOUBLE"},
    "date": {"name": "date", "unit": "DAY"},
    "time": {"name": "time", "unit": "MICROSECOND", "bitWidth": 64},
    "timestamp": {"name": "timestamp", "unit": "MICROSECOND"},
    "timestamptz": {"name": "timestamp", "unit": "MICROSECOND", "timezone": "UTC"},
    "string": {"name": "utf8"},
    "binary": {"name": "binary"},
    "uuid": {"name": "fixedsizebinary", "byteWidth": 16},
}
UUID = ("ARROW:extension:name", "arrow.uuid")


def to_arrow(contract: Contract) -> str:
    """The schema of a table or batch of records."""
    about = {"name": contract.name, "version": contract.version, "description": contract.description}
    schema: Node = {"fields": [_field(field) for field in contract.fields]}
    return write_json({"schema": schema | _metadata({key: value for key, value in about.items() if value is not None})})


def _field(field: Field) -> Node:
    inner = inner_fields(field)
    children: tuple[Field, ...] | list[Node] = inner
    if isinstance(field.type, MapOf):
        key = _field(inner[0]) | {"nullable": False}
        entries = {"name": "entries", "nullable": False, "type": {"name": "struct"}, "children": [key, _field(inner[1])]}
        children = [entries]
    node: Node = {
        "name": field.name,
        "nullable": not field.required,
        "type": _type(field),
        "children": [child if isinstance(child, dict) else _field(child) for child in children],
    }
    about = {} if field.description is None else {"description": field.description}
    if field.type == Primitive("uuid"):
        about |= {UUID[0]: UUID[1], "ARROW:extension:metadata": ""}
    return node | _metadata(about)


def _type(field: Field) -> Node:
    kind: DataType = field.type
    match kind:
        case Decimal(precision=precision, scale=scale):
            return {"name": "decimal", "precision": precision, "scale": scale, "bitWidth": 128}
        case ListOf():
            return {"name": "list"}
        case StructOf():
            return {"name": "struct"}
        case MapOf():
            return {"name": "map", "keysSorted": False}
        case Primitive(name="binary") if field.min_length and field.min_length == field.max_length:
            return {"name": "fixedsizebinary", "byteWidth": field.min_length}
        case Primitive(name=name):
            return _TYPES[name]


def _metadata(entries: dict[str, str]) -> Node:
    return {"metadata": [{"key": key, "value": value} for key, value in entries.items()]} if entries else {}
