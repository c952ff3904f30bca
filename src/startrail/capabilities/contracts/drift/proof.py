"""The integrity proof of an acknowledgement: what the drift did not touch is as it was, and what it brought is what landed.

The definition of the figures is in ``model/proof.py``. What cannot be compared is said, never taken for equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime

import msgspec

from startrail.base.ids import fingerprint
from startrail.capabilities.contracts.capability import load_step
from startrail.capabilities.contracts.drift.evolve import promise
from startrail.capabilities.contracts.drift.figures import Columns, Tally, added, stored
from startrail.capabilities.contracts.errors import ProofFailed
from startrail.capabilities.contracts.load import task_of
from startrail.capabilities.contracts.policy import Acknowledged
from startrail.capabilities.contracts.quarantine.repair import RepairMender
from startrail.capabilities.contracts.quarantine.standing import LOADED_AS, REPAIRS, REPLACES, visible_load
from startrail.flow.drift import acknowledged_for
from startrail.flow.session import Ports
from startrail.model.contract import Contract
from startrail.model.delivery import Delivery
from startrail.model.project import Project
from startrail.model.proof import Compared, Figures, Proof
from startrail.model.source import Source
from startrail.model.step import StepOutput, StepRecord
from startrail.model.table import DataFile, Pointer, Relation, TableName, TableSchema, TableState
from startrail.model.types import DataType
from startrail.ports.loader import ORDINAL, OWN_COLUMNS, Judge
from startrail.ports.warehouse import Query
from startrail.ports.witness import CannotWitness, Witness
from startrail.project.documents import kept_contract

_MOST_WORDS = 10


def prove(project: Project, source: Source, drifted: Mapping[str, str], since: datetime, ports: Ports, witness: Witness) -> Proof:
    """``drifted``: the deliveries that show the drift, by id. Raises ProofFailed (ST334) for any difference."""
    name = TableName.parse(str(source.into))
    pointer = ports.ledger.pointers().get(name)
    if pointer is None:
        return Proof(str(name), unproven=(f"{name} does not exist yet",))
    return _Prover(project, source, frozenset(drifted), since, ports, witness, pointer).proof()


class _Prover:
    def __init__(
        self,
        project: Project,
        source: Source,
        drifted: frozenset[str],
        since: datetime,
        ports: Ports,
        witness: Witness,
        pointer: Pointer,
    ) -> None:
        self._project = project
        self._source = source
        self._drifted = drifted
        self._since = since
        self._ports = ports
        self._witness = witness
        self._pointer = pointer
        self._now: TableState = ports.tables().state(pointer)
        by_delivery: dict[str, list[StepRecord]] = {}
        for record in ports.ledger.history(kind="load", subject=source.name):
            by_delivery.setdefault(record.step.partition, []).append(record)
        self._loads = {id: load for id, records in by_delivery.items() if (load := visible_load(records)) is not None}
        self._unproven: list[str] = []

    def proof(self) -> Proof:
        before = self._before()
        others = None if before is None else self._others(*before[1:])
        drifted = self._landed()
        return Proof(
            str(self._pointer.table), others, drifted, None if before is None else before[0], self._now.snapshot,
            tuple(self._unproven[:_MOST_WORDS]),
        )  # fmt: skip

    # -- rows of the other deliveries ---------------------------------------------------------------------------------
    def _before(self) -> tuple[int, TableSchema, tuple[DataFile, ...]] | None:
        """The newest snapshot from before the drift."""
        for snapshot in reversed(self._now.snapshots):
            if snapshot.at > self._since.timestamp() * 1000:
                continue
            schema, files = self._ports.tables().files(self._pointer, snapshot.id)
            if not self._drifted & {file.part for file in files}:
                return snapshot.id, schema, files
        self._unproven.append("no snapshot from before the drift is there: rows of other deliveries cannot be compared")
        return None

    def _others(self, schema: TableSchema, files: tuple[DataFile, ...]) -> Compared:
        again = {id for id, load in self._loads.items() if load.output is not None and REPLACES in load.output.note}
        now = {part: keys for part, keys in _by_part(self._now.files).items() if part not in self._drifted}
        old = _by_part(files)
        skipped = {part for part in old if part in again and old[part] != now.get(part)}
        parts = set(old) - skipped
        columns = _common(schema, self._now.schema)
        sides = [_relation("before", self._now.schema, files, parts), _relation("now", self._now.schema, self._now.files, parts)]

        def figures(side: Relation, over: Columns) -> Figures:
            return stored((side,), over, self._ports.warehouse())

        before, after = (figures(side, columns) for side in sides)
        if before != after:
            differing = _differing(columns, lambda over: figures(sides[0], over) == figures(sides[1], over))
            raise _failed(
                f"rows of {self._pointer.table} that the drift should not have touched differ from those before it: "
                f"{_difference(before, after, differing)}",
                self._source,
            )
        words = f"{len(skipped)} deliveries were loaded again since" if skipped else ""
        return Compared(len(parts), tuple(sorted(columns)), before, after, (words,) if words else ())

    # -- rows of the drifted deliveries -------------------------------------------------------------------------------
    def _landed(self) -> Compared | None:
        found: list[tuple[Figures, Figures]] = []
        columns: dict[str, DataType] = {}
        skipped: list[str] = []
        for delivery in self._ports.ledger.deliveries(self._source.name):
            if delivery.id not in self._drifted:
                continue
            load = self._loads.get(delivery.id)
            if load is None or load.output is None:
                skipped.append(f"{delivery.name}: nothing of it is in the table")
                continue
            reading = self._reading(delivery, load, load.output)
            if isinstance(reading, str):
                skipped.append(f"{delivery.name}: {reading}")
                continue
            try:
                found.append(self._compared(reading))
            except CannotWitness as error:
                skipped.append(f"{delivery.name}: {error}")
                continue
            columns |= reading.columns
        if not found:
            self._unproven += skipped
            return None
        return Compared(
            len(found), tuple(sorted(columns)), added(one for one, _ in found), added(other for _, other in found),
            tuple(skipped[:_MOST_WORDS]),
        )  # fmt: skip

    def _reading(self, delivery: Delivery, load: StepRecord, output: StepOutput) -> _Reading | str:
        """How to read it as it was read when it was loaded; or why that is not possible."""
        contract = self._contract_of(output)
        if contract is None or not output.changes:
            return "the contract that it was loaded under is not kept"
        repairs = self._project.repairs.get(self._source.name)
        digest = output.note.get(REPAIRS)
        if digest is not None and (repairs is None or repairs.digest != digest):
            return "the repairs that it was loaded with are others now"
        acknowledged = self._as_loaded(delivery, load, output, contract)
        if acknowledged is None:
            return "the source's policy or dialect is another one than when it was loaded"
        at_load = output.changes[0].schema
        effective = promise(contract, self._source, at_load, delivery.media)
        there = {column.id: column.name for column in self._now.schema.columns}
        types = {column.name: column.type for column in at_load.columns if there.get(column.id) == column.name}
        declared = {field.name for field in effective.contract.fields}
        columns = {name: kind for name, kind in types.items() if name in declared and name not in OWN_COLUMNS}
        mender = RepairMender(repairs, delivery.id) if digest is not None and repairs is not None else None
        return _Reading(delivery, output, effective.contract, effective.taken, columns, acknowledged, mender, at_load)

    def _contract_of(self, output: StepOutput) -> Contract | None:
        ref = output.contract
        if ref is None:
            return None
        kept = next((each for each in self._ports.ledger.contract_versions(ref.name) if each.ref == ref), None)
        return None if kept is None else kept_contract(kept)

    def _as_loaded(self, delivery: Delivery, load: StepRecord, output: StepOutput, contract: Contract) -> Acknowledged | None:
        """What counted as acknowledged when it was loaded; None when more than the contract has changed since."""
        code = output.note.get(LOADED_AS, load.step.code)
        repairs = self._project.repairs.get(self._source.name)
        later = acknowledged_for(self._ports.ledger, delivery)
        for acknowledged in (frozenset[tuple[str, str]](), later):
            found = load_step(delivery, self._source, contract, acknowledged).code  # type: ignore[arg-type]
            if code == found or (repairs is not None and code == fingerprint(found, repairs.fingerprint)):
                return acknowledged  # type: ignore[return-value]
        return None

    def _compared(self, reading: _Reading) -> tuple[Figures, Figures]:
        part = reading.delivery.id
        relation = _relation("stored", self._now.schema, self._now.files, {part})
        warehouse = self._ports.warehouse()
        ordinals: frozenset[int] = frozenset()
        if relation.files:
            query = Query(f"SELECT {warehouse.quote(ORDINAL)} FROM {warehouse.quote(relation.name)}", (relation,))
            ordinals = frozenset(row[0] for row in warehouse.fetch(query).rows)

        def stored_now(over: Columns) -> Figures:
            return stored((relation,), over, warehouse)

        def landed(over: Columns) -> Figures:
            return self._read(reading, ordinals, over)

        before, after = landed(reading.columns), stored_now(reading.columns)
        if before != after:
            differing = _differing(reading.columns, lambda over: landed(over) == stored_now(over))
            raise _failed(
                f"rows of delivery {part} ({reading.delivery.name}) are stored otherwise than they landed: "
                f"{_difference(before, after, differing)}",
                self._source,
            )
        return before, after

    def _read(self, reading: _Reading, ordinals: frozenset[int], columns: Columns) -> Figures:
        """The stored rows as their landed bytes say them."""
        delivery, source, counts = reading.delivery, self._source, reading.output.counts
        _, judge = task_of(
            delivery, source, reading.contract, reading.schema, taken=reading.taken, acknowledged=reading.acknowledged
        )  # fmt: skip
        tally, rows, missing = Tally(columns), 0, set(ordinals)
        with closing(
            self._witness.records(delivery.key, delivery.media, reading.contract, source.csv, source.feed.records)
        ) as records:
            for raw in records:
                rows += 1
                if rows in ordinals:
                    missing.discard(rows)
                    tally.add(msgspec.json.decode(self._record(rows, raw, judge, reading)))
        if missing or counts is None or rows != counts.rows_in or len(ordinals) != counts.loaded:
            known = 0 if counts is None else counts.rows_in
            raise _failed(
                f"delivery {delivery.id} has {rows} records and {len(ordinals)} stored rows; when it was loaded it had {known} "
                f"and {0 if counts is None else counts.loaded}",
                source,
            )
        return tally.figures()

    def _record(self, ordinal: int, raw: bytes | None, judge: Judge, reading: _Reading) -> bytes:
        """The canonical record that must be stored."""
        judged = judge(raw) if raw is not None else None
        if judged is not None and raw is not None and judged.violations and reading.mender is not None:
            mended = reading.mender(ordinal, raw, judged.violations)
            judged = judge(mended) if mended is not None else judged
        if judged is None or judged.violations:
            raise _failed(
                f"record {ordinal} of delivery {reading.delivery.id} is stored, but breaks its contract as it landed",
                self._source,
            )
        return judged.record


class _Reading(msgspec.Struct, frozen=True):
    delivery: Delivery
    output: StepOutput
    contract: Contract
    taken: frozenset[str]
    columns: dict[str, DataType]
    acknowledged: Acknowledged
    mender: RepairMender | None
    schema: TableSchema


def _by_part(files: Iterable[DataFile]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for file in files:
        found.setdefault(file.part, set()).add(file.key)
    return {part: frozenset(keys) for part, keys in found.items()}


def _relation(name: str, schema: TableSchema, files: Iterable[DataFile], parts: set[str]) -> Relation:
    return Relation(f"proof.{name}", schema, tuple(file for file in files if file.part in parts))


def _common(before: TableSchema, now: TableSchema) -> dict[str, DataType]:
    """Columns that both have, under the types of now."""
    old = {column.id: column.name for column in before.columns}
    return {column.name: column.type for column in now.columns if old.get(column.id) == column.name}


def _differing(columns: Columns, same: Callable[[Columns], bool]) -> list[str]:
    return [name for name, kind in sorted(columns.items()) if not same({name: kind})]


def _difference(before: Figures, after: Figures, columns: list[str]) -> str:
    if before.rows != after.rows:
        return f"{before.rows:,} rows, and {after.rows:,}"
    which = f"column{'s' if len(columns) > 1 else ''} {', '.join(columns[:5])}" if columns else "values of one row in another"
    sums = [f"{name} adds up to {before.sums[name]} and {after.sums.get(name)}" for name in columns if name in before.sums]
    return f"{which} ({'; '.join(sums[:3])})" if sums else which


def _failed(message: str, source: Source) -> ProofFailed:
    return ProofFailed(
        message,
        at=source.span,
        affects=f"{source.into}; nothing was acknowledged",
        hint="startrail quarantine replay --delivery ID loads a delivery again from its landed bytes; startrail ledger verify",
    )
