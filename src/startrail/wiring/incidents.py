"""Incidents over a project: what is made from what, and which report is due when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from startrail.flow.events import Emit, IncidentChanged
from startrail.flow.session import Ports
from startrail.wiring import Opened

if TYPE_CHECKING:
    from startrail.capabilities.incidents.surroundings import Delivery, Standing, Surroundings


def watchers(opened: Opened) -> tuple[Incidents]:
    """Who looks at a run of this project when it has ended."""
    return (Incidents(opened),)


class Incidents:
    """Fulfils ``flow.capability.Watcher``."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def after_run(self, ports: Ports, run: str, show: Emit) -> None:
        from startrail.capabilities.incidents.watch import watch

        for incident, change in watch(ports.ledger, surroundings(self._opened), ports.clock.now(), run=run):
            show(
                IncidentChanged(
                    subject=incident.subject, incident=incident.id, change=change.fact.removeprefix("incident."),
                    state=incident.state, severity=incident.severity, title=incident.title, reason=incident.reason,
                )
            )  # fmt: skip


def surroundings(opened: Opened) -> Surroundings:
    """Everything is worked out when it is asked for."""
    from startrail.capabilities.incidents.surroundings import Surroundings

    project = opened.project

    def graph() -> dict[str, frozenset[str]]:
        from startrail.wiring.graph import graph

        return graph(opened)

    def kind(name: str) -> str:
        return (
            "report" if name in project.reports
            else "model" if name in project.models
            else "metric" if name in project.metrics
            else "source"
        )  # fmt: skip

    return Surroundings(graph, kind, lambda name: _standing(opened, name))


def _standing(opened: Opened, name: str) -> Standing:
    from startrail.capabilities.incidents.surroundings import Standing
    from startrail.capabilities.reports.deadline import day_of, deadline_of

    report, now = opened.project.reports[name], opened.ports.clock.now()
    due = deadline_of(report, now)
    newest = _newest(opened, name)
    if newest is not None and due is not None and day_of(report, newest.at) != day_of(report, now):
        newest = None
    return Standing(name, due, newest)


def _newest(opened: Opened, name: str) -> Delivery | None:
    from startrail.capabilities.incidents.surroundings import Delivery
    from startrail.flow.events import Delivered

    ledger = opened.ports.ledger
    records = ledger.history(kind="deliver", subject=name, limit=5)
    for record in records:
        if record.state == "published":
            for fact in ledger.facts(kind=Delivered.fact, subject=name, run=record.run):
                told = msgspec.json.decode(fact.payload, type=_Punctuality)
                return Delivery(fact.seq, fact.at, told.minutes_early)
    return None


class _Punctuality(msgspec.Struct):
    minutes_early: int | None = None
