"""Files that must be there by a time: what is declared, and what became of each instant."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from startrail.model.quantities import Count, Cron, Duration, PositiveCount, WallTime, Zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

ArrivalState = Literal["due", "late", "missing", "arrived", "arrived late"]
"""``due``: there is time left. ``late``: the time has passed, and the grace has not. ``missing``: both have."""

Settled = Literal["arrived", "missing", "dropped"]
"""What the ledger remembers of an instant. ``dropped``: it was missing, and is expected no more."""


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file, or several, that must have landed by a time. Exactly one of ``by`` and ``cron``."""

    file: str
    """The name, with the shell wildcards of a feed's ``pattern``. A field with a date format stands for the day on which
    it is due: ``sales_{date:%Y%m%d}.csv``; any other field (``{store}``) for any text."""
    by: WallTime | None = None
    """A time of each day, ``"06:00"``, by which it must have landed."""
    days: tuple[Weekday, ...] = ()
    """With ``by``: only on these days of the week; none = every day."""
    cron: Cron | None = None
    """In place of ``by``: a cron expression of the instants by which it must have landed."""
    timezone: Zone = "UTC"
    """The zone in which ``by`` and ``cron`` are meant."""
    days_before: Count = 0
    """How many days before the one on which it is due the date in its name lies: 1 for yesterday's file."""
    at_least: PositiveCount = 1
    """How many different names must have landed."""
    grace: Duration = "15 minutes"
    """How much later it may be before it counts as missing."""

    @property
    def what(self) -> str:
        """By which it is known again: the same as long as the same is expected. The grace does not count."""
        when = f"by {self.by}" if self.by is not None else f"at {self.cron}"
        days = " on " + ",".join(self.days) if self.days else ""
        before = f", dated {self.days_before} before" if self.days_before else ""
        count = f", at least {self.at_least}" if self.at_least > 1 else ""
        return f"{self.file} {when} {self.timezone}{days}{before}{count}"


class Expected(msgspec.Struct, frozen=True, tag_field="type", tag="expected"):
    """One instant of an expectation. ``file``: its name as of this instant; ``at``: when enough of it had landed."""

    source: str
    what: str
    file: str
    due: datetime
    until: datetime
    """The end of the grace."""
    state: ArrivalState
    found: int = 0
    wanted: int = 1
    at: datetime | None = None

    @property
    def there(self) -> bool:
        """Whether enough has landed, in time or not."""
        return self.state in ("arrived", "arrived late")


class Arrival(msgspec.Struct, frozen=True):
    """What the ledger remembers of one instant of an expectation. ``at``: when that was found."""

    source: str
    what: str
    due: datetime
    state: Settled
    file: str
    at: datetime


class LandedName(msgspec.Struct, frozen=True):
    """A name that has landed: for the first time, and last."""

    name: str
    first_at: datetime
    at: datetime
