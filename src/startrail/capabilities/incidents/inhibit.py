"""One incident per cause: which incident explains a symptom, if any does."""

from __future__ import annotations

from collections.abc import Iterable

from startrail.capabilities.incidents.openers import group
from startrail.model.incident import Incident, Symptom


def explained_by(symptom: Symptom, standing: Iterable[Incident]) -> Incident | None:
    """The incident that shows the very symptom, or else the oldest whose cause lies upstream of it."""
    standing = list(standing)
    for incident in standing:
        if any(each.key == symptom.key for each in incident.symptoms):
            return incident
    if symptom.cause == "resource":
        return next((each for each in standing if any(group(other) == group(symptom) for other in each.standing)), None)
    if symptom.cause != "late":
        return None  # other trouble downstream has a cause of its own: what a failure blocks is never tried
    upstream = [each for each in standing if any(affected.name == symptom.subject for affected in each.affected)]
    return min(upstream, key=lambda each: (each.opened_at, each.id), default=None)
