"""Which numbers an incident moved: values of metrics before it and since, and the gaps of bridges."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import msgspec

from startrail.flow.events import BridgeChecked, MetricValued
from startrail.model.incident import Incident
from startrail.model.star import Entry, Figure
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

_MOST = 20
"""So many lines at most, the newest periods."""
_DIGITS = 120


class _Value(msgspec.Struct):
    period: str | None
    definition: str
    value: str | None
    unit: str | None = None


class _Bridge(msgspec.Struct):
    to: str
    period: str
    gap: str | None = None
    unexplained: str | None = None
    unit: str | None = None


def moved(incident: Incident, seen: Fact | None, ledger: Ledger) -> Iterator[Entry]:
    """What is known of values before first sight and of the newest since, of the same period and definition."""
    metrics = [each.name for each in incident.affected if each.kind == "metric"]
    lines: list[Entry] = []
    for name in metrics:
        lines += _values(name, seen, ledger)
    yield from lines[-_MOST:]
    if metrics and not lines:
        yield Entry("Numbers moved: {moved}.", {"moved": Figure(None)})
    for symptom in incident.symptoms:
        if symptom.cause == "bridge":
            yield from _gaps(symptom.key, symptom.subject, symptom.first, ledger)


def _values(metric: str, seen: Fact | None, ledger: Ledger) -> Iterator[Entry]:
    before: dict[tuple[str | None, str], tuple[Fact, _Value]] = {}
    after: dict[tuple[str | None, str], tuple[Fact, _Value]] = {}
    for fact in ledger.facts(kind=MetricValued.fact, subject=metric):
        told = msgspec.json.decode(fact.payload, type=_Value)
        if told.value is not None and seen is not None:
            (before if fact.seq < seen.seq else after)[told.period, told.definition] = fact, told
    for key, (fact, new) in after.items():
        if key not in before:
            continue
        older, old = before[key]
        figures = {
            "old": Figure(_with_unit(old.value, old.unit), (older.seq,)),
            "new": Figure(_with_unit(new.value, new.unit), (fact.seq,)),
            "moved": Figure(_difference(old.value, new.value), (older.seq, fact.seq)),
        }
        words = {"metric": metric, "period": new.period or "all time"}
        yield Entry("Metric {metric} in {period}: {old} before, {new} since; moved by {moved}.", figures, words)


def _gaps(key: str, metric: str, first: int, ledger: Ledger) -> Iterator[Entry]:
    newest: tuple[Fact, _Bridge] | None = None
    for fact in ledger.facts(kind=BridgeChecked.fact, subject=metric, after=first - 1):
        told = msgspec.json.decode(fact.payload, type=_Bridge)
        if f"bridge {metric} {told.to} {told.period}" == key:
            newest = fact, told
    if newest is not None:
        fact, told = newest
        figures = {
            "gap": Figure(_with_unit(told.gap, told.unit), (fact.seq,)),
            "unexplained": Figure(_with_unit(told.unexplained, told.unit), (fact.seq,)),
        }
        words = {"metric": metric, "to": told.to, "period": told.period}
        yield Entry("Gap of {metric} to {to} in {period}: {gap}; unexplained: {unexplained}.", figures, words)


def _with_unit(value: str | None, unit: str | None) -> str | None:
    return value if value is None or unit is None else f"{value} {unit}"


def _difference(old: str | None, new: str | None) -> str | None:
    if old is None or new is None:
        return None
    with localcontext(prec=_DIGITS):
        return f"{Decimal(new) - Decimal(old):+f}"
