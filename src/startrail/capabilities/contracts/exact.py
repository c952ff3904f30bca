"""Exact conversion: text or a JSON value becomes a typed value, or breaks the contract. Nothing in between.

This is the specification; loaders follow it and never go beyond it. The rules, by declared type:

========================  ==============================================================================================
type                      accepted
========================  ==============================================================================================
boolean                   JSON ``true`` / ``false``; the text words the contract declares (``true`` / ``false``)
int, long                 a number without a fractional part that fits: ``7``, ``-0``, ``7.00``; in JSON also ``7e3``
decimal(p,s)              a number that needs no more than ``s`` digits after the point and fits: ``12.3``, ``12.300``
float, double             a number, taken to the nearest one the type holds; never infinite, and a number written
                          without point and exponent must be held exactly (so 9007199254740993 is refused)
date                      ``2026-10-03``
time                      ``14:05:00``, up to six digits of fraction (further zeros are harmless)
timestamp                 ``2026-10-03T14:05:00`` or with a space, fraction as above, and no zone
timestamptz               the same with ``Z`` or ``+hh:mm``; without a zone only when the contract declares one, and
                          then not in an hour that the zone's clocks show twice or skip
string                    a JSON string, without NUL; never a number
uuid                      ``8-4-4-4-12`` hexadecimal digits
binary                    base64 with padding
struct, list, map         a JSON object, array, object; in CSV the same as JSON text
========================  ==============================================================================================

Numbers in text have no sign ``+``, no leading zeros, no exponent (except for float and double), no group marks, no
surrounding space, ASCII digits only, and digits on both sides of the decimal separator. A declared pattern
replaces the ISO form of dates and times. Text in a JSON string counts like text in a CSV file.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal as Number
from functools import lru_cache
from typing import Any
from uuid import UUID

from startrail.base.text import printable
from startrail.base.time import zone
from startrail.model.contract import Field, Format
from startrail.model.types import Decimal, Primitive
from startrail.ports.loader import DriftKind, Violation

INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}

_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
_CLOCK = re.compile(_TIME, re.ASCII)
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]" + _TIME + r"([Zz]|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class JsonNumber(str):
    """The text of a JSON number, kept as written until it is converted."""

    __slots__ = ()


class Refused(Exception):
    """Why a value cannot be taken."""

    def __init__(self, rule: DriftKind, expected: str) -> None:
        self.rule: DriftKind = rule
        self.expected = expected


def convert(value: object, field: Field, path: str = "$") -> Any:
    """The typed value, or the :class:`Violation`. ``value`` is ``str``, ``bool`` or :class:`JsonNumber`, of a field
    with a primitive or decimal type."""
    try:
        return scalar(value, field)
    except Refused as refused:
        return Violation(path, refused.rule, refused.expected, show(value))


def scalar(value: object, field: Field) -> Any:
    """As :func:`convert`, but raises :class:`Refused`."""
    kind = field.type
    if isinstance(value, bool):
        if kind == Primitive("boolean"):
            return value
        raise Refused("wrong_type", str(kind))
    if isinstance(value, JsonNumber):
        return _number(value, field, _NUMBER)
    if isinstance(value, str):
        return _text(value, field)
    raise Refused("wrong_type", str(kind))


def show(value: object) -> str:
    """A value for people: bounded, with control characters escaped."""
    if isinstance(value, JsonNumber):
        return printable(str.__str__(value), 120)
    if isinstance(value, str):
        return printable(f'"{value[:200]}"', 120)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else printable(str(value), 120)


def _text(text: str, field: Field) -> Any:
    kind = field.type
    if isinstance(kind, Decimal):
        return _number(_with_point(text, field.format), field, _PLAIN_NUMBER)
    assert isinstance(kind, Primitive), "inner types are taken apart by the judge"
    match kind.name:
        case "string":
            return _string(text)
        case "int" | "long":
            return _number(text, field, _PLAIN_NUMBER)
        case "float" | "double":
            return _number(_with_point(text, field.format), field, _NUMBER)
        case "boolean":
            return _boolean(text, field.format)
        case "date" | "time" | "timestamp" | "timestamptz" if field.format.pattern:
            return _patterned(text, kind.name, field.format)
        case "date":
            return _date(text)
        case "time":
            return _clock(text)
        case "timestamp" | "timestamptz":
            return _instant(text, kind.name, field.format)
        case "uuid":
            return _uuid(text)
        case _:
            return _binary(text)


def _number(text: str, field: Field, grammar: re.Pattern[str]) -> Any:
    kind = field.type
    name = kind.name if isinstance(kind, Primitive) else ""
    if not isinstance(kind, Decimal) and name not in (*INTEGERS, "float", "double"):
        raise Refused("wrong_type", str(kind))
    if grammar.fullmatch(text) is None:
        raise Refused("wrong_type", f"{kind}, written like {'-12' if name in INTEGERS else '-12.5'}")
    if isinstance(kind, Decimal):
        return _fixed(text, kind)
    return _integer(text, name) if name in INTEGERS else _floating(text, name)


def _magnitude(text: str) -> Number:
    """The number, with a cheap refusal of exponents that no type could hold."""
    _, _, exponent = text.lower().partition("e")
    if len(text) > 400 or (exponent and abs(int(exponent[:6])) > 400):
        raise Refused("out_of_range", "a number of a size that can be held")
    return Number(text)


def _integer(text: str, name: str) -> int:
    value = _magnitude(text)
    if value != value.to_integral_value():
        raise Refused("inexact", f"{name}, without a fraction")
    low, high = INTEGERS[name]
    if not low <= value <= high:
        raise Refused("out_of_range", f"{name}, {low} to {high}")
    return int(value)


def _fixed(text: str, kind: Decimal) -> Number:
    value = _magnitude(text)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "the grammar knows no NaN"
    while exponent < -kind.scale and digits[-1] == 0 and len(digits) > 1:
        digits, exponent = digits[:-1], exponent + 1
    if any(digits) and exponent < -kind.scale:
        raise Refused("inexact", f"{kind}, at most {kind.scale} digits after the point")
    if any(digits) and len(digits) + exponent > kind.precision - kind.scale:
        raise Refused("out_of_range", f"{kind}, at most {kind.precision - kind.scale} digits before the point")
    if not any(digits):
        return Number((0, (0,), -kind.scale))
    return Number((1 if value < 0 else 0, digits + (0,) * (exponent + kind.scale), -kind.scale))


def _floating(text: str, name: str) -> float:
    value = float(text)
    if name == "float" and math.isfinite(value):
        try:
            value = struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            value = math.inf
    if not math.isfinite(value):
        raise Refused("out_of_range", f"{name}, finite")
    if text.lstrip("-").isdecimal() and Number(value) != Number(text):
        raise Refused("inexact", f"{name}; this whole number cannot be held exactly")
    return value


def _with_point(text: str, form: Format) -> str:
    if form.decimal_separator == ".":
        return text
    if "." in text:
        raise Refused("wrong_format", f"a number with '{form.decimal_separator}' as decimal separator")
    return text.replace(form.decimal_separator, ".")


def _string(text: str) -> str:
    if "\0" in text:
        raise Refused("malformed", "text without NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refused("malformed", "text without lone surrogates") from error
    return text


def _boolean(text: str, form: Format) -> bool:
    if text in form.true_words:
        return True
    if text in form.false_words:
        return False
    raise Refused("wrong_format", "boolean, written " + " or ".join(f"'{word}'" for word in form.true_words + form.false_words))


def _date(text: str) -> date:
    expected = "date, written 2026-10-03"
    if _DATE.fullmatch(text) is None:
        raise Refused("wrong_format", expected)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("wrong_format", "date that is in the calendar") from error


def _micro(fraction: str | None, expected: str) -> str:
    digits = fraction or ""
    if digits[6:].strip("0"):
        raise Refused("inexact", f"{expected}, at most microseconds")
    return digits[:6].ljust(6, "0")


def _clock(text: str) -> time:
    expected = "time, written 14:05:00"
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise Refused("wrong_format", expected)
    try:
        return time.fromisoformat(f"{match[1]}.{_micro(match[2], expected)}")
    except ValueError as error:
        raise Refused("wrong_format", "time that a clock shows") from error


def _instant(text: str, name: str, form: Format) -> datetime:
    zoned = name == "timestamptz"
    expected = f"{name}, written 2026-10-03T14:05:00" + ("Z" if zoned else "")
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise Refused("wrong_format", expected)
    day, clock, fraction, offset = match.groups()
    try:
        naive = datetime.fromisoformat(f"{day}T{clock}.{_micro(fraction, expected)}")
        if offset is None:
            return _placed(naive, name, form)
        if not zoned:
            raise Refused("wrong_format", f"{expected}, without a zone")
        if offset not in "Zz" and int(offset[4:]) > 59:
            raise Refused("wrong_format", "an offset that exists")
        return datetime.fromisoformat(naive.isoformat() + ("+00:00" if offset in "Zz" else offset)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused("wrong_format", f"{name} that is in the calendar") from error


def _patterned(text: str, name: str, form: Format) -> date | time | datetime:
    pattern = form.pattern or ""
    expected = f"{name}, written as {pattern}"
    if not text.isascii() or text != " ".join(text.split()):
        raise Refused("wrong_format", expected)
    try:
        found = datetime.strptime(text, pattern)
        if name == "date":
            return found.date()
        if name == "time":
            return found.time()
        if name == "timestamptz" and found.tzinfo is not None:
            return found.astimezone(UTC)
        return _placed(found, name, form)
    except (ValueError, OverflowError) as error:
        raise Refused("wrong_format", expected) from error


def _placed(naive: datetime, name: str, form: Format) -> datetime:
    """A wall time as what the type asks for: itself, or the instant in the declared zone."""
    if name == "timestamp":
        return naive
    if form.timezone is None:
        raise Refused("wrong_format", "timestamptz with its zone, since the contract declares none")
    where = zone(form.timezone)
    first, second = naive.replace(tzinfo=where, fold=0), naive.replace(tzinfo=where, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise Refused("wrong_format", f"timestamptz; clocks in {form.timezone} show this time twice or never")
    return first.astimezone(UTC)


def _uuid(text: str) -> UUID:
    if _UUID.fullmatch(text) is None:
        raise Refused("wrong_format", "uuid")
    return UUID(text)


def _binary(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("wrong_format", "binary as base64") from error
    if base64.b64encode(found).decode() != text:
        raise Refused("wrong_format", "binary as base64 with padding")
    return found


@lru_cache(maxsize=4096)
def bound(text: str, field: Field) -> Any:
    """A limit or an allowed value that a contract declares, as a value of the field's type. The contract's own
    literals are written in ISO form with a point, whatever form the data has."""
    return scalar(text, Field(field.name, field.type, format=Format(timezone=field.format.timezone)))
