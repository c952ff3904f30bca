"""Exact conversion of numbers: see ``model/exact.py``."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal as Number
from typing import Any

from startrail.model.contract import Field, Format
from startrail.model.refusal import Refused
from startrail.model.types import Decimal, Primitive

INTEGERS = {"int": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}

PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
"""Numbers in text."""
WITH_EXPONENT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
"""Numbers of JSON."""


def number(text: str, field: Field, grammar: re.Pattern[str]) -> Any:
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


def with_point(text: str, form: Format) -> str:
    if form.decimal_separator == ".":
        return text
    if "." in text:
        raise Refused("wrong_format", f"a number with '{form.decimal_separator}' as decimal separator")
    return text.replace(form.decimal_separator, ".")
