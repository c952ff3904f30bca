"""``on_replace: replace``: the rows of an older version are taken out in the publication that brings the new one.

It is a load step of the older delivery that leaves no rows, so a kill anywhere leaves both or neither. It waits until the new
version is in the table, or staged by the same run: one that is held takes nothing out. A version that comes back is loaded
again by a replay. No byte is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from startrail.base.crash import crash_point
from startrail.base.ids import fingerprint
from startrail.base.text import printable
from startrail.capabilities.contracts.capability import load_step
from startrail.capabilities.contracts.quarantine.replay import replay_of, replay_task, taken_over, whole
from startrail.capabilities.contracts.quarantine.standing import REPLACES, WITHDRAWN, visible_load
from startrail.capabilities.contracts.versions import keep
from startrail.flow.capability import Phase, Planned
from startrail.flow.drift import Acks
from startrail.flow.events import Discarded, Withdrawn
from startrail.flow.session import Session, to_facts
from startrail.flow.tasks import Task
from startrail.model.delivery import Counts
from startrail.model.incident import BY_ITSELF
from startrail.model.listing import Superseded
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.model.table import WHOLE, TableChange, TableName
from startrail.ports.ledger import Ledger
from startrail.ports.quarantine import QuarantineFiles
from startrail.ports.store import Store

_REASON = "a new version took its place (on_replace: replace)"


class Old(msgspec.Struct, frozen=True):
    """An older version, and the keys of the load steps of this run that decide about it: its own, and that of the new one;
    None where that is decided already."""

    superseded: Superseded
    own: str | None
    new: str | None


class Replacements:
    """The capability. Its tasks come after the loads that they follow from."""

    def __init__(self, files: Callable[[Store], QuarantineFiles]) -> None:
        self._files = files

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "load":
            return []
        tasks: list[Task] = []
        for source in replacing(session.project):
            if source.name in session.selection:
                returning, back = self._returned(source, session)
                tasks += back
                tasks += [_task(old, source, session) for old in _old(source, session, returning)]
        return tasks

    def _returned(self, source: Source, session: Session) -> tuple[dict[str, str], list[Task]]:
        """Deliveries that are loaded again by this run, with the keys of their steps, and the tasks for it."""
        keys: dict[str, str] = {}
        tasks: list[Task] = []
        ids = session.ports.ledger.returned(source.name)
        if not ids:
            return keys, tasks
        ledger, contract = session.ports.ledger, session.project.contracts[str(source.contract)]
        for id, records in ledger.loads(ids).items():
            delivery, load = ledger.delivery(id), visible_load(reversed(records))
            if delivery is None or load is None:
                continue
            files = self._files(session.ports.store)
            replay = replay_of(whole(delivery, load), session.project, ledger, files, (), contract)
            if replay.step is None:
                continue
            keys[id] = replay.step.key
            if not taken_over(delivery, replay.step, session):
                tasks.append(replay_task(replay, replay.step, keep(contract, session), session))
        return keys, tasks


def replacing(project: Project) -> list[Source]:
    """The sources that want it."""
    return [
        source
        for source in project.sources.values()
        if source.contract is not None and source.on_replace == "replace" and source.keeps_names
    ]


def plan_replacements(project: Project, ledger: Ledger) -> list[Planned]:
    """What a run would take out; reads only. New versions that are still to be loaded may be held, and then nothing is."""
    planned: list[Planned] = []
    for source in replacing(project):
        back = ledger.returned(source.name)
        for each in ledger.superseded(source.name):
            if each.by in back or each.by_state in ("loaded", "waits"):
                because = f"{printable(each.name, 80)} has other bytes now; its older rows are taken out"
                planned.append(Planned(Step("load", source.name, each.delivery, "withdraw"), "changed", because))
        planned += [
            Planned(Step("load", source.name, id, "return"), "changed", "an older version of a file came back") for id in back
        ]
    return planned


def _old(source: Source, session: Session, returning: Mapping[str, str]) -> list[Old]:
    """The older versions about which this run decides. ``returning``: deliveries that it loads again, with their steps."""
    ledger = session.ports.ledger
    rows = ledger.superseded(source.name)
    if not rows:
        return []
    acks = Acks.of(ledger, source.name, session.ports.clock.now()).active
    contract = session.project.contracts[str(source.contract)]
    waiting: dict[str, str] = {}
    held: set[str] = set()
    for delivery, records in ledger.pending(source.name):
        step = load_step(delivery, source, contract, acks)
        waiting[delivery.id] = step.key
        if any(record.key == step.key and record.state == "held" for record in records):
            held.add(delivery.id)
    found: list[Old] = []
    for row in rows:
        new = waiting.get(row.by) or returning.get(row.by)
        if row.by in held or (new is None and row.by_state != "loaded"):
            continue  # the new version is not in the table, and the older one stays
        found.append(Old(row, waiting.get(row.delivery), new))
    return found


def _task(old: Old, source: Source, session: Session) -> Task:
    def work() -> StepOutput:
        if old.new is not None and old.new not in session.workspace.staged:
            return StepOutput()  # the new version was held
        load = _load(old, session)
        if load is None:
            return _discarded(old, source, session)
        return _withdrawn(old, load, source, session)

    after = frozenset(key for key in (old.own, old.new) if key is not None)
    step = Step("load", source.name, old.superseded.delivery, "withdraw", old.superseded.by)
    return Task(step, work, source.name, after, record=False)


def _load(old: Old, session: Session) -> StepRecord | None:
    """The load whose rows are to be taken out: staged by this run, or published."""
    ledger, id = session.ports.ledger, old.superseded.delivery
    if old.own is not None:
        return ledger.steps([old.own]).get(old.own) if old.own in session.workspace.staged else None
    return visible_load(reversed(ledger.loads([id]).get(id, [])))


def _withdrawn(old: Old, load: StepRecord, source: Source, session: Session) -> StepOutput:
    ledger, work, row = session.ports.ledger, session.workspace, old.superseded
    table = TableName.parse(str(source.into))
    step = Step("load", source.name, row.delivery, fingerprint("withdraw", load.key), row.by)
    schema, before = work.columns(str(table)), (load.output or StepOutput()).counts or Counts()
    assert schema is not None, "what is taken out lies in a table"
    output = StepOutput(
        changes=(TableChange(table, schema, (), replaces=(row.delivery,)),),
        counts=Counts(rows_in=before.rows_in, discarded=before.rows_in),
        changed=(WHOLE, *(load.output or StepOutput()).touched),
        note={REPLACES: load.key, WITHDRAWN: row.by},
    )
    known = ledger.steps([step.key]).get(step.key)
    work.stage(step, output)
    if known is not None and known.state == "staged":
        return output  # by a run that did not come to publish, and told
    event = Withdrawn(
        subject=source.name, source=source.name, delivery=row.delivery, name=row.name, by=row.by, before=before,
        counts=output.counts or Counts(),
    )  # fmt: skip
    now = session.ports.clock.now()
    ledger.record_step(StepRecord(step.key, step, "staged", session.run, now, now, 1, output), session.lease, to_facts(event))
    crash_point("after step recorded")
    session.show(event)
    return output


def _discarded(old: Old, source: Source, session: Session) -> StepOutput:
    """It was never in the table, being held, and never will be: its file is another one now."""
    ledger, id = session.ports.ledger, old.superseded.delivery
    records = ledger.loads([id]).get(id, [])
    held = next((each.output for each in reversed(records) if each.state == "held" and each.output is not None), None)
    if held is None or held.counts is None:
        return StepOutput()  # its load failed; the next run tries again
    event = Discarded(
        subject=source.name, source=source.name, delivery=id, rows=held.counts.held, quarantine=None, ordinals=None,
        reason=_REASON, by=BY_ITSELF,
    )  # fmt: skip
    ledger.discard_delivery(id, session.ports.clock.now(), to_facts(event), session.lease)
    session.show(event)
    return StepOutput()
