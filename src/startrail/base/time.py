"""Instants as text, zones, and the partitions of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def to_text(instant: datetime) -> str:
    """UTC with microseconds, fixed width, so that text order is time order."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The inverse of :func:`to_text`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ValueError with a sentence."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not an IANA time zone such as Europe/Madrid") from error


GRAINS = ("hour", "day", "week", "month")
"""Granularities of a time partition. A partition's name is its start: 2026-10-03T14, 2026-10-03,
2026-W40, 2026-10. ``list`` partitions are not of time and carry their value as name."""


def partition_name(start: datetime | date, grain: str) -> str:
    """The name of the partition that begins at ``start``."""
    if grain == "hour":
        if not isinstance(start, datetime):
            raise ValueError("an hour needs a time")
        return start.strftime("%Y-%m-%dT%H")
    if grain == "day":
        return start.strftime("%Y-%m-%d")
    if grain == "week":
        year, week, _ = start.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if grain == "month":
        return start.strftime("%Y-%m")
    raise ValueError(f"unknown grain {grain}")


def partition_bounds(name: str, grain: str) -> tuple[datetime, datetime]:
    """Start (inclusive) and end (exclusive) of a named partition, as naive wall times."""
    if grain == "hour":
        start = datetime.strptime(name, "%Y-%m-%dT%H")
        return start, start + timedelta(hours=1)
    if grain == "day":
        start = datetime.strptime(name, "%Y-%m-%d")
        return start, start + timedelta(days=1)
    if grain == "week":
        start = datetime.strptime(name + "-1", "%G-W%V-%u")
        return start, start + timedelta(days=7)
    if grain == "month":
        start = datetime.strptime(name, "%Y-%m")
        return start, (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    raise ValueError(f"unknown grain {grain}")


def partitions_between(first: datetime, last: datetime, grain: str) -> list[str]:
    """Names of all partitions that touch [first, last]."""
    names: list[str] = []
    name = partition_name(first, grain)
    while True:
        start, end = partition_bounds(name, grain)
        if start > last:
            return names
        names.append(name)
        name = partition_name(end, grain)
