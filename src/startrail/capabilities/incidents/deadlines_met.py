"""Whether the reports that an incident threatened were there in time, on the very day they were due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from startrail.base.time import from_text
from startrail.capabilities.incidents.spans import count, instant
from startrail.flow.events import Delivered
from startrail.model.incident import Affected, Incident
from startrail.model.star import Entry, Figure
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger


class Outcome(msgspec.Struct, frozen=True):
    """``fact``: the first delivery for that day, from which ``early`` is read; ``again``: the later ones for the same day."""

    report: str
    due: datetime
    fact: Fact | None = None
    early: int | None = None
    again: tuple[Fact, ...] = ()


class _Told(msgspec.Struct):
    minutes_early: int | None = None
    deadline: str | None = None


def outcomes(incident: Incident, ledger: Ledger) -> list[Outcome]:
    """Of each report with a deadline that the incident threatened."""
    return [_outcome(each, each.due, ledger) for each in incident.affected if each.kind == "report" and each.due is not None]


def _outcome(report: Affected, due: datetime, ledger: Ledger) -> Outcome:
    found: list[tuple[Fact, _Told]] = []
    for fact in ledger.facts(kind=Delivered.fact, subject=report.name):
        told = msgspec.json.decode(fact.payload, type=_Told)
        if told.deadline is not None and from_text(told.deadline) == due:
            found.append((fact, told))
    if not found:
        return Outcome(report.name, due)
    return Outcome(report.name, due, found[0][0], found[0][1].minutes_early, tuple(fact for fact, _ in found[1:]))


def told(found: Iterable[Outcome]) -> Iterator[Entry]:
    """One sentence for each."""
    for each in found:
        words = {"report": each.report}
        if each.fact is None or each.early is None:
            yield Entry("Report {report}: {early}.", {"early": Figure(None)}, words)
            continue
        figures = {"early": count(abs(each.early), "minute", (each.fact.seq,))}
        more = ""
        if each.again:
            more = "; delivered again {again} for that day, last at {last}"
            figures |= {
                "again": count(len(each.again), "time", tuple(f.seq for f in each.again)),
                "last": instant(each.again[-1]),
            }
        how = "deadline met, {early} before it" if each.early >= 0 else "deadline missed by {early}"
        yield Entry("Report {report}: " + how + more + ".", figures, words)
