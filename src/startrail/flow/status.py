"""How things stand: the last run, each report, each source. Reads a bounded number of ledger rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from startrail.flow.drift import Acks
from startrail.flow.events import Delivered
from startrail.model.drift import DriftKind
from startrail.model.incident import Incident
from startrail.model.metric import Metric
from startrail.model.project import Project
from startrail.model.run import Run
from startrail.model.step import StepOutput
from startrail.ports.ledger import Ledger

_RECENT_BRIDGES = 8
"""Checks of each bridge that are looked at for the newest of every period."""


class ReportStatus(msgspec.Struct, frozen=True, tag_field="type", tag="report"):
    """``minutes_early`` of the newest delivery; None when there is no deadline or no delivery yet."""

    report: str
    deadline: str | None
    delivered_at: datetime | None = None
    path: str | None = None
    minutes_early: int | None = None


class SourceStatus(msgspec.Struct, frozen=True, tag_field="type", tag="source"):
    """``waiting``: landed and not in the table, of these ``held``: set aside under the contract as it stands."""

    source: str
    into: str | None
    loaded_at: datetime | None
    waiting: int
    held: int
    why: str | None = None


class HeldStatus(msgspec.Struct, frozen=True, tag_field="type", tag="held"):
    """A table whose newest data failed a check and is kept from publication."""

    table: str


class BridgeStatus(msgspec.Struct, frozen=True, tag_field="type", tag="bridge"):
    """The newest check of a bridge in one period. ``gap``: None when there is none, or it could not be attributed."""

    metric: str
    to: str
    period: str
    holds: bool
    severity: str
    checked_at: datetime | None
    gap: str | None = None
    why: str | None = None


class AlertStatus(msgspec.Struct, frozen=True, tag_field="type", tag="alerts"):
    """Alerts that an endpoint did not take: ``waiting`` are tried again, ``given_up`` wait for a person."""

    endpoint: str
    waiting: int
    given_up: int
    since: datetime


class Status(msgspec.Struct, frozen=True):
    """Everything ``startrail status`` shows."""

    last_run: Run | None
    reports: tuple[ReportStatus, ...]
    sources: tuple[SourceStatus, ...]
    held: tuple[HeldStatus, ...]
    bridges: tuple[BridgeStatus, ...] = ()
    """Of each bridge, the newest two periods that were checked."""
    incidents: tuple[Incident, ...] = ()
    """Those that are not over."""
    alerts: tuple[AlertStatus, ...] = ()

    @property
    def healthy(self) -> bool:
        """False when something waits for a person."""
        last = self.last_run
        untold = any(alert.given_up for alert in self.alerts)
        return (
            not (self.held or untold)
            and not any(s.held for s in self.sources)
            and (last is None or last.state in ("done", "running"))
        )


def status(project: Project, ledger: Ledger, now: datetime | None = None) -> Status:
    """Read the ledger; changes nothing. What is held for acknowledged drift alone waits for the next run, not for a
    person; without ``now`` nothing counts as acknowledged."""
    runs = ledger.runs(1)
    return Status(
        last_run=runs[0] if runs else None,
        reports=tuple(_report(project, name, ledger) for name in sorted(project.reports)),
        sources=tuple(_source(project, name, ledger, now) for name in sorted(project.sources)),
        held=tuple(HeldStatus(str(table)) for table in ledger.held_tables()),
        bridges=tuple(each for metric in project.metrics.values() if metric.bridges for each in _bridges(metric, ledger)),
        incidents=tuple(ledger.standing_incidents()),
        alerts=_alerts(ledger),
    )


def _bridges(metric: Metric, ledger: Ledger) -> Iterator[BridgeStatus]:
    records = ledger.history(kind="bridge", subject=metric.name, limit=_RECENT_BRIDGES * len(metric.bridges))
    for bridge in metric.bridges:
        newest: dict[str, BridgeStatus] = {}
        for record in records:
            if record.output is not None and record.output.note.get("to") == bridge.to:
                period, (result, *_) = record.output.note.get("period", ""), record.output.checks
                why = None if result.passed else result.message
                newest.setdefault(
                    period,
                    BridgeStatus(
                        metric.name, bridge.to, period, result.passed, result.severity, record.ended_at,
                        record.output.note.get("gap"), why,
                    ),
                )  # fmt: skip
        yield from (newest[period] for period in sorted(newest)[-2:])


def _alerts(ledger: Ledger) -> tuple[AlertStatus, ...]:
    """What is simply not due yet, or was never tried, is no news."""
    found: dict[str, AlertStatus] = {}
    for trouble in ledger.alert_troubles():
        waiting = trouble.tried if trouble.state == "waiting" else 0
        given_up = 0 if trouble.state == "waiting" else trouble.rows
        if waiting or given_up:
            so_far = found.get(trouble.endpoint, AlertStatus(trouble.endpoint, 0, 0, trouble.since))
            found[trouble.endpoint] = AlertStatus(
                trouble.endpoint, so_far.waiting + waiting, so_far.given_up + given_up, min(so_far.since, trouble.since)
            )
    return tuple(found.values())


def _report(project: Project, name: str, ledger: Ledger) -> ReportStatus:
    deadline = project.reports[name].deadline
    due = f"{deadline.time} {deadline.timezone}" if deadline else None
    newest = ledger.history(kind="deliver", subject=name, limit=1)
    if not newest or newest[0].output is None:
        return ReportStatus(name, due)
    early = None
    for fact in ledger.facts(kind=Delivered.fact, subject=name, run=newest[0].run):
        early = msgspec.json.decode(fact.payload, type=_Punctuality).minutes_early
    return ReportStatus(name, due, newest[0].ended_at, newest[0].output.report, early)


class _Punctuality(msgspec.Struct):
    minutes_early: int | None = None


def _source(project: Project, name: str, ledger: Ledger, now: datetime | None) -> SourceStatus:
    source = project.sources[name]
    newest = ledger.history(kind="load", subject=name, limit=1)
    waiting = ledger.pending(name) if source.contract else []
    held = [record.output for _, records in waiting for record in records if record.output and record.output.held]
    if held and now is not None:
        active = Acks.of(ledger, name, now).active
        held = [output for output in held if not _let_in(output, active)]
    reasons = [output.held for output in held]
    return SourceStatus(
        name, source.into, newest[0].ended_at if newest else None, len(waiting), len(reasons), reasons[-1] if reasons else None
    )


def _let_in(output: StepOutput, active: frozenset[tuple[DriftKind, str]]) -> bool:
    """True when it is held for nothing but what a person has acknowledged."""
    holding = [finding for finding in output.drift if finding.verb == "hold"]
    return bool(holding) and all((finding.kind, finding.path) in active for finding in holding)
