"""The base of all events, and how they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

SCHEMA_VERSION = 1
"""Version of these shapes; the first line of every ``--json`` output names it."""


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all events. ``subject`` names what it is about."""

    fact: ClassVar[str | None] = None
    subject: str = ""


class Progress(Event, frozen=True, tag="progress"):
    """Bytes, rows or steps done out of a total (0 = not known). Shown, never recorded."""

    done: int
    total: int
    unit: str


Emit = Callable[[Event], None]
