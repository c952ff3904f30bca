"""When something is due."""

from __future__ import annotations

import msgspec


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cron expression in a time zone."""

    cron: str
    timezone: str = "UTC"


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wall time (``HH:MM``) of each day by which a report must have been delivered."""

    time: str
    timezone: str = "UTC"
