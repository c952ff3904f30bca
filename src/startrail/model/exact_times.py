"""Exact conversion of dates and times: see ``model/exact.py``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from startrail.base.time import zone
from startrail.model.contract import Format
from startrail.model.refusal import Refused

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
_CLOCK = re.compile(_TIME, re.ASCII)
_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]" + _TIME + r"([Zz]|[+-][0-9]{2}:[0-9]{2})?", re.ASCII)


def read_date(text: str) -> date:
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


def read_clock(text: str) -> time:
    expected = "time, written 14:05:00"
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise Refused("wrong_format", expected)
    try:
        return time.fromisoformat(f"{match[1]}.{_micro(match[2], expected)}")
    except ValueError as error:
        raise Refused("wrong_format", "time that a clock shows") from error


def read_instant(text: str, name: str, form: Format) -> datetime:
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


def read_patterned(text: str, name: str, form: Format) -> date | time | datetime:
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
