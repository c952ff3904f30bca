"""Instants as text, zones, and the partitions of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def to_text(instant: datetime) -> str:
    """UTC with microseconds, fixed width, so that text order is time order."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> datetime:
    """The inverse of :func:`to_text`."""
    return datetime.fromisoformat(text)


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ValueError with a sentence."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # most commands need none

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not an IANA time zone such as Europe/Madrid") from error


GRAINS = ("hour", "day", "week", "month")
"""Granularities of a time partition. A partition's name is its start: 2026-10-03T14, 2026-10-03,
2026-W40, 2026-10. ``list`` partitions are not of time and carry their value as name."""


PARTITION_PATTERNS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
"""The same names as strftime patterns."""


def partition_name(start: datetime | date, grain: str) -> str:
    """The name of the partition that begins at ``start``."""
    if grain == "hour":
        if not isinstance(start, datetime):
            raise ValueError("an hour needs a time")
        return f"{start.date().isoformat()}T{start:%H}"
    if grain == "day":
        return f"{start.year:04d}-{start.month:02d}-{start.day:02d}"
    if grain == "week":
        year, week, _ = start.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if grain == "month":
        return f"{start.year:04d}-{start.month:02d}"
    raise ValueError(f"unknown grain {grain}")


def partition_bounds(name: str, grain: str) -> tuple[datetime, datetime]:
    """Start (inclusive) and end (exclusive) of a named partition, as naive wall times.

    The last partition of the calendar ends at the last instant that there is.
    """
    if grain == "hour":
        start = datetime.strptime(name, "%Y-%m-%dT%H")
        return start, _later(start, timedelta(hours=1))
    if grain == "day":
        start = datetime.strptime(name, "%Y-%m-%d")
        return start, _later(start, timedelta(days=1))
    if grain == "week":
        start = datetime.strptime(name + "-1", "%G-W%V-%u")
        return start, _later(start, timedelta(days=7))
    if grain == "month":
        start = datetime.strptime(name, "%Y-%m")
        after = _later(start.replace(day=28), timedelta(days=4))
        return start, after if after == datetime.max else after.replace(day=1)
    raise ValueError(f"unknown grain {grain}")


def _later(start: datetime, by: timedelta) -> datetime:
    return datetime.max if start > datetime.max - by else start + by


def partitions_between(first: datetime, last: datetime, grain: str) -> list[str]:
    """Names of all partitions that touch [first, last]."""
    names: list[str] = []
    name = partition_name(first, grain)
    while True:
        start, end = partition_bounds(name, grain)
        if start > last:
            return names
        names.append(name)
        if end == datetime.max:
            return names
        name = partition_name(end, grain)
