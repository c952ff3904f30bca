"""The Tables port over Iceberg metadata in a Store.

A change becomes new files only: manifests, a manifest list, a metadata file, each under a name that never
was. Nothing points to them until the ledger moves the table's pointer, so a kill leaves waste, not damage,
and of two changes prepared from one pointer the ledger lets exactly one through.
"""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Iterable
from datetime import datetime

import msgspec
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil, TableMetadataV2
from pyiceberg.table.snapshots import Snapshot as IcebergSnapshot

from startrail.adapters.tables.cache import Recent
from startrail.adapters.tables.footers import iceberg_file
from startrail.adapters.tables.manifests import Manifests
from startrail.adapters.tables.metadata import new_table, next_version, steps_of, summary, with_schema, with_snapshot
from startrail.adapters.tables.reading import key_of, reading
from startrail.adapters.tables.signing import signature, verified
from startrail.adapters.tables.types import from_iceberg
from startrail.base.crash import crash_point
from startrail.model.evolution import assign_ids, ids_of, widens
from startrail.model.table import (
    DataFile,
    Pointer,
    Prepared,
    Snapshot,
    TableChange,
    TableName,
    TableSchema,
    TableState,
)
from startrail.ports.store import Store
from startrail.ports.tables import ColumnIncompatible, ForeignContent, MetadataUnreadable, SnapshotGone


class _Table(msgspec.Struct, frozen=True):
    """One metadata file, understood: its current schema and its live files by key."""

    metadata: TableMetadata
    schema: TableSchema
    files: dict[str, DataFile]


class IcebergTables:
    """Safe to share between threads. Remembers the tables it read or wrote, by metadata location."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._manifests = Manifests(store)
        self._tables: Recent[str, _Table] = Recent(limit=100_000)

    def state(self, pointer: Pointer) -> TableState:
        table = self._read(pointer)
        kept = sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0)
        return TableState(
            pointer=pointer,
            schema=table.schema,
            files=tuple(table.files[key] for key in sorted(table.files)),
            snapshot=table.metadata.current_snapshot_id,
            snapshots=tuple(Snapshot(one.snapshot_id, one.timestamp_ms, steps_of(one)) for one in kept),
            last_id=table.metadata.last_column_id,
        )

    def files(self, pointer: Pointer, snapshot: int) -> tuple[TableSchema, tuple[DataFile, ...]]:
        metadata = self._read(pointer).metadata
        found = metadata.snapshot_by_id(snapshot)
        if found is None:
            raise _gone(pointer.table, snapshot, metadata)
        schema = next((one for one in metadata.schemas if one.schema_id == found.schema_id), metadata.schema())
        with reading(pointer.table, pointer.metadata):
            ours = from_iceberg(schema)
        live = self._live(pointer.table, found)
        return ours, tuple(live[key] for key in sorted(live))

    def assign(self, schema: TableSchema, state: TableState | None) -> TableSchema:
        return assign_ids(schema, None, 0) if state is None else assign_ids(schema, state.schema, state.last_id)

    def prepare(self, change: TableChange, pointer: Pointer | None, at: datetime) -> Prepared:
        crash_point("before metadata")
        base = self._read(pointer) if pointer is not None else None
        table, snapshot = self._commit(change, base, at)
        previous = pointer.metadata if pointer is not None else None
        metadata = with_snapshot(_writable(change.table, table.metadata), snapshot, previous)
        data = metadata.model_dump_json().encode()
        location = f"{metadata.location}/metadata/{next_version(previous):05d}-{signature(data)}.metadata.json"
        self._store.put(self._store.key(location), data)
        self._remember(location, _Table(metadata, table.schema, table.files))
        return Prepared(change, Pointer(change.table, location, previous), snapshot.snapshot_id)

    def _commit(self, change: TableChange, base: _Table | None, at: datetime) -> tuple[_Table, IcebergSnapshot]:
        """The table after the change, still without its snapshot, and that snapshot with its manifests written."""
        now = int(at.timestamp() * 1000)
        live = base.files if base is not None else {}
        removed = _replaced(change, live)
        added = {file.key: file for file in change.files if file.key not in live}
        kept = len(live) - len(removed)
        schema = _evolved(change, base.schema if base is not None and kept else None)
        if base is None:
            metadata = new_table(self._store.uri(f"tables/{change.table.namespace}/{change.table.name}"), schema, now)
        else:
            metadata = with_schema(_writable(change.table, base.metadata), schema)
            now = max(now, metadata.last_updated_ms + 1)  # readers rely on it, even when a clock was set back
        files = {key: file for key, file in live.items() if key not in removed} | added
        counted = summary(change.steps, _counts(added.values()), _counts(live[key] for key in removed), _counts(files.values()))
        snapshot = IcebergSnapshot(
            snapshot_id=secrets.randbits(62) + 1,
            parent_snapshot_id=metadata.current_snapshot_id,
            sequence_number=metadata.last_sequence_number + 1,
            timestamp_ms=now,
            manifest_list="",
            summary=counted,
            schema_id=metadata.current_schema_id,
        )
        parent = metadata.current_snapshot()
        location = self._manifests.write_next(
            f"{metadata.location}/metadata",
            change.table,
            metadata.schema(),
            snapshot,
            self._manifests.listed(change.table, parent.manifest_list) if parent is not None else (),
            removed,
            [(file, iceberg_file(self._store, file, schema, metadata.last_column_id)) for file in added.values()],
        )
        return _Table(metadata, schema, files), snapshot.model_copy(update={"manifest_list": location})

    def _read(self, pointer: Pointer) -> _Table:
        known = self._tables.get(pointer.metadata)
        if known is not None:
            return known
        key = key_of(self._store, pointer.table, pointer.metadata)
        with reading(pointer.table, pointer.metadata):
            metadata = _parsed(key, self._store.get(key))
            schema = from_iceberg(metadata.schema())
            current = metadata.current_snapshot()
            if current is None and metadata.current_snapshot_id is not None:
                raise ValueError("its current snapshot is not among its snapshots")
        files = self._live(pointer.table, current) if current is not None else {}
        return self._remember(pointer.metadata, _Table(metadata, schema, files))

    def _remember(self, location: str, table: _Table) -> _Table:
        return self._tables.put(location, table, 100 + len(table.files))

    def _live(self, table: TableName, snapshot: IcebergSnapshot) -> dict[str, DataFile]:
        manifests = self._manifests.listed(table, snapshot.manifest_list)
        return {file.key: file for manifest in manifests for file in self._manifests.files(table, manifest)}


def _parsed(key: str, data: bytes) -> TableMetadata:
    verified(key, data)
    zipped = key.endswith((".gz.metadata.json", ".metadata.json.gz"))
    return TableMetadataUtil.parse_raw((gzip.decompress(data) if zipped else data).decode())


def _replaced(change: TableChange, live: dict[str, DataFile]) -> set[str]:
    """Keys of the live files that the change takes away. A file that is already there and comes again stays."""
    again = {file.key for file in change.files}
    if change.replaces is None:
        return set(live) - again
    parts = set(change.replaces)
    if parts and any(not file.part for file in live.values()):
        raise ForeignContent(
            f"another program rewrote files of table {change.table}, so which rows belong to a part is not known",
            affects=f"replacing {', '.join(sorted(parts))} of {change.table}",
            hint="rebuild the whole table",
        )
    return {key for key, file in live.items() if file.part in parts} - again


def _evolved(change: TableChange, old: TableSchema | None) -> TableSchema:
    """The schema to write. ``old`` is that of files which stay; it limits what the new one may be."""
    ids = [id for column in change.schema.columns for id in ids_of(column)]
    if min(ids, default=1) < 1 or len(set(ids)) < len(ids):
        raise ValueError(f"the schema of {change.table} has no field ids; pass it through assign() first")
    if old is None:
        return change.schema
    known = {column.id: column for column in old.columns}
    columns = []
    for column in change.schema.columns:
        before = known.get(column.id)
        if before is not None and not widens(before.type, column.type):
            raise ColumnIncompatible(
                f"column '{column.name}' of {change.table} is {before.type} in files that stay, and cannot become {column.type}",
                hint="rebuild the whole table, or give the column another name",
            )
        promised = column.required and before is not None and before.required
        columns.append(column if promised == column.required else msgspec.structs.replace(column, required=promised))
    return TableSchema(tuple(columns))


def _writable(table: TableName, metadata: TableMetadata) -> TableMetadataV2:
    if not isinstance(metadata, TableMetadataV2):
        raise MetadataUnreadable(
            f"table {table} is in Iceberg format {metadata.format_version}; Startrail writes format 2",
            hint="leave changes of this table to the program that upgraded it",
        )
    if metadata.spec().fields:
        raise ForeignContent(
            f"another program gave table {table} Iceberg partitions, which Startrail does not write",
            hint="drop the partition fields with that program (ALTER TABLE ... DROP PARTITION FIELD)",
        )
    return metadata


def _counts(files: Iterable[DataFile]) -> tuple[int, int, int]:
    count = rows = size = 0
    for file in files:
        count += 1
        rows += file.rows
        size += file.size
    return count, rows, size


def _gone(table: TableName, snapshot: int, metadata: TableMetadata) -> SnapshotGone:
    kept = sorted(metadata.snapshots, key=lambda one: one.sequence_number or 0)
    hint = f"the oldest one still there is {table}@{kept[0].snapshot_id}" if kept else "the table has no snapshot yet"
    return SnapshotGone(f"{table} has no snapshot {snapshot} any more", hint=hint)
