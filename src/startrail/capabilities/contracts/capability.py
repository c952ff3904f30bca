"""Contracts in a run: every landed delivery that is not in its table yet is loaded under its contract."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from startrail.base.ids import fingerprint
from startrail.capabilities.contracts.errors import DriftStopped
from startrail.capabilities.contracts.load import load, raw_schema
from startrail.capabilities.contracts.suspect import Past
from startrail.flow.capability import Phase, Planned
from startrail.flow.events import DeliveryHeld, DriftFound, Loaded
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.contract import Contract
from startrail.model.delivery import Delivery
from startrail.model.drift import DriftPolicy, Finding
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.model.table import TableName
from startrail.ports.ledger import Ledger

_REMEMBERED = 200
"""Deliveries that are history enough."""


class Contracts:
    """The capability; one object per run."""

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "load":
            return []
        tasks: list[Task] = []
        for source in session.project.sources.values():
            if source.contract is None or source.name not in session.selection:
                continue
            contract = session.project.contracts[source.contract]
            history: tuple[Past, ...] | None = None
            for delivery, records in session.ports.ledger.pending(source.name):
                step = load_step(delivery, source, contract)
                if not _taken_over(step, delivery, records, session):
                    if history is None:
                        history = _history(source.name, session.ports.ledger)
                    tasks.append(_task(step, delivery, source, contract, session, history))
        return tasks


def load_step(delivery: Delivery, source: Source, contract: Contract) -> Step:
    """The step that puts these bytes into the table under this contract and dialect."""
    parts = [contract.fingerprint, repr(source.csv), str(source.into), str(source.partition_by), source.grain]
    if source.drift != DriftPolicy():  # what is held under one policy may be loaded under another
        parts.append(repr(source.drift))
    code = fingerprint(*parts)
    return Step("load", source.name, delivery.id, code, delivery.sha256)


def plan_loads(project: Project, ledger: Ledger) -> list[Planned]:
    """Landed deliveries that a run would load now; reads only."""
    planned = []
    for source in project.sources.values():
        if source.contract is None:
            continue
        for delivery, records in ledger.pending(source.name):
            step = load_step(delivery, source, project.contracts[source.contract])
            if not any(record.key == step.key and record.state == "held" for record in records):
                planned.append(Planned(step, "pending", f"{delivery.name} has landed and is not loaded"))
    return planned


def _taken_over(step: Step, delivery: Delivery, records: tuple[StepRecord, ...], session: Session) -> bool:
    """Held under this very contract before, or staged by a run that did not come to publish."""
    for record in records:
        if record.key != step.key or record.output is None:
            continue
        if record.state == "held":
            session.show(_held(delivery, record.output))  # every run says what waits for a person
            return True
        if record.state == "staged" and session.workspace.can_take(record.output, session.ports.store):
            session.workspace.stage(step, record.output)
            session.skipped += 1
            return True
    return False


def _held(delivery: Delivery, output: StepOutput) -> DeliveryHeld:
    source, reason = delivery.source, output.held or ""
    return DeliveryHeld(subject=source, source=source, delivery=delivery.id, name=delivery.name, reason=reason)


def _history(source: str, ledger: Ledger) -> tuple[Past, ...]:
    """The source's newest deliveries that were loaded."""
    records = ledger.history(kind="load", subject=source, limit=_REMEMBERED)
    return Past.of(record.output for record in records if record.output is not None)


def _task(
    step: Step, delivery: Delivery, source: Source, contract: Contract, session: Session, history: tuple[Past, ...]
) -> Task:
    def found(findings: tuple[Finding, ...]) -> Iterator[DriftFound]:
        for finding in findings:
            first = bool(history) and not any((finding.kind, finding.path) in past.drift for past in history)
            yield DriftFound(
                subject=source.name, source=source.name, delivery=delivery.id, name=delivery.name, finding=finding, first=first
            )

    def work() -> StepOutput:
        try:
            output = loaded()
        except DriftStopped as stopped:
            for event in found(stopped.findings):  # the step leaves no record for these facts to go with
                session.emit(event)
            raise
        for event in found(output.drift):
            session.emit_with(step, event)
        return told(output)

    def loaded() -> StepOutput:
        assert source.into is not None
        table = TableName.parse(source.into)
        return load(
            delivery,
            source,
            contract,
            loader=session.ports.loader(),
            store=session.ports.store,
            schema=session.workspace.schema(str(table), raw_schema(contract)),
            folder=f"tables/{table.namespace}/{table.name}/data",
            name=f"{step.key}-{secrets.token_hex(3)}",
            emit=session.show,
            history=history,
        )

    def told(output: StepOutput) -> StepOutput:
        if output.held is not None:
            session.emit_with(step, _held(delivery, output))
        else:
            session.workspace.stage(step, output)
        assert output.counts is not None
        session.emit_with(
            step,
            Loaded(
                subject=source.name,
                source=source.name,
                delivery=delivery.id,
                name=delivery.name,
                counts=output.counts,
                kept=output.kept,
            ),
        )
        return output

    return Task(step, work, source.name)
