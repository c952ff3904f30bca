"""Mitigations: what Startrail may do by itself, within which bounds, and how it is verified and undone."""

from __future__ import annotations

import msgspec

from startrail.model.quantities import Duration


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
