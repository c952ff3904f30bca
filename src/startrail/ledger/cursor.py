"""The order of cursor values, which a feed gives us as text."""

from __future__ import annotations

from datetime import datetime


def later(one: str | None, other: str | None) -> str | None:
    """The greater of two cursors: as integers, as instants, or else as text. None is before everything."""
    if one is None or other is None:
        return one if other is None else other
    return other if _greater(other, one) else one


def _greater(left: str, right: str) -> bool:
    if _is_integer(left) and _is_integer(right):
        return int(left) > int(right)
    try:
        return datetime.fromisoformat(left) > datetime.fromisoformat(right)
    except (ValueError, TypeError):
        return left > right


def _is_integer(text: str) -> bool:
    return len(text) <= 100 and text.isascii() and text.removeprefix("-").isdigit()
