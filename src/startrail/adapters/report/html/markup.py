"""Text made safe for a page, and values as people read them. The page is well-formed XML as well as HTML."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from startrail.adapters.report.rows import text

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SPECIAL = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\r": "&#13;"}
    | {chr(code): chr(0x2400 + code) for code in range(32) if code not in (9, 10, 13)}
    | {"\x7f": "\u2421"}
    # Marks that turn the reading direction could make a number read as another one.
    | {chr(code): "\ufffd" for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    | {chr(code): "\ufffd" for code in (*range(0x80, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF)}
)


def safe(value: str) -> str:
    """Escaped for text and attributes alike; control characters as their pictures (``␀``), others as ``\ufffd``."""
    return value.translate(_SPECIAL)


def shown(value: Any) -> str:
    """A value, not None, for reading: decimals in groups of three digits, the rest exactly as in a CSV report."""
    if isinstance(value, Decimal) or (isinstance(value, float) and value == value and abs(value) < 1e15):
        return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text(value)


def spoken_day(day: date) -> str:
    """``Sun 4 Oct 2026``, in English whatever the machine speaks."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_day(day: date) -> str:
    """``4 Oct``."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def moment(instant: datetime, timezone: str) -> str:
    """A ``time`` element: ``Sun 4 Oct 2026, 05:59 CEST``."""
    there = instant.astimezone(ZoneInfo(timezone))
    words = f"{spoken_day(there.date())}, {there:%H:%M} {there.tzname()}"
    return f'<time datetime="{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}">{safe(words)}</time>'
