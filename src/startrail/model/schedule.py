"""When something is due."""

from __future__ import annotations

import msgspec

from startrail.model.quantities import Cron, WallTime, Zone


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cron expression in a time zone."""

    cron: Cron
    """Five fields: minute, hour, day of month, month, day of week."""
    timezone: Zone = "UTC"
    """The zone in which the expression is meant."""


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wall time (``HH:MM``) of each day by which a report must have been delivered."""

    time: WallTime
    """Wall time, as ``09:00``."""
    timezone: Zone = "UTC"
    """The zone of that time."""
