"""Periods as people write them: whole days, from the first to the last."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec

from startrail.base.text import printable
from startrail.capabilities.metrics.errors import BadPeriod


class Period(msgspec.Struct, frozen=True):
    """Whole days; ``name`` is how it was written. Days are those of whichever zone it is used in."""

    name: str
    first: date
    last: date

    @property
    def start(self) -> datetime:
        """The wall time at which it begins."""
        return datetime.combine(self.first, time())

    @property
    def end(self) -> datetime:
        """The wall time before which it ends."""
        return datetime.combine(self.last, time()) + timedelta(days=1)


def parse_period(text: str) -> Period:
    """``2026``, ``2026-Q4``, ``2026-10``, ``2026-W40``, ``2026-10-05``, ``A..B``. Raises BadPeriod."""
    first, dots, last = text.strip().partition("..")
    try:
        begin = _one(first.strip())
        end = _one(last.strip()) if dots else begin
    except (ValueError, OverflowError):
        begin = end = None
    if begin is None or end is None or end[1].year > 9990:
        raise BadPeriod(f"'{printable(text, 60)}' is not a period", hint="such as 2026-10, 2026-W40 or 2026-10-01..2026-10-15")
    if begin[0] > end[1]:
        raise BadPeriod(f"the period {printable(text, 60)} ends before it begins", hint="write the earlier day first")
    return Period(text.strip(), begin[0], end[1])


def period_around(day: date, grain: Literal["day", "week", "month"]) -> Period:
    """The day, ISO week or month that a day is in."""
    if grain == "day":
        return Period(day.isoformat(), day, day)
    if grain == "week":
        year, week, _ = day.isocalendar()
        return parse_period(f"{year:04d}-W{week:02d}")
    return parse_period(f"{day.year:04d}-{day.month:02d}")


def _one(text: str) -> tuple[date, date] | None:
    """First and last day. Raises ValueError for a day that the calendar does not have."""
    if match := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text, re.ASCII):
        day = date.fromisoformat(match[0])
        return day, day
    if match := re.fullmatch(r"(\d{4})-W(\d\d)", text, re.ASCII):
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return monday, monday + timedelta(days=6)
    if match := re.fullmatch(r"(\d{4})-(\d\d)", text, re.ASCII):
        return _months(int(match[1]), int(match[2]), 1)
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", text, re.ASCII):
        return _months(int(match[1]), 3 * int(match[2]) - 2, 3)
    if match := re.fullmatch(r"(\d{4})", text, re.ASCII):
        return _months(int(match[1]), 1, 12)
    return None


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    years, after = divmod(month - 1 + count, 12)
    return date(year, month, 1), date(year + years, after + 1, 1) - timedelta(days=1)
