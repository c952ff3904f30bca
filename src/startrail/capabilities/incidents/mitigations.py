"""The book of mitigations: all that Startrail does by itself about trouble. Nothing that is not in it is ever done.

An entry that has been used as often as it may within its window counts no more: the incident then waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from startrail.base.units import parse_duration
from startrail.model.incident import Symptom
from startrail.model.mitigation import MITIGATIONS, Bound, Mitigation

if TYPE_CHECKING:
    from startrail.capabilities.incidents.surroundings import Surroundings

_DELIVERED = "the run published, and every report made from the source with a deadline was delivered before it"

BOOK: dict[str, Mitigation] = {
    each.name: each
    for each in (
        Mitigation(
            "keep_unknown_field", "The field is kept in the column _extra; the declared columns are loaded as ever.",
            "the source's drift policy says keep, and the delivery's rows add up", _DELIVERED,
            "startrail drift ack, or declare the field in the contract: startrail drift patch", 60, "30 days",
        ),
        Mitigation(
            "quarantine_rows", "Rows that break the contract are set aside with their raw text; the others are loaded.",
            "the source's drift policy says quarantine, fewer rows than its limit, and the delivery's rows add up", _DELIVERED,
            "startrail quarantine replay, or discard", 60, "30 days",
        ),
        Mitigation(
            "serve_last_good", "The delivery is held as a whole, and the last good data stays served.",
            "there is published data of the source", _DELIVERED,
            "mend the contract or the file and run again, or startrail quarantine discard", 7, "7 days",
        ),
        Mitigation(
            "retry_from_checkpoint", "The failed step is done again by the next run, from what is done already.",
            "the step left nothing visible", "the same step finished", "none needed: a step happens as if once", 20, "1 day",
        ),
        Mitigation(
            "pause_source", "No run asks the source for anything until a time; what is made from it uses the data there is.",
            "a person asked for it, and says until when", _DELIVERED, "startrail sources resume", 3, "7 days",
        ),
    )
}  # fmt: skip
"""By name. Recycling workers and raising limits have their place here once they exist."""

assert set(BOOK) == set(MITIGATIONS)


def book(declared: Mapping[str, Bound]) -> dict[str, Mitigation]:
    """The book with what a project says about its entries."""
    return {
        name: entry if (bound := declared.get(name)) is None else msgspec.structs.replace(
            entry, allowed=bound.allowed, most=bound.most or entry.most, window=bound.window or entry.window
        )
        for name, entry in BOOK.items()
    }  # fmt: skip


def refusal(name: str, entry: Mitigation | None, uses: Iterable[datetime], now: datetime) -> str | None:
    """Why a mitigation may not be applied once more; None when it may."""
    if entry is None:
        return f"{name} is not in the book"
    if not entry.allowed:
        return f"{name} is not allowed in this project"
    since = now - parse_duration(entry.window)
    if sum(1 for at in uses if at > since) >= entry.most:
        return f"{name} was applied as often as the book allows: {entry.most} within {entry.window}"
    return None


def unmet(name: str, symptom: Symptom, surroundings: Surroundings) -> str | None:
    """What a mitigation needs and does not have; None when all of it holds."""
    if name in ("keep_unknown_field", "quarantine_rows") and symptom.delivery is not None:
        counts = surroundings.counts(symptom.subject, symptom.delivery)
        if counts is not None and not counts.conserved():
            return f"the rows of delivery {symptom.delivery} do not add up"
    if name == "serve_last_good" and not surroundings.served(symptom.subject):
        return f"there is no earlier data of {symptom.subject} to serve"
    return None
