"""The book of mitigations: all that Startrail does by itself about trouble. Nothing that is not in it is ever done.

An entry that has been used as often as it may within its window counts no more: the incident then waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from startrail.base.units import parse_duration
from startrail.ledger.incidents import change_of
from startrail.model.incident import Acted
from startrail.model.mitigation import Mitigation
from startrail.model.step import Fact

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
            "pause_source", "The source is left out of runs for a time.",
            "a person asked for it", "runs without it end well", "take the pause back", 3, "7 days",
        ),
    )
}  # fmt: skip
"""By name. Recycling workers and raising limits have their place here once they exist."""


def exhausted(name: str, facts: Iterable[Fact], now: datetime) -> bool:
    """True when the mitigation was applied as often as it may; ``facts`` of the incident."""
    entry = BOOK.get(name)
    if entry is None:
        return True  # what the book does not know is no mitigation
    since = now - parse_duration(entry.window)
    used = sum(
        1 for fact in facts if fact.at > since and isinstance(act := change_of(fact), Acted) and act.mitigation == name
    )  # fmt: skip
    return used > entry.most
