"""What comes and goes is one incident that counts, not many."""

from __future__ import annotations

from datetime import datetime, timedelta

from startrail.model.incident import Incident

WINDOW = timedelta(hours=24)
"""What is wrong again within this time after it was resolved is the same incident."""


def since(now: datetime) -> datetime:
    """Incidents that were resolved after this instant may come back."""
    return now - WINDOW


def comes_back(incident: Incident, now: datetime) -> bool:
    """True for a resolved incident that a further sighting opens again. What a person resolved stays resolved only when
    the trouble stays away."""
    return incident.state == "resolved" and incident.resolved_at is not None and incident.resolved_at > since(now)
