"""Incidents as a projection of facts: a pure fold, the only place that knows what a change does to an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

import msgspec

from startrail.ledger.canonical import canonical_json
from startrail.model import incident as i
from startrail.model.incident import Change, Incident, Symptom
from startrail.model.run import NewFact
from startrail.model.step import Fact

KINDS = frozenset(i.CHANGES)
"""The kinds of facts that tell of incidents."""


def to_fact(incident: str, change: Change) -> NewFact:
    """The ledger's form of a change."""
    return NewFact(change.fact, incident, canonical_json(change))


def change_of(fact: Fact) -> Change | None:
    """The change that a fact tells of; None for a fact of another kind. Raises msgspec errors for a payload that is none."""
    return _decoder(fact.kind).decode(fact.payload) if fact.kind in KINDS else None


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Change]:
    """Made when it is first needed: most runs need none."""
    return msgspec.json.Decoder(i.CHANGES[kind])


def fold(facts: Iterable[Fact], before: Mapping[str, Incident] | None = None) -> dict[str, Incident]:
    """All incidents by id, as they stand after these facts, which continue from ``before``."""
    found = dict(before or {})
    for fact in facts:
        change = change_of(fact)
        if change is not None:
            found[fact.subject] = advance(found.get(fact.subject), fact.subject, change, fact.seq, fact.at)
    return found


def advance(incident: Incident | None, id: str, change: Change, seq: int, at: datetime) -> Incident:
    """The incident after one more change. Raises ValueError for a change of one that was never opened."""
    if isinstance(change, i.Opened):
        return Incident(
            id=id, key=change.key, title=change.title, subject=change.subject, cause=change.cause, severity=change.severity,
            opened_at=at, changed_at=at, seq=seq, symptoms=change.symptoms, affected=change.affected,
        )  # fmt: skip
    if incident is None:
        raise ValueError(f"incident {id} changes before it is opened")
    return msgspec.structs.replace(_changed(incident, change, at), seq=seq, changed_at=at)


def _changed(incident: Incident, change: Change, at: datetime) -> Incident:
    set_ = msgspec.structs.replace
    match change:
        case i.Repeated():
            known = {symptom.key for symptom in incident.standing}
            more = {} if all(s.key in known for s in change.symptoms) or incident.state != "mitigated" else {"state": "open"}
            merged = merge(incident.symptoms, change.symptoms)
            return set_(incident, symptoms=merged, repeats=incident.repeats + sum(s.seen for s in change.symptoms), **more)
        case i.Reopened():
            return set_(
                incident, state="open", severity=change.severity, symptoms=merge(incident.symptoms, change.symptoms),
                repeats=incident.repeats + sum(s.seen for s in change.symptoms), reopened=incident.reopened + 1,
                refused={}, resolved_at=None, mitigated_at=None, acknowledged_at=None, reason="",
            )  # fmt: skip
        case i.Attached():
            names = {each.name for each in change.affected}
            return set_(incident, affected=(*(a for a in incident.affected if a.name not in names), *change.affected))
        case i.Escalated():
            state = "open" if incident.state == "mitigated" else incident.state
            return set_(incident, severity=change.severity, state=state)
        case i.Acted():
            left = {name: why for name, why in incident.refused.items() if name != change.mitigation}
            return set_(incident, acts=tuple(dict.fromkeys((*incident.acts, change.mitigation))), refused=left)
        case i.Refused():
            return set_(incident, refused={**incident.refused, change.mitigation: change.reason})
        case i.Mitigated():
            return set_(incident, state="mitigated", mitigated_at=incident.mitigated_at or at, reason=change.reason)
        case i.Cleared():
            gone = change.symptoms
            symptoms = tuple(set_(s, cleared=gone[s.key]) if s.key in gone else s for s in incident.symptoms)
            return set_(incident, symptoms=symptoms)
        case i.Acknowledged():
            state = "acknowledged" if incident.state == "open" else incident.state
            return set_(incident, state=state, acknowledged_at=incident.acknowledged_at or at)
        case i.Resolved():
            return set_(incident, state="resolved", resolved_at=at, reason=change.reason)
        case _:
            return incident


def merge(before: tuple[Symptom, ...], more: Iterable[Symptom]) -> tuple[Symptom, ...]:
    """Symptoms with further sightings of them; one that was gone and is seen again stands again."""
    found = {symptom.key: symptom for symptom in before}
    for new in more:
        old = found.get(new.key)
        found[new.key] = new if old is None else msgspec.structs.replace(
            new, seen=old.seen + new.seen, first=min(old.first, new.first), last=max(old.last, new.last), cleared=None
        )  # fmt: skip
    return tuple(found.values())
