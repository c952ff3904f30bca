"""Least and greatest values of a contract's field, as exact text; exclusive bounds become inclusive ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal as Number
from decimal import InvalidOperation
from typing import Any

from startrail.base.text import printable
from startrail.model.types import DataType, Decimal
from startrail.project import errors
from startrail.project.odcs_types import WHOLE_NUMBERS
from startrail.project.yaml import Node

Comparable = Any
"""A Decimal, date, time or datetime: one kind per field, ordered and exact."""


def bounds(kind: DataType, node: Node, options: Any) -> tuple[str | None, str | None]:
    """Minimum and maximum of a property, None for open ends.

    Raises BadValue for a bound that is no value of the type, ContractContradiction when nothing lies between.
    """
    read = _reader(kind)
    if read is None:
        return None, None
    low = _greatest(max, _bound(node, "minimum", read), _stepped(node, "exclusiveMinimum", read, kind, 1))
    high = _greatest(min, _bound(node, "maximum", read), _stepped(node, "exclusiveMaximum", read, kind, -1))
    width = WHOLE_NUMBERS.get(getattr(options, "format", None) or "")
    if width is not None and (width[0] != kind or options.format not in ("i32", "i64")):
        low = _greatest(max, low, Number(width[1]))
        high = _greatest(min, high, Number(width[2]))
    if low is not None and high is not None and low > high:
        raise errors.ContractContradiction(
            f"the minimum {_text(low)} is greater than the maximum {_text(high)}",
            at=node.place("logicalTypeOptions"),
            hint="swap or mend them",
        )
    return _text(low), _text(high)


def _greatest(choose: Callable[..., Comparable], one: Comparable | None, other: Comparable | None) -> Comparable | None:
    """The narrower of two bounds of which either may be open."""
    given = [bound for bound in (one, other) if bound is not None]
    return choose(given) if given else None


def _bound(node: Node, key: str, read: Callable[[str], Comparable]) -> Comparable | None:
    found = node.find("logicalTypeOptions", key)
    if found is None or found.value is None:
        return None
    try:
        return read(found.text)
    except (ValueError, InvalidOperation):
        raise errors.BadValue(
            f"{key} '{printable(found.text, 60)}' is no value of the field's type", at=found.at, hint="write it as in ISO 8601"
        ) from None


def _stepped(node: Node, key: str, read: Callable[[str], Comparable], kind: DataType, sign: int) -> Comparable | None:
    """The first value inside an exclusive bound."""
    bound = _bound(node, key, read)
    if bound is None:
        return None
    try:
        if isinstance(kind, Decimal):
            return _grid(bound, Number(1).scaleb(-kind.scale), sign)
        name = str(kind)
        if name in ("int", "long"):
            return _grid(bound, Number(1), sign)
        if name in ("float", "double"):
            return Number(repr(math.nextafter(float(bound), math.inf * sign)))
        if isinstance(bound, datetime):
            return bound + timedelta(microseconds=sign)
        if isinstance(bound, date):
            return bound + timedelta(days=sign)
        stepped = datetime.combine(date(2000, 1, 2), bound) + timedelta(microseconds=sign)
        if stepped.date() == date(2000, 1, 2):
            return stepped.timetz()
    except OverflowError:
        pass
    place = node.place("logicalTypeOptions", key)
    raise errors.ContractContradiction(f"no value lies beyond {key}", at=place, hint="mend the bound")


def _grid(bound: Number, step: Number, sign: int) -> Number:
    """The nearest multiple of ``step`` strictly beyond ``bound``."""
    units = bound / step
    whole = int(units.to_integral_value("ROUND_FLOOR" if sign > 0 else "ROUND_CEILING"))
    return Number(whole + sign) * step


def _reader(kind: DataType) -> Callable[[str], Comparable] | None:
    name = str(kind)
    if isinstance(kind, Decimal) or name in ("int", "long", "float", "double"):
        return _number
    return {"date": date.fromisoformat, "time": time.fromisoformat, "timestamp": _naive, "timestamptz": _instant}.get(name)


def _number(text: str) -> Number:
    number = Number(int(text, 0)) if text[:2] in ("0x", "0o") else Number(text)
    if not number.is_finite() or number.adjusted() > 400:
        raise ValueError(text)
    return number


def _naive(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is not None:
        raise ValueError(text)
    return instant


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant


def _text(bound: Comparable | None) -> str | None:
    if bound is None:
        return None
    return format(bound, "f") if isinstance(bound, Number) else bound.isoformat()
