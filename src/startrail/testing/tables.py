"""Tables in memory: the Tables port for unit tests of everything above it."""

from __future__ import annotations

from datetime import datetime

from startrail.base.crash import crash_point
from startrail.model.evolution import assign_ids, greatest_id
from startrail.model.table import (
    DataFile,
    Pointer,
    Prepared,
    Snapshot,
    TableChange,
    TableSchema,
    TableState,
    remembered,
)
from startrail.ports.tables import MetadataMissing, SnapshotGone

_KEPT = 50


class MemoryTables:
    """Keeps every prepared state under its metadata location. Looks into no file: any DataFile will do."""

    def __init__(self) -> None:
        self._states: dict[str, TableState] = {}
        self._contents: dict[int, tuple[TableSchema, tuple[DataFile, ...]]] = {}

    def state(self, pointer: Pointer) -> TableState:
        found = self._states.get(pointer.metadata)
        if found is None:
            raise MetadataMissing(f"{pointer.metadata} is not in the store, but table {pointer.table} needs it")
        return TableState(pointer, found.schema, found.files, found.snapshot, found.snapshots, found.last_id)

    def files(self, pointer: Pointer, snapshot: int) -> tuple[TableSchema, tuple[DataFile, ...]]:
        kept = [one.id for one in self.state(pointer).snapshots]
        if snapshot not in kept:
            hint = f"the oldest one still there is {pointer.table}@{kept[0]}"
            raise SnapshotGone(f"{pointer.table} has no snapshot {snapshot} any more", hint=hint)
        return self._contents[snapshot]

    def assign(self, schema: TableSchema, state: TableState | None) -> TableSchema:
        return assign_ids(schema, None, 0) if state is None else assign_ids(schema, state.schema, state.last_id)

    def prepare(self, change: TableChange, pointer: Pointer | None, at: datetime) -> Prepared:
        crash_point("before metadata")
        base = self.state(pointer) if pointer is not None else None
        id = len(self._contents) + 1
        now = max(int(at.timestamp() * 1000), base.snapshots[-1].at + 1 if base is not None else 0)
        location = f"memory://tables/{change.table.namespace}/{change.table.name}/metadata/{id:05d}.metadata.json"
        moved = Pointer(change.table, location, pointer.metadata if pointer is not None else None)
        snapshots = (*(base.snapshots if base is not None else ()), Snapshot(id, now, remembered(change.steps)))[-_KEPT:]
        files = _after(change, base.files if base is not None else ())
        last_id = max(greatest_id(change.schema), base.last_id if base is not None else 0)
        self._contents[id] = (change.schema, files)
        self._states[location] = TableState(moved, change.schema, files, id, snapshots, last_id)
        return Prepared(change, moved, id)


def _after(change: TableChange, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
    """The files of a table after a change, in order of their keys; a file that comes twice is there once."""
    gone = set(change.replaces or ())
    kept = () if change.replaces is None else tuple(file for file in files if file.part not in gone)
    known = {file.key: file for file in files}
    after = {file.key: file for file in kept} | {file.key: known.get(file.key, file) for file in change.files}
    return tuple(after[key] for key in sorted(after))
