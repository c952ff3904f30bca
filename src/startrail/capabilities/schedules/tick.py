"""Claim every tick that is due, run it, and tell what became of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.time import to_text
from startrail.capabilities.schedules.decide import Decision, Passed, decide
from startrail.capabilities.schedules.standing import Standing
from startrail.flow.errors import RunnerBusy
from startrail.flow.events import Emit, Event, ScheduleDropped, ScheduleWatched, TickMissed, TickSkipped
from startrail.flow.lease import holding, somebody_works
from startrail.flow.run import Result, check_clock
from startrail.flow.session import Ports, to_facts
from startrail.ledger.errors import TickTaken
from startrail.model.schedule import Tick, Watch

Start = Callable[[Standing, Tick], Result]
"""Claims the tick and runs it. Raises RunnerBusy at once, TickTaken, and whatever a run can raise."""

_POLL_SECONDS = 0.2


class Ran(msgspec.Struct, frozen=True):
    """A tick that this call ran."""

    schedule: str
    at: datetime
    run: str
    state: str
    ok: bool


class Ticked(msgspec.Struct, frozen=True):
    """What one call did. ``waiting``: schedules with a due tick that comes after a run that is going elsewhere."""

    ran: tuple[Ran, ...] = ()
    missed: int = 0
    skipped: int = 0
    waiting: tuple[str, ...] = ()
    errors: tuple[StartrailError, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.missed and not self.errors and all(ran.ok for ran in self.ran)


def tick(
    schedules: Sequence[Standing], ports: Ports, start: Start, show: Emit, *, wait: float = 60.0, stop: Callable[[], bool] = bool
) -> Ticked:
    """Run all that is due now. ``wait``: seconds for which a busy runner is waited for. Raises ClockSetBack."""
    check_clock(ports)
    now = ports.clock.now()
    watch(schedules, ports, now, show)
    turn = _Turn(schedules, ports, start, show, now)
    waited = 0.0
    while not stop():
        due = turn.due()
        if due is None:
            break
        try:
            turn.go(*due)
        except TickTaken:
            continue
        except RunnerBusy as error:
            if waited >= wait:
                turn.give_way(error, due[0])
                break
            ports.wall.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
    return turn.result()


def watch(schedules: Sequence[Standing], ports: Ports, now: datetime, show: Emit) -> None:
    """A schedule counts from the minute in which it is first seen, or seen with another expression or zone; one that is no
    longer declared counts no more."""
    known = ports.ledger.watches()
    for gone in known.keys() - {each.name for each in schedules}:
        _drop(known[gone], ports, now, show)
    for each in schedules:
        before = known.get(each.name)
        cron, zone = each.schedule.cron, each.schedule.timezone
        if before is not None and (before.cron, before.timezone) == (cron, zone):
            continue
        since = now.replace(second=0, microsecond=0) - timedelta(microseconds=1)
        since = since if before is None else max(since, before.through)
        said = f"{before.cron} {before.timezone}" if before is not None and before.cron else None
        event = ScheduleWatched(subject=each.name, cron=cron, timezone=zone, since=to_text(since), before=said)
        if ports.ledger.watch(Watch(each.name, cron, zone, since, since), to_facts(event), now):
            show(event)


def _drop(gone: Watch, ports: Ports, now: datetime, show: Emit) -> None:
    """The row stays, without an expression: coming back is a change, and nothing before it is due."""
    if not gone.cron:
        return
    until = max(now, gone.through)
    event = ScheduleDropped(subject=gone.name, cron=gone.cron, timezone=gone.timezone)
    if ports.ledger.watch(Watch(gone.name, "", "", until, until), to_facts(event), now):
        show(event)


class _Turn:
    """One call's way through the ticks."""

    def __init__(self, schedules: Sequence[Standing], ports: Ports, start: Start, show: Emit, now: datetime) -> None:
        self._schedules = {each.name: each for each in schedules}
        self._ports = ports
        self._start = start
        self._show = show
        self._now = now
        self._ran: list[Ran] = []
        self._told = {"missed": 0, "skipped": 0}
        self._errors: list[StartrailError] = []
        self._failed: set[str] = set()
        self._waiting: tuple[str, ...] = ()

    def due(self) -> tuple[Standing, Decision] | None:
        """Tell what will not run, and return the earliest tick that will."""
        watches = self._ports.ledger.watches(self._now)  # runs that began later overlap nothing that is due now
        decisions: list[tuple[Standing, Decision]] = []
        for name, each in self._schedules.items():
            while name not in self._failed:
                decision = self._decide(each, watches[name])
                reached = self._pass(each, watches[name].through, decision.passed)
                decisions.append((each, decision))
                if reached is None or decision.tick is not None or decision.waiting:
                    break
                watches[name] = msgspec.structs.replace(watches[name], through=reached)
        self._waiting = tuple(dict.fromkeys(each.name for each, decision in decisions if decision.waiting))
        ready = [(decision.tick.at, each.name, each, decision) for each, decision in decisions if decision.tick is not None]
        return min(ready, key=lambda found: found[:2])[2:] if ready else None

    def go(self, each: Standing, decision: Decision) -> None:
        """Run the tick, or give it up. An error of the run is kept, and the schedule rests until the next call."""
        assert decision.tick is not None
        try:
            if decision.lost is not None:
                self._give_up(decision.tick, decision.lost)
                return
            result = self._start(each, decision.tick)
            self._ran.append(Ran(each.name, decision.tick.at, result.run, result.state, result.ok))
        except (TickTaken, RunnerBusy):
            raise
        except StartrailError as error:
            error.affects = error.affects or f"schedule {each.name}"
            self._errors.append(error)
            self._failed.add(each.name)

    def give_way(self, error: RunnerBusy, each: Standing) -> None:
        self._waiting = tuple(dict.fromkeys((*self._waiting, each.name)))

    def result(self) -> Ticked:
        told = self._told
        return Ticked(tuple(self._ran), told["missed"], told["skipped"], self._waiting, tuple(self._errors))

    def _decide(self, each: Standing, watch: Watch) -> Decision:
        # Asked after the ticks were read: a run that ends in between leaves a tick that is no longer to be had.
        going = any(record.state == "running" for record in watch.ticks)
        busy = going and somebody_works(self._ports.ledger, self._ports.wall)
        return decide(each, watch.through, watch.ticks, busy, self._ports.clock.now(), self._now)

    def _pass(self, each: Standing, through: datetime, passed: tuple[Passed, ...]) -> datetime | None:
        """Record what will not run; returns how far that reaches, None when there is nothing or somebody else decided."""
        if not passed:
            return None
        events = [_event(each.name, group) for group in passed]
        if not self._ports.ledger.decide_ticks(each.name, through, passed[-1].last, to_facts(*events), self._ports.clock.now()):
            return None
        for group, event in zip(passed, events, strict=True):
            self._told[group.fate] += group.count
            self._show(event)
        return passed[-1].last

    def _give_up(self, lost: Tick, reason: str) -> None:
        """Under the runner's lease, so that a runner that only slept cannot end the tick afterwards."""
        at = to_text(lost.at)
        event = TickMissed(subject=lost.schedule, first=at, last=at, count=1, reason=reason)
        with holding(self._ports.ledger, self._ports.wall, self._show, 0.0):
            if self._ports.ledger.give_up_tick(lost, to_facts(event), self._ports.clock.now()):
                self._told["missed"] += 1
                self._show(event)


def _event(name: str, group: Passed) -> Event:
    kind = TickMissed if group.fate == "missed" else TickSkipped
    return kind(subject=name, first=to_text(group.first), last=to_text(group.last), count=group.count, reason=group.reason)
