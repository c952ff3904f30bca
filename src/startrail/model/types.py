"""Data types, the same for every engine and table format.

Written as text: ``boolean int long float double decimal(18,2) date time timestamp timestamptz string
binary uuid list<string> struct<id: long, name: string> map<string, long>``. ``int`` has 32 bits, ``long``
64; times count microseconds; ``timestamp`` has no zone, ``timestamptz`` is an instant in UTC.
"""

from __future__ import annotations

import msgspec

PRIMITIVES = (
    "boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz", "string", "binary", "uuid",
)  # fmt: skip


class Primitive(msgspec.Struct, frozen=True, tag="primitive"):
    """One of :data:`PRIMITIVES`."""

    name: str

    def __str__(self) -> str:
        return self.name


class Decimal(msgspec.Struct, frozen=True, tag="decimal"):
    """Exact number of ``precision`` digits (1..38), ``scale`` of them after the point."""

    precision: int
    scale: int

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


class ListOf(msgspec.Struct, frozen=True, tag="list"):
    """Items of one type, in order."""

    item: DataType

    def __str__(self) -> str:
        return f"list<{self.item}>"


class MapOf(msgspec.Struct, frozen=True, tag="map"):
    """Values by key."""

    key: DataType
    value: DataType

    def __str__(self) -> str:
        return f"map<{self.key}, {self.value}>"


class StructOf(msgspec.Struct, frozen=True, tag="struct"):
    """Named fields, in order."""

    fields: tuple[tuple[str, DataType], ...]

    def __str__(self) -> str:
        return "struct<" + ", ".join(f"{name}: {kind}" for name, kind in self.fields) + ">"


DataType = Primitive | Decimal | ListOf | MapOf | StructOf

_ALIASES = {
    "bool": "boolean", "integer": "int", "int32": "int", "bigint": "long", "int64": "long", "real": "float",
    "float32": "float", "float64": "double", "varchar": "string", "text": "string", "bytes": "binary",
}  # fmt: skip


def parse_type(text: str) -> DataType:
    """Read a type from its text form. Raises ValueError with a sentence."""
    reader = _Reader(text)
    found = reader.read()
    if reader.rest().strip():
        raise ValueError(f"'{text}' is not a type: '{reader.rest().strip()}' is left over")
    return found


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def rest(self) -> str:
        return self.text[self.at :]

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _word(self) -> str:
        self._skip()
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] == "_"):
            self.at += 1
        return self.text[start : self.at]

    def _expect(self, mark: str) -> None:
        self._skip()
        if not self.text.startswith(mark, self.at):
            raise ValueError(f"'{self.text}' is not a type: expected '{mark}' at character {self.at + 1}")
        self.at += len(mark)

    def _next_is(self, mark: str) -> bool:
        self._skip()
        return self.text.startswith(mark, self.at)

    def read(self) -> DataType:
        word = self._word().lower()
        name = _ALIASES.get(word, word)
        if name in PRIMITIVES:
            return Primitive(name)
        if name in ("decimal", "numeric"):
            return self._decimal()
        if name == "list":
            self._expect("<")
            item = self.read()
            self._expect(">")
            return ListOf(item)
        if name == "map":
            self._expect("<")
            key = self.read()
            self._expect(",")
            value = self.read()
            self._expect(">")
            return MapOf(key, value)
        if name == "struct":
            return self._struct()
        raise ValueError(f"'{self.text}' is not a type: unknown word '{word}'")

    def _decimal(self) -> Decimal:
        self._expect("(")
        precision = self._word()
        self._expect(",")
        scale = self._word()
        self._expect(")")
        if not (precision.isdecimal() and scale.isdecimal() and 1 <= int(precision) <= 38 and int(scale) <= int(precision)):
            raise ValueError(f"'{self.text}' is not a type: decimal takes a precision of 1 to 38 and a scale within it")
        return Decimal(int(precision), int(scale))

    def _struct(self) -> StructOf:
        self._expect("<")
        fields: list[tuple[str, DataType]] = []
        while True:
            name = self._word()
            self._expect(":")
            fields.append((name, self.read()))
            if not self._next_is(","):
                break
            self._expect(",")
        self._expect(">")
        return StructOf(tuple(fields))
