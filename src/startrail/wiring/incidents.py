"""Incidents over a project: what is made from what, and which report is due when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from startrail.base.crash import crash_point
from startrail.flow.events import Emit, IncidentChanged
from startrail.flow.session import Ports
from startrail.wiring import Opened
from startrail.wiring.alerts import alert_rows
from startrail.wiring.arrivals import ExpectedFiles
from startrail.wiring.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from startrail.capabilities.incidents.surroundings import Delivery, Standing, Surroundings
    from startrail.capabilities.incidents.tell import Tell
    from startrail.model.alert import OutboxRow
    from startrail.model.incident import Change, Incident
    from startrail.model.project import Project


def watchers(opened: Opened) -> tuple[ExpectedFiles, Deadlines, Incidents]:
    """Who looks at a run of this project when it has ended, in this order."""
    return ExpectedFiles(opened), Deadlines(opened), Incidents(opened)


def look_now(opened: Opened, show: Emit) -> None:
    """Look at what has happened, between runs: what may become late, and what facts mean for incidents."""
    from startrail.flow.run import look

    look(watchers(opened), opened.ports, None, show)


class Incidents:
    """Fulfils ``flow.capability.Watcher``."""

    name = "watch over incidents"

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def after_run(self, ports: Ports, run: str | None, show: Emit) -> None:
        from startrail.capabilities.incidents.watch import watch

        around, tell = surroundings(self._opened), telling(self._opened)
        crash_point("before incidents")
        changes = watch(ports.ledger, around, ports.clock.now(), run=run, tell=tell)
        crash_point("after incidents")
        for incident, change in changes:
            show(
                IncidentChanged(
                    subject=incident.subject, incident=incident.id, change=change.fact.removeprefix("incident."),
                    state=incident.state, severity=incident.severity, title=incident.title, reason=incident.reason,
                )
            )  # fmt: skip


def telling(opened: Opened) -> Tell:
    """What is written into the outbox with changes of incidents: nothing in a profile that tells nobody."""

    def tell(changes: Sequence[tuple[Incident, Change]]) -> Sequence[OutboxRow]:
        if opened.profile.alerts is None or not changes:
            return ()
        from startrail.capabilities.incidents.tell import messages

        subjects = {incident.id: incident.subject for incident, _ in changes}
        told = [
            msgspec.structs.replace(message, owner=_owner(opened.project, subjects[message.incident]))
            for message in messages(changes, opened.ports.clock.now())
        ]
        return alert_rows(opened, told)

    return tell


def _owner(project: Project, name: str) -> str | None:
    """Whoever answers for the source, model, report or metric."""
    for declared in (project.sources, project.models, project.reports, project.metrics):
        found = declared.get(name)
        if found is not None:
            return found.owner
    return None


def surroundings(opened: Opened) -> Surroundings:
    """Everything is worked out when it is asked for."""
    from startrail.capabilities.incidents.mitigations import book
    from startrail.capabilities.incidents.surroundings import Surroundings
    from startrail.flow.pauses import paused
    from startrail.wiring.conditions import counts_of, is_served, shown_by, waiting_rows

    project, ledger = opened.project, opened.ports.ledger

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

    return Surroundings(
        graph, kind, lambda name: _standing(opened, name),
        book=book(project.mitigations),
        paused=lambda: {name: pause.until for name, pause in paused(ledger, opened.ports.clock.now()).items()},
        counts=lambda source, delivery: counts_of(source, delivery, ledger),
        served=lambda name: is_served(project.sources.get(name), ledger),
        waiting=lambda source: waiting_rows(project, source, ledger),
        shown_by=lambda symptom: shown_by(symptom, ledger),
    )  # fmt: skip


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
