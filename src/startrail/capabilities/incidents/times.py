"""When an incident was seen, opened, told, taken in hand, mitigated and over: one definition for reports and history.

Every time is counted from *first sight*, the moment of the first fact that showed one of its symptoms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from startrail.ledger.incidents import change_of
from startrail.model import incident as i
from startrail.model.incident import Change
from startrail.model.step import Fact

SENT = "alert.sent"
"""The fact that an endpoint took a message; its subject is the incident."""

PHASES = {
    "detect": "the incident is opened",
    "notify": "an endpoint has taken the first message about it",
    "acknowledge": "a person first says to have it in hand",
    "mitigate": "what was done is first verified to be enough",
    "resolve": "it is over: the last time, when it was opened again; not measured while it is open",
}
"""Each phase, and the moment at which it ends."""

_FIRST: dict[str, type[Change]] = {"detect": i.Opened, "acknowledge": i.Acknowledged, "mitigate": i.Mitigated}


class Times(msgspec.Struct, frozen=True):
    """The facts behind the times. ``moments`` has each phase that has ended."""

    seen: Fact | None
    moments: dict[str, Fact]

    def took(self, phase: str) -> timedelta | None:
        """From first sight to the end of a phase, never less than nothing; None: not measured."""
        then = self.moments.get(phase)
        return None if self.seen is None or then is None else max(timedelta(0), then.at - self.seen.at)


def times(facts: Iterable[Fact], seen: Fact | None) -> Times:
    """From the facts whose subject is one incident, in order, and the fact of its first sight."""
    moments: dict[str, Fact] = {}
    for fact in facts:
        if fact.kind == SENT:
            moments.setdefault("notify", fact)
            continue
        change = change_of(fact)
        for phase, kind in _FIRST.items():
            if isinstance(change, kind):
                moments.setdefault(phase, fact)
        if isinstance(change, i.Resolved):
            moments["resolve"] = fact
        elif isinstance(change, i.Reopened):
            moments.pop("resolve", None)
    return Times(seen, moments)


def first_sight(changes: Sequence[Change]) -> int | None:
    """Seq of the first fact that showed one of the incident's symptoms."""
    told = (change.symptoms for change in changes if isinstance(change, i.Opened | i.Repeated | i.Reopened))
    return min((symptom.first for symptoms in told for symptom in symptoms if symptom.first), default=None)
