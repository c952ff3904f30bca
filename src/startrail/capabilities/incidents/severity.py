"""How grave: from what the trouble leads to, not from what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from startrail.capabilities.incidents.surroundings import Surroundings
from startrail.model.incident import Affected, Severity, Symptom, graver


def severity(symptoms: Iterable[Symptom], affected: Sequence[Affected], surroundings: Surroundings) -> tuple[Severity, str]:
    """The severity, and in words why.

    A page is for a report that has a deadline, is not delivered, and cannot be by itself: what it is made from is
    blocked. Nothing else wakes anybody.
    """
    found: Severity = "info"
    blocked = False
    for symptom in symptoms:
        found = graver(found, symptom.severity)
        blocked = blocked or (symptom.blocks and not surroundings.is_paused(symptom.subject))
    if blocked:
        for each in affected:
            if each.kind == "report" and not surroundings.standing(each.name).safe:
                return "page", f"report {each.name} cannot be delivered before its deadline without a person"
    return found, "no deadline is threatened" if found != "page" else "nothing but a person can help"
