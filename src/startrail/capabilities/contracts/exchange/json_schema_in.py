"""JSON Schema (drafts 4 to 2020-12) as a contract, saying of every keyword that has no place there."""

from __future__ import annotations

from typing import Any

import msgspec

from startrail.base.regex import expression
from startrail.base.span import Span
from startrail.capabilities.contracts.exchange.errors import NotASchema
from startrail.capabilities.contracts.exchange.fields import array_field, field_of, map_field, object_field
from startrail.capabilities.contracts.exchange.json_schema_merge import Merged, Merger, Recursive, Unresolved
from startrail.capabilities.contracts.exchange.json_schema_numbers import Numeric, integer, number
from startrail.capabilities.contracts.exchange.json_schema_out import TEXT_FORMATS
from startrail.capabilities.contracts.exchange.json_text import JsonNumber, named, read_json, whole
from startrail.capabilities.contracts.exchange.losses import Imported, Loss
from startrail.model.contract import Contract, Field
from startrail.model.promises import refused
from startrail.model.types import Primitive

DEEPEST = 9
"""Objects and arrays within one another: as deep as an ODCS file may go."""
MOST = 5000
"""Fields in all: references can write a small schema that means a large one."""

_FORMATS = {format: name for name, format in TEXT_FORMATS.items()}
_SILENT = frozenset([
    "$schema", "$id", "id", "$anchor", "$comment", "$defs", "definitions", "type", "properties", "required", "items",
    "enum", "const", "nullable", "description", "default",
])  # fmt: skip
"""Keywords that are read, or say nothing about values."""
_READ = {
    "string": frozenset(["format", "contentEncoding", "minLength", "maxLength", "pattern"]),
    "integer": frozenset(["format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    "number": frozenset(["format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    "object": frozenset(["additionalProperties"]),
}


def from_json_schema(data: bytes, name: str, *, version: str = "1.0.0") -> Imported:
    """The contract of the records that the schema describes. Raises NotASchema (ST373)."""
    tree = read_json(data, "the file")
    if not isinstance(tree, dict):
        raise NotASchema("the file is no JSON Schema of an object", hint="give the schema of one record")
    reader = _Reader(tree)
    fields, closed, description = reader.record()
    if not fields:
        raise NotASchema("the schema has no property whose type a contract could say", hint="give the schema of one record")
    losses = tuple(dict.fromkeys(reader.losses))
    contract = Contract(name, version, fields, Span(f"{name}.odcs.yml"), description=description, closed=closed)
    return Imported(contract, losses)


class _Reader:
    def __init__(self, root: dict[str, Any]) -> None:
        self.losses: list[Loss] = []
        self._merger = Merger(root, self._lose)
        self._root = root
        self._count = 0

    def record(self) -> tuple[tuple[Field, ...], bool, str | None]:
        merged = self._merged(self._root, "$")
        if merged is not None and "properties" not in merged.keywords and isinstance(merged.keywords.get("items"), dict):
            merged = self._merged(merged.keywords["items"], "$")  # a document that is a list of records
        if merged is None or not isinstance(merged.keywords.get("properties"), dict):
            raise NotASchema("the schema describes no object with properties", hint="give the schema of one record")
        keywords = merged.keywords
        closed = self._closed(keywords, "$")
        self._unread(keywords, "$", _READ["object"] | {"title"})
        return self._properties(keywords, "$", 0), closed, _text(keywords.get("description"))

    def _merged(self, schema: Any, path: str) -> Merged | None:
        """The schema with references followed; None, with a loss, where that has no end or no beginning."""
        try:
            return self._merger.merged(schema, path)
        except Recursive as error:
            self._lose(path, "$ref", f"{error} refers to itself; the field is left out")
        except Unresolved as error:
            self._lose(path, "$ref", f"{error} is not in the file; the field is left out")
        return None

    def _properties(self, keywords: dict[str, Any], path: str, depth: int) -> tuple[Field, ...]:
        required = keywords.get("required")
        must = set(map(str, required)) if isinstance(required, list) else set()
        found: dict[str, Field] = {}
        for name, schema in keywords["properties"].items():
            at = f"{path}.{name}"
            field = self._field(name, schema, at, depth + 1, must=name in must)
            if field is None:
                continue
            if not name or name.lower() in found:
                self._lose(at, "name", "names are not empty and differ by more than letter case; the field is left out")
                continue
            found[name.lower()] = field
        for name in sorted(must - set(keywords["properties"])):
            self._lose(f"{path}.{name}", "required", "it has no type; the field is left out")
        return tuple(found.values())

    def _field(self, name: str, schema: Any, path: str, depth: int, *, must: bool) -> Field | None:
        self._count += 1
        if self._count > MOST:
            raise NotASchema(f"the schema means more than {MOST} fields", hint="import a part of it")
        before = self._merger.open
        try:
            merged = self._merged(schema, path)
            if merged is None or depth > DEEPEST:
                if merged is not None:
                    self._lose(path, "type", f"nested deeper than {DEEPEST} levels; the field is left out")
                return None
            return self._made(name, merged, path, depth, must)
        finally:
            self._merger.open = before

    def _made(self, name: str, merged: Merged, path: str, depth: int, must: bool) -> Field | None:
        keywords = merged.keywords
        kind = self._kind(keywords, path)
        if kind is None:
            return None
        nullable = merged.nullable
        default = self._default(name, keywords, kind, path, must)
        if must and nullable:
            self._lose(path, "required", "it must be there and may be null; a contract has one word for both")
        elif not must and not nullable and default is None:
            self._lose(path, "type", "never null where it is there; to a contract, missing and null are one")
        required = (must or default is not None) and not nullable
        promises: dict[str, Any] = {"required": required, "description": _text(keywords.get("description"))}
        read = _READ.get(kind, frozenset())
        made = self._by_kind(name, kind, merged, path, depth, promises)
        made = self._filled(made, default, path)
        self._unread(keywords, path, read)
        return made

    def _filled(self, field: Field | None, default: str | None, path: str) -> Field | None:
        """With the default that its own promises allow."""
        if field is None or default is None:
            return field
        filled = msgspec.structs.replace(field, default=default)
        problem = refused(default, filled)
        if problem is None:
            return filled
        self._lose(path, "default", f"{named(default, 40)} breaks its own field: it is not {problem}")
        return msgspec.structs.replace(field, required=False)

    def _by_kind(self, name: str, kind: str, merged: Merged, path: str, depth: int, promises: dict[str, Any]) -> Field | None:
        keywords = merged.keywords
        if kind == "object":
            return self._object(name, keywords, path, depth, promises)
        if kind == "array":
            item = self._item(keywords, path, depth)
            return None if item is None else array_field(name, item, **promises)
        promises["enum"] = self._enum(keywords, kind, path)
        if kind == "boolean":
            return Field(name, Primitive("boolean"), **promises)
        if kind == "string":
            return self._string(name, keywords, path, promises)
        found: Numeric = (integer if kind == "integer" else number)(merged, lambda what, why: self._lose(path, what, why))
        return Field(name, found.type, minimum=found.minimum, maximum=found.maximum, **promises)

    def _kind(self, keywords: dict[str, Any], path: str) -> str | None:
        """The one JSON type of the values, null apart."""
        given = keywords.get("type")
        types = [word for word in (given if isinstance(given, list) else [given] if given else []) if word != "null"]
        if not types:
            types = sorted({_json_type(value) for value in _values(keywords) if value is not None})
        if not types and isinstance(keywords.get("properties"), dict):
            types = ["object"]
        if not types and "items" in keywords:
            types = ["array"]
        if set(map(str, types)) == {"integer", "number"}:
            types = ["number"]
        if len(types) == 1 and types[0] in ("string", "integer", "number", "boolean", "object", "array"):
            return str(types[0])
        said = "no one type" if not types else "several types: " + ", ".join(map(str, types))
        self._lose(path, "type", f"it says {said[:80]}; the field is left out, and loading keeps it in _extra")
        return None

    def _object(self, name: str, keywords: dict[str, Any], path: str, depth: int, promises: dict[str, Any]) -> Field | None:
        if isinstance(keywords.get("properties"), dict) and keywords["properties"]:
            fields = self._properties(keywords, path, depth)
            if fields:
                return object_field(name, fields, closed=self._closed(keywords, path), **promises)
        inner = keywords.get("additionalProperties")
        if isinstance(inner, dict):
            value = self._field("value", inner, path + "{}", depth + 1, must=False)
            if value is not None:
                self._side(value, path + "{}")
                return map_field(name, Primitive("string"), value.type, **promises)
        self._lose(path, "type", "an object of which no property has a type; the field is left out")
        return None

    def _side(self, value: Field, path: str) -> None:
        """Of a map's values a contract keeps the type only."""
        bare = field_of("value", value.type)
        if value != bare:
            self._lose(path, "values", "of a map's values a contract keeps the type, and no other promise")

    def _item(self, keywords: dict[str, Any], path: str, depth: int) -> Field | None:
        schema = keywords.get("items")
        if not isinstance(schema, dict) or not schema:
            self._lose(path, "items", "no type of the items; the field is left out")
            return None
        try:
            nullable = self._merger.admits_null(schema, path + "[]")
        except (Recursive, Unresolved):
            nullable = True  # told when it is read in full
        return self._field("element", schema, path + "[]", depth + 1, must=not nullable)

    def _string(self, name: str, keywords: dict[str, Any], path: str, promises: dict[str, Any]) -> Field:
        format = keywords.get("format")
        if keywords.get("contentEncoding") == "base64" or format == "byte":
            for what in ("minLength", "maxLength", "pattern"):
                if what in keywords:
                    self._lose(path, what, "it counts characters of base64, a contract counts bytes")
            return Field(name, Primitive("binary"), **promises)
        kind = _FORMATS.get(str(format), "string")
        if format is not None and kind == "string":
            self._lose(path, "format", f"{named(format)} is no type of a contract; it is text there")
        if kind in ("date", "time", "timestamp", "timestamptz"):
            for what in ("minLength", "maxLength", "pattern"):
                if what in keywords:
                    self._lose(path, what, f"a {kind} has no such promise")
            return Field(name, Primitive(kind), **promises)
        return Field(
            name,
            Primitive(kind),
            min_length=whole(keywords.get("minLength")),
            max_length=whole(keywords.get("maxLength")),
            pattern=self._pattern(keywords, path),
            **promises,
        )

    def _pattern(self, keywords: dict[str, Any], path: str) -> str | None:
        text = keywords.get("pattern")
        if not isinstance(text, str):
            return None
        try:
            expression(text)
        except ValueError as error:
            self._lose(path, "pattern", str(error))
            return None
        return text

    def _enum(self, keywords: dict[str, Any], kind: str, path: str) -> tuple[str, ...] | None:
        values = [value for value in _values(keywords) if value is not None]
        if not values:
            return None
        types = {_json_type(value) for value in values}
        if types != {kind} and not (kind == "number" and types <= {"integer", "number"}):
            self._lose(path, "enum", f"it names values that are no {kind}")
            return None
        return tuple(dict.fromkeys(str(value).lower() if isinstance(value, bool) else str(value) for value in values))

    def _closed(self, keywords: dict[str, Any], path: str) -> bool:
        """True where further fields are not allowed."""
        further = keywords.get("additionalProperties", True)
        if further not in (True, False, {}):
            self._lose(path, "additionalProperties", "what further fields are like; loading keeps them in _extra")
        return further is False

    def _default(self, name: str, keywords: dict[str, Any], kind: str, path: str, must: bool) -> str | None:
        """The default as a literal of a contract, if it is one."""
        given = keywords.get("default")
        if given is None or isinstance(given, dict | list):
            if given is not None:
                self._lose(path, "default", "only single values have one")
            return None
        if must:
            self._lose(path, "default", "it must be there, so the default is never taken")
            return None
        type_ = _json_type(given)
        if type_ != kind and not (kind == "number" and type_ == "integer"):
            self._lose(path, "default", f"it is no {kind}")
            return None
        return str(given).lower() if isinstance(given, bool) else str(given)

    def _unread(self, keywords: dict[str, Any], path: str, read: frozenset[str]) -> None:
        for word, value in keywords.items():
            if word in _SILENT or word in read:
                continue
            self._lose(path, word, f"a contract has no place for {named(value, 40)}")

    def _lose(self, path: str, what: str, why: str) -> None:
        self.losses.append(Loss(path, what, why))


def _values(keywords: dict[str, Any]) -> list[Any]:
    if isinstance(keywords.get("enum"), list):
        return keywords["enum"]
    return [keywords["const"]] if "const" in keywords else []


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, JsonNumber):
        return "number" if set(str.__str__(value)) & set(".eE") else "integer"
    return (
        "string" if isinstance(value, str) else "object" if isinstance(value, dict) else "array" if value is not None else "null"
    )


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) and not isinstance(value, JsonNumber) else None
