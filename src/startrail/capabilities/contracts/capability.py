"""Contracts in a run: every landed delivery that is not in its table yet is loaded under its contract."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from startrail.base.ids import fingerprint
from startrail.capabilities.contracts.drift.evolve import Evolution, Turns, evolves, promise, takes_fields
from startrail.capabilities.contracts.errors import DriftStopped
from startrail.capabilities.contracts.load import load, set_aside
from startrail.capabilities.contracts.packed import is_waiting, packed_away
from startrail.capabilities.contracts.policy import Acknowledged, lets_in
from startrail.capabilities.contracts.quarantine.standing import WITHDRAWN
from startrail.capabilities.contracts.replaced.hold import withheld_of
from startrail.capabilities.contracts.suspect import Past
from startrail.flow.capability import Phase, Planned
from startrail.flow.drift import Acks
from startrail.flow.events import DeliveryHeld, DriftFound, Loaded, TableEvolved
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.archive import ARCHIVES
from startrail.model.contract import Contract
from startrail.model.delivery import Delivery
from startrail.model.drift import DriftPolicy, Finding
from startrail.model.named import gives, pattern_of
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.model.table import TableName, TableSchema
from startrail.ports.ledger import Ledger
from startrail.ports.loader import Redo

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
            past: tuple[Past, ...] | None = None
            acks, turns = Acks.of(session.ports.ledger, source.name, session.ports.clock.now()), Turns()
            pending = session.ports.ledger.pending(source.name)
            waiting = withheld_of(source, pending, session.ports.ledger)
            for delivery, records in pending:
                step = load_step(delivery, source, contract, acks.active, withheld=delivery.id in waiting)
                if is_waiting(delivery, source, session.ports.ledger):
                    continue
                if not _taken_over(step, delivery, records, session):
                    if past is None:
                        past = history(session.ports.ledger.history(kind="load", subject=source.name, limit=_REMEMBERED))
                    task = _task(step, delivery, source, contract, session, past, acks, waiting.get(delivery.id))
                    tasks.append(replace(task, work=turns.next(task.work)) if evolves(source) else task)
        return tasks


def load_step(
    delivery: Delivery, source: Source, contract: Contract, acknowledged: Acknowledged = frozenset(), *, withheld: bool = False
) -> Step:
    """The step that puts these bytes into the table under this contract and dialect. What a person has acknowledged
    counts where it lets in what would be held. ``withheld``: it is read, and held as a new version of a file."""
    parts = [contract.fingerprint, repr(source.csv), str(source.into), str(source.partition_by), source.grain]
    if source.drift != DriftPolicy():  # what is held under one policy may be loaded under another
        parts.append(repr(source.drift))
    if delivery.media in ARCHIVES:
        parts.append(repr(source.archive))
    if gives(source):  # a name that is read otherwise gives other values
        parts.append(str(pattern_of(source)))
    parts += [f"acknowledged {kind} {path}" for kind, path in sorted(acknowledged) if lets_in(source.drift, kind)]
    parts += ["withheld"] if withheld else []
    code = fingerprint(*parts)
    return Step("load", source.name, delivery.id, code, delivery.sha256)


def plan_loads(project: Project, ledger: Ledger, now: datetime | None = None) -> list[Planned]:
    """Landed deliveries that a run would load now; reads only. Without ``now`` nothing counts as acknowledged."""
    planned = []
    for source in project.sources.values():
        if source.contract is None:
            continue
        acks = Acks() if now is None else Acks.of(ledger, source.name, now)
        grows = "; fields that the contract does not declare become columns" if takes_fields(source) else ""
        pending = ledger.pending(source.name)
        waiting = withheld_of(source, pending, ledger)
        for delivery, records in pending:
            step = load_step(delivery, source, project.contracts[source.contract], acks.active, withheld=delivery.id in waiting)
            if not any(record.key == step.key and record.state == "held" for record in records):
                why = f"would be held: {waiting[delivery.id]}" if delivery.id in waiting else f"is not loaded{grows}"
                planned.append(Planned(step, "pending", f"{delivery.name} has landed and {why}"))
    return planned


def _taken_over(step: Step, delivery: Delivery, records: tuple[StepRecord, ...], session: Session) -> bool:
    """Held under this very contract before, or staged by a run that did not come to publish."""
    for record in records:
        if record.key != step.key or record.output is None:
            continue
        if record.state == "held":
            session.show(held_event(delivery, record.output))  # every run says what waits for a person
            return True
        if record.state == "staged" and session.workspace.can_take(record.output, session.ports.store):
            session.workspace.stage(step, record.output)
            session.skipped += 1
            return True
    return False


def held_event(delivery: Delivery, output: StepOutput) -> DeliveryHeld:
    """The delivery was set aside, as people are told."""
    source, reason = delivery.source, output.held or ""
    return DeliveryHeld(subject=source, source=source, delivery=delivery.id, name=delivery.name, reason=reason)


def history(records: Iterable[StepRecord]) -> tuple[Past, ...]:
    """What these deliveries were like, of their load steps, the newest first. One that was loaded again counts once."""
    newest: dict[str, StepOutput] = {}
    for record in records:
        output = record.output
        if output is not None and output.held is None and output.counts is not None and WITHDRAWN not in output.note:
            newest.setdefault(record.step.partition, output)
    return Past.of(islice(newest.values(), _REMEMBERED))


def telling_drift(
    step: Step,
    delivery: Delivery,
    past: tuple[Past, ...],
    session: Session,
    loaded: Callable[[], StepOutput],
    acks: Acks | None = None,
) -> StepOutput:
    """Load, and tell what was found; also when the source says ``stop``. What is acknowledged is no news, and is news
    again once that has ended."""
    known = acks or Acks()

    def found(findings: tuple[Finding, ...]) -> Iterator[DriftFound]:
        source = delivery.source
        for finding in findings:
            seen = (finding.kind, finding.path)
            first = bool(past) and not any(seen in each.drift for each in past)
            first = seen not in known.active and (first or seen in known.untold)
            yield DriftFound(
                subject=source, source=source, delivery=delivery.id, name=delivery.name, finding=finding, first=first
            )

    try:
        output = loaded()
    except DriftStopped as stopped:
        for event in found(stopped.findings):  # the step leaves no record for these facts to go with
            session.emit(event)
        raise
    for event in found(output.drift):
        session.emit_with(step, event)
    return output


def put(
    delivery: Delivery,
    source: Source,
    contract: Contract,
    session: Session,
    *,
    name: str,
    redo: Redo | None = None,
    history: tuple[Past, ...] = (),
    acknowledged: Acknowledged = frozenset(),
    grow: bool = False,
    withhold: str | None = None,
) -> StepOutput:
    """Load the delivery into its table as that stands in this run; ``grow``: and let it bring columns of its own;
    ``withhold``: why it is only read, and held."""
    packed = packed_away(delivery, source, session.ports.ledger)
    if packed is not None:
        return set_aside(packed)
    table = TableName.parse(str(source.into))
    work = session.workspace
    promised = promise(contract, source, work.columns(str(table)), delivery.media)

    def assign(columns: TableSchema) -> TableSchema:
        return work.schema(str(table), columns)

    return load(
        delivery,
        source,
        promised.contract,
        loader=session.ports.loader(),
        store=session.ports.store,
        schema=assign(promised.columns),
        folder=f"tables/{table.namespace}/{table.name}/data",
        name=name,
        emit=session.show,
        redo=redo,
        history=history,
        evolution=Evolution(promised, contract, source, assign, grow),
        acknowledged=acknowledged,
        withhold=withhold,
    )


def told_growth(output: StepOutput, step: Step, delivery: Delivery, source: Source, session: Session) -> None:
    """Tell which columns the table got by this load."""
    if output.columns and output.held is None:
        session.emit_with(
            step,
            TableEvolved(
                subject=source.name, source=source.name, table=str(source.into), delivery=delivery.id, name=delivery.name,
                columns=output.columns,
            ),
        )  # fmt: skip


def _task(
    step: Step, delivery: Delivery, source: Source, contract: Contract, session: Session, past: tuple[Past, ...], acks: Acks,
    withhold: str | None,
) -> Task:  # fmt: skip
    def work() -> StepOutput:
        return told(telling_drift(step, delivery, past, session, loaded, acks))

    def loaded() -> StepOutput:
        stem = f"{step.key}-{secrets.token_hex(3)}"
        return put(
            delivery, source, contract, session, name=stem, history=past, acknowledged=acks.active, grow=evolves(source),
            withhold=withhold,
        )  # fmt: skip

    def told(output: StepOutput) -> StepOutput:
        if output.held is not None:
            session.emit_with(step, held_event(delivery, output))
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
        told_growth(output, step, delivery, source, session)
        return output

    return Task(step, work, source.name)
