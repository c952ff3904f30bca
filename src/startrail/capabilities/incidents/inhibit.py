"""One incident per cause: which incident explains a symptom, if any does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from startrail.capabilities.incidents.openers import group
from startrail.capabilities.incidents.surroundings import Surroundings
from startrail.model.incident import Incident, Symptom


def explained_by(symptom: Symptom, standing: Iterable[Incident], surroundings: Surroundings) -> Incident | None:
    """The incident that shows the very symptom, or else the oldest whose cause lies upstream of it."""
    standing = list(standing)
    for incident in standing:
        if any(each.key == symptom.key for each in incident.symptoms):
            return incident
    if symptom.cause == "resource":
        return next((each for each in standing if any(group(other) == group(symptom) for other in each.standing)), None)
    if symptom.cause == "freshness":
        return min((each for each in standing if _why_missing(each, symptom)), key=_oldest, default=None)
    if symptom.cause != "late":
        return None  # other trouble downstream has a cause of its own: what a failure blocks is never tried
    upstream = [each for each in standing if any(affected.name == symptom.subject for affected in each.affected)]
    late = [each for each in standing if each.cause == "late" and kin(each.subject, symptom.subject, surroundings)]
    return min(upstream or late, key=_oldest, default=None)


def _why_missing(incident: Incident, symptom: Symptom) -> bool:
    """Files of the source are missing already, or it could not be asked for them."""
    return any(
        each.subject == symptom.subject and (each.cause == "freshness" or each.key == f"step land {symptom.subject}")
        for each in incident.standing
    )


def _oldest(incident: Incident) -> tuple[datetime, str]:
    return incident.opened_at, incident.id


def kin(one: str, other: str, surroundings: Surroundings) -> bool:
    """Whether two reports are one, or made from the same model: when both are late, that is one cause until more is known."""
    if one == other:
        return True
    shared = surroundings.ancestors(one) & surroundings.ancestors(other)
    return any(surroundings.kinds(name) == "model" for name in shared)
