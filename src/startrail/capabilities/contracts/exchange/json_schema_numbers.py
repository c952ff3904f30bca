"""Numbers of JSON Schema as types of a contract, with the bounds that are not the type's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal as Exact
from decimal import InvalidOperation, localcontext
from typing import Any

import msgspec

from startrail.capabilities.contracts.exchange.json_schema_merge import Merged
from startrail.capabilities.contracts.exchange.json_schema_out import INTEGER_FORMATS, limits
from startrail.capabilities.contracts.exchange.json_text import JsonNumber, named
from startrail.model.types import DataType, Decimal, Primitive

Lose = Callable[[str, str], None]
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_NINES = re.compile(r"(0|9+)(?:\.(9+))?")


class Numeric(msgspec.Struct, frozen=True):
    """What a number is, and between which bounds."""

    type: DataType
    minimum: str | None = None
    maximum: str | None = None


def integer(merged: Merged, lose: Lose) -> Numeric:
    """``int`` where the format says so, else ``long``."""
    format = merged.keywords.get("format")
    name = next((name for name, word in INTEGER_FORMATS.items() if word == format), "long")
    if format is not None and format not in INTEGER_FORMATS.values():
        lose("format", f"{named(format)} is no type of a contract; it is a long there")
    step = _exact(merged.keywords.get("multipleOf"))
    if step is not None and step != 1:
        lose("multipleOf", f"a contract has no place for {step}")
    return _bounded(Primitive(name), merged, Exact(1), lose)


def number(merged: Merged, lose: Lose) -> Numeric:
    """``float`` and ``double`` by format, a decimal where the digits stand in bounds or ``multipleOf``; else double."""
    format, step = merged.keywords.get("format"), _exact(merged.keywords.get("multipleOf"))
    if format in ("float", "double"):
        if step is not None:
            lose("multipleOf", f"a {format} has no such promise")
        return _bounded(Primitive(str(format)), merged, None, lose)
    if format not in (None, "decimal"):
        lose("format", f"{named(format)} is no type of a contract")
    kind = _by_limits(merged) if format == "decimal" else None
    if kind is None and step is not None and 0 < step <= 1 and step == Exact(10) ** step.adjusted():
        kind = Decimal(38, -step.adjusted())
    if kind is not None:
        return _bounded(kind, merged, Exact(1).scaleb(-kind.scale), lose)
    if step is not None:
        lose("multipleOf", f"a contract has no place for {step}")
    lose("type", "the schema does not say how many digits; read as double: declare decimal(p,s) if it is money")
    return _bounded(Primitive("double"), merged, None, lose)


def _by_limits(merged: Merged) -> Decimal | None:
    """The decimal whose least and greatest value stand together in one part: -999.99 and 999.99."""
    found: list[Decimal] = []
    for part in merged.parts:
        low, high = (str(part.get(word, "")) for word in ("minimum", "maximum"))
        nines = _NINES.fullmatch(high)
        if nines and low == "-" + high:
            scale = len(nines[2] or "")
            precision = (0 if nines[1] == "0" else len(nines[1])) + scale
            if 1 <= precision <= 38:
                found.append(Decimal(precision, scale))
    return max(found, key=lambda kind: (kind.precision - kind.scale, kind.scale), default=None)


def _bounded(kind: DataType, merged: Merged, step: Exact | None, lose: Lose) -> Numeric:
    low = _narrowest(merged, "minimum", "exclusiveMinimum", step, 1, lose)
    high = _narrowest(merged, "maximum", "exclusiveMaximum", step, -1, lose)
    least, most = limits(kind) or (None, None)
    return Numeric(kind, None if low == least else low, None if high == most else high)


def _narrowest(merged: Merged, word: str, exclusive: str, step: Exact | None, sign: int, lose: Lose) -> str | None:
    """The tightest bound of all parts, as written where that can be."""
    found: list[tuple[Exact, str]] = []
    for part in merged.parts:
        bound, beyond = _exact(part.get(word)), part.get(exclusive)
        strict = _exact(beyond) if beyond is not True else bound
        if bound is not None and beyond is not True:
            text = str(part[word])
            found.append((bound, text if _PLAIN.fullmatch(text) else format(bound, "f")))
        if strict is not None and step is None:
            lose(exclusive, f"{strict} itself is admitted: a floating number has no next one to name")
            found.append((strict, format(strict, "f")))
        elif strict is not None and step is not None:
            inside = _beyond(strict, step, sign)
            found.append((inside, format(inside, "f")))
    if not found:
        return None
    return (max if sign > 0 else min)(found, key=lambda bound: bound[0])[1]


def _beyond(bound: Exact, step: Exact, sign: int) -> Exact:
    """The nearest multiple of ``step`` strictly beyond ``bound``."""
    with localcontext(prec=1000):
        return ((bound / step).to_integral_value("ROUND_FLOOR" if sign > 0 else "ROUND_CEILING") + sign) * step


def _exact(value: Any) -> Exact | None:
    if not isinstance(value, (JsonNumber, int)) or isinstance(value, bool):
        return None
    try:
        number = Exact(str(value))
    except InvalidOperation:
        return None
    return number if abs(number.adjusted()) < 400 else None
