"""Values as they are mostly written: the pattern that tells them, and what they are in canonical form.

A text that a pattern matches certainly is of the type, whatever else the type allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from startrail.capabilities.contracts.judge import item_field, struct_fields
from startrail.model.contract import Field
from startrail.model.refusal import JsonNumber
from startrail.model.types import DataType, Decimal, ListOf, MapOf, Primitive, StructOf

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


def null_texts(field: Field, null_words: tuple[str, ...]) -> tuple[str, ...]:
    """Texts that mean null in this field; ``null_words`` where it declares none of its own."""
    return null_words if field.format.null_words is None else field.format.null_words


def shortcut(field: Field, null_words: tuple[str, ...]) -> Shortcut | None:
    """Of a field's sound values."""
    if isinstance(field.type, StructOf):
        return _of_object(field, null_words)
    if isinstance(field.type, ListOf | MapOf):
        return _of_items(field, null_words)
    if field.type == Primitive("boolean"):
        return lambda given: given if type(given) is bool else None
    found, short = pattern(field.type), _short(field)
    if short is None:
        return None
    match = (re.compile("(?s:.*)") if found is None else found).fullmatch
    texts = frozenset(null_texts(field, null_words))

    def value(given: Any) -> Any:
        kind = type(given)
        if (kind is not str and kind is not JsonNumber) or (kind is str and given in texts) or match(given) is None:
            return None
        return short(given)

    return value


def _of_object(field: Field, null_words: tuple[str, ...]) -> Shortcut | None:
    parts = [(part.name, short) for part in struct_fields(field) if (short := shortcut(part, null_words)) is not None]
    if len(parts) < len(struct_fields(field)):
        return None

    def value(given: Any) -> Any:
        if type(given) is not dict:
            return None
        made = {}
        for name, short in parts:
            inner = given.get(name)
            if inner is not None and (inner := short(inner)) is None:
                return None
            made[name] = inner
        return made

    return value


def _of_items(field: Field, null_words: tuple[str, ...]) -> Shortcut | None:
    short = shortcut(item_field(field), null_words)
    if short is None:
        return None
    each: Shortcut = short

    def values(given: Iterable[Any]) -> list[Any] | None:
        made = []
        for inner in given:
            if inner is not None and (inner := each(inner)) is None:
                return None
            made.append(inner)
        return made

    def array(given: Any) -> Any:
        return values(given) if type(given) is list else None

    def keyed(given: Any) -> Any:
        found = values(given.values()) if type(given) is dict else None
        return None if found is None else dict(zip(given, found, strict=True))

    return keyed if isinstance(field.type, MapOf) else array


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
