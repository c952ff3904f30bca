"""When something is due."""

from __future__ import annotations

import msgspec

from startrail.model.quantities import Cron, WallTime, Zone


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cron expression in a time zone."""

    cron: Cron
    timezone: Zone = "UTC"


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wall time (``HH:MM``) of each day by which a report must have been delivered."""

    time: WallTime
    timezone: Zone = "UTC"
