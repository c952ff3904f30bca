"""Bridges between the dictionary, which knows the metrics, and ``why``, which explains their gap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from startrail.capabilities.why.bridges import Bridged, Pair, judge, plan_bridges
from startrail.model.metric import Metric
from startrail.model.project import Project
from startrail.wiring import Opened

if TYPE_CHECKING:  # the parser comes with them, which a run with nothing new never needs
    from startrail.capabilities.models.survey import Survey
    from startrail.capabilities.why.gap import Gap
    from startrail.flow.capability import Planned
    from startrail.flow.session import Session
    from startrail.ports.ledger import Ledger


class Dictionary:
    """Answers what bridges ask; one object per run."""

    def __init__(self) -> None:
        self._survey: Survey | None = None

    def pair(self, project: Project, ledger: Ledger, metric: Metric, other: Metric) -> Pair:
        from startrail.base.ids import fingerprint
        from startrail.capabilities.metrics.definition import definitions

        found = definitions((metric, other), ledger)
        one, two = found[metric.name], found[other.name]
        reads = dict.fromkeys((*one.reads, *two.reads))
        if metric.source != other.source:  # they are brought to one table that models may select from
            reads |= dict.fromkeys(_ancestors(reads, self._surveyed(project, ledger)))
        return Pair(fingerprint(one.version, two.version), tuple(reads))

    def _surveyed(self, project: Project, ledger: Ledger) -> Survey:
        if self._survey is None:
            from startrail.capabilities.models.survey import survey

            self._survey = survey(project, ledger)
        return self._survey

    def periods(self, metric: Metric, now: datetime) -> tuple[str, ...]:
        from startrail.capabilities.metrics.capability import periods

        return tuple(period.name for period in periods(metric, now))

    def gap(self, session: Session, metric: Metric, other: Metric, period: str) -> Gap | None:
        opened = Opened(session.project, session.profile, "", session.ports, session.workspace)
        return _gap(opened, metric, other, period)


def bridged(opened: Opened, names: Iterable[str] = (), period: str | None = None) -> list[Bridged]:
    """The bridges of these metrics, or of all; without a period, in the last whole one and the running one."""
    from startrail.capabilities.metrics.dictionary import find

    metrics, known = opened.project.metrics, Dictionary()
    chosen = [find(name, metrics) for name in names] or list(metrics.values())
    found = []
    for metric in chosen:
        whens = [period] if period is not None else known.periods(metric, opened.ports.clock.now())
        found += [
            judge(metric, bridge, when, partial(_gap, opened, metric, metrics[bridge.to], when))
            for bridge in metric.bridges
            for when in whens
        ]
    return found


def planned_bridges(opened: Opened) -> list[Planned]:
    """Bridges that a run would check now."""
    ports = opened.ports
    return plan_bridges(opened.project, opened.workspace(), ports.ledger, ports.engine, ports.clock.now(), Dictionary())


def _gap(opened: Opened, metric: Metric, other: Metric, period: str) -> Gap | None:
    """None when neither has a number, as a ratio of no rows: then there is nothing to explain."""
    from startrail.capabilities.why.errors import NoGap
    from startrail.wiring.why import gap_of_metrics, sides

    try:
        return gap_of_metrics(opened, metric, other, period)
    except NoGap:
        a, b, *_ = sides(opened, metric, other, period)
        if a.value is None and b.value is None:
            return None
        raise


def _ancestors(tables: Iterable[str], found: Survey) -> Iterator[str]:
    """The tables that the models which make these read, at any distance."""
    seen: set[str] = set()
    front = list(tables)
    while front:
        maker = found.maker.get(front.pop())
        for table in found.analyses[maker].reads if maker is not None else ():
            if table not in seen:
                seen.add(table)
                front.append(table)
    yield from sorted(seen)
