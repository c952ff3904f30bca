"""Ticks of schedules: due, claimed, ended, missed, skipped."""

from __future__ import annotations

from startrail.flow.events.event import Event


class ScheduleWatched(Event, frozen=True, tag="schedule_watched"):
    """A schedule is seen for the first time, or with another expression or zone: its ticks count from here on."""

    fact = "schedule.watched"
    cron: str
    timezone: str
    since: str
    before: str | None = None
    """The expression and zone it had."""


class ScheduleDropped(Event, frozen=True, tag="schedule_dropped"):
    """A schedule is no longer declared: nothing of it is due from here on, and nothing was missed when it comes back."""

    fact = "schedule.dropped"
    cron: str
    timezone: str


class TickClaimed(Event, frozen=True, tag="tick_claimed"):
    """A run has a tick of a schedule; nobody else will run it."""

    fact = "tick.claimed"
    run: str
    at: str
    """The instant at which it was due."""
    takes_over: str | None = None
    """The run that had the tick before and died."""


class TickEnded(Event, frozen=True, tag="tick_ended"):
    """The run of a tick is over. ``late``: seconds after its deadline; None = in time, or without one."""

    fact = "tick.ended"
    run: str
    at: str
    state: str
    late: float | None = None


class TickMissed(Event, frozen=True, tag="tick_missed"):
    """Ticks will not run although they were due: nobody was there in time, or the runner died too often."""

    fact = "tick.missed"
    first: str
    last: str
    count: int
    reason: str


class TickSkipped(Event, frozen=True, tag="tick_skipped"):
    """Ticks were left out, as their schedule wants it, because the run before was still going."""

    fact = "tick.skipped"
    first: str
    last: str
    count: int
    reason: str
