"""Adoption: a contract came to declare fields that deliveries kept in ``_extra``, or that their names say, so those
deliveries are loaded again.

Each is a replay of its landed bytes: its rows take the place of the earlier ones as a whole, under a step whose key
covers the contract and the load that it replaces. A column is so filled from the day on which its field first came. No
row that can be seen is ever withdrawn by it: a delivery of which one would be stays as it is, and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

import msgspec

from startrail.base.ids import fingerprint, token
from startrail.capabilities.contracts.capability import put, telling_drift
from startrail.capabilities.contracts.drift.evolve import TAKEN
from startrail.capabilities.contracts.errors import DriftStopped
from startrail.capabilities.contracts.judge import item_field, struct_fields
from startrail.capabilities.contracts.quarantine.replay import Replay, changed_by, note_of, replay_of, taken_over, whole
from startrail.capabilities.contracts.quarantine.standing import PINNED, Standing, standings, visible_load
from startrail.flow.capability import Phase, Planned
from startrail.flow.events import Adopted, NotAdopted
from startrail.flow.select import Selection
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.contract import Contract, Field
from startrail.model.delivery import Delivery
from startrail.model.evolution import widens
from startrail.model.named import gives
from startrail.model.names import Names
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.model.table import Relation, TableChange
from startrail.model.types import ListOf, StructOf
from startrail.ports.ledger import Ledger
from startrail.ports.loader import ORDINAL
from startrail.ports.quarantine import QuarantineFiles
from startrail.ports.store import Store
from startrail.ports.warehouse import Query

_CACHE = "adopted-1"
_DECLINED = "declined"
"""Note of a step: why the delivery stays as it is."""
_OTHERS = "(others)"
"""Under this name stand the undeclared fields of a delivery that are more than could be counted."""


class Adoption(msgspec.Struct, frozen=True):
    """One delivery to load again, for these of its fields. ``declined``: it was tried, and stays as it is for this reason."""

    replay: Replay
    step: Step
    fields: tuple[str, ...]
    rows: int
    """In which the most frequent of them is."""
    said: bool = False
    """Whether none of them was kept: the delivery's name says them."""
    declined: str | None = None


class Adoptions:
    """The capability. What was looked through once under a contract is not looked through again."""

    def __init__(self, files: Callable[[Store], QuarantineFiles]) -> None:
        self._files = files

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "load":
            return []
        project, ledger = session.project, session.ports.ledger
        known = _known(project, session.selection, ledger)
        if not known:
            return []
        files = partial(self._files, session.ports.store)
        tasks: list[Task] = []
        for source, mark in known.items():
            found = _adoptions(project.sources[source], project, ledger, files)
            for each in found:
                delivery = each.replay.standing.delivery
                if each.declined is not None:
                    session.show(_not_adopted(each, each.declined))
                elif not taken_over(delivery, each.step, session):
                    tasks.append(_task(each, session))
            if not found:
                ledger.cache(_CACHE, {source: mark})
        return tasks


def plan_adoptions(project: Project, selection: Selection, ledger: Ledger, files: Callable[[], QuarantineFiles]) -> list[Planned]:
    """The deliveries that a run would load again; reads only."""
    planned: list[Planned] = []
    for source in _known(project, selection, ledger):
        found = _adoptions(project.sources[source], project, ledger, files)
        due = [each for each in found if each.declined is None]
        because = _because(due)
        planned += [Planned(each.step, "changed", because) for each in due]
        planned += [
            Planned(each.step, "waiting", f"{_listed(each.fields)} not adopted: {each.declined}; {_command(each)}", later=True)
            for each in found
            if each.declined is not None
        ]
    return planned


def declares(contract: Contract, path: str) -> bool:
    """Whether the contract declares the field that a delivery has under this path: ``coupon``, ``items[].size``."""
    if Names(contract).may_mean(path):
        return True
    return any(_inside(field, path.removeprefix(field.name)) for field in contract.fields if path.startswith(field.name))


def _inside(field: Field, rest: str) -> bool:
    if isinstance(field.type, ListOf):
        return rest.startswith("[]") and _inside(item_field(field), rest[2:])
    if not isinstance(field.type, StructOf):
        return not rest
    inner = rest.removeprefix(".")
    if not rest:
        return True
    parts = struct_fields(field)
    return rest.startswith(".") and any(
        inner == part.name or (inner.startswith((f"{part.name}.", f"{part.name}[")) and _inside(part, inner[len(part.name) :]))
        for part in parts
    )


def _known(project: Project, selection: Selection, ledger: Ledger) -> dict[str, bytes]:
    """Sources to look through, each with what marks it as looked through under its contract."""
    marks = {
        source.name: fingerprint(project.contracts[source.contract].fingerprint, str(source.into), *gives(source)).encode()
        for source in project.sources.values()
        if source.contract is not None and source.name in selection
    }
    done = ledger.cached(_CACHE, marks)
    return {name: mark for name, mark in marks.items() if done.get(name) != mark}


def _adoptions(source: Source, project: Project, ledger: Ledger, files: Callable[[], QuarantineFiles]) -> list[Adoption]:
    contract = project.contracts[str(source.contract)]
    loads = _visible_loads(source, ledger)
    said = tuple(name for name in gives(source) if contract.field(name) is not None)
    declared = {id: fields for id, load in loads.items() if (fields := _declared_now(contract, load.output, said))}
    if not declared:
        return []
    old = {each.delivery for each in ledger.superseded(source.name)} if source.on_replace == "replace" else set()
    refused = {standing.delivery.id: standing for standing in standings(project, ledger, source.name)}
    found = []
    for delivery in ledger.deliveries(source.name):
        if delivery.id in declared and delivery.id not in old:
            standing = refused.get(delivery.id) or whole(delivery, loads[delivery.id])
            adoption = _adoption(standing, declared[delivery.id], contract, project, ledger, files)
            found += [] if adoption is None else [msgspec.structs.replace(adoption, said=set(adoption.fields) <= set(said))]
    return _with_declined(found, ledger)


def _visible_loads(source: Source, ledger: Ledger) -> dict[str, StepRecord]:
    """By delivery."""
    by_delivery: dict[str, list[StepRecord]] = {}
    for record in ledger.history(kind="load", subject=source.name):
        by_delivery.setdefault(record.step.partition, []).append(record)
    return {id: load for id, records in by_delivery.items() if (load := visible_load(records)) is not None}


def _declared_now(contract: Contract, output: StepOutput | None, said: tuple[str, ...]) -> dict[str, int]:
    """Fields that the load kept, or has in a column of another type that nobody declared, and their rows; and those that
    names say (``said``) and that were no column then."""
    if output is None or PINNED in output.note:
        return {}  # a person wants it under an older version
    found = {name: rows for name, rows in output.kept.items() if name == _OTHERS or declares(contract, name)}
    for change in output.changes:
        there = {column.name for column in change.schema.columns}
        found = dict.fromkeys((name for name in said if name not in there), output.rows) | found
        for column in change.schema.columns:
            field = contract.field(column.name)
            if column.doc == TAKEN and field is not None and not widens(column.type, field.type):
                found.setdefault(column.name, output.rows)
    return found


def _adoption(
    standing: Standing,
    fields: dict[str, int],
    contract: Contract,
    project: Project,
    ledger: Ledger,
    files: Callable[[], QuarantineFiles],
) -> Adoption | None:
    replay = replay_of(standing, project, ledger, files(), (), contract)
    if replay.step is None:  # it is loaded under this very contract
        return None
    step = msgspec.structs.replace(replay.step, code=fingerprint("adopt", replay.step.code))
    return Adoption(replay, step, tuple(fields), max(fields.values()))


def _with_declined(found: list[Adoption], ledger: Ledger) -> list[Adoption]:
    records = ledger.steps([each.step.key for each in found])
    marked = []
    for each in found:
        record = records.get(each.step.key)
        output = record.output if record is not None else None
        marked.append(msgspec.structs.replace(each, declined=None if output is None else output.note.get(_DECLINED)))
    return marked


def _task(adoption: Adoption, session: Session) -> Task:
    replay, step = adoption.replay, adoption.step
    delivery, source = replay.standing.delivery, replay.source

    def loaded() -> StepOutput:
        return put(
            delivery, source, replay.contract, session, name=f"{step.key}-{token(3)}", redo=replay.redo,
            acknowledged=replay.acknowledged,
        )  # fmt: skip

    def work() -> StepOutput:
        try:
            output = loaded()
        except DriftStopped as stopped:
            return declined(stopped.message)
        reason = output.held or _withdrawn(adoption, output, session)
        if reason is not None:
            _discard_files(output, session.ports.store)
            return declined(reason)
        telling_drift(step, delivery, (), session, lambda: output)
        output = msgspec.structs.replace(output, note=output.note | note_of(replay), changed=changed_by(replay, output, session))
        session.workspace.stage(step, output)
        session.emit_with(step, _adopted(adoption, output))
        return output

    def declined(reason: str) -> StepOutput:
        session.emit_with(step, _not_adopted(adoption, reason))
        return StepOutput(note={_DECLINED: reason})

    return Task(step, work, source.name)


def _withdrawn(adoption: Adoption, output: StepOutput, session: Session) -> str | None:
    """Why rows that can be seen would be seen no more; None when none is."""
    (change,) = output.changes
    before, after = _sides(adoption.replay.standing.delivery, change, session)
    warehouse = session.ports.warehouse()
    ordinal = warehouse.quote(ORDINAL)
    sides = [f"SELECT {ordinal} FROM {warehouse.quote(relation.name)}" for relation in (before, after)]
    rows = warehouse.fetch(Query(f"SELECT count(*) FROM ({sides[0]} EXCEPT {sides[1]}) AS gone", (before, after))).rows
    count = int(rows[0][0])
    if not count:
        return None
    refused = next((f for f in output.drift if f.verb == "quarantine"), None)
    why = f", such as {refused.kind} at {refused.path}" if refused is not None else ""
    return f"{count:,} of its rows would not keep the contract{why}"


def _sides(delivery: Delivery, change: TableChange, session: Session) -> tuple[Relation, Relation]:
    """The rows of the delivery that can be seen, and those that would take their place."""
    state = session.workspace.state(str(change.table))
    old = tuple(file for file in state.files if file.part == delivery.id) if state is not None else ()
    return Relation("adopted.before", change.schema, old), Relation("adopted.after", change.schema, change.files)


def _discard_files(output: StepOutput, store: Store) -> None:
    """Nothing points to them, and nothing ever will."""
    for change in output.changes:
        for file in change.files:
            store.delete(file.key)
    if output.quarantine is not None:
        store.delete(output.quarantine)


def _adopted(adoption: Adoption, output: StepOutput) -> Adopted:
    standing = adoption.replay.standing
    assert output.counts is not None
    return Adopted(
        subject=standing.delivery.source, source=standing.delivery.source, delivery=standing.delivery.id,
        name=standing.delivery.name, fields=adoption.fields, before=standing.counts, counts=output.counts,
        changed=output.changed,
    )  # fmt: skip


def _not_adopted(adoption: Adoption, reason: str) -> NotAdopted:
    delivery = adoption.replay.standing.delivery
    return NotAdopted(
        subject=delivery.source, source=delivery.source, delivery=delivery.id, name=delivery.name, fields=adoption.fields,
        reason=f"{reason}; {_command(adoption)}",
    )  # fmt: skip


def _because(due: list[Adoption]) -> str:
    if not due:
        return ""
    fields = _listed(dict.fromkeys(name for each in due for name in each.fields))
    rows, since = sum(each.rows for each in due), min(each.replay.standing.delivery.landed_at for each in due)
    kept = f"{rows:,} row{'' if rows == 1 else 's'} of {len(due):,} {'delivery' if len(due) == 1 else 'deliveries'}"
    where = "said by their names" if all(each.said for each in due) else "kept in _extra"
    return f"the contract declares {fields} now, {where} since {_day(since)} in {kept}, which are loaded again"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def _command(adoption: Adoption) -> str:
    return f"startrail quarantine replay --delivery {adoption.replay.standing.delivery.id}"
