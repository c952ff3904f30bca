"""Metrics of an opened project: the dictionary's entries, SQL, values, and what was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from startrail.capabilities.metrics.capability import valued
from startrail.capabilities.metrics.definition import definition, definitions
from startrail.capabilities.metrics.dictionary import Entry, dictionary, find
from startrail.capabilities.metrics.errors import NoSuchMoment
from startrail.capabilities.metrics.period import Period, parse_period
from startrail.capabilities.metrics.tables import Pinned, moment_of, pin, pin_at
from startrail.capabilities.metrics.value import Answer, compiled, evaluate
from startrail.flow.events import MetricValued
from startrail.flow.session import to_facts
from startrail.model.metric import Metric
from startrail.wiring import Opened
from startrail.wiring.graph import graph


class Recorded(msgspec.Struct, frozen=True):
    """A value as a fact of the ledger."""

    at: datetime
    run: str | None
    period: str | None
    value: str | None
    unit: str | None
    definition: str


class _Payload(msgspec.Struct):
    period: str | None = None
    value: str | None = None
    unit: str | None = None
    definition: str = ""


def entries(opened: Opened, search: Iterable[str] = ()) -> list[Entry]:
    """The dictionary, or what of it contains all words."""
    from startrail.capabilities.models.survey import survey

    project, ledger = opened.project, opened.ports.ledger
    found = survey(project, ledger)
    makers = found.loads | found.maker
    return dictionary(project.metrics, definitions(project.metrics.values(), ledger), graph(opened), makers, search)


def sql(opened: Opened, name: str, period: str | None, by: Sequence[str]) -> str:
    """The SELECT of a metric."""
    metric = find(name, opened.project.metrics)
    return compiled(metric, _period(period), by, pinned(opened, metric, None), opened.ports.warehouse())


def value(opened: Opened, name: str, period: str | None, by: Sequence[str], at: str | None = None) -> Answer:
    """A metric's value. ``at``: an instant, or a snapshot id of its source."""
    metric = find(name, opened.project.metrics)
    return evaluate(metric, _period(period), by, pinned(opened, metric, at), opened.ports.warehouse())


def record_value(opened: Opened, answer: Answer) -> None:
    """Append the value as a fact."""
    opened.ports.ledger.append(to_facts(valued(answer)), run=None, at=opened.ports.clock.now())


def recorded_values(opened: Opened, name: str, most: int) -> list[Recorded]:
    """The newest facts about a metric's value, newest first; those of one run by period."""
    facts = list(opened.ports.ledger.facts(kind=MetricValued.fact, subject=name))[-most:] if most else []
    found = []
    for fact in reversed(facts):
        payload = msgspec.json.decode(fact.payload, type=_Payload)
        found.append(Recorded(fact.at, fact.run, payload.period, payload.value, payload.unit, payload.definition))
    runs = list(dict.fromkeys(each.run or str(each.at) for each in found))
    ranks = {run: len(runs) - place for place, run in enumerate(runs)}
    return sorted(found, key=lambda each: (ranks[each.run or str(each.at)], each.period or ""), reverse=True)


def _period(text: str | None) -> Period | None:
    return None if text is None else parse_period(text)


def pinned(opened: Opened, metric: Metric, at: str | None, *others: Metric) -> Pinned:
    """What a metric reads, and others with it: as it is, or as of an instant or a snapshot of its source."""
    workspace = opened.workspace()
    reads = tuple(dict.fromkeys(table for each in (metric, *others) for table in definition(each).reads))
    if at is None:
        return pin(reads, workspace)
    moment = moment_of(int(at), reads[0], workspace) if at.isdecimal() and len(at) > 4 else _instant(at)
    return pin_at(reads, moment, workspace, opened.ports.ledger, opened.ports.tables())


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NoSuchMoment(
            f"'{text}' is neither an instant nor a snapshot", hint="write 2026-10-03T08:15+02:00, or a snapshot id"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
