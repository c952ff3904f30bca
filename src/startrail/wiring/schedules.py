"""Schedules with all that a run needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from startrail.flow.run import Result, run
from startrail.flow.select import Selection, select
from startrail.wiring import Opened

if TYPE_CHECKING:
    from startrail.capabilities.schedules.standing import Standing
    from startrail.capabilities.schedules.tick import Ticked
    from startrail.flow.events import Emit
    from startrail.model.schedule import Tick
    from startrail.ports.clock import Clock


def tick_once(opened: Opened, emit: Emit, *, wait: float, stop: Callable[[], bool] = bool) -> Ticked:
    """Run everything that is due now."""
    from startrail.capabilities.schedules.standing import standing
    from startrail.capabilities.schedules.tick import tick
    from startrail.wiring.alerts import alerting
    from startrail.wiring.capabilities import capabilities
    from startrail.wiring.graph import graph
    from startrail.wiring.incidents import look_now, watchers
    from startrail.wiring.openlineage import telling

    @cache
    def selection(words: tuple[str, ...]) -> Selection:
        return select(words, graph(opened)) if words else select((), {})

    def start(each: Standing, due: Tick) -> Result:
        chosen = selection(each.words)
        with telling(opened, emit) as tell:
            return run(
                opened.project,
                opened.profile,
                opened.ports,
                capabilities(),
                chosen,
                tell,
                profile_name=opened.profile_name,
                wait=0.0,
                watchers=watchers(opened),
                tick=due,
            )

    with alerting(opened, emit):
        ticked = tick(standing(opened.project), opened.ports, start, emit, wait=wait, stop=stop)
        look_now(opened, emit)  # what was missed, and what may be late by now, is told between runs too
        return ticked


def with_clock(opened: Opened, clock: Clock | None) -> Opened:
    """The same project under another clock."""
    from startrail.adapters.clock import SystemClock

    if clock is None:
        return opened
    return replace(opened, ports=replace(opened.ports, clock=clock, told_time=not isinstance(clock, SystemClock)))


def stepping(start: datetime) -> Clock:
    """A clock that does not wait."""
    from startrail.adapters.clock import SteppingClock

    return SteppingClock(start)


def shifted(start: datetime | None) -> Clock:
    """The machine's clock, or the same set to another start."""
    from startrail.adapters.clock import ShiftedClock, SystemClock

    return SystemClock() if start is None else ShiftedClock(start)
