"""Which landed deliveries are to be rehearsed, and under which contract."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.base.text import did_you_mean
from startrail.capabilities.contracts.capability import load_step
from startrail.capabilities.contracts.drift.evolve import evolves, promise
from startrail.capabilities.contracts.quarantine.standing import (
    LOADED_AS,
    PINNED,
    WITHDRAWN,
    Standing,
    discarded,
    standings,
    visible_load,
)
from startrail.capabilities.contracts.rehearse.errors import UnknownSegment
from startrail.capabilities.contracts.rehearse.one import Job
from startrail.capabilities.contracts.rehearse.part import changed_fields, part_of, recalled
from startrail.capabilities.contracts.suspect import Past
from startrail.flow.drift import Acks
from startrail.model.contract import Contract
from startrail.model.delivery import Counts, Delivery
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.model.step import StepOutput, StepRecord
from startrail.model.table import TableSchema
from startrail.model.types import Decimal, Primitive
from startrail.model.version import ContractRef
from startrail.ports.ledger import Ledger
from startrail.ports.quarantine import QuarantineFiles
from startrail.ports.rehearsal import Before, Look, Rehearser

_CODE = "2"
"""Raised whenever the same delivery and contract may be rehearsed to another result."""
_LOOKED_BACK = 20
_REMEMBERED = 200
_FEW = 12
"""Values that a column may have to tell segments apart by itself."""
_MANY = 1000
"""Values beyond which a column that a person names tells nothing apart."""
_MOST_SEGMENTS = 4
_MOST_SUMS = 20


class Proposal(msgspec.Struct, frozen=True):
    """A source whose contract or policy is not the one that its last delivery was loaded under."""

    source: Source
    contract: Contract


class Window(msgspec.Struct, frozen=True):
    """Deliveries that landed in this time are looked at; ``segments`` are the columns that a person asked for."""

    since: datetime
    until: datetime
    segments: tuple[str, ...] = ()
    whole: bool = False
    """Read everything again, also where some fields would do."""


def proposals(project: Project, ledger: Ledger, chosen: Collection[str], tried: str | None = None) -> list[Proposal]:
    """Of the chosen sources; ``tried`` names a contract that is looked at even when it is nothing new."""
    found = []
    for source in project.sources.values():
        if source.contract is not None and source.name in chosen:
            contract = project.contracts[source.contract]
            if source.contract == tried or _is_new(source, contract, ledger):
                found.append(Proposal(source, contract))
    return found


def jobs(
    proposal: Proposal,
    project: Project,
    ledger: Ledger,
    window: Window,
    *,
    files: QuarantineFiles,
    rehearser: Rehearser,
    engine: str,
) -> list[Job]:
    """One for each delivery that has been loaded or held, in order of landing. Raises UnknownSegment (ST391)."""
    source = proposal.source
    deliveries = ledger.deliveries(source.name)
    records: dict[str, list[StepRecord]] = {}
    for record in ledger.history(kind="load", subject=source.name):
        records.setdefault(record.step.partition, []).append(record)
    marks = {standing.delivery.id: standing for standing in standings(project, ledger, source.name)}
    landed = [each for each in deliveries if window.since <= each.landed_at <= window.until]
    chosen = [each for each in landed if _disposed(records.get(each.id, ()), marks.get(each.id))]
    if not chosen:
        return []
    look = _look(proposal, [records[each.id] for each in chosen], window, rehearser)
    known = {load_step(chosen[0], source, old).code: old for old in recalled(proposal.contract, ledger)}
    acks = tuple(sorted(Acks.of(ledger, source.name, window.until).active))
    changed = {code: None if window.whole else changed_fields(old, proposal.contract, source) for code, old in known.items()}
    pasts = _pasts(deliveries, records)
    found = []
    for delivery in chosen:
        job = _job(proposal, delivery, records[delivery.id], look, pasts[delivery.id], project)
        job = msgspec.structs.replace(job, acknowledged=acks)
        found.append(_keyed(_narrowed(_with_discards(job, marks, files), records[delivery.id], known, changed), engine))
    return found


def _is_new(source: Source, contract: Contract, ledger: Ledger) -> bool:
    """Whether the newest load that tells was under another contract than is declared now."""
    for record in ledger.history(kind="load", subject=source.name, limit=_LOOKED_BACK):
        output = record.output
        if output is None or PINNED in output.note or output.contract is None:
            continue
        if output.contract.fingerprint == contract.fingerprint:
            return False
        if record.state == "published":
            return all(old.fingerprint != contract.fingerprint for old in _read_as(output.contract, contract, ledger))
    return False


def _read_as(ref: ContractRef, contract: Contract, ledger: Ledger) -> list[Contract]:
    """The kept version, as it is read now: another Startrail may have given it another fingerprint."""
    return [old for old in recalled(contract, ledger) if old.version == ref.version]


def _content(record: StepRecord) -> str:
    """Under which contract and policy it was loaded, as a load step's code says it."""
    return record.step.code if record.output is None else record.output.note.get(LOADED_AS, record.step.code)


def _disposed(records: Sequence[StepRecord], standing: Standing | None) -> bool:
    if standing is not None and standing.load is None and standing.state == "discarded":
        return False  # a person decided that it will never be loaded
    load = visible_load(records)
    if load is not None and load.output is not None and WITHDRAWN in load.output.note:
        return False  # a new version of its file took its place
    return any(record.output is not None and record.state in ("published", "held") for record in records)


def _standing_output(records: Sequence[StepRecord]) -> tuple[StepRecord, StepOutput]:
    """The load that counts: the visible one, else the newest that was held."""
    load = visible_load(records) or next(record for record in records if record.state == "held" and record.output is not None)
    assert load.output is not None
    return load, load.output


def _job(
    proposal: Proposal, delivery: Delivery, records: Sequence[StepRecord], look: Look, past: tuple[Past, ...], project: Project
) -> Job:
    _, output = _standing_output(records)
    source = proposal.source
    counts = output.counts or Counts()
    loaded = output.held is None
    columns = output.changes[0].schema if loaded and output.changes and evolves(source) else None
    promised = promise(proposal.contract, source, columns, delivery.media)
    files = tuple(file.key for change in output.changes for file in change.files) if loaded else ()
    return Job(
        "",
        delivery,
        source,
        promised.contract,
        Before(files, output.quarantine if loaded else None, counts.rows_in),
        counts,
        msgspec.structs.replace(look, day=f"{delivery.landed_at:%Y-%m-%d}"),
        held=output.held,
        past=_without_medians(past) if loaded else past,
        repairs=project.repairs.get(source.name),
        taken=tuple(sorted(promised.taken)),
    )


def _with_discards(job: Job, marks: Mapping[str, Standing], files: QuarantineFiles) -> Job:
    standing = marks.get(job.delivery.id)
    if standing is None or not standing.discards:
        return job
    return msgspec.structs.replace(job, discarded=tuple(sorted(discarded(standing, files))))


def _narrowed(
    job: Job, records: Sequence[StepRecord], known: Mapping[str, Contract], changed: Mapping[str, tuple[str, ...] | None]
) -> Job:
    """With the fields that alone need be read again, where that is certain."""
    load, output = _standing_output(records)
    code = _content(load)
    whole = job.held is not None or job.repairs is not None or job.discarded or job.acknowledged or not job.before.files
    if whole or code not in known:  # then something else than the contract may be different as well
        return job
    return msgspec.structs.replace(job, part=part_of(changed[code], job.contract, job.delivery.media, output))


def _keyed(job: Job, engine: str) -> Job:
    """With a key that covers everything its result depends on, and neither places nor descriptions."""
    bare = msgspec.structs.replace(
        job,
        contract=Contract(job.contract.name, "", (), Span("")),
        source=msgspec.structs.replace(job.source, span=Span(""), description=None, owner=None),
        repairs=None,
    )
    text = msgspec.json.encode(bare, order="deterministic").decode()
    repairs = "" if job.repairs is None else job.repairs.fingerprint
    step = load_step(job.delivery, job.source, job.contract)
    return msgspec.structs.replace(job, key=fingerprint(_CODE, engine, text, repairs, step.code, job.contract.version))


def _pasts(deliveries: Sequence[Delivery], records: Mapping[str, Sequence[StepRecord]]) -> dict[str, tuple[Past, ...]]:
    """Of each delivery, what those that landed before it were like: it is judged as it was then."""
    found: dict[str, tuple[Past, ...]] = {}
    so_far: list[Past] = []
    for delivery in deliveries:
        found[delivery.id] = tuple(so_far[-_REMEMBERED:])
        outputs = (each.output for each in records.get(delivery.id, ()) if each.output is not None and each.output.held is None)
        so_far += Past.of([output for output in [next(iter(outputs), None)] if output is not None])
    return found


def _without_medians(past: Iterable[Past]) -> tuple[Past, ...]:
    """A shift of units is a matter of the data, which passed; which rows a contract takes must not seem to be one."""
    return tuple(msgspec.structs.replace(each, medians={}) for each in past)


def _look(proposal: Proposal, records: Sequence[Sequence[StepRecord]], window: Window, rehearser: Rehearser) -> Look:
    """By the schema and the values of the newest delivery that was loaded."""
    source, contract = proposal.source, proposal.contract
    schema: TableSchema | None = None
    keys: tuple[str, ...] = ()
    for each in reversed(records):
        _, output = _standing_output(each)
        if output.held is None and output.changes and output.changes[0].files:
            schema, keys = output.changes[0].schema, tuple(file.key for file in output.changes[0].files)
            break
    if schema is None:
        schema = contract.schema()
    kind = schema.column(source.partition_by) if source.partition_by else None
    day = source.partition_by if kind is not None and str(kind.type) in ("date", "timestamp", "timestamptz") else None
    return Look("", day, _segments(contract, schema, keys, window, rehearser), _sums(contract, schema))


def _segments(
    contract: Contract, schema: TableSchema, keys: tuple[str, ...], window: Window, rehearser: Rehearser
) -> tuple[str, ...]:
    if window.segments:
        for name in window.segments:
            if schema.column(name) is None:
                raise UnknownSegment(
                    f"the table of contract '{contract.name}' has no column '{name}'", hint=did_you_mean(name, schema.names())
                )
        many = set(window.segments) - set(rehearser.few_values(keys, window.segments, _MANY)) if keys else set()
        if many:
            raise UnknownSegment(
                f"column '{min(many)}' tells no segments apart: it has no values, or more than {_MANY:,}",
                hint="take a column in which the same values come again and again",
            )
        return window.segments
    enums = {field.name for field in contract.fields if field.enum is not None}
    singles = {name for field in contract.fields if field.unique for name in [field.name]} | set(contract.primary_key)
    able = [
        column.name
        for column in schema.columns
        if column.type in (Primitive("string"), Primitive("boolean")) and column.name not in singles and column.name[:1] != "_"
    ]
    few = rehearser.few_values(keys, tuple(able), _FEW, 2)
    return tuple(sorted(few, key=lambda name: name not in enums)[:_MOST_SEGMENTS])


def _sums(contract: Contract, schema: TableSchema) -> tuple[str, ...]:
    """Numbers that can be added up with meaning: no keys."""
    keys = {field.name for field in contract.fields if field.unique} | set(contract.primary_key)
    numbers = [
        column.name
        for column in schema.columns
        if isinstance(column.type, Decimal) or str(column.type) in ("int", "long", "float", "double")
    ]
    named = [name for name in numbers if name not in keys and name[:1] != "_"]
    return tuple(name for name in named if name.lower() != "id" and not name.lower().endswith("_id"))[:_MOST_SUMS]
