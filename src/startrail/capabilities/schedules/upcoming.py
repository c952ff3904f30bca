"""What is next, and how each schedule stands. Reads only."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import msgspec

from startrail.base.time import from_text
from startrail.capabilities.schedules.decide import decide
from startrail.capabilities.schedules.standing import Standing
from startrail.flow.due import instants, note
from startrail.flow.events import TickMissed
from startrail.flow.lease import somebody_works
from startrail.flow.session import Ports
from startrail.model.schedule import TickRecord


class Upcoming(msgspec.Struct, frozen=True):
    """One instant to come, in UTC and as the schedule's zone shows it."""

    at: datetime
    local: datetime
    note: str | None = None


class Missed(msgspec.Struct, frozen=True):
    """The newest ticks that did not run although they were due."""

    first: datetime
    last: datetime
    count: int
    reason: str


class ScheduleStatus(msgspec.Struct, frozen=True, tag_field="type", tag="schedule"):
    """``state``: ``waits``, ``due``, ``running``, ``died`` (its runner; the next tick takes it over) or ``new`` (nobody has
    looked at it yet). ``runs``: as ``startrail run --select`` takes it; none = everything."""

    schedule: str
    cron: str
    timezone: str
    runs: tuple[str, ...]
    state: str
    next: tuple[Upcoming, ...] = ()
    last: TickRecord | None = None
    missed: Missed | None = None


def upcoming(each: Standing, after: datetime, count: int) -> tuple[Upcoming, ...]:
    """The next instants, in order."""
    cron, zone = each.schedule.cron, each.zone
    return tuple(Upcoming(at, at.astimezone(zone), note(cron, zone, at)) for at in islice(instants(cron, zone, after), count))


def next_instant(schedules: Sequence[Standing], after: datetime) -> tuple[datetime, str] | None:
    """The earliest instant of all, and whose it is."""
    found = [(at, each.name) for each in schedules for at in islice(instants(each.schedule.cron, each.zone, after), 1)]
    return min(found, default=None)


def status(each: Standing, ports: Ports, now: datetime, count: int = 3) -> ScheduleStatus:
    """How it stands at ``now``."""
    newest = ports.ledger.newest_ticks(each.name, 1)
    return ScheduleStatus(
        each.name,
        each.schedule.cron,
        each.schedule.timezone,
        each.words,
        _state(each, ports, now),
        upcoming(each, now, count),
        newest[0] if newest else None,
        _missed(each, ports),
    )


def _state(each: Standing, ports: Ports, now: datetime) -> str:
    watch = ports.ledger.watches().get(each.name)
    if watch is None:
        return "new"
    going = [record for record in watch.ticks if record.state == "running"]
    busy = bool(going) and somebody_works(ports.ledger, ports.wall)
    if going:
        return "running" if busy and not going[0].abandoned else "died"
    decision = decide(each, watch.through, watch.ticks, busy, now)
    return "due" if decision.tick is not None or decision.passed else "waits"


def _missed(each: Standing, ports: Ports) -> Missed | None:
    newest = deque(ports.ledger.facts(kind=TickMissed.fact, subject=each.name), maxlen=1)
    if not newest:
        return None
    told = msgspec.json.decode(newest[0].payload, type=_Told)
    return Missed(from_text(told.first), from_text(told.last), told.count, told.reason)


class _Told(msgspec.Struct):
    first: str
    last: str
    count: int
    reason: str
