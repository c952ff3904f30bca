"""A contract as an Avro record schema (specification 1.12)."""

from __future__ import annotations

import re
from typing import Any

from startrail.capabilities.contracts.exchange.fields import inner_fields
from startrail.capabilities.contracts.exchange.json_text import JsonNumber, write_json
from startrail.model.contract import Contract, Field
from startrail.model.types import Decimal, ListOf, MapOf, Primitive, StructOf

LOGICAL: dict[str, tuple[str, str]] = {
    "date": ("int", "date"),
    "time": ("long", "time-micros"),
    "timestamp": ("long", "local-timestamp-micros"),
    "timestamptz": ("long", "timestamp-micros"),
    "uuid": ("string", "uuid"),
}
"""Types that Avro writes as another one with a logical type."""

NUMBERS = ("int", "long", "float", "double")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def to_avro(contract: Contract) -> str:
    """The schema of one record."""
    writer = _Writer()
    return write_json(writer.record(contract.name, contract.fields, contract.description))


class _Writer:
    """Gives every record, enum and fixed a name of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def record(self, name: str, fields: tuple[Field, ...], doc: str | None = None) -> dict[str, Any]:
        own = self._name(name)
        taken: set[str] = set()
        found: dict[str, Any] = {"type": "record", "name": own}
        if doc is not None:
            found["doc"] = doc
        return found | {"fields": [self._field(field, own, taken) for field in fields]}

    def _field(self, field: Field, parent: str, taken: set[str]) -> dict[str, Any]:
        name = _free(field.name, taken)
        taken.add(name)
        kind = self._type(field, f"{parent}_{name}")
        found: dict[str, Any] = {"name": name}
        if field.description is not None:
            found["doc"] = field.description
        default = _default(field)
        if field.required or default is not None:  # a union's default is of its first type
            found["type"] = kind if field.required else [kind, "null"]
        else:
            found["type"] = ["null", kind]
        if default is not None or not field.required:
            found["default"] = default
        aliases = [alias for alias in field.aliases if NAME.fullmatch(alias)]
        return found | ({"aliases": aliases} if aliases else {})

    def _type(self, field: Field, path: str) -> Any:
        kind = field.type
        match kind:
            case StructOf():
                return self.record(path, inner_fields(field))
            case ListOf():
                return {"type": "array", "items": self._inner(inner_fields(field)[0], path + "_item")}
            case MapOf():
                return {"type": "map", "values": self._inner(inner_fields(field)[1], path + "_value")}
            case Decimal(precision=precision, scale=scale):
                return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
            case Primitive(name="string") if (
                field.enum and not field.enum_open and all(NAME.fullmatch(symbol) for symbol in field.enum)
            ):
                return {"type": "enum", "name": self._name(path), "symbols": list(field.enum)}
            case Primitive(name="binary") if field.min_length is not None and field.min_length == field.max_length:
                return {"type": "fixed", "name": self._name(path), "size": field.min_length}
            case Primitive(name="binary"):
                return "bytes"
            case Primitive(name=name) if name in LOGICAL:
                base, logical = LOGICAL[name]
                return {"type": base, "logicalType": logical}
            case Primitive(name=name):
                return name

    def _inner(self, field: Field, path: str) -> Any:
        kind = self._type(field, path)
        return kind if field.required else ["null", kind]

    def _name(self, name: str) -> str:
        found = _free(name, self._taken)
        self._taken.add(found)
        return found


def _symbols(field: Field) -> bool:
    """Whether the allowed values can be symbols, of which Avro lets in no others."""
    return bool(field.enum) and not field.enum_open and all(NAME.fullmatch(symbol) for symbol in field.enum or ())


def _default(field: Field) -> Any:
    """The default as Avro writes it; None for types that it writes as others."""
    kind, text = str(field.type), field.default
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    if kind in NUMBERS:
        return JsonNumber(text)
    return text if kind in ("string", "uuid") else None


def _free(name: str, taken: set[str]) -> str:
    """The name as Avro allows it, different from those taken."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    plain = plain if NAME.fullmatch(plain) else "_" + plain
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found
