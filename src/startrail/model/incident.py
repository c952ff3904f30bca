"""Incidents: what is wrong, since when, what it threatens, and what was done. All of it is told by facts.

An incident has *symptoms*: each is one thing that facts showed to be wrong, and has a key by which it is known again.
Everything that happens to an incident is a *change*; the changes are the payloads of the facts ``incident.*``, whose
subject is the incident's id. ``startrail.ledger.incidents`` folds them.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

Severity = Literal["info", "warning", "error", "page"]
"""``page``: a person is needed now. ``error``: until a person acts, something stays as it was. ``warning``: rows wait for
a person. ``info``: worth knowing."""

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error", "page")
"""From the least to the gravest."""

State = Literal["open", "acknowledged", "mitigated", "resolved"]

CauseClass = Literal[
    "drift", "hold", "failure", "check", "late", "bridge", "freshness", "schedule", "resource", "access", "decision"
]


def graver(one: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return max(one, other, key=SEVERITIES.index)


class Symptom(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, as facts showed it. The same trouble always has the same ``key``."""

    key: str
    rule: str
    """The opener that saw it."""
    cause: CauseClass
    subject: str
    """The source, model, report or metric that it is about."""
    what: str
    """One sentence for people; may hold text from data."""
    severity: Severity = "error"
    """Before its consequences are known."""
    blocks: bool = False
    """True when what is made from the subject cannot be made, or not with new data, until it is gone."""
    mitigation: str | None = None
    """The entry of the book by which the policy has dealt with it."""
    delivery: str | None = None
    seen: int = 1
    """How many facts showed it."""
    first: int = 0
    """Seq of the first fact that showed it."""
    last: int = 0
    """Seq of the last one."""
    cleared: int | None = None
    """Seq of the fact that showed that it is gone."""


class Affected(msgspec.Struct, frozen=True):
    """What is made from the subject of an incident. ``due``: when a report must have been delivered, as of the incident."""

    name: str
    kind: Literal["model", "report", "metric"]
    due: datetime | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that happens to an incident."""

    fact: ClassVar[str] = ""


class Opened(Change, frozen=True, kw_only=True):
    """A rule saw something wrong that no incident explains."""

    fact = "incident.opened"
    key: str
    title: str
    subject: str
    cause: CauseClass
    severity: Severity
    symptoms: tuple[Symptom, ...]
    affected: tuple[Affected, ...] = ()


class Repeated(Change, frozen=True, kw_only=True):
    """Symptoms were seen again, or further ones of the same cause."""

    fact = "incident.repeated"
    symptoms: tuple[Symptom, ...]


class Reopened(Change, frozen=True, kw_only=True):
    """What was resolved a short while ago is wrong again."""

    fact = "incident.reopened"
    severity: Severity
    symptoms: tuple[Symptom, ...]


class Attached(Change, frozen=True, kw_only=True):
    """More is affected than was known."""

    fact = "incident.attached"
    affected: tuple[Affected, ...]


class Escalated(Change, frozen=True, kw_only=True):
    """The consequence is graver than it was."""

    fact = "incident.escalated"
    severity: Severity
    reason: str


class Acted(Change, frozen=True, kw_only=True):
    """A mitigation was applied. ``evidence``: the facts that show it."""

    fact = "incident.acted"
    mitigation: str
    by: str
    what: str
    evidence: tuple[int, ...] = ()
    on: str = ""
    """The source, model or report that it was applied to."""


class Refused(Change, frozen=True, kw_only=True):
    """A mitigation was not applied, or does not count: what it needs does not hold, or it was used as often as it may."""

    fact = "incident.refused"
    mitigation: str
    on: str
    reason: str


class Mitigated(Change, frozen=True, kw_only=True):
    """What was done is verified: nobody has to act before what is due is due."""

    fact = "incident.mitigated"
    by: str
    reason: str
    evidence: tuple[int, ...] = ()


class Cleared(Change, frozen=True, kw_only=True):
    """Symptoms are gone: key of each, and seq of the fact that shows it."""

    fact = "incident.cleared"
    symptoms: dict[str, int]


class Acknowledged(Change, frozen=True, kw_only=True):
    """A person has it in hand."""

    fact = "incident.acknowledged"
    by: str
    note: str = ""


class Noted(Change, frozen=True, kw_only=True):
    """A person's words, marked as theirs."""

    fact = "incident.noted"
    by: str
    text: str
    principles: tuple[str, ...] = ()
    """Leadership principles of which they say that it is an example."""


class Resolved(Change, frozen=True, kw_only=True):
    """It is over. ``by``: ``startrail`` when that was verified from facts, or a person, who gives the reason."""

    fact = "incident.resolved"
    by: str
    reason: str
    evidence: tuple[int, ...] = ()
    principles: tuple[str, ...] = ()


CHANGES: dict[str, type[Change]] = {
    each.fact: each
    for each in (
        Opened,
        Repeated,
        Reopened,
        Attached,
        Escalated,
        Acted,
        Refused,
        Mitigated,
        Cleared,
        Acknowledged,
        Noted,
        Resolved,
    )
}
"""By kind of fact."""

BY_ITSELF = "startrail"
"""The actor of what no person did."""


class Incident(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="incident"):
    """One cause, and all that is known of it; as the facts up to ``seq`` tell it."""

    id: str
    key: str
    """Stays the same however often it repeats: messages about it carry it."""
    title: str
    subject: str
    cause: CauseClass
    severity: Severity
    opened_at: datetime
    changed_at: datetime
    seq: int
    """Of the last fact about it."""
    state: State = "open"
    symptoms: tuple[Symptom, ...] = ()
    affected: tuple[Affected, ...] = ()
    repeats: int = 0
    """How often it was seen again."""
    reopened: int = 0
    acts: tuple[str, ...] = ()
    """Names of the mitigations that were applied, each once."""
    refused: dict[str, str] = {}
    """Mitigations that were refused since they were last applied, and why."""
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    reason: str = ""
    """Why it counts as mitigated or resolved."""

    @property
    def standing(self) -> tuple[Symptom, ...]:
        """The symptoms that are not gone."""
        return tuple(symptom for symptom in self.symptoms if symptom.cleared is None)


class Mark(msgspec.Struct, frozen=True):
    """How far facts were read for incidents (``after``), and a number that every change of any incident raises."""

    after: int = 0
    revision: int = 0
