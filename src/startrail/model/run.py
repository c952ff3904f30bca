"""Runs, leases and publications as the ledger records them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from startrail.model.step import StepRecord
from startrail.model.table import Pointer, Prepared, TableChange, TableName

RunState = Literal["running", "done", "failed", "held", "abandoned"]


class Run(msgspec.Struct, frozen=True):
    """One execution of ``run`` or ``backfill``. ``abandoned``: its process died and a later run found that out."""

    id: str
    started_at: datetime
    state: RunState = "running"
    ended_at: datetime | None = None
    profile: str = "local"
    project: str = ""
    """Digest of the declarations it ran under."""


class Lease(msgspec.Struct, frozen=True):
    """The right to change things under ``name``. ``token`` grows with every new holder; every publication compares it."""

    name: str
    holder: str
    token: int
    expires_at: datetime


class NewFact(msgspec.Struct, frozen=True):
    """A fact before it has its place in the chain. ``payload`` is JSON text with sorted keys."""

    kind: str
    subject: str
    payload: str = "{}"


class Publication(msgspec.Struct, frozen=True):
    """All that becomes visible, or is held, together."""

    id: str
    run: str
    at: datetime
    prepared: tuple[Prepared, ...] = ()
    steps: tuple[str, ...] = ()
    """Keys of the step records that become published in the same transaction."""
    versions: dict[str, dict[str, str]] = {}
    """New version of each touched partition of each table: table -> partition -> version."""
    facts: tuple[NewFact, ...] = ()


class Visible(msgspec.Struct, frozen=True):
    """All that is visible at one moment: where each table stands, its versions, and the published step of each view."""

    pointers: dict[TableName, Pointer]
    versions: dict[str, dict[str, str]]
    views: dict[str, StepRecord]


class Hold(msgspec.Struct, frozen=True):
    """What a failed check kept from publication; stays queryable as ``table@failed``."""

    id: str
    run: str
    at: datetime
    changes: tuple[TableChange, ...]
    facts: tuple[NewFact, ...] = ()


class Verification(msgspec.Struct, frozen=True):
    """Outcome of checking the hash chain. ``altered`` is the seq of the first fact that does not fit."""

    facts: int
    altered: int | None = None
    reason: str = ""
