"""Situation, Task, Action, Result of an incident, from facts alone.

A :class:`Figure` carries the facts that it was read from; one that names none cannot be made, and what no fact tells is
``not measured``. People's words are marked as theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from startrail.capabilities.incidents.openers import symptoms
from startrail.capabilities.incidents.star_rows import rows_of
from startrail.flow.events import Delivered
from startrail.ledger.incidents import change_of
from startrail.model import incident as i
from startrail.model.incident import BY_ITSELF, Change, Incident, Symptom
from startrail.model.star import Entry, Figure, Star
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

_Told = Sequence[tuple[Fact, Change]]


def star(incident: Incident, ledger: Ledger) -> Star:
    """The report of an incident as it stands."""
    told = [(fact, change) for fact in ledger.facts(subject=incident.id) if (change := change_of(fact)) is not None]
    sightings = {symptom.key: _sightings(symptom, ledger) for symptom in incident.symptoms}
    return Star(
        incident=incident.id,
        title=incident.title,
        state=incident.state,
        severity=incident.severity,
        situation=(_first_seen(told, sightings), *_wrong(incident, sightings), *_threatened(incident, told)),
        task=_task(incident, told),
        action=tuple(_actions(told)),
        result=(
            *_times(told, sightings),
            *_deadlines(incident, ledger),
            *rows_of(incident, ledger),
            *_follow_ups(incident),
        ),
    )


def _sightings(symptom: Symptom, ledger: Ledger) -> list[Fact]:
    """The facts that showed the symptom: read again, not remembered."""
    found: list[Fact] = []
    for fact in ledger.facts(subject=symptom.subject, after=symptom.first - 1):
        if fact.seq > symptom.last:
            break
        if any(seen.key == symptom.key for seen in symptoms([fact])):
            found.append(fact)
    return found


def _first_seen(told: _Told, sightings: dict[str, list[Fact]]) -> Entry:
    first = min((fact for facts in sightings.values() for fact in facts), key=lambda fact: fact.seq, default=None)
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


def _threatened(incident: Incident, told: _Told) -> Iterable[Entry]:
    reports = [each for each in incident.affected if each.kind == "report"]
    others = [each.name for each in incident.affected if each.kind != "report"]
    where = tuple(fact.seq for fact, change in told if isinstance(change, i.Opened | i.Attached))
    for report in reports:
        words = {"report": report.name}
        if report.due is None:
            yield Entry("It reached report {report}.", words=words)
        else:
            yield Entry("It threatened report {report}, due {due}.", {"due": _due(report.due, where)}, words)
    if others:
        yield Entry("Made from it too: {names}.", words={"names": ", ".join(others)})


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


def _actions(told: _Told) -> Iterable[Entry]:
    for fact, change in told:
        text = _action(change)
        if text is not None:
            by = getattr(change, "by", BY_ITSELF)
            who = "Startrail" if by == BY_ITSELF else by
            yield Entry("{at} {who}: {what}", {"at": instant(fact)}, {"who": who, "what": text}, person=by != BY_ITSELF)


def _action(change: Change) -> str | None:
    match change:
        case i.Acted():
            return f"{change.mitigation}: {change.what}"
        case i.Mitigated():
            return f"verified: {change.reason}"
        case i.Escalated():
            return f"escalated to {change.severity}: {change.reason}"
        case i.Reopened():
            return "it came back; opened again"
        case i.Acknowledged():
            return "acknowledged" + (f": {change.note}" if change.note else "")
        case i.Noted():
            return f"note: {change.text}"
        case i.Resolved():
            return f"resolved: {change.reason}"
        case _:
            return None


def _times(told: _Told, sightings: dict[str, list[Fact]]) -> Iterable[Entry]:
    first = min((fact for facts in sightings.values() for fact in facts), key=lambda fact: fact.seq, default=None)
    for name, kinds in _MOMENTS:
        then = next((fact for fact, change in told if isinstance(change, kinds)), None)
        yield Entry("Time to {phase}: {time}.", {"time": between(first, then)}, {"phase": name})


_MOMENTS: tuple[tuple[str, type[Change]], ...] = (
    ("detect", i.Opened), ("acknowledge", i.Acknowledged), ("mitigate", i.Mitigated), ("resolve", i.Resolved),
)  # fmt: skip


def _deadlines(incident: Incident, ledger: Ledger) -> Iterable[Entry]:
    """Of each report the first delivery after the trouble was first seen."""
    first = min((symptom.first for symptom in incident.symptoms), default=0)
    for each in incident.affected:
        if each.due is None:
            continue
        fact = next(iter(ledger.facts(kind=Delivered.fact, subject=each.name, after=first, limit=1)), None)
        early = None if fact is None else msgspec.json.decode(fact.payload, type=_Punctuality).minutes_early
        words = {"report": each.name}
        if fact is None or early is None:
            yield Entry("Report {report}: {early}.", {"early": Figure(None)}, words)
        elif early >= 0:
            met = count(early, "minute", (fact.seq,))
            yield Entry("Report {report}: deadline met, {early} before it.", {"early": met}, words)
        else:
            late = count(-early, "minute", (fact.seq,))
            yield Entry("Report {report}: deadline missed by {late}.", {"late": late}, words)


class _Punctuality(msgspec.Struct):
    minutes_early: int | None = None


def _follow_ups(incident: Incident) -> Iterable[Entry]:
    if incident.state == "resolved":
        return
    for symptom in incident.standing:
        yield Entry("Open: {subject}: {what}.", words={"subject": symptom.subject, "what": symptom.what})


def instant(fact: Fact | None) -> Figure:
    """When a fact happened."""
    return Figure(None) if fact is None else Figure(f"{fact.at:%Y-%m-%d %H:%M:%S} UTC", (fact.seq,))


def between(first: Fact | None, then: Fact | None) -> Figure:
    """The time from one fact to another."""
    if first is None or then is None:
        return Figure(None)
    return Figure(span(then.at - first.at), (first.seq, then.seq))


def count(number: int, word: str, facts: tuple[int, ...]) -> Figure:
    """``3 rows``."""
    return Figure(f"{number:,} {word}" + ("" if number == 1 else "s"), facts) if facts else Figure(None)


def span(time: timedelta) -> str:
    """In the two greatest units, seconds rounded down: ``2 h 5 min``."""
    seconds = max(0, int(time.total_seconds()))
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for size, word in units:
        if seconds >= size or (size == 1 and not parts):
            parts.append(f"{seconds // size} {word}")
            seconds %= size
    return " ".join(parts[:2])
