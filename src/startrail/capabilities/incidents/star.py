"""Situation, Task, Action, Result of an incident, from facts alone.

A :class:`Figure` carries the facts that it was read from; one that names none cannot be made, and what no fact tells is
``not measured``. People's words are marked as theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from startrail.capabilities.incidents import deadlines_met
from startrail.capabilities.incidents.openers import symptoms
from startrail.capabilities.incidents.spans import between, count, instant
from startrail.capabilities.incidents.star_actions import actions
from startrail.capabilities.incidents.star_numbers import moved
from startrail.capabilities.incidents.star_rows import deliveries_of, rows_of
from startrail.capabilities.incidents.times import PHASES, Times, times
from startrail.ledger.incidents import change_of
from startrail.model import incident as i
from startrail.model.incident import Change, Incident, Symptom
from startrail.model.star import Entry, Figure, Star
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

_Told = Sequence[tuple[Fact, Change]]
Readers = Callable[[str], tuple[str, ...]]
"""From a report to the people who read it, as declared."""


def star(incident: Incident, ledger: Ledger, readers: Readers = lambda _: ()) -> Star:
    """The report of an incident as it stands."""
    told = told_of(incident, ledger)
    sightings = {symptom.key: _sightings(symptom, ledger) for symptom in incident.symptoms}
    seen = min((fact for facts in sightings.values() for fact in facts), key=lambda fact: fact.seq, default=None)
    phases = times(ledger.facts(subject=incident.id), seen)
    wanted = deliveries_of(incident, sightings)
    return Star(
        incident=incident.id,
        title=incident.title,
        state=incident.state,
        severity=incident.severity,
        situation=(_first_seen(told, seen), *_wrong(incident, sightings), *_threatened(incident, told, readers)),
        task=_task(incident, told),
        action=tuple(actions(incident, told, wanted, ledger)),
        result=(
            *_times(phases),
            *deadlines_met.told(deadlines_met.outcomes(incident, ledger)),
            *rows_of(incident, wanted, ledger),
            *moved(incident, seen, ledger),
            *_follow_ups(incident, ledger),
        ),
    )


def told_of(incident: Incident, ledger: Ledger) -> list[tuple[Fact, Change]]:
    """Its own facts, each with the change that it tells of."""
    return [(fact, change) for fact in ledger.facts(subject=incident.id) if (change := change_of(fact)) is not None]


def times_of(incident: Incident, ledger: Ledger) -> Times:
    """When it was seen, opened, … over."""
    first = min((symptom.first for symptom in incident.symptoms if symptom.first), default=None)
    return times(ledger.facts(subject=incident.id), None if first is None else fact_at(first, ledger))


def fact_at(seq: int, ledger: Ledger) -> Fact | None:
    """The fact with this number."""
    found = next(iter(ledger.facts(after=seq - 1, limit=1)), None)
    return found if found is not None and found.seq == seq else None


def _sightings(symptom: Symptom, ledger: Ledger) -> list[Fact]:
    """The facts that showed the symptom: read again, not remembered."""
    found: list[Fact] = []
    for fact in ledger.facts(subject=symptom.subject, after=symptom.first - 1):
        if fact.seq > symptom.last:
            break
        if any(seen.key == symptom.key for seen in symptoms([fact])):
            found.append(fact)
    return found


def _first_seen(told: _Told, first: Fact | None) -> Entry:
    opened = told[0][0]
    return Entry(
        "First seen at {seen}; the incident was opened at {opened} with severity {severity}.",
        {
            "seen": instant(first),
            "opened": instant(opened),
            "severity": Figure(told[0][1].severity if isinstance(told[0][1], i.Opened) else None, (opened.seq,)),
        },
    )


def _wrong(incident: Incident, sightings: dict[str, list[Fact]]) -> Iterable[Entry]:
    for symptom in incident.symptoms:
        seqs = tuple(fact.seq for fact in sightings[symptom.key])
        yield Entry(
            "{subject}: {what} (rule: {rule}), seen {times}.",
            {"times": count(len(seqs), "time", seqs)},
            {"subject": symptom.subject, "what": symptom.what, "rule": symptom.rule},
        )


def _threatened(incident: Incident, told: _Told, readers: Readers) -> Iterable[Entry]:
    reports = [each for each in incident.affected if each.kind == "report"]
    where = tuple(fact.seq for fact, change in told if isinstance(change, i.Opened | i.Attached))
    for report in reports:
        words = {"report": report.name}
        if report.due is None:
            yield Entry("It reached report {report}.", words=words)
        else:
            yield Entry("It threatened report {report}, due {due}.", {"due": _due(report.due, where)}, words)
        people = readers(report.name)
        if people:
            yield Entry("Who reads {report}, as declared now: {people}.", words={**words, "people": ", ".join(people)})
    for kind in ("metric", "model"):
        names = [each.name for each in incident.affected if each.kind == kind]
        if names:
            yield Entry(
                "{number} made from it: {names}.", {"number": count(len(names), kind, where)}, {"names": ", ".join(names)}
            )


def _due(due: datetime, facts: tuple[int, ...]) -> Figure:
    return Figure(f"{due:%Y-%m-%d %H:%M} UTC", facts)


def _task(incident: Incident, told: _Told) -> tuple[Entry, ...]:
    where = tuple(fact.seq for fact, change in told if isinstance(change, i.Opened | i.Attached))
    due = [
        Entry("Report {report} had to be delivered by {due}.", {"due": _due(each.due, where)}, {"report": each.name})
        for each in incident.affected
        if each.due is not None
    ]
    return (*due, Entry("No row may be lost or doubled, and nothing unchecked may be shown."))


def _times(phases: Times) -> Iterable[Entry]:
    for name in PHASES:
        yield Entry("Time to {phase}: {time}.", {"time": between(phases.seen, phases.moments.get(name))}, {"phase": name})


def _follow_ups(incident: Incident, ledger: Ledger) -> Iterable[Entry]:
    for symptom in incident.symptoms:
        words = {"subject": symptom.subject, "what": symptom.what}
        if symptom.cleared is not None:
            gone = instant(fact_at(symptom.cleared, ledger))
            yield Entry("Closed: {subject}: {what}, gone at {gone}.", {"gone": gone}, words)
        elif incident.state == "resolved":
            yield Entry("Not seen to be gone, ended by a person: {subject}: {what}.", words=words)
        else:
            yield Entry("Open: {subject}: {what}.", words=words)
