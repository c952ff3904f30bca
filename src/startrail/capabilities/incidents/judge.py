"""What new facts mean for the incidents there are: which are opened, repeated, cleared, mitigated, resolved.

A pure function of facts, incidents and surroundings, so that two processes that look at the same come to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from startrail.base.ids import fingerprint
from startrail.capabilities.incidents import flap
from startrail.capabilities.incidents.inhibit import explained_by, kin
from startrail.capabilities.incidents.mitigations import BOOK, refusal, unmet
from startrail.capabilities.incidents.openers import group, symptoms
from startrail.capabilities.incidents.severity import severity
from startrail.capabilities.incidents.surroundings import Surroundings
from startrail.capabilities.incidents.verify import Proofs, enough
from startrail.flow.events import Adopted, DriftFound, MitigationRefused, Replayed, SourcePaused
from startrail.ledger.incidents import advance, change_of
from startrail.model import incident as i
from startrail.model.incident import BY_ITSELF, SEVERITIES, Affected, Change, Incident, Symptom, graver
from startrail.model.step import Fact


@dataclass
class Judgement:
    """The incidents as they are becoming, and the changes that make them so."""

    now: datetime
    surroundings: Surroundings
    acts: Callable[[], Iterable[Fact]]
    """All facts that tell of mitigations."""
    book: dict[str, Incident] = field(default_factory=dict)
    changes: list[tuple[str, Change]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    """Incidents about which people did something just now."""

    def change(self, id: str, change: Change) -> None:
        self.book[id] = advance(self.book.get(id), id, change, 0, self.now)
        self.changes.append((id, change))

    def uses(self, mitigation: str, subject: str) -> list[datetime]:
        """When a mitigation was applied to a subject, as far as facts tell and in this judgement."""
        told = [(fact.at, change_of(fact)) for fact in self.acts()]
        told += [(self.now, change) for _, change in self.changes]
        return [
            at for at, change in told if isinstance(change, i.Acted) and (change.mitigation, change.on) == (mitigation, subject)
        ]

    @property
    def standing(self) -> list[Incident]:
        return [each for each in self.book.values() if each.state != "resolved"]


def judge(
    facts: Sequence[Fact],
    incidents: Iterable[Incident],
    surroundings: Surroundings,
    now: datetime,
    acts: Callable[[], Iterable[Fact]],
    known: Callable[[], frozenset[str]],
) -> Judgement:
    """``incidents``: all that are not resolved, and those that were a short while ago. ``known``: keys of symptoms that a
    person has acknowledged."""
    judgement = Judgement(now, surroundings, acts, {each.id: each for each in incidents})
    seen = symptoms(_without_replays(facts))
    if any(symptom.cause == "drift" for symptom in seen):
        accepted = known()
        seen = [symptom for symptom in seen if symptom.key not in accepted]
    by_seq = {fact.seq: fact for fact in facts}
    _place([symptom for symptom in seen if symptom.cause != "late"], by_seq, judgement)
    _place([symptom for symptom in seen if symptom.cause == "late"], by_seq, judgement)  # what explains them stands now
    _heed_people(facts, judgement)
    proofs, seen_now = Proofs(facts), {symptom.key for symptom in seen}
    for incident in judgement.standing:
        _clear(incident, proofs, seen_now, judgement)
    for incident in judgement.standing:
        _weigh(incident, bool(seen_now & {symptom.key for symptom in incident.symptoms}), judgement)
    return judgement


def _without_replays(facts: Sequence[Fact]) -> list[Fact]:
    """What a delivery shows again when it is loaded again is no news."""
    again = {
        (fact.run, msgspec.json.decode(fact.payload, type=_Delivery).delivery)
        for fact in facts
        if fact.kind in (Adopted.fact, Replayed.fact)
    }
    return [
        fact
        for fact in facts
        if fact.kind != DriftFound.fact
        or not again
        or (fact.run, msgspec.json.decode(fact.payload, type=_Delivery).delivery) not in again
    ]


class _Delivery(msgspec.Struct):
    delivery: str = ""


def _place(seen: list[Symptom], facts: dict[int, Fact], judgement: Judgement) -> None:
    """Each symptom goes to the incident that explains it, or with others of its cause into a new one."""
    repeats: dict[str, list[Symptom]] = {}
    causes: dict[str, list[Symptom]] = {}
    for symptom in seen:
        incident = explained_by(symptom, judgement.standing, judgement.surroundings) or _returning(symptom, judgement)
        if incident is not None:
            repeats.setdefault(incident.id, []).append(symptom)
        else:
            causes.setdefault(_cause(symptom, causes, judgement.surroundings), []).append(symptom)
    for id_, found in repeats.items():
        _repeat(judgement.book[id_], tuple(found), judgement)
    for found in causes.values():
        _open(tuple(sorted(found, key=_gravest_first)), facts, judgement)


def _cause(symptom: Symptom, causes: Mapping[str, list[Symptom]], surroundings: Surroundings) -> str:
    """Under which name the symptom's cause goes here; reports that are late together may have one."""
    if symptom.cause == "late":
        for name, found in causes.items():
            if found[0].cause == "late" and any(kin(each.subject, symptom.subject, surroundings) for each in found):
                return name
    return group(symptom)


def _gravest_first(symptom: Symptom) -> tuple[int, str]:
    """Not by when it was seen: tasks run side by side."""
    return -SEVERITIES.index(symptom.severity), symptom.key


def _returning(symptom: Symptom, judgement: Judgement) -> Incident | None:
    ended = [each for each in judgement.book.values() if flap.comes_back(each, judgement.now)]
    same = [each for each in ended if any(old.key == symptom.key for old in each.symptoms)]
    return explained_by(symptom, same, judgement.surroundings)


def _open(found: tuple[Symptom, ...], facts: dict[int, Fact], judgement: Judgement) -> None:
    gravest, first = found[0], min(symptom.first for symptom in found)
    key = f"{group(gravest)}: {min(symptom.key for symptom in found)}"
    id_ = fingerprint(key, facts[first].hash)[:8]
    affected = _affected(found, judgement.surroundings)
    grave, _ = severity(found, affected, judgement.surroundings)
    opened = i.Opened(
        key=key, title=_title(found), subject=gravest.subject, cause=gravest.cause, severity=grave, symptoms=found,
        affected=affected,
    )  # fmt: skip
    judgement.change(id_, opened)
    _act(id_, found, judgement)


def _repeat(incident: Incident, found: tuple[Symptom, ...], judgement: Judgement) -> None:
    if incident.state == "resolved":
        grave, _ = severity(found, incident.affected, judgement.surroundings)
        judgement.change(incident.id, i.Reopened(severity=grave, symptoms=found))
    else:
        judgement.change(incident.id, i.Repeated(symptoms=found))
    names = {each.name for each in incident.affected}
    subjects = {symptom.subject for symptom in incident.symptoms}
    strange = tuple(s for s in found if s.subject not in subjects and s.subject not in names)
    more = tuple(each for each in _affected(strange, judgement.surroundings) if each.name not in names)
    if more:
        judgement.change(incident.id, i.Attached(affected=more))
    _act(incident.id, found, judgement)


def _affected(found: Iterable[Symptom], surroundings: Surroundings) -> tuple[Affected, ...]:
    subjects = {symptom.subject for symptom in found}
    reach = {each.name: each for subject in sorted(subjects) for each in surroundings.made_from(subject)}
    for subject in sorted(subjects - set(reach)):  # a report that fails or is late is threatened itself
        if surroundings.kinds(subject) == "report":
            reach[subject] = surroundings.affected(subject)
    return tuple(reach[name] for name in sorted(reach))


def _act(id_: str, found: Iterable[Symptom], judgement: Judgement) -> None:
    """Write down what the policy has done already."""
    done: dict[tuple[str, str], list[Symptom]] = {}
    for symptom in found:
        if symptom.mitigation is not None:
            done.setdefault((symptom.mitigation, symptom.subject), []).append(symptom)
    for (name, subject), those in done.items():
        evidence = tuple(sorted({seq for symptom in those for seq in (symptom.first, symptom.last)}))
        needs = (unmet(name, symptom, judgement.surroundings) for symptom in those)
        _apply(id_, name, subject, evidence, judgement, next((why for why in needs if why is not None), None))


def _apply(id_: str, name: str, subject: str, evidence: tuple[int, ...], judgement: Judgement, why: str | None = None) -> None:
    """Write a mitigation down, or that it is refused: ``why``, or because the book has no more of it."""
    why = why or refusal(name, judgement.surroundings.book.get(name), judgement.uses(name, subject), judgement.now)
    if why is None:
        judgement.change(id_, i.Acted(mitigation=name, by=BY_ITSELF, what=BOOK[name].does, evidence=evidence, on=subject))
    elif judgement.book[id_].refused.get(name) != why:
        judgement.change(id_, i.Refused(mitigation=name, on=subject, reason=why))


class _Person(msgspec.Struct):
    by: str = ""
    mitigation: str = ""
    reason: str = ""


def _heed_people(facts: Iterable[Fact], judgement: Judgement) -> None:
    """What people did, or asked for in vain, about a subject goes to the incidents that it is wrong with."""
    for fact in facts:
        if fact.kind not in (SourcePaused.fact, MitigationRefused.fact):
            continue
        told = msgspec.json.decode(fact.payload, type=_Person)
        for incident in judgement.standing:
            if all(symptom.subject != fact.subject for symptom in incident.standing):
                continue
            if fact.kind == SourcePaused.fact:
                what, evidence = BOOK["pause_source"].does, (fact.seq,)
                acted = i.Acted(mitigation="pause_source", by=told.by, what=what, evidence=evidence, on=fact.subject)
                judgement.change(incident.id, acted)
                judgement.touched.add(incident.id)
            else:
                judgement.change(incident.id, i.Refused(mitigation=told.mitigation, on=fact.subject, reason=told.reason))
                judgement.touched.add(incident.id)


def _clear(incident: Incident, proofs: Proofs, seen_now: set[str], judgement: Judgement) -> None:
    gone = {
        symptom.key: seq
        for symptom in incident.standing
        if (seq := _gone(symptom, incident, proofs, symptom.key in seen_now, judgement.surroundings)) is not None
    }
    if not gone:
        return
    again: dict[str, list[int]] = {}
    for symptom in incident.standing:
        if symptom.key in gone and symptom.key.startswith("step "):
            again.setdefault(symptom.subject, []).append(gone[symptom.key])
    for subject, seqs in again.items():
        _apply(incident.id, "retry_from_checkpoint", subject, tuple(sorted(set(seqs))), judgement)
    judgement.change(incident.id, i.Cleared(symptoms=gone))
    if not judgement.book[incident.id].standing:
        evidence = tuple(sorted(set(gone.values())))
        judgement.change(incident.id, i.Resolved(by=BY_ITSELF, reason=_over(incident), evidence=evidence))


def _gone(
    symptom: Symptom, incident: Incident, proofs: Proofs, seen_now: bool, surroundings: Surroundings
) -> int | None:  # fmt: skip
    """The fact that shows that the symptom is gone. Rows that wait in quarantine keep it; a report that came late as part of
    other trouble is there now, and nobody can mend that it was late."""
    seq = proofs.gone(symptom, seen_now)
    if seq is None and symptom.key.startswith("late ") and len(incident.symptoms) > 1:
        seq = proofs.delivered(symptom.subject)
    if seq is not None and symptom.mitigation == "quarantine_rows" and surroundings.rows_wait(symptom):
        return None
    return seq


def _weigh(incident: Incident, seen_now: bool, judgement: Judgement) -> None:
    """Whether what was done is enough; if not, whether it has become graver."""
    if incident.state == "mitigated" and not seen_now and incident.id not in judgement.touched:
        return
    evidence = enough(incident.standing, incident.affected, judgement.surroundings)
    spent = incident.refused
    if evidence is not None and not spent:
        if incident.state != "mitigated":
            due = any(each.due is not None for each in incident.affected)
            reason = "the policy dealt with it, and every report was delivered before its deadline" if due else (
                "the policy dealt with it, and nothing with a deadline is made from it"
            )  # fmt: skip
            judgement.change(incident.id, i.Mitigated(by=BY_ITSELF, reason=reason, evidence=evidence))
        return
    grave, why = severity(incident.standing, incident.affected, judgement.surroundings)
    if spent:
        grave, why = graver(grave, "error"), "; ".join(spent.values())
    grave = graver(grave, incident.severity)
    if grave != incident.severity or incident.state == "mitigated":
        judgement.change(incident.id, i.Escalated(severity=grave, reason=why))


_OVER = {
    "drift": "later deliveries are as the contract says, or a person knows of the drift",
    "hold": "what was held is loaded or discarded",
    "failure": "what failed has finished",
    "resource": "what failed has finished",
    "check": "what failed its check is published, or no longer wanted",
    "schedule": "a later tick of the schedule ran and was done",
    "bridge": "the gap has known causes only",
    "freshness": "what was expected has landed, or is no longer expected",
    "late": "the report was delivered before its deadline again",
}


def _over(incident: Incident) -> str:
    return _OVER.get(incident.cause, "what was wrong is no longer seen")


def _title(found: tuple[Symptom, ...]) -> str:
    if found[0].cause == "resource" and len({symptom.subject for symptom in found}) > 1:
        return f"{len(found)} steps failed, first: {found[0].what}"
    head = found[0].what if found[0].cause != "drift" else f"{found[0].subject}: {found[0].what}"
    if found[0].cause == "hold":
        head = f"{found[0].subject}: {found[0].what}"
    return head + (f", and {len(found) - 1} more" if len(found) > 1 else "")
