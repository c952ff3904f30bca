"""Replay: a landed delivery loaded again under the contract and the repairs as they are now, or under an older version.

It is a load step of the same delivery whose rows take the place of the earlier ones as a whole, so nothing comes twice.
Its key covers the contract, the dialect, the repairs, what people discarded and the load that it replaces: to do the
same again is no step at all, and what a killed replay staged is taken over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from startrail.base.ids import fingerprint, token
from startrail.capabilities.contracts.capability import held_event, history, load_step, put, telling_drift, told_growth
from startrail.capabilities.contracts.drift.evolve import Turns, evolves
from startrail.capabilities.contracts.errors import UnknownDelivery
from startrail.capabilities.contracts.load import load, raw_schema
from startrail.capabilities.contracts.policy import Acknowledged
from startrail.capabilities.contracts.quarantine.changed import changed_partitions
from startrail.capabilities.contracts.quarantine.older import Fit, fit
from startrail.capabilities.contracts.quarantine.repair import RepairMender
from startrail.capabilities.contracts.quarantine.standing import (
    LOADED_AS,
    PINNED,
    REPAIRS,
    REPLACES,
    Standing,
    discarded,
    one,
    standings,
    visible_load,
)
from startrail.capabilities.contracts.replaced.hold import WITHHELD
from startrail.capabilities.contracts.suspect import Past
from startrail.capabilities.contracts.versions import find_version, keep
from startrail.flow.capability import Phase
from startrail.flow.drift import acknowledged_for
from startrail.flow.events import Replayed
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.flow.workspace import Workspace
from startrail.model.contract import Contract
from startrail.model.delivery import Counts, Delivery
from startrail.model.project import Project
from startrail.model.repair import Repairs
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.model.table import Relation, TableName
from startrail.model.version import ContractRef
from startrail.ports.ledger import Ledger
from startrail.ports.loader import Redo
from startrail.ports.quarantine import QuarantineFiles
from startrail.project.documents import kept_contract

_REMEMBERED = 200
"""Deliveries that are history enough."""


class Wanted(msgspec.Struct, frozen=True):
    """What to replay: everything that is open, of one source, or one delivery (then also when it is not open).

    ``contract``: under this kept version (number, or beginning of a fingerprint). None = as the contract is now; then
    what was replayed under an older version comes back to it too.
    """

    source: str | None = None
    delivery: str | None = None
    contract: str | None = None


class Replay(msgspec.Struct, frozen=True):
    """One delivery to load again. ``step`` is None when contract, repairs and dialect are those it was loaded under."""

    standing: Standing
    source: Source
    contract: Contract
    repairs: Repairs | None
    discarded: frozenset[int]
    content: str
    step: Step | None
    past: tuple[Past, ...]
    """What deliveries of the source that landed before it were like: it is judged as it was then."""
    older: ContractRef | None = None
    """The kept version of ``contract``, when that is not what the project says now."""
    acknowledged: Acknowledged = frozenset()

    @property
    def redo(self) -> Redo:
        mend = None if self.repairs is None else RepairMender(self.repairs, self.standing.delivery.id)
        return Redo(mend, self.discarded)


def plan_replays(project: Project, ledger: Ledger, files: QuarantineFiles, wanted: Wanted) -> list[Replay]:
    """What a replay would do as things stand; reads only. Raises UnknownDelivery (ST380), UnknownVersion (ST387)."""
    found = standings(project, ledger, wanted.source)
    if wanted.delivery is not None:
        found = [_named(wanted.delivery, found, project, ledger)]
    else:
        found = [each for each in found if each.state == "open" or (each.pinned is not None and wanted.contract is None)]
        found = [each for each in found if not _withheld(each)]
    chosen: dict[str, tuple[Contract, ContractRef | None]] = {}
    for standing in found:
        name = standing.delivery.source
        if name not in chosen:
            chosen[name] = _contract(project.sources[name], project, ledger, wanted.contract)
    return [
        replay_of(standing, project, ledger, files, _past(standing.delivery, ledger), *chosen[standing.delivery.source])
        for standing in found
    ]


def _withheld(standing: Standing) -> bool:
    """Whether it is held as a new version of a file: whoever wants both takes it in by its name."""
    tried = standing.tried
    return standing.load is None and tried is not None and tried.output is not None and WITHHELD in tried.output.note


def _named(id: str, found: Sequence[Standing], project: Project, ledger: Ledger) -> Standing:
    """The delivery with this id, or how it begins; also one of which every row was loaded. Raises UnknownDelivery."""
    try:
        return one(found, id)
    except UnknownDelivery:
        matching = [delivery for delivery in ledger.deliveries() if id and delivery.id.startswith(id)]
        source = project.sources.get(matching[0].source) if len(matching) == 1 else None
        records = ledger.history(kind="load", subject=source.name) if source is not None and source.contract is not None else []
        load = visible_load(record for record in records if record.step.partition == matching[0].id)
        if load is None:
            raise
        return whole(matching[0], load)


def whole(delivery: Delivery, load: StepRecord) -> Standing:
    """The standing of a delivery that never had a row refused."""
    counts = load.output.counts if load.output is not None else None
    return Standing(delivery, "replayed", load.ended_at or load.started_at, counts or Counts(), load, None)


def _contract(source: Source, project: Project, ledger: Ledger, version: str | None) -> tuple[Contract, ContractRef | None]:
    """The contract to load under, and its kept version when it is an older one."""
    assert source.contract is not None, "only sources with a contract have load steps"
    today = project.contracts[source.contract]
    if version is None:
        return today, None
    kept = find_version(version, today.name, ledger)
    contract = kept_contract(kept)
    return (today, None) if contract.fingerprint == today.fingerprint else (contract, kept.ref)


def check_fit(planned: Sequence[Replay], workspace: Workspace) -> None:
    """Raises OtherColumns (ST388) when a table cannot take the rows of an older version."""
    for source, contract in {each.source.name: (each.source, each.contract) for each in planned if each.older}.values():
        state = workspace.state(str(source.into))
        if state is not None:
            fit(contract, source, state.schema)


class Replays:
    """The capability that does them; it stands in the place of landing and loading in the run of a replay."""

    def __init__(self, wanted: Wanted, files: QuarantineFiles) -> None:
        self._wanted = wanted
        self._files = files

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "load":
            return []
        planned = plan_replays(session.project, session.ports.ledger, self._files, self._wanted)
        tasks: list[Task] = []
        turns = {source: Turns() for source in session.project.sources}
        for replay in planned:
            if replay.step is None:
                session.skipped += 1
            elif not taken_over(replay.standing.delivery, replay.step, session):
                ref = replay.older or keep(replay.contract, session)
                task = replay_task(replay, replay.step, ref, session)
                grows = evolves(replay.source)
                tasks.append(replace(task, work=turns[replay.source.name].next(task.work)) if grows else task)
        return tasks


def _past(delivery: Delivery, ledger: Ledger) -> tuple[Past, ...]:
    return history(ledger.loads_before(delivery, _REMEMBERED))


def replay_of(
    standing: Standing,
    project: Project,
    ledger: Ledger,
    files: QuarantineFiles,
    past: tuple[Past, ...],
    contract: Contract,
    older: ContractRef | None = None,
) -> Replay:
    """Loading this delivery again under this contract, with what people discarded, repaired and acknowledged."""
    source = project.sources[standing.delivery.source]
    repairs = project.repairs.get(source.name)
    acknowledged = acknowledged_for(ledger, standing.delivery)
    first = load_step(standing.delivery, source, contract, acknowledged)
    content = first.code if repairs is None else fingerprint(first.code, repairs.fingerprint)
    gone = discarded(standing, files)
    step = _step(standing, source, first, content, gone)
    return Replay(standing, source, contract, repairs, gone, content, step, past, older, acknowledged)


def _step(standing: Standing, source: Source, first: Step, content: str, gone: frozenset[int]) -> Step | None:
    load = standing.load
    if load is not None:
        output = load.output or StepOutput()
        if output.note.get(LOADED_AS, load.step.code) == content:
            return None
    after = "" if load is None else load.key
    parts = (content, str(source.quarantine.hold_above), after, ",".join(map(str, sorted(gone))))
    return msgspec.structs.replace(first, code=fingerprint("replay", *parts))


def taken_over(delivery: Delivery, step: Step, session: Session) -> bool:
    """Held under just this before, or staged by a replay that did not come to publish."""
    record = session.ports.ledger.steps([step.key]).get(step.key)
    if record is None or record.output is None:
        return False
    if record.state == "held":
        session.show(held_event(delivery, record.output))
        return True
    if record.state == "staged" and session.workspace.can_take(record.output, session.ports.store):
        session.workspace.stage(step, record.output)
        session.skipped += 1
        return True
    return False


def replay_task(replay: Replay, step: Step, ref: ContractRef, session: Session) -> Task:
    """The task that does it. ``ref``: under which version of the contract."""
    delivery, source = replay.standing.delivery, replay.source

    def loaded() -> StepOutput:
        assert source.into is not None
        table = TableName.parse(source.into)
        name = f"{step.key}-{token(3)}"
        fitted = _fit(replay, session)
        if fitted is None:
            output = put(
                delivery, source, replay.contract, session, name=name, redo=replay.redo, history=replay.past,
                acknowledged=replay.acknowledged, grow=evolves(source),
            )  # fmt: skip
            return msgspec.structs.replace(output, contract=ref)
        output = load(
            delivery,
            source,
            replay.contract,
            loader=session.ports.loader(),
            store=session.ports.store,
            schema=fitted.rows,
            folder=f"tables/{table.namespace}/{table.name}/data",
            name=name,
            emit=session.show,
            redo=replay.redo,
            history=replay.past,
            acknowledged=replay.acknowledged,
        )
        changes = tuple(msgspec.structs.replace(change, schema=fitted.table) for change in output.changes)
        return msgspec.structs.replace(output, changes=changes, contract=ref)

    def work() -> StepOutput:
        output = telling_drift(step, delivery, replay.past, session, loaded)
        if output.held is not None:
            session.emit_with(step, held_event(delivery, output))
            return output
        output = msgspec.structs.replace(output, note=output.note | note_of(replay), changed=changed_by(replay, output, session))
        session.workspace.stage(step, output)
        session.emit_with(step, _event(replay, output))
        told_growth(output, step, delivery, source, session)
        return output

    return Task(step, work, source.name)


def _fit(replay: Replay, session: Session) -> Fit | None:
    """The columns to write for an older version; None: those of the contract as it is, and what the table has beyond."""
    state = session.workspace.state(str(replay.source.into))
    if replay.older is None:
        return None
    if state is not None:
        return fit(replay.contract, replay.source, state.schema)
    schema = session.workspace.schema(str(replay.source.into), raw_schema(replay.contract))
    return Fit(schema, schema)


def note_of(replay: Replay) -> dict[str, str]:
    """What the step of a replay leaves for those that come after."""
    load = replay.standing.load
    found = {LOADED_AS: replay.content}
    if load is not None:
        found[REPLACES] = load.key
    if replay.repairs is not None:
        found[REPAIRS] = replay.repairs.digest
    if replay.older is not None:
        found[PINNED] = replay.older.version
    return found


def changed_by(replay: Replay, output: StepOutput, session: Session) -> tuple[str, ...] | None:
    """Partitions whose rows are others than those that are visible; None for a delivery that had none."""
    if replay.standing.load is None:
        return None
    (change,) = output.changes
    state = session.workspace.state(str(change.table))
    part = replay.standing.delivery.id
    old = tuple(file for file in state.files if file.part == part) if state is not None else ()
    before, after = Relation("loaded.before", change.schema, old), Relation("loaded.after", change.schema, change.files)
    return changed_partitions(before, after, replay.source, session.ports.warehouse())


def _event(replay: Replay, output: StepOutput) -> Replayed:
    delivery = replay.standing.delivery
    assert output.counts is not None
    return Replayed(
        subject=delivery.source,
        source=delivery.source,
        delivery=delivery.id,
        name=delivery.name,
        before=replay.standing.counts,
        counts=output.counts,
        repaired=int(output.note.get("repaired", "0")),
        repairs=output.note.get(REPAIRS),
        changed=output.changed,
        under=output.note.get(PINNED),
    )


def remaining(project: Project, ledger: Ledger, wanted: Wanted) -> int:
    """Rows that are still quarantined or held."""
    found: Sequence[Standing] = standings(project, ledger, wanted.source)
    if wanted.delivery is not None:
        found = [_named(wanted.delivery, found, project, ledger)]
    return sum(standing.counts.quarantined + standing.counts.held for standing in found)
