"""A contract as JSON Schema (2020-12): never stricter than the contract, so that nothing it accepts is refused.

Formats are those of the OpenAPI format registry where JSON Schema has none (``int32``, ``decimal``,
``date-time-local``). The scale of a decimal stands in the digits of its bounds, not in ``multipleOf``, because most
validators compute that in binary and would refuse 19.99.
"""

from __future__ import annotations

import re
from typing import Any

from startrail.capabilities.contracts.exact import INTEGERS, JsonNumber
from startrail.capabilities.contracts.exchange.fields import inner_fields
from startrail.capabilities.contracts.exchange.json_text import write_json
from startrail.model.contract import Contract, Field, Format
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

Schema = dict[str, Any]

INTEGER_FORMATS = {"int": "int32", "long": "int64"}
TEXT_FORMATS = {
    "date": "date",
    "time": "time-local",
    "timestamp": "date-time-local",
    "timestamptz": "date-time",
    "uuid": "uuid",
}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def to_json_schema(contract: Contract) -> str:
    """The schema of one record."""
    schema: Schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": contract.name}
    if contract.description is not None:
        schema["description"] = contract.description
    return write_json(schema | _object(contract.fields, contract.closed))


def decimal_limit(kind: Decimal) -> str:
    """The greatest value of a decimal, with all of its digits: ``999.99``."""
    return ("9" * (kind.precision - kind.scale) or "0") + ("." + "9" * kind.scale if kind.scale else "")


def limits(kind: DataType) -> tuple[str, str] | None:
    """Least and greatest value of a type that has such."""
    if isinstance(kind, Decimal):
        return "-" + decimal_limit(kind), decimal_limit(kind)
    if isinstance(kind, Primitive) and kind.name in INTEGERS:
        low, high = INTEGERS[kind.name]
        return str(low), str(high)
    return None


def _object(fields: tuple[Field, ...], closed: bool = False) -> Schema:
    """What has a default may be absent; a closed object still takes its fields under their other names."""
    found: Schema = {"type": "object", "properties": {field.name: _property(field) for field in fields}}
    required: list[Any] = [field.name for field in fields if field.required and field.default is None]
    if closed and not any(field.aliases for field in fields):
        found["additionalProperties"] = False
    return found | ({"required": required} if required else {})


def _property(field: Field) -> Schema:
    schema: Schema = {} if field.description is None else {"description": field.description}
    schema |= _typed(field)
    if field.enum is not None and not field.enum_open:
        allowed = _allowed(field, field.enum)
        if allowed is not None:
            schema["enum"] = [*allowed, *([] if field.required else [None])]
    given = _allowed(field, (field.default,)) if field.default is not None else None
    if given is not None:
        schema["default"] = given[0]
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    return schema


def _typed(field: Field) -> Schema:
    kind = field.type
    match kind:
        case StructOf():
            return _object(inner_fields(field), field.closed)
        case ListOf():
            return {"type": "array", "items": _property(inner_fields(field)[0])}
        case MapOf():
            return {"type": "object", "additionalProperties": _property(inner_fields(field)[1])}
        case Decimal():
            return _decimal(field, kind)
        case Primitive(name="int" | "long" as name):
            low, high = INTEGERS[name]
            own = _bounds(field)
            return {"type": "integer", "format": INTEGER_FORMATS[name], "minimum": low, "maximum": high} | own
        case Primitive(name="float" | "double" as name):
            return {"type": "number", "format": name} | _bounds(field)
        case Primitive(name="boolean"):
            return {"type": "boolean"}
        case Primitive(name=name):
            return _text(field, name)


def _decimal(field: Field, kind: Decimal) -> Schema:
    """With bounds of its own, those of the type move into ``allOf``, so that the digits still stand somewhere."""
    limit = decimal_limit(kind)
    of_type = {"minimum": JsonNumber("-" + limit), "maximum": JsonNumber(limit)}
    own = _bounds(field)
    schema: Schema = {"type": "number", "format": "decimal"}
    return schema | (own | {"allOf": [of_type]} if own else of_type)


def _text(field: Field, name: str) -> Schema:
    schema: Schema = {"type": "string"}
    if name == "binary":
        return schema | {"contentEncoding": "base64"}
    form = field.format
    if name in TEXT_FORMATS and form.pattern is None and (name != "timestamptz" or form.timezone is None):
        schema["format"] = TEXT_FORMATS[name]
    if name in ("string", "uuid"):
        schema |= {} if field.min_length is None else {"minLength": field.min_length}
        schema |= {} if field.max_length is None else {"maxLength": field.max_length}
        schema |= {} if field.pattern is None else {"pattern": field.pattern}
    return schema


def _bounds(field: Field) -> Schema:
    own = {"minimum": field.minimum, "maximum": field.maximum}
    return {name: JsonNumber(text) for name, text in own.items() if text is not None and _NUMBER.fullmatch(text)}


def _allowed(field: Field, enum: tuple[str, ...]) -> list[Any] | None:
    """The allowed values as JSON has them; None when it has not."""
    name = str(field.type)
    if name == "string" or (name in TEXT_FORMATS and field.format == Format()):
        return list(enum)
    if name == "boolean":
        return [text == "true" for text in enum] if set(enum) <= {"true", "false"} else None
    if limits(field.type) is not None or name in ("float", "double"):
        return [JsonNumber(text) for text in enum] if all(_NUMBER.fullmatch(text) for text in enum) else None
    return None
