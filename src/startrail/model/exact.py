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
import re
from functools import lru_cache
from typing import Any
from uuid import UUID

from startrail.model.contract import Field, Format
from startrail.model.exact_numbers import PLAIN, WITH_EXPONENT, number, with_point
from startrail.model.exact_times import read_clock, read_date, read_instant, read_patterned
from startrail.model.refusal import JsonNumber, Refused
from startrail.model.types import Decimal, Primitive

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def scalar(value: object, field: Field) -> Any:
    """The typed value. ``value`` is ``str``, ``bool`` or :class:`JsonNumber`, of a field with a primitive or decimal type.
    Raises :class:`Refused`."""
    kind = field.type
    if isinstance(value, bool):
        if kind == Primitive("boolean"):
            return value
        raise Refused("wrong_type", str(kind))
    if isinstance(value, JsonNumber):
        return number(value, field, WITH_EXPONENT)
    if isinstance(value, str):
        return _text(value, field)
    raise Refused("wrong_type", str(kind))


@lru_cache(maxsize=4096)
def bound(text: str, field: Field) -> Any:
    """A limit or an allowed value that a contract declares, as a value of the field's type. The contract's own
    literals are written in ISO form with a point, whatever form the data has."""
    return scalar(text, Field(field.name, field.type, format=Format(timezone=field.format.timezone)))


def _text(text: str, field: Field) -> Any:
    kind = field.type
    if isinstance(kind, Decimal):
        return number(with_point(text, field.format), field, PLAIN)
    assert isinstance(kind, Primitive), "inner types are taken apart by the judge"
    match kind.name:
        case "string":
            return _string(text)
        case "int" | "long":
            return number(text, field, PLAIN)
        case "float" | "double":
            return number(with_point(text, field.format), field, WITH_EXPONENT)
        case "boolean":
            return _boolean(text, field.format)
        case "date" | "time" | "timestamp" | "timestamptz" if field.format.pattern:
            return read_patterned(text, kind.name, field.format)
        case "date":
            return read_date(text)
        case "time":
            return read_clock(text)
        case "timestamp" | "timestamptz":
            return read_instant(text, kind.name, field.format)
        case "uuid":
            return _uuid(text)
        case _:
            return _binary(text)


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
