"""The instants of a cron expression in a zone. Pure, except that zones are read from the system's files.

On the two days of the year on which a clock is set, this holds:

- An expression that names its hours (``30 2 * * *``, ``*/15 2-4 * * *``, ``0 */2 * * *``) is due **once** for each wall
  time. A wall time that the clock skips is due at the first instant after the gap; several that are skipped together are
  due once. Of a wall time that happens twice, the first counts.
- An expression for every hour (``0 * * * *``, ``*/5 * * * *``) goes with the clock on the wall: what the clock shows twice
  is due twice, what it does not show is not due.

The expression is read by cronsim, and only over wall times: going from instant to instant across the change would miss
minutes where the clock moves by less than an hour.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim

_AROUND = timedelta(days=1, hours=1)
"""No zone has ever set its clock by more: Samoa left out one whole day."""


def instants(cron: str, zone: tzinfo, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
    """UTC instants after ``after``, as far as ``until``, in order, each once."""
    last: datetime | None = None
    for instant in _in_order(cron, zone, after):
        if until is not None and instant > until:
            return
        if instant > after and instant != last:
            yield instant
            last = instant


def note(cron: str, zone: tzinfo, instant: datetime) -> str | None:
    """What is special about a tick on the day on which the clock is set; None on all other days."""
    if _every_hour(cron):
        return None
    wall = instant.astimezone(zone)
    if wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset():
        return "this time comes twice that day; the first one counts"
    before = (instant - timedelta(minutes=1)).astimezone(zone)
    gap = _wall(wall) - _wall(before) - timedelta(minutes=1)
    if gap <= timedelta() or any(each == _wall(wall) for each in _walls(cron, _wall(wall) - timedelta(minutes=1), 1)):
        return None
    return f"the clock goes from {_wall(wall) - gap:%H:%M} to {_wall(wall):%H:%M} that day; what it leaves out is due then, once"


def _in_order(cron: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """Second occurrences wait in a heap until the wall times between have had their first."""
    every = _every_hour(cron)
    seconds: list[datetime] = []
    for wall in _walls(cron, _wall(after.astimezone(zone)) - _spread(zone, after)):
        found = _of_wall(wall, zone, every)
        for instant in found[:1]:
            while seconds and seconds[0] <= instant:
                yield heapq.heappop(seconds)
            yield instant
        for instant in found[1:]:
            heapq.heappush(seconds, instant)
    yield from sorted(seconds)


def _spread(zone: tzinfo, instant: datetime) -> timedelta:
    """By how much the clock is set about that instant: so far back may wall times lie whose instants are still to come."""
    near = [(instant + each).astimezone(zone).utcoffset() or timedelta() for each in (-_AROUND, timedelta(), _AROUND)]
    return max(near) - min(near)


def _of_wall(wall: datetime, zone: tzinfo, every: bool) -> tuple[datetime, ...]:
    """When the clock shows ``wall`` and the expression is due: usually one instant."""
    early, late = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return (early.astimezone(UTC),)
    if _wall(early.astimezone(UTC).astimezone(zone)) == wall:
        return (early.astimezone(UTC), late.astimezone(UTC)) if every else (early.astimezone(UTC),)
    return () if every else (_after_gap(wall, zone),)


def _walls(cron: str, after: datetime, most: int | None = None) -> Iterator[datetime]:
    for count, wall in enumerate(CronSim(cron, after)):
        if most is not None and count >= most:
            return
        yield wall


def _every_hour(cron: str) -> bool:
    return cron.split()[1] == "*"


def _wall(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None, fold=0)


def _after_gap(wall: datetime, zone: tzinfo) -> datetime:
    """The instant at which the clock jumped over ``wall``: fold=0 reads it with the offset before the jump, fold=1 after."""
    low, high = sorted(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
