"""The gate: what may pass to the engine unseen, decided by msgspec on whole blocks.

From a contract it makes a Struct that forbids unknown fields. A block that decodes holds nothing but declared
keys with values of the right JSON type, whole numbers in range, nothing required missing. What is text stays
text here; its exact conversion is the engine's (``convert``). A refused block is taken apart (``sieve``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter
from typing import Any, Literal

import msgspec

from startrail.adapters.loader.doubled import Commas, keys_once, written_so
from startrail.adapters.loader.gate_types import Shown, struct_type
from startrail.model.contract import Contract
from startrail.model.evolution import inner_fields
from startrail.model.names import Names
from startrail.model.types import DataType, Decimal
from startrail.ports.loader import EXTRA

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
_TRIED = 8
"""Blocks in a row that may lack declared fields before none is expected to have them all."""

_NUMBER_FOR_TEXT = re.compile(r"Expected `str[^`]*`, got `(int|float)`")
_AT = " - at `$["
_LACKING = re.compile(r"Object missing required field|Expected .*, got `null`")
_BYTE = re.compile(r"\(byte ([0-9]+)\)$")
_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_WATCHED = 4_000_000
"""Bytes that say whether keys stand twice often."""

Wary = Literal["no", "first", "yes"]
"""Whether a key that stands twice in an object is looked for, which the decoder does not mind but the engine does.
first: in the first few megabytes, and then only if one was found."""
_Decode = Callable[[bytes], list[Any]]


class Passed(msgspec.Struct, frozen=True):
    """``count`` records may go to the engine as ``lines``; ``kept`` says which undeclared fields how many of them have."""

    count: int
    lines: bytes
    kept: dict[str, int] = {}


class Doubled(msgspec.MsgspecError):
    """A key stands twice, or may, in the record at ``place``, if that is known."""

    def __init__(self, place: int | None) -> None:
        super().__init__("a key may stand twice")
        self.place = place


class Gate:
    """Begins with the declared fields, and learns undeclared ones so that only their first block is slow."""

    def __init__(self, contract: Contract, *, wary: Wary = "no") -> None:
        self.wary: Wary = wary
        self.doubled = False
        """Whether what was refused may have had a key twice."""
        self.stopped_in: int | None = None
        """Where the lines that were refused last are not fine, if that is known: the place of the record among them. It is
        what the decoder says, and so no more than a hint."""
        self.surely = False
        """Whether that record will be refused also alone, where each of those before it has a line."""
        required = frozenset(contract.primary_key)
        self._fields = [(field, field.required or field.name in required) for field in contract.fields]
        self._names = Names(contract)
        self._nested = frozenset(field.name for field in contract.fields if any(True for _ in inner_fields(field.type)))
        self._learned: dict[str, str] = {}
        self._suffixes: dict[tuple[bytes | None, ...], bytes] = {}
        self._decimals = any(_has_decimal(field.type) for field in contract.fields)
        self._numeric = False
        """Decimals have come as JSON numbers, so they may again."""
        self._lacking = 0
        """Blocks in a row that lacked a declared field."""
        self._seen = 0
        self._build()

    def passes(self, lines: bytes) -> Passed | None:
        """What may go on, or None when at least one record may not."""
        self.stopped_in, self.surely = None, False
        if self._decode is None or (_BACKSLASH in lines and b"\\u0000" in lines):
            return None
        try:
            records = self._records(lines) if self.wary == "no" else self._once(lines)
            kept = self._kept(records, lines) if self._learned else None
            return Passed(len(records), lines) if kept is None else kept
        except Doubled as found:
            self.doubled, self.stopped_in, self.surely = True, found.place, True
        except _REFUSALS as error:
            self.stopped_in = _place(error, lines)
            certain = isinstance(error, msgspec.ValidationError) and _NUMBER_FOR_TEXT.match(str(error)) is None
            self.surely = certain and not self._numeric
        return None

    def learn(self, name: str) -> None:
        """Let records with this undeclared field pass from now on, if its name is plain and not one too many. What may be
        the path of an inner field is none of the names that a record itself has."""
        new = name not in self._learned and not self._names.may_mean(name) and name.split(".")[0] not in self._nested
        if new and len(self._learned) < _MOST_LEARNED and _PLAIN_NAME.fullmatch(name):
            self._learned[name] = f"u{len(self._learned)}"
            self._suffixes.clear()
            self._build()

    def _build(self) -> None:
        self._decode: _Decode | None = None
        self._decode_numbers: _Decode | None = None
        self._whole: _Decode | None = None
        self._whole_numbers: _Decode | None = None
        with suppress(ValueError):  # a name that msgspec cannot compare, with a quote or a backslash: nothing passes
            self._decode = self._decoder(Shown(self._learned)).decode_lines
            whole = self._decoder(Shown(self._learned, whole=True))
            self._whole = whole.decode_lines
            self._commas = Commas(self._fields, whole.type, self._learned.values())
            if self._decimals:
                self._decode_numbers = self._decoder(Shown(self._learned, numbers=True)).decode_lines
                self._whole_numbers = self._decoder(Shown(self._learned, numbers=True, whole=True)).decode_lines

    def _decoder(self, shown: Shown) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(struct_type("Record", self._fields, shown))

    def _once(self, lines: bytes) -> list[Any]:
        """Records in which no key stands twice. Raises MsgspecError."""
        if self.wary == "first":
            self._seen += len(lines)
            if self._seen > _WATCHED:
                self.wary = "yes" if self.doubled else "no"
        records = self._whole_records(lines)
        if records is not None:
            if self._commas.agree(records, lines):
                return records
            place, line = self._commas.first_off(records, lines)
            if line and not written_so([records[place]], line):
                raise Doubled(place)
        records = self._records(lines) if records is None else records
        if not written_so(records, lines):
            raise Doubled(_first_doubled(records, lines))
        return records

    def _whole_records(self, lines: bytes) -> list[Any] | None:
        """Records to which nothing is lacking; None where something may be."""
        if self._lacking >= _TRIED:
            return None
        try:
            records = self._records(lines, whole=True)
        except msgspec.ValidationError as error:
            if not _LACKING.match(str(error)):
                raise
            self._lacking += 1
            return None
        self._lacking = 0
        return records

    def _records(self, lines: bytes, *, whole: bool = False) -> list[Any]:
        """Decoded with decimals as text, or also as numbers where all of them certainly are exact. Raises MsgspecError."""
        decode, decode_numbers = (self._whole, self._whole_numbers) if whole else (self._decode, self._decode_numbers)
        assert decode is not None
        if decode_numbers is None:
            return decode(lines)
        if not self._numeric:
            try:
                return decode(lines)
            except msgspec.ValidationError as error:
                if _NUMBER_FOR_TEXT.match(str(error)) is None or not _exact_numbers(lines):
                    raise
        elif not _exact_numbers(lines):
            return decode(lines)
        records = decode_numbers(lines)
        self._numeric = True
        return records

    def _kept(self, records: list[Any], lines: bytes) -> Passed | None:
        """The lines with the learned fields of each record as text in ``_extra``; None when no record has one.

        Raises MsgspecError when a field may stand twice in a record: where a name occurs as often as records have
        it, none has it twice.
        """
        columns = [list(map(attrgetter(attribute), records)) for attribute in self._learned.values()]
        if all(column.count(None) == len(records) for column in columns):
            return None
        counts = {name: len(records) - column.count(None) for name, column in zip(self._learned, columns, strict=True)}
        kept = {name: count for name, count in counts.items() if count}
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
        if any(raw is not None and b"{" in raw and not keys_once(raw) for raw in raws):
            raise msgspec.MsgspecError("a key may stand twice")
        named = zip(self._learned, raws, strict=True)
        text = ",".join(f'"{name}":{raw.decode()}' for name, raw in named if raw is not None)
        suffix = b',"%s":%s}' % (EXTRA.encode(), msgspec.json.encode("{" + text + "}"))
        if len(self._suffixes) < _MOST_REMEMBERED and len(suffix) < 1000:
            self._suffixes[raws] = suffix
        return suffix


def _first_doubled(records: list[Any], lines: bytes) -> int | None:
    texts = lines.split(b"\n")
    if len(texts) != len(records) + 1:
        return None
    found = (at for at, record in enumerate(records) if not written_so([record], texts[at]))
    return next(found, None)


def _place(error: Exception, lines: bytes) -> int | None:
    """Of the record that the decoder stopped in, as far as the error says; it counts values, and most lines are one."""
    told = str(error)
    found = told.rfind(_AT)
    if found >= 0:
        return int(told[found + len(_AT) : told.index("]", found)])
    match = _BYTE.search(told)
    return None if match is None else lines.count(b"\n", 0, max(int(match[1]) - 1, 0))


def _exact_numbers(lines: bytes) -> bool:
    """No number has more digits than a double gives back, or an exponent. Text may make it doubt in vain."""
    plain = lines.translate(_DIGITS_AND_POINTS)
    return (_LONG not in plain and b"0e" not in plain) or _UNSURE.search(lines) is None


def _has_decimal(kind: DataType) -> bool:
    return isinstance(kind, Decimal) or any(_has_decimal(inner) for _, inner in inner_fields(kind))
