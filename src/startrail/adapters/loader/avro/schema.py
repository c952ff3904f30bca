"""An Avro schema as two things: a plain schema to decode by, and what makes each value JSON without losing a digit.

The plain schema has the same bytes, yet names every branch of a union and knows no logical types: a decoder that turns
days into dates fails at a day that no calendar has, where a contract should judge it. Source: Avro specification 1.12.
"""

from __future__ import annotations

import json
import math
import struct
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from startrail.adapters.loader.blocks import Unreadable
from startrail.base.text import printable

Make = Callable[[Any], Any]
_MOST_PARTS = 20_000
"""Types within types; named types that hold each other twice could else be billions."""
_PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = {"millis": 1000, "micros": 1_000_000, "nanos": 1_000_000_000}
_DAY = 86_400


class Kind(msgspec.Struct, frozen=True):
    """A type: what it is called when compared with a contract's, its plain schema, and its value as JSON."""

    name: str
    plain: Any
    make: Make | None = None
    """None: the decoded value is fit for JSON as it is."""


class FileSchema(msgspec.Struct, frozen=True):
    """A file's records: fields by name, as ``f0``, ``f1`` and so on in what ``array``, the schema of an array of them,
    decodes to."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    array: Any


def read_schema(text: bytes) -> FileSchema:
    """Raises Unreadable for what is no schema of records, or one that refers to itself."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the schema in the Avro file is not JSON") from error
    try:
        return _Schemas().records(tree)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"the schema in the Avro file is not one: {printable(repr(error), 120)}") from error


class _Schemas:
    def __init__(self) -> None:
        self._named: dict[str, tuple[Any, str]] = {}
        self._open: list[str] = []
        self._parts = 0

    def records(self, tree: Any) -> FileSchema:
        if not isinstance(tree, dict) or tree["type"] not in ("record", "error"):
            raise Unreadable("the Avro file does not hold records")
        name, space = self._enter(tree, "")
        names = tuple(self._text(field["name"]) for field in tree["fields"])
        self._once(names)
        self._open.append(name)
        kinds = tuple(self._kind(field["type"], space) for field in tree["fields"])
        return FileSchema(names, kinds, {"type": "array", "items": _record(self._fresh(), kinds)})

    def _kind(self, tree: Any, space: str) -> Kind:
        self._fresh()
        if isinstance(tree, str):
            return Kind(tree, tree, _SIMPLE.get(tree)) if tree in _PRIMITIVES else self._referred(tree, space)
        if isinstance(tree, list):
            return self._union(tree, space)
        logical = _logical(tree, self._fresh())
        if logical is not None:
            if tree["type"] == "fixed":
                self._enter(tree, space)
            return logical
        match tree["type"]:
            case "array":
                item = self._kind(tree["items"], space)
                return Kind("array", {"type": "array", "items": item.plain}, item.make and _list(item.make))
            case "map":
                item = self._kind(tree["values"], space)
                return Kind("map", {"type": "map", "values": item.plain}, item.make and _map(item.make))
            case "record" | "error":
                return self._record(tree, space)
            case "enum":
                self._enter(tree, space)
                symbols = [self._text(symbol) for symbol in tree["symbols"]]
                self._once(symbols)
                return Kind("enum", {"type": "enum", "name": self._fresh(), "symbols": symbols})
            case "fixed":
                self._enter(tree, space)
                return Kind("fixed", {"type": "fixed", "name": self._fresh(), "size": _size(tree)}, _binary)
            case inner:
                return self._kind(inner, space)

    def _referred(self, name: str, space: str) -> Kind:
        full = name if "." in name or not space else f"{space}.{name}"
        full = full if full in self._named else name
        if full in self._open:
            raise Unreadable(f"the schema of the Avro file refers to itself: {printable(full)} holds {printable(full)}")
        if full not in self._named:
            raise Unreadable(f"the schema in the Avro file names no type {printable(full)}")
        return self._kind(*self._named[full])

    def _record(self, tree: Any, space: str) -> Kind:
        name, space = self._enter(tree, space)
        names = [self._text(field["name"]) for field in tree["fields"]]
        self._once(names)
        self._open.append(name)
        kinds = [self._kind(field["type"], space) for field in tree["fields"]]
        self._open.pop()
        makes = [(f"f{at}", name, kind.make) for at, (name, kind) in enumerate(zip(names, kinds, strict=True))]
        return Kind("record", _record(self._fresh(), kinds), _object(makes))

    def _union(self, tree: list[Any], space: str) -> Kind:
        """With one branch beside null its values say which they are; else every branch is a record that names it."""
        kinds = [self._kind(branch, space) for branch in tree]
        values = [kind for kind in kinds if kind.name != "null"]
        if len(values) < 2:
            value = values[0] if values else Kind("null", "null")
            make = value.make
            return Kind(value.name, [kind.plain for kind in kinds], make and (lambda v: None if v is None else make(v)))
        branches = [
            {"type": "record", "name": self._fresh(), "fields": [{"name": f"b{at}", "type": kind.plain}]}
            for at, kind in enumerate(kinds)
        ]
        return Kind("union", branches, _branch({f"b{at}": kind.make for at, kind in enumerate(kinds)}))

    def _enter(self, tree: Any, space: str) -> tuple[str, str]:
        """The full name of a type that is defined here, and the namespace within it."""
        name = self._text(tree["name"])
        space = tree.get("namespace", space) or ""
        full = name if "." in name or not space else f"{space}.{name}"
        space = full.rpartition(".")[0]
        self._named[full] = (tree, space)
        return full, space

    def _fresh(self) -> str:
        """A name that no other type has."""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise Unreadable("the schema of the Avro file is too large")
        return f"t{self._parts}"

    def _text(self, name: Any) -> str:
        if not isinstance(name, str):
            raise TypeError(f"a name is missing, {name!r} stands in its place")
        return name

    def _once(self, names: tuple[str, ...] | list[str]) -> None:
        if len(set(names)) != len(names):
            raise Unreadable("the schema of the Avro file has a name twice")


def _record(name: str, kinds: tuple[Kind, ...] | list[Kind]) -> dict[str, Any]:
    fields = [{"name": f"f{at}", "type": kind.plain} for at, kind in enumerate(kinds)]
    return {"type": "record", "name": name, "fields": fields}


def _size(tree: Any) -> int:
    if not isinstance(tree["size"], int) or tree["size"] < 0:
        raise TypeError(f"a fixed type of size {tree['size']!r}")
    return tree["size"]


def _list(make: Make) -> Make:
    return lambda values: [make(value) for value in values]


def _map(make: Make) -> Make:
    return lambda values: {key: make(value) for key, value in values.items()}


def _object(parts: list[tuple[str, str, Make | None]]) -> Make:
    def made(value: dict[str, Any]) -> dict[str, Any]:
        return {name: value[at] if make is None else make(value[at]) for at, name, make in parts}

    return made


def _branch(makes: dict[str, Make | None]) -> Make:
    def made(value: dict[str, Any]) -> Any:
        ((name, inner),) = value.items()
        make = makes[name]
        return inner if make is None else make(inner)

    return made


def _binary(value: bytes) -> str:
    return b64encode(value).decode()


def _double(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def _float(value: float) -> Any:
    """By the fewest digits that mean it among 32-bit numbers, so that it is not its 64-bit neighbour."""
    if not math.isfinite(value):
        return str(value)
    for digits in (6, 7, 8):
        found = float(f"{value:.{digits}g}")
        if _narrow(found) == value:
            return found
    return float(f"{value:.9g}")


def _narrow(value: float) -> float:
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf


_SIMPLE: dict[str, Make] = {"bytes": _binary, "float": _float, "double": _double}


def _logical(tree: Any, fresh: str) -> Kind | None:
    """None for a logical type that is unknown or does not fit: it is then ignored, as the specification says."""
    kind, name = tree["type"], tree.get("logicalType")
    if kind in ("bytes", "fixed") and name == "decimal":
        return _decimal(tree, fresh)
    if (kind, name) == ("string", "uuid"):
        return Kind("uuid", "string")
    if (kind, name) == ("fixed", "uuid") and tree.get("size") == 16:
        return Kind("uuid", {"type": "fixed", "name": fresh, "size": 16}, lambda value: str(UUID(bytes=value)))
    if (kind, name) == ("int", "date"):
        return Kind("date", "int", _date)
    if (kind, name) in (("int", "time-millis"), ("long", "time-micros")):
        return Kind("time", kind, _time(_TICKS[name.partition("-")[2]]))
    if kind == "long" and isinstance(name, str):
        local, _, unit = name.removeprefix("local-").partition("-")
        if local == "timestamp" and unit in _TICKS:
            zone = "" if name.startswith("local-") else "Z"
            return Kind("timestamp" if not zone else "timestamptz", "long", _instant(_TICKS[unit], zone))
    return None


def _decimal(tree: Any, fresh: str) -> Kind | None:
    scale, precision = tree.get("scale", 0), tree.get("precision")
    if not (isinstance(scale, int) and isinstance(precision, int) and 0 <= scale <= precision):
        return None

    def text(value: bytes) -> str:
        number = int.from_bytes(value, "big", signed=True)
        digits = str(abs(number)).rjust(scale + 1, "0")
        whole, fraction = (digits[:-scale], digits[-scale:]) if scale else (digits, "")
        return ("-" if number < 0 else "") + whole + ("." + fraction if fraction else "")

    plain = "bytes" if tree["type"] == "bytes" else {"type": "fixed", "name": fresh, "size": _size(tree)}
    return Kind("decimal", plain, text)


def _date(days: int) -> str:
    """In ISO form; a day beyond the calendar as what stands in the file, which is no date."""
    try:
        return (date(1970, 1, 1) + timedelta(days)).isoformat()
    except OverflowError:
        return f"{days} days from 1970-01-01"


def _time(ticks: int) -> Make:
    def text(value: int) -> str:
        seconds, rest = divmod(value, ticks)
        if not 0 <= seconds < _DAY:
            return f"{value} ticks of a clock"
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest * (1_000_000 // ticks):06}"

    return text


def _instant(ticks: int, zone: str) -> Make:
    digits = len(str(ticks)) - 1

    def text(value: int) -> str:
        seconds, rest = divmod(value, ticks)
        try:
            return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}.{rest:0{digits}}{zone}"
        except OverflowError:
            return f"{value} ticks from 1970-01-01"

    return text
