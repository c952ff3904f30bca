"""Mitigations: what Startrail may do by itself, within which bounds, and how it is verified and undone."""

from __future__ import annotations

import msgspec

from startrail.base.span import Span
from startrail.model.quantities import Duration, PositiveCount

MITIGATIONS = ("keep_unknown_field", "quarantine_rows", "serve_last_good", "retry_from_checkpoint", "pause_source")
"""The names of all entries of the book."""


class Mitigation(msgspec.Struct, frozen=True):
    """One entry of the book."""

    name: str
    does: str
    """What happens, in one sentence."""
    needs: str
    """What must hold before."""
    verified: str
    """What must be seen before an incident counts as mitigated by it."""
    undo: str
    """How a person takes it back."""
    most: int
    """So often within ``window`` and no more: what comes back more often waits for a person."""
    window: Duration
    allowed: bool = True
    """False: the project wants a person instead."""


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project says about one entry of the book: whether it may be used, and how often. What is left out stays as the
    book has it."""

    span: Span
    allowed: bool = True
    """False: what it would deal with waits for a person."""
    most: PositiveCount | None = None
    """So often within ``window`` about one subject, and no more."""
    window: Duration | None = None
    """The length of time in which uses are counted."""
