"""When a report is due, on days of 23, 24 and 25 hours alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from startrail.base.time import zone
from startrail.model.report import Report
from startrail.model.schedule import Deadline


def zone_of(report: Report) -> ZoneInfo:
    """The zone in which the report's days are counted; UTC without a deadline."""
    return zone(report.deadline.timezone if report.deadline else "UTC")


def day_of(report: Report, now: datetime) -> date:
    """The day for which a report made at ``now`` stands."""
    return now.astimezone(zone_of(report)).date()


def deadline_of(report: Report, now: datetime) -> datetime | None:
    """The UTC instant at which the report of ``now``'s day is due; None without a deadline."""
    return None if report.deadline is None else due(report.deadline, day_of(report, now))


def due(deadline: Deadline, day: date) -> datetime:
    """The first UTC instant of ``day`` at which a clock on the wall shows the deadline's time or a later one.

    So a time that a spring night skips is due when the clocks jump, and one that an autumn night has twice is
    due the first time.
    """
    tz = zone(deadline.timezone)
    hour, minute = (int(part) for part in deadline.time.split(":")[:2])
    wall = datetime.combine(day, time(hour, minute), tz)
    by_old_offset = wall.astimezone(UTC)
    if by_old_offset.astimezone(tz).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return by_old_offset
    return _jump(wall.replace(fold=1).astimezone(UTC), by_old_offset, tz)


def minutes_early(due_at: datetime, arrived: datetime) -> int:
    """Whole minutes that were left, rounded down; so one second too late is -1."""
    return (due_at - arrived) // timedelta(minutes=1)


def _jump(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """The instant between the two at which the zone's offset changes, to the second."""
    old = before.astimezone(tz).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(tz).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
