"""When something is due, and what became of each instant at which it was."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.quantities import Cron, Duration, TableText, WallTime, Zone

Catchup = Literal["none", "last", "all"]
Overlap = Literal["skip", "queue"]
TickState = Literal["running", "done", "failed", "held", "missed"]


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cron expression in a time zone, and what happens when an instant of it is late or meets the run before."""

    cron: Cron
    """Five fields: minute, hour, day of month, month, day of week."""
    timezone: Zone = "UTC"
    """The zone in which the expression is meant."""
    catchup: Catchup = "last"
    """Of the instants at which nobody was there: run none of them, the last one, or all of them in order."""
    overlap: Overlap = "skip"
    """An instant that comes while the run before is still going: leave it out, or run it afterwards."""
    deadline: Duration | None = None
    """How long after its instant (``2h``) a run must be over. One that cannot begin before is missed; one that ends later is
    told as late."""


class NamedSchedule(Schedule, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``schedules/*.yml``: when the project, or a part of it, runs."""

    name: str
    run: tuple[str, ...] = ()
    """What runs, in the words of ``startrail run --select``; none = everything."""
    script: TableText | None = None
    """In place of ``run``: a model of kind script, with all that is made from what it writes."""
    description: str | None = None
    """One sentence for people."""
    owner: str | None = None
    """Who answers for it."""
    span: Span = Span("")


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wall time (``HH:MM``) of each day by which a report must have been delivered."""

    time: WallTime
    """Wall time, as ``09:00``."""
    timezone: Zone = "UTC"
    """The zone of that time."""


class Tick(msgspec.Struct, frozen=True):
    """One instant of one schedule, about to be run."""

    schedule: str
    at: datetime
    deadline: datetime | None = None
    takes_over: str | None = None
    """The run that had this tick and died; None: nobody has had it."""


class TickRecord(msgspec.Struct, frozen=True):
    """A tick as the ledger has it. ``claimed_at`` is of the newest attempt."""

    schedule: str
    at: datetime
    state: TickState
    run: str
    attempts: int
    claimed_at: datetime
    ended_at: datetime | None = None
    abandoned: bool = False
    """True when its run was found dead."""


class Watch(msgspec.Struct, frozen=True):
    """Since when a schedule is watched, and through which instant each of its ticks has been decided.

    ``cron`` is empty for one that is no longer declared. ``ticks``: those that are not over, or were over only after
    ``through``, in order of their instants.
    """

    name: str
    cron: str
    timezone: str
    since: datetime
    through: datetime
    ticks: tuple[TickRecord, ...] = ()
