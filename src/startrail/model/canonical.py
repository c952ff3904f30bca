"""Typed values in the one form that every engine reads alike: see ``contracts.records.canonical``."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal as Number
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """What JSON holds as it is stays; all else becomes text."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    text = _TEXT.get(type(value))
    return value if text is None else text(value)


def _instant(value: datetime) -> str:
    text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text + ("" if value.tzinfo is None else "Z")


_TEXT: dict[type, Callable[[Any], str]] = {
    Number: lambda value: f"{value:f}",
    datetime: _instant,
    date: date.isoformat,
    time: lambda value: value.isoformat(timespec="microseconds"),
    UUID: str,
    bytes: lambda value: b64encode(value).decode(),
}
