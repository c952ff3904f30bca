"""An Avro record schema as a contract. Unions of several types, and records within themselves, have no place there."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.capabilities.contracts.exchange.avro_out import LOGICAL, NUMBERS
from startrail.capabilities.contracts.exchange.errors import NotASchema
from startrail.capabilities.contracts.exchange.fields import array_field, field_of, map_field, object_field
from startrail.capabilities.contracts.exchange.json_text import JsonNumber, named, read_json, whole
from startrail.capabilities.contracts.exchange.losses import Imported, Loss
from startrail.model.contract import Contract, Field
from startrail.model.promises import refused
from startrail.model.types import Decimal, Primitive

DEEPEST = 9
MOST = 5000

_PLAIN = {
    "boolean": "boolean", "int": "int", "long": "long", "float": "float", "double": "double", "string": "string",
    "bytes": "binary",
}  # fmt: skip
_LOGICAL = {(base, logical): name for name, (base, logical) in LOGICAL.items()}
_WIDER = {
    ("int", "time-millis"): ("time", "milliseconds"),
    ("long", "timestamp-millis"): ("timestamptz", "milliseconds"),
    ("long", "local-timestamp-millis"): ("timestamp", "milliseconds"),
    ("long", "timestamp-nanos"): ("timestamptz", "nanoseconds"),
    ("long", "local-timestamp-nanos"): ("timestamp", "nanoseconds"),
}
"""Times of other units than ours."""
_TYPE_WORDS = frozenset([
    "type", "name", "namespace", "doc", "aliases", "fields", "items", "values", "symbols", "size", "logicalType",
    "precision", "scale",
])  # fmt: skip
_FIELD_WORDS = frozenset(["name", "type", "doc", "aliases", "default"])


def from_avro(data: bytes, name: str, *, version: str = "1.0.0") -> Imported:
    """The contract of the records that the schema describes. Raises NotASchema (ST373)."""
    tree = read_json(data, "the file")
    if not isinstance(tree, dict) or tree.get("type") != "record" or not isinstance(tree.get("fields"), list):
        raise NotASchema("the file is no Avro schema of a record", hint="give the schema of one record, as in an .avsc file")
    reader = _Reader()
    fields = reader.record(tree, "$", 0, "")
    if not fields:
        raise NotASchema("the record has no field whose type a contract could say", hint="see what was left out")
    description = _doc(tree)
    return Imported(Contract(name, version, fields, Span(f"{name}.odcs.yml"), description=description), tuple(reader.losses))


class _Reader:
    """``_known`` holds named types by full name; ``_open`` those that are being read, to see circles."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._known: dict[str, tuple[dict[str, Any], str]] = {}
        self._open: set[str] = set()
        self._count = 0

    def record(self, schema: dict[str, Any], path: str, depth: int, namespace: str) -> tuple[Field, ...]:
        full, namespace = self._remember(schema, path, namespace)
        self._open.add(full)
        self._unread(schema, path, _TYPE_WORDS)
        found: dict[str, Field] = {}
        for entry in schema.get("fields", []):
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or "type" not in entry:
                raise NotASchema(f"{printable(path, 80)} has a field without name or type", hint="mend the schema")
            field = self._entry(entry, f"{path}.{entry['name']}", depth + 1, namespace)
            if field is not None and field.name.lower() in found:
                self._lose(f"{path}.{field.name}", "name", "names differ by more than letter case; the field is left out")
            elif field is not None:
                found[field.name.lower()] = field
        self._open.discard(full)
        return tuple(found.values())

    def _entry(self, entry: dict[str, Any], path: str, depth: int, namespace: str) -> Field | None:
        self._unread(entry, path, _FIELD_WORDS)
        aliases = entry.get("aliases")
        promises: dict[str, Any] = {
            "description": _doc(entry),
            "aliases": tuple(map(str, aliases)) if isinstance(aliases, list) else (),
        }
        field = self._field(entry["name"], entry["type"], path, depth, namespace, promises)
        given = entry.get("default")
        if field is None or given is None:
            return field
        literal = _literal(given, str(field.type))
        if literal is not None and refused(literal, msgspec.structs.replace(field, default=literal)) is None:
            return msgspec.structs.replace(field, default=literal)
        self._lose(path, "default", f"{named(given, 40)} is no default that a contract can say of a {field.type}")
        return field

    def _field(self, name: str, schema: Any, path: str, depth: int, namespace: str, promises: dict[str, Any]) -> Field | None:
        self._count += 1
        if self._count > MOST:
            raise NotASchema(f"the schema means more than {MOST} fields", hint="import a part of it")
        required = True
        if isinstance(schema, list):
            choices = [choice for choice in schema if choice != "null"]
            required = len(choices) == len(schema)
            if len(choices) != 1:
                said = ", ".join(named(choice, 30) for choice in choices) or "null"
                self._lose(path, "type", f"a union of {said}: the field is left out, and loading keeps it in _extra")
                return None
            schema = choices[0]
        if depth > DEEPEST:
            self._lose(path, "type", f"nested deeper than {DEEPEST} levels; the field is left out")
            return None
        return self._typed(name, schema, path, depth, namespace, promises | {"required": required})

    def _typed(self, name: str, schema: Any, path: str, depth: int, namespace: str, promises: dict[str, Any]) -> Field | None:
        if isinstance(schema, str):
            if schema in _PLAIN:
                return Field(name, Primitive(_PLAIN[schema]), **promises)
            return self._referred(name, schema, path, depth, namespace, promises)
        if not isinstance(schema, dict):
            raise NotASchema(f"{printable(path, 80)} has no type", hint="mend the schema")
        word = schema.get("type")
        if isinstance(word, (dict, list)):
            return self._field(name, word, path, depth, namespace, promises)
        if word == "record":
            fields = self.record(schema, path, depth, namespace)
            if not fields:
                self._lose(path, "type", "a record without fields; the field is left out")
                return None
            said = promises.get("description") or _doc(schema)
            return object_field(name, fields, **(promises | {"description": said}))
        self._unread(schema, path, _TYPE_WORDS)
        if word == "array":
            item = self._field("element", schema.get("items"), path + "[]", depth + 1, namespace, {})
            return None if item is None else array_field(name, item, **promises)
        if word == "map":
            return self._map(name, schema, path, depth, namespace, promises)
        return self._scalar(name, schema, path, depth, namespace, promises)

    def _map(
        self, name: str, schema: dict[str, Any], path: str, depth: int, namespace: str, promises: dict[str, Any]
    ) -> Field | None:
        value = self._field("value", schema.get("values"), path + "{}", depth + 1, namespace, {})
        if value is None:
            return None
        if value != field_of("value", value.type):
            self._lose(path + "{}", "values", "of a map's values a contract keeps the type, and no other promise")
        return map_field(name, Primitive("string"), value.type, **promises)

    def _scalar(
        self, name: str, schema: dict[str, Any], path: str, depth: int, namespace: str, promises: dict[str, Any]
    ) -> Field | None:
        word, logical = str(schema.get("type")), schema.get("logicalType")
        if word in ("enum", "fixed"):
            self._remember(schema, path, namespace)
        if logical == "decimal" and word in ("bytes", "fixed"):
            return self._decimal(name, schema, path, promises)
        if (word, logical) in _LOGICAL:
            return Field(name, Primitive(_LOGICAL[word, str(logical)]), **promises)
        if (word, logical) in _WIDER:
            kind, unit = _WIDER[word, str(logical)]
            more = "values with more digits are refused" if unit == "nanoseconds" else "they are kept as microseconds"
            self._lose(path, "logicalType", f"{unit}: a {kind} counts microseconds, {more}")
            return Field(name, Primitive(kind), **promises)
        if word == "enum":
            return self._enum(name, schema, path, promises)
        if logical is not None and not (word == "fixed" and logical == "uuid"):
            self._lose(path, "logicalType", f"{named(logical)} of a {word} is no type of a contract; it is a {word} there")
        if word == "fixed":
            size = whole(schema.get("size"))
            if logical == "uuid":
                return Field(name, Primitive("uuid"), **promises)
            return Field(name, Primitive("binary"), min_length=size, max_length=size, **promises)
        return self._typed(name, word, path, depth, namespace, promises)

    def _enum(self, name: str, schema: dict[str, Any], path: str, promises: dict[str, Any]) -> Field:
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not symbols:
            raise NotASchema(f"the enum at {printable(path, 80)} has no symbols", hint="mend the schema")
        if "default" in schema:
            self._lose(path, "default", f"unknown symbols do not become {named(schema['default'], 40)}; they break the contract")
        return Field(name, Primitive("string"), enum=tuple(map(str, symbols)), **promises)

    def _decimal(self, name: str, schema: dict[str, Any], path: str, promises: dict[str, Any]) -> Field | None:
        precision, scale = whole(schema.get("precision")), whole(schema.get("scale", 0))
        if precision is None or scale is None or not (1 <= precision <= 38 and 0 <= scale <= precision):
            self._lose(path, "type", "a decimal beyond 38 digits; the field is left out, and loading keeps it in _extra")
            return None
        if schema.get("type") == "fixed":
            self._lose(path, "size", "how many bytes a decimal is written in is no promise of a contract")
        return Field(name, Decimal(precision, scale), **promises)

    def _referred(self, name: str, schema: str, path: str, depth: int, namespace: str, promises: dict[str, Any]) -> Field | None:
        full = schema if "." in schema or not namespace else f"{namespace}.{schema}"
        full = full if full in self._known else schema
        if full in self._open:
            self._lose(path, "type", f"{printable(full, 60)} contains itself; the field is left out")
            return None
        if full not in self._known:
            raise NotASchema(f"{printable(path, 80)} names '{printable(schema, 60)}', which is no type", hint="mend the schema")
        named_type, inside = self._known[full]
        return self._typed(name, named_type, path, depth, inside, promises)

    def _remember(self, schema: dict[str, Any], path: str, namespace: str) -> tuple[str, str]:
        """Full name and namespace of a named type; from now on it can be referred to."""
        name = schema.get("name")
        if not isinstance(name, str) or not name:
            raise NotASchema(f"the type at {printable(path, 80)} has no name", hint="mend the schema")
        space = name.rpartition(".")[0] or str(schema.get("namespace", namespace))
        full = name if "." in name or not space else f"{space}.{name}"
        self._known[full] = (schema, space)
        return full, space

    def _unread(self, words: dict[str, Any], path: str, read: frozenset[str]) -> None:
        for word, value in words.items():
            if word not in read and not (word == "default" and words.get("type") == "enum"):
                self._lose(path, word, f"a contract has no place for {named(value, 40)}")

    def _lose(self, path: str, what: str, why: str) -> None:
        loss = Loss(path, what, why)
        if loss not in self.losses:
            self.losses.append(loss)


def _literal(given: Any, kind: str) -> str | None:
    """A default as a contract writes it, of the types that Avro writes alike."""
    if isinstance(given, bool):
        return str(given).lower() if kind == "boolean" else None
    if isinstance(given, JsonNumber):
        return str.__str__(given) if kind in NUMBERS else None
    return given if isinstance(given, str) and kind in ("string", "uuid") else None


def _doc(words: dict[str, Any]) -> str | None:
    doc = words.get("doc")
    return doc if isinstance(doc, str) else None
