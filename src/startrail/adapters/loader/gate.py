"""The gate: what may pass to the engine unseen, decided by msgspec on whole blocks.

From a contract it makes a Struct that forbids unknown fields. A block that decodes holds nothing but declared
keys with values of the right JSON type, whole numbers in range, nothing required missing. What is text stays
text here; its exact conversion is the engine's (``convert``). A refused block is taken apart line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from typing import Annotated, Any

import msgspec

from startrail.adapters.loader.convert import item_field, struct_fields
from startrail.model.contract import Contract, Field
from startrail.model.evolution import inner_fields
from startrail.model.names import Names
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf
from startrail.ports.loader import EXTRA

_INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
_EXACT = {"float": 2**24, "double": 2**53}
"""Whole numbers up to here are held exactly."""
_TEMPORAL: dict[str, Any] = {
    "date": date,
    "time": Annotated[time, msgspec.Meta(tz=False)],
    "timestamp": Annotated[datetime, msgspec.Meta(tz=False)],
    "timestamptz": Annotated[datetime, msgspec.Meta(tz=True)],
}
"""Checking them here costs a seventh of what a regular expression costs the engine."""
_LARGEST_FLOAT = 3.4028234e38
_BACKSLASH = ord("\\")
"""Looking for one byte first is thirty times as fast as looking for six."""
_MOST_LEARNED = 32
_MOST_REMEMBERED = 10_000
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
_ASCII_ESCAPED = re.compile(rb"\\u00[2-7]")
_DIGITS_AND_POINTS = bytes.maketrans(b"123456789.E", b"0000000000e")
_LONG = b"0" * 16
_UNSURE = re.compile(rb"[:,\[\s]-?(?:[0-9][0-9.]{15}|[0-9.]+[eE])")
"""A number that a double may not hold: up to fifteen digits it does, and gives them back."""


_NUMBER_FOR_TEXT = re.compile(r"Expected `str[^`]*`, got `(int|float)`")
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Passed(msgspec.Struct, frozen=True):
    """``count`` records may go to the engine as ``lines``; ``kept`` says which undeclared fields how many of them have."""

    count: int
    lines: bytes
    kept: dict[str, int] = {}


class Gate:
    """Begins with the declared fields, and learns undeclared ones so that only their first block is slow.

    ``wary``: also looks for a key that stands twice in an object, which the decoder does not mind but the engine does.
    """

    def __init__(self, contract: Contract, *, wary: bool = False) -> None:
        self._wary = wary
        required = frozenset(contract.primary_key)
        self._fields = [(field, field.required or field.name in required) for field in contract.fields]
        self._names = Names(contract)
        self._learned: dict[str, str] = {}
        self._suffixes: dict[tuple[bytes | None, ...], bytes] = {}
        self._decimals = any(_has_decimal(field.type) for field in contract.fields)
        self._numeric = False
        """Decimals have come as JSON numbers, so they may again."""
        self._build()

    def passes(self, lines: bytes) -> Passed | None:
        """What may go on, or None when at least one record may not."""
        if self._decode is None or (_BACKSLASH in lines and b"\\u0000" in lines):
            return None
        try:
            records = self._records(lines)
            if self._wary and not _written_so(records, lines):
                return None
            return self._made(records, lines)
        except _REFUSALS:
            return None

    def until_refused(self, texts: list[bytes], start: int) -> list[Any]:
        """Lines one by one: the records of those from ``start`` on, up to the first that may not pass by itself."""
        records: list[Any] = []
        if self._decode_one is None:
            return records
        with suppress(*_REFUSALS):
            for at in range(start, len(texts)):
                text = texts[at]
                if _BACKSLASH in text and b"\\u0000" in text:
                    break
                numeric = self._numeric and self._decode_number is not None and _exact_numbers(text)
                records.append((self._decode_number if numeric else self._decode_one)(text))  # type: ignore[misc]  (looked at above)
        if self._wary and not _written_so(records, b"\n".join(texts[start : start + len(records)])):
            for at, record in enumerate(records):
                if not _written_so([record], texts[start + at]):
                    return records[:at]
        return records

    def made(self, records: list[Any], lines: bytes) -> Passed | None:
        """What may go on of the lines of such records, or None when at least one must be looked at by itself."""
        try:
            return self._made(records, lines)
        except _REFUSALS:
            return None

    def _made(self, records: list[Any], lines: bytes) -> Passed:
        kept = self._kept(records, lines) if self._learned else None
        return Passed(len(records), lines) if kept is None else kept

    def learn(self, name: str) -> None:
        """Let records with this undeclared field pass from now on, if its name is plain and not one too many."""
        new = name not in self._learned and not self._names.may_mean(name)
        if new and len(self._learned) < _MOST_LEARNED and _PLAIN_NAME.fullmatch(name):
            self._learned[name] = f"u{len(self._learned)}"
            self._suffixes.clear()
            self._build()

    def _build(self) -> None:
        self._decode: Callable[[bytes], list[Any]] | None = None
        self._decode_numbers: Callable[[bytes], list[Any]] | None = None
        self._decode_one: Callable[[bytes], Any] | None = None
        self._decode_number: Callable[[bytes], Any] | None = None
        with suppress(ValueError):  # a name that msgspec cannot compare, with a quote or a backslash: nothing passes
            decoder = msgspec.json.Decoder(_struct("Record", self._fields, self._learned))
            self._decode, self._decode_one = decoder.decode_lines, decoder.decode
            if self._decimals:
                decoder = msgspec.json.Decoder(_struct("Record", self._fields, self._learned, numbers=True))
                self._decode_numbers, self._decode_number = decoder.decode_lines, decoder.decode

    def _records(self, lines: bytes) -> list[Any]:
        """Decoded with decimals as text, or also as numbers where all of them certainly are exact. Raises MsgspecError."""
        assert self._decode is not None
        if self._decode_numbers is None:
            return self._decode(lines)
        if not self._numeric:
            try:
                return self._decode(lines)
            except msgspec.ValidationError as error:
                if _NUMBER_FOR_TEXT.match(str(error)) is None or not _exact_numbers(lines):
                    raise
        elif not _exact_numbers(lines):
            return self._decode(lines)
        records = self._decode_numbers(lines)
        self._numeric = True
        return records

    def _kept(self, records: list[Any], lines: bytes) -> Passed | None:
        """The lines with the learned fields of each record as text in ``_extra``; None when no record has one.

        Raises MsgspecError when a field may stand twice in a record: where a name occurs as often as records have
        it, none has it twice.
        """
        columns = [[getattr(record, attribute) for record in records] for attribute in self._learned.values()]
        counts = {name: len(records) - column.count(None) for name, column in zip(self._learned, columns, strict=True)}
        kept = {name: count for name, count in counts.items() if count}
        if not kept:
            return None
        if b"\\u00" in lines and _ASCII_ESCAPED.search(lines):
            raise msgspec.MsgspecError("a key may be written with escapes")
        if any(lines.count(b'"' + name.encode() + b'"') != count for name, count in kept.items()):
            raise msgspec.MsgspecError("a key may stand twice")
        texts = lines.split(b"\n")
        texts.pop()
        if len(texts) != len(records):
            raise msgspec.MsgspecError("not a record a line")
        if not lines.endswith(b"}\n") or lines.count(b"}\n") != len(records):
            texts = [text.rstrip() for text in texts]
        absent = (None,) * len(columns)
        known = self._suffixes
        keys = [tuple([None if value is None else bytes(value) for value in column]) for column in columns]
        made = [
            text if key == absent else text[:-1] + (known.get(key) or self._suffix(key))
            for text, key in zip(texts, zip(*keys, strict=True), strict=True)
        ]
        made.append(b"")
        return Passed(len(records), b"\n".join(made), kept)

    def _suffix(self, raws: tuple[bytes | None, ...]) -> bytes:
        """How a line with these fields ends; remembered, since such values often repeat. Raises MsgspecError when a
        key may stand twice within one of them."""
        if any(raw is not None and b"{" in raw and not _keys_once(raw) for raw in raws):
            raise msgspec.MsgspecError("a key may stand twice")
        named = zip(self._learned, raws, strict=True)
        text = ",".join(f'"{name}":{raw.decode()}' for name, raw in named if raw is not None)
        suffix = b',"%s":%s}' % (EXTRA.encode(), msgspec.json.encode("{" + text + "}"))
        if len(self._suffixes) < _MOST_REMEMBERED and len(suffix) < 1000:
            self._suffixes[raws] = suffix
        return suffix


def _written_so(records: list[Any], lines: bytes) -> bool:
    """As :func:`_keys_once`, of lines that these records were read from: what is absent is not written."""
    return b"\\u0022" not in lines and _ENCODE_LINES(records).count(b'"') == lines.count(b'"')


def _keys_once(lines: bytes) -> bool:
    """False when a key may stand twice in an object: reading and writing again would lose its quotation marks, and
    only an escaped one could make up for that."""
    return b"\\u0022" not in lines and _ENCODE_LINES(_DECODE_LINES(lines)).count(b'"') == lines.count(b'"')


_DECODE_LINES = msgspec.json.Decoder().decode_lines
_ENCODE_LINES = msgspec.json.Encoder().encode_lines


def _exact_numbers(lines: bytes) -> bool:
    """No number has more digits than a double gives back, or an exponent. Text may make it doubt in vain."""
    plain = lines.translate(_DIGITS_AND_POINTS)
    return (_LONG not in plain and b"0e" not in plain) or _UNSURE.search(lines) is None


def _has_decimal(kind: DataType) -> bool:
    return isinstance(kind, Decimal) or any(_has_decimal(inner) for _, inner in inner_fields(kind))


def _struct(
    label: str, fields: list[tuple[Field, bool]], learned: dict[str, str] | None = None, *, numbers: bool = False
) -> type[msgspec.Struct]:
    """Attributes are numbered and renamed, since a field's name may be any text; ``learned`` ones hold raw JSON."""
    members: list[Any] = []
    names: dict[str, str] = {}
    for index, (field, required) in enumerate(sorted(fields, key=lambda pair: not (pair[1] or pair[0].default is not None))):
        attribute = f"f{index}"
        names[attribute] = field.name
        kind = _json_type(field, field.type, f"{label}_{index}", numbers)
        if required:
            members.append((attribute, kind))
        elif field.default is not None:  # null is not absent, and what is absent is not for the gate to fill
            members.append((attribute, kind | None))
        else:
            members.append((attribute, kind | None | msgspec.UnsetType, msgspec.UNSET))
    for name, attribute in (learned or {}).items():
        names[attribute] = name
        members.append((attribute, msgspec.Raw, None))
    return msgspec.defstruct(label, members, forbid_unknown_fields=True, omit_defaults=True, rename=names.__getitem__, gc=False)


def _json_type(field: Field, kind: DataType, label: str, numbers: bool) -> Any:
    """The JSON type that certainly is the declared one. ``numbers``: a decimal may be one."""
    match kind:
        case Primitive(name="boolean"):
            return bool
        case Primitive(name=("int" | "long") as name):
            low, high = _INTEGERS[name]
            return Annotated[int, msgspec.Meta(ge=low, le=high)]
        case Primitive(name=("float" | "double") as name):
            whole = Annotated[int, msgspec.Meta(ge=-_EXACT[name], le=_EXACT[name])]
            if name == "double":
                return whole | float
            return whole | Annotated[float, msgspec.Meta(ge=-_LARGEST_FLOAT, le=_LARGEST_FLOAT)]
        case Primitive(name=("date" | "time" | "timestamp" | "timestamptz") as name) if field.format.pattern is None:
            return _TEMPORAL[name]
        case Decimal() if numbers and field.format.decimal_separator == ".":
            return str | float
        case Primitive() | Decimal():
            return str
        case ListOf():
            item = item_field(field)
            inner = _json_type(item, item.type, f"{label}_item", numbers)
            return list[inner if item.required else inner | None]
        case MapOf():
            item = item_field(field)
            inner = _json_type(item, item.type, f"{label}_value", numbers)
            return dict[str, inner if item.required else inner | None]
        case StructOf():
            return _struct(label, [(part, part.required) for _, part in struct_fields(field)], numbers=numbers)
