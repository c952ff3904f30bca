"""What becomes of the ticks of one schedule. Pure: from the declaration, what the ledger says, and the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

import msgspec

from startrail.capabilities.schedules.standing import Standing
from startrail.flow.due import instants
from startrail.model.schedule import Tick, TickRecord

IN_TIME = timedelta(minutes=15)
"""With ``catchup: none`` a tick still runs when it is noticed no later than this."""
ATTEMPTS = 3
"""A tick whose runner died this often is given up: what kills a runner three times will do so a fourth."""
_MOST = 10_000
"""Instants looked at in one decision; the next decision goes on behind them."""

Fate = Literal["run", "missed", "skipped"]

A_LATER_ONE = "nobody was there; a later tick takes its place"
NOBODY = "nobody was there in time, and it is not caught up"
TOO_LATE = "it could not begin before its deadline"
STILL_GOING = "the run before was still going"
DIED = f"its runner died {ATTEMPTS} times"


class Passed(msgspec.Struct, frozen=True):
    """Successive ticks with one fate, for one reason."""

    fate: Fate
    reason: str
    first: datetime
    last: datetime
    count: int


class Decision(msgspec.Struct, frozen=True):
    """``passed`` will not run; then ``tick`` runs, or with ``lost`` is given up for that reason. ``waiting``: another run of
    this schedule is going, and what is due comes after it."""

    passed: tuple[Passed, ...] = ()
    tick: Tick | None = None
    lost: str | None = None
    waiting: bool = False


def decide(
    standing: Standing,
    through: datetime,
    records: Sequence[TickRecord],
    busy: bool,
    now: datetime,
    until: datetime | None = None,
) -> Decision:
    """What is due after ``through``, as far as ``until`` (None: ``now``). ``records``: the ticks that are not over, or only
    since ``through``. ``busy``: a runner that may be alive works on the project."""
    going = [record for record in records if record.state == "running"]
    dead = [record for record in going if record.abandoned or not busy]
    if dead:
        return _take_over(standing, dead[0], now)
    schedule = standing.schedule
    due = instants(schedule.cron, standing.zone, through, now if until is None else until)
    passed: list[tuple[datetime, Fate, str]] = []
    for instant, fate, reason in islice(_fates(standing, due, [_Span(record) for record in records], now), _MOST):
        if fate == "run":
            tick = None if going else Tick(standing.name, instant, standing.due_by(instant))
            return Decision(_grouped(passed), tick, waiting=bool(going))
        passed.append((instant, fate, reason))
    return Decision(_grouped(passed), waiting=bool(going))


class _Span:
    """While a run was going. An end that is not there yet lies ahead of everything."""

    def __init__(self, record: TickRecord) -> None:
        self._record = record

    def covers(self, instant: datetime) -> bool:
        ended = self._record.ended_at
        return self._record.claimed_at < instant and (ended is None or instant <= ended) and self._record.at != instant


def _take_over(standing: Standing, record: TickRecord, now: datetime) -> Decision:
    due_by = standing.due_by(record.at)
    tick = Tick(record.schedule, record.at, due_by, record.run)
    lost = DIED if record.attempts >= ATTEMPTS else TOO_LATE if due_by is not None and now > due_by else None
    return Decision(tick=tick, lost=lost)


def _fates(standing: Standing, due: Iterable[datetime], runs: list[_Span], now: datetime) -> Iterator[tuple[datetime, Fate, str]]:
    def overlapped(instant: datetime) -> bool:
        return any(run.covers(instant) for run in runs)

    last = None
    if standing.schedule.catchup == "last":  # the other rules need not look ahead
        due = list(islice(due, _MOST + 1))
        last = next((instant for instant in reversed(due) if not overlapped(instant)), None)
    for instant in due:
        yield instant, *_fate(standing, instant, overlapped(instant), instant == last, now)


def _fate(standing: Standing, instant: datetime, overlapped: bool, last: bool, now: datetime) -> tuple[Fate, str]:
    schedule = standing.schedule
    if overlapped and schedule.overlap == "skip":
        return "skipped", STILL_GOING
    due_by = standing.due_by(instant)
    if due_by is not None and now > due_by:
        return "missed", TOO_LATE
    if overlapped or schedule.catchup == "all" or (schedule.catchup == "last" and last):
        return "run", ""
    if schedule.catchup == "none":
        return ("run", "") if now - instant <= IN_TIME else ("missed", NOBODY)
    return "missed", A_LATER_ONE


def _grouped(passed: Iterable[tuple[datetime, Fate, str]]) -> tuple[Passed, ...]:
    groups: list[Passed] = []
    for instant, fate, reason in passed:
        if groups and (groups[-1].fate, groups[-1].reason) == (fate, reason):
            groups[-1] = msgspec.structs.replace(groups[-1], last=instant, count=groups[-1].count + 1)
        else:
            groups.append(Passed(fate, reason, instant, instant, 1))
    return tuple(groups)
