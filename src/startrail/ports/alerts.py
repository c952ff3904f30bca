"""Whoever takes alerts."""

from __future__ import annotations

from typing import Protocol

from startrail.model.alert import Alert, Later, Refused, Sent


class Notifier(Protocol):
    """One endpoint. ``name`` is safe to show."""

    name: str

    def send(self, alert: Alert, delivery_id: str) -> Sent | Later | Refused:
        """Bounded in time; never raises for what the other side does. The same id twice is the same alert twice."""
        ...
