"""A description of an Arrow schema as a contract: what Parquet and Arrow files say of themselves."""

from __future__ import annotations

from typing import Any

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.capabilities.contracts.exchange.arrow_out import UUID
from startrail.capabilities.contracts.exchange.errors import NotASchema
from startrail.capabilities.contracts.exchange.fields import array_field, field_of, map_field, object_field
from startrail.capabilities.contracts.exchange.json_text import read_json, whole
from startrail.capabilities.contracts.exchange.losses import Imported, Loss
from startrail.model.contract import Contract, Field
from startrail.model.types import Decimal, Primitive

DEEPEST = 9
MOST = 5000

_TEXTS = ("utf8", "largeutf8", "utf8view")
_BYTES = ("binary", "largebinary", "binaryview")
_LISTS = ("list", "largelist", "listview", "largelistview", "fixedsizelist")
_OWN_KEYS = frozenset(["description", "PARQUET:field_id", "ARROW:extension:name", "ARROW:extension:metadata"])
_SMALL = {(8, True): (-128, 127), (8, False): (0, 255), (16, True): (-(2**15), 2**15 - 1), (16, False): (0, 2**16 - 1)}


def from_arrow(data: bytes, name: str, *, version: str = "1.0.0") -> Imported:
    """The contract of the rows that the schema describes. Raises NotASchema (ST373)."""
    tree = read_json(data, "the file")
    schema = tree.get("schema") if isinstance(tree, dict) else None
    if not isinstance(schema, dict) or not isinstance(schema.get("fields"), list):
        raise NotASchema(
            "the file is no description of an Arrow schema",
            hint="give what 'contract export --to arrow' writes, or a Parquet file",
        )
    reader = _Reader()
    about = _metadata(schema)
    fields = reader.fields(schema["fields"], "$", 0)
    if not fields:
        raise NotASchema("the schema has no column whose type a contract could say", hint="see what was left out")
    for key in about.keys() - {"name", "version", "description"}:
        reader.lose("$", f"metadata {key}", "metadata is not kept")
    contract = Contract(
        name, about.get("version", version), fields, Span(f"{name}.odcs.yml"), description=about.get("description")
    )
    return Imported(contract, tuple(reader.losses))


class _Reader:
    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._count = 0

    def fields(self, nodes: list[Any], path: str, depth: int) -> tuple[Field, ...]:
        found: dict[str, Field] = {}
        for node in nodes:
            if not isinstance(node, dict) or not isinstance(node.get("name"), str) or not isinstance(node.get("type"), dict):
                raise NotASchema(f"{printable(path, 80)} has a field without name or type", hint="mend the description")
            name = node["name"]
            field = self._field(node, f"{path}.{name}", depth + 1)
            if field is not None and (not name or name.lower() in found):
                why = "names are not empty and differ by more than letter case; the column is left out"
                self.lose(f"{path}.{name}", "name", why)
            elif field is not None:
                found[name.lower()] = field
        return tuple(found.values())

    def lose(self, path: str, what: str, why: str) -> None:
        self.losses.append(Loss(path, what, why))

    def _field(self, node: dict[str, Any], path: str, depth: int) -> Field | None:
        self._count += 1
        if self._count > MOST or depth > DEEPEST:
            self.lose(path, "type", "too deep, or too many fields; the column is left out")
            return None
        about = _metadata(node)
        for key in sorted(about.keys() - _OWN_KEYS):
            self.lose(path, f"metadata {key}", "metadata is not kept")
        promises: dict[str, Any] = {"required": node.get("nullable") is False, "description": about.get("description")}
        if "dictionary" in node:
            self.lose(path, "dictionary", "how values are coded is no promise of a contract")
        name = str(node["name"])
        if about.get(UUID[0]) == UUID[1]:
            return Field(name, Primitive("uuid"), **promises)
        if UUID[0] in about:
            self.lose(path, f"type {printable(about[UUID[0]], 60)}", "an extension type counts as what it is stored as")
        return self._typed(name, node, path, depth, promises)

    def _typed(self, name: str, node: dict[str, Any], path: str, depth: int, promises: dict[str, Any]) -> Field | None:
        kind: dict[str, Any] = node["type"]
        word = kind.get("name")
        children = [child for child in node.get("children") or [] if isinstance(child, dict)]
        if word == "struct":
            fields = self.fields(children, path, depth)
            return object_field(name, fields, **promises) if fields else self._left_out(path, "a struct without fields")
        if word in _LISTS and len(children) == 1:
            if word == "fixedsizelist":
                self.lose(path, "listSize", f"a contract does not count items; {whole(kind.get('listSize'))} is not kept")
            item = self._field(children[0] | {"name": "element"}, path + "[]", depth + 1)
            return None if item is None else array_field(name, item, **promises)
        if word == "map" and len(children) == 1:
            return self._map(name, children[0], path, depth, promises)
        return self._scalar(name, kind, path, promises)

    def _map(self, name: str, entries: dict[str, Any], path: str, depth: int, promises: dict[str, Any]) -> Field | None:
        sides = entries.get("children") or []
        if len(sides) != 2:
            raise NotASchema(f"the map at {printable(path, 80)} has no key and value", hint="mend the description")
        key = self._field(sides[0] | {"name": "key"}, path + ".key", depth + 1)
        value = self._field(sides[1] | {"name": "value"}, path + "{}", depth + 1)
        if key is None or value is None:
            return None
        if value != field_of("value", value.type):
            self.lose(path + "{}", "values", "of a map's values a contract keeps the type, and no other promise")
        return map_field(name, key.type, value.type, **promises)

    def _scalar(self, name: str, kind: dict[str, Any], path: str, promises: dict[str, Any]) -> Field | None:
        word, unit = kind.get("name"), str(kind.get("unit", ""))
        if word == "int":
            return self._integer(name, whole(kind.get("bitWidth")) or 0, bool(kind.get("isSigned")), promises)
        if word == "floatingpoint":
            return Field(name, Primitive("double" if kind.get("precision") == "DOUBLE" else "float"), **promises)
        if word == "decimal":
            precision, scale = whole(kind.get("precision")) or 0, whole(kind.get("scale"))
            if scale is None or not (1 <= precision <= 38 and 0 <= scale <= precision):
                return self._left_out(path, f"decimal({precision},{scale})")
            return Field(name, Decimal(precision, scale), **promises)
        if word == "fixedsizebinary":
            width = whole(kind.get("byteWidth"))
            return Field(name, Primitive("binary"), min_length=width, max_length=width, **promises)
        if word in ("time", "timestamp"):
            return self._time(name, str(word), unit, kind, path, promises)
        plain = {"bool": "boolean", "date": "date"} | dict.fromkeys(_TEXTS, "string") | dict.fromkeys(_BYTES, "binary")
        if word not in plain:
            return self._left_out(path, f"the type {printable(str(word), 60)}")
        return Field(name, Primitive(plain[str(word)]), **promises)

    def _integer(self, name: str, width: int, signed: bool, promises: dict[str, Any]) -> Field:
        if (width, signed) in _SMALL:
            low, high = _SMALL[width, signed]
            return Field(name, Primitive("int"), minimum=str(low), maximum=str(high), **promises)
        if signed:
            return Field(name, Primitive("int" if width == 32 else "long"), **promises)
        if width == 32:
            return Field(name, Primitive("long"), minimum="0", maximum=str(2**32 - 1), **promises)
        return Field(name, Decimal(20, 0), minimum="0", maximum=str(2**64 - 1), **promises)

    def _time(self, name: str, word: str, unit: str, kind: dict[str, Any], path: str, promises: dict[str, Any]) -> Field:
        own = "timestamptz" if kind.get("timezone") else word
        if unit == "NANOSECOND":
            self.lose(path, "unit", f"nanoseconds: a {own} counts microseconds; values with more digits are refused")
        elif unit != "MICROSECOND":
            self.lose(path, "unit", f"{unit.lower()}s: a {own} counts microseconds")
        if own == "timestamptz" and kind["timezone"] not in ("UTC", "Etc/UTC", "+00:00", "Z"):
            self.lose(path, "timezone", f"the instants stay the same; that they are shown in {kind['timezone']} is not kept")
        return Field(name, Primitive(own), **promises)

    def _left_out(self, path: str, what: str) -> None:
        self.lose(path, "type", f"{what} has no place in a contract; the column is left out, and loading keeps it in _extra")


def _metadata(node: dict[str, Any]) -> dict[str, str]:
    entries = node.get("metadata")
    return {str(entry["key"]): str(entry["value"]) for entry in entries or [] if isinstance(entry, dict) and "key" in entry}
