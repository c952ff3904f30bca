"""Values as they are mostly written: the pattern that tells them, and what they are in canonical form.

A text that a pattern matches certainly is of the type, whatever else the type allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from startrail.model.contract import Field
from startrail.model.refusal import JsonNumber
from startrail.model.types import DataType, Decimal, Primitive

Shortcut = Callable[[Any], Any]
"""From a sound value to its canonical form, or to the typed value; None where the long way must be taken."""

_DIGITS = {"int": 9, "long": 18, "float": 7, "double": 15}
"""Whole numbers of so many digits are held exactly."""
_DAY = r"(?!000[01]|9999)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
"""Days that every month has. In the first and last years an offset may lead out of the calendar."""
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
_TEMPORAL = {"date": _DAY, "time": _CLOCK, "timestamp": f"{_DAY}[T ]{_CLOCK}", "timestamptz": f"{_DAY}[T ]{_CLOCK}{_ZONE}"}


def pattern(kind: DataType) -> re.Pattern[str] | None:
    """None for types whose values are not told by a pattern."""
    if isinstance(kind, Decimal):
        whole, behind = kind.precision - kind.scale, rf"(?:\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
        front = rf"(?:0|[1-9][0-9]{{0,{whole - 1}}})" if whole else "0"
        return re.compile(f"-?{front}{behind}", re.ASCII)
    name = kind.name if isinstance(kind, Primitive) else ""
    if name in _DIGITS:
        behind = "" if name in ("int", "long") else r"(?:\.[0-9]{1,20})?"
        return re.compile(rf"-?(?:0|[1-9][0-9]{{0,{_DIGITS[name] - 1}}}){behind}", re.ASCII)
    return re.compile(_TEMPORAL[name], re.ASCII) if name in _TEMPORAL else None


def shortcut(field: Field, null_words: tuple[str, ...]) -> Shortcut | None:
    """Of a field's sound values; ``null_words`` are those that count in this field."""
    found, short = pattern(field.type), _short(field)
    if short is None:
        return None
    match = (re.compile("(?s:.*)") if found is None else found).fullmatch
    texts = frozenset(null_words)

    def value(given: Any) -> Any:
        kind = type(given)
        if (kind is not str and kind is not JsonNumber) or (kind is str and given in texts) or match(given) is None:
            return None
        return short(given)

    return value


def _short(field: Field) -> Callable[[str], Any] | None:
    kind, form = field.type, field.format
    if isinstance(kind, Decimal):
        scale = kind.scale
        return (lambda text: _full(text, scale)) if form.decimal_separator == "." else None
    name = kind.name if isinstance(kind, Primitive) else ""
    if name == "string":
        return str
    if name in ("int", "long"):
        return int
    if name == "double" and form.decimal_separator == ".":
        return float
    if form.pattern is not None:
        return None
    return {"date": str, "timestamp": _wall, "timestamptz": _instant}.get(name)


def _full(text: str, scale: int) -> str | None:
    """A decimal with all digits behind the point; what is below zero may be zero, which has no sign."""
    if text[0] == "-" or not scale:
        return None
    whole, _, behind = text.partition(".")
    return f"{whole}.{behind.ljust(scale, '0')}"


def _wall(text: str) -> str:
    return f"{text[:10]}T{text[11:19]}.{text[20:].ljust(6, '0')}"


def _instant(text: str) -> Any:
    if text[-1] == "Z":
        return _wall(text[:-1]) + "Z"
    return datetime.fromisoformat(text).astimezone(UTC)
