"""Manifests: the lists of data files behind a snapshot. Reading them, and writing the next ones.

Manifests are kept few without rewriting them all at each commit: as in a log-structured merge tree, a new
one swallows its neighbours of the same size class, so an entry is rewritten a logarithmic number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

from pyiceberg.manifest import (
    MANIFEST_LIST_FILE_SCHEMAS,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    PartitionFieldSummary,
    data_file_with_partition,
    manifest_entry_schema_with_data_file,
)
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Snapshot as IcebergSnapshot
from pyiceberg.typedef import Record
from pyiceberg.types import StructType

from startrail.adapters.tables.avro import Form
from startrail.adapters.tables.cache import Recent
from startrail.adapters.tables.entries import IcebergFile, again, described, first, inherit, live_files, part_of
from startrail.adapters.tables.reading import key_of, reading
from startrail.adapters.tables.signing import signature, verified
from startrail.model.table import DataFile, TableName
from startrail.ports.store import Store
from startrail.ports.tables import ForeignContent

_MANIFEST: Form[ManifestEntry] = Form(
    "manifest_entry",
    manifest_entry_schema_with_data_file(2, data_file_with_partition(StructType(), 2)),
    {-1: ManifestEntry, 2: IcebergFile},
    {0: ManifestEntryStatus, 101: FileFormat, 134: DataFileContent},
)
_LIST: Form[ManifestFile] = Form(
    "manifest_file", MANIFEST_LIST_FILE_SCHEMAS[2], {-1: ManifestFile, 508: PartitionFieldSummary}, {517: ManifestContent}
)
R = TypeVar("R", bound=Record)
_FANOUT = 4
"""So many manifests of one size class become one of the next."""
_LARGEST = 512
"""Entries of a manifest: what replacing one part may have to rewrite."""


class Manifests:
    """Reads and writes the manifests of all tables of one store. Remembers what it read: they never change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lists: Recent[str, tuple[ManifestFile, ...]] = Recent(limit=4_000)
        self._files: Recent[str, tuple[DataFile, ...]] = Recent(limit=100_000)
        self._entries: Recent[str, list[ManifestEntry]] = Recent(limit=5_000)

    def listed(self, table: TableName, location: str) -> tuple[ManifestFile, ...]:
        """The manifests of a snapshot, by the location of its manifest list."""
        known = self._lists.get(location)
        if known is not None:
            return known
        found = tuple(self._get(table, location, _LIST))
        if any(manifest.content != ManifestContent.DATA for manifest in found):
            raise _foreign(table, "row-level deletes")
        return self._lists.put(location, found, 1 + len(found))

    def files(self, table: TableName, manifest: ManifestFile) -> tuple[DataFile, ...]:
        """The live files of a manifest."""
        location = manifest.manifest_path
        known = self._files.get(location)
        if known is not None:
            return known
        found = tuple(self._file(table, cast(IcebergFile, entry.data_file)) for entry in self.entries(table, manifest))
        return self._files.put(location, found, 1 + len(found))

    def _file(self, table: TableName, file: IcebergFile) -> DataFile:
        if file.content != DataFileContent.DATA or file.file_format != FileFormat.PARQUET:
            raise _foreign(table, f"a file of another kind, {file.file_path}")
        key = key_of(self._store, table, file.file_path)
        return DataFile(key, file.record_count, file.file_size_in_bytes, part_of(table, key))

    def entries(self, table: TableName, manifest: ManifestFile) -> list[ManifestEntry]:
        """The live entries of a manifest, with their statistics."""
        location = manifest.manifest_path
        known = self._entries.get(location)
        if known is not None:
            return known
        found = [entry for entry in self._get(table, location, _MANIFEST) if entry.status != ManifestEntryStatus.DELETED]
        with reading(table, location):
            if len(found) != live_files(manifest):
                raise ValueError(f"it names {len(found)} files, its list says {live_files(manifest)}")
        for entry in found:
            inherit(entry, manifest.added_snapshot_id, manifest.sequence_number)
        return self._entries.put(location, found, 1 + len(found))

    def _get(self, table: TableName, location: str, form: Form[R]) -> list[R]:
        """The records of a file."""
        key = key_of(self._store, table, location)
        with reading(table, location):
            data = self._store.get(key)
            return form.read(data, verified=verified(key, data))

    def _put(self, name: str, data: bytes) -> str:
        """Write a file under a name that ends with the digest of its bytes; returns its address."""
        location = f"{name}-{signature(data)}.avro"
        self._store.put(self._store.key(location), data)
        return location

    def write_next(
        self,
        folder: str,
        table: TableName,
        schema: Schema,
        snapshot: IcebergSnapshot,
        base: Sequence[ManifestFile],
        removed: set[str],
        added: Sequence[tuple[DataFile, IcebergFile]],
    ) -> str:
        """Write the manifests of the next snapshot: ``base`` less the files ``removed`` (keys), with those ``added``.

        ``folder`` is the address under which they get names that only this snapshot has. Returns the address of their list.
        """
        kept, dirty = self._divide(table, base, removed)
        absorbed = _neighbours(kept, len(added) + sum(live_files(manifest) for manifest in dirty))
        named = [(file, first(measured, snapshot)) for file, measured in added]
        for manifest in (*dirty, *absorbed):
            for file, entry in zip(self.files(table, manifest), self.entries(table, manifest), strict=True):
                status = ManifestEntryStatus.DELETED if file.key in removed else ManifestEntryStatus.EXISTING
                named.append((file, again(status, entry, snapshot)))
        written = [
            self._write(f"{folder}/{snapshot.snapshot_id}-m{at}", schema, snapshot, named[start : start + _LARGEST])
            for at, start in enumerate(range(0, len(named), _LARGEST))
        ]
        rest = [manifest for manifest in kept if manifest not in absorbed]
        return self._write_list(f"{folder}/snap-{snapshot.snapshot_id}-0", snapshot, (*written, *rest))

    def _divide(
        self, table: TableName, base: Sequence[ManifestFile], removed: set[str]
    ) -> tuple[list[ManifestFile], list[ManifestFile]]:
        """Manifests that stay as they are, and those that name a removed file. Those without live files go."""
        kept: list[ManifestFile] = []
        dirty: list[ManifestFile] = []
        for manifest in base:
            if not live_files(manifest):
                continue
            touched = bool(removed) and any(file.key in removed for file in self.files(table, manifest))
            (dirty if touched else kept).append(manifest)
        return kept, dirty

    def _write(
        self, name: str, schema: Schema, snapshot: IcebergSnapshot, named: Sequence[tuple[DataFile, ManifestEntry]]
    ) -> ManifestFile:
        """One manifest, remembered as reading it would give it."""
        meta = {
            "schema": schema.model_dump_json(),
            "partition-spec": "[]",
            "partition-spec-id": "0",
            "format-version": "2",
            "content": "data",
        }
        entries = [entry for _, entry in named]
        data = _MANIFEST.write(meta, entries)
        location = self._put(name, data)
        manifest = described(location, len(data), snapshot, entries)
        live = [(file, entry) for file, entry in named if entry.status != ManifestEntryStatus.DELETED]
        for _, entry in live:
            inherit(entry, snapshot.snapshot_id, manifest.sequence_number)
        self._entries.put(location, [entry for _, entry in live], 1 + len(live))
        self._files.put(location, tuple(file for file, _ in live), 1 + len(live))
        return manifest

    def _write_list(self, name: str, snapshot: IcebergSnapshot, manifests: Sequence[ManifestFile]) -> str:
        parent = snapshot.parent_snapshot_id
        meta = {
            "snapshot-id": str(snapshot.snapshot_id),
            "parent-snapshot-id": "null" if parent is None else str(parent),
            "sequence-number": str(snapshot.sequence_number),
            "format-version": "2",
        }
        location = self._put(name, _LIST.write(meta, manifests))
        self._lists.put(location, tuple(manifests), 1 + len(manifests))
        return location


def _neighbours(kept: Sequence[ManifestFile], size: int) -> list[ManifestFile]:
    """Of ``kept``, those that a new manifest of ``size`` entries swallows."""
    absorbed: list[ManifestFile] = []
    rest = list(kept)
    while size < _LARGEST:
        bound = _FANOUT ** (_class(size) + 1)
        near = [manifest for manifest in rest if live_files(manifest) < bound]
        if len(near) < _FANOUT - 1:
            break
        absorbed += near
        rest = [manifest for manifest in rest if manifest not in near]
        size += sum(live_files(manifest) for manifest in near)
    return absorbed


def _class(size: int) -> int:
    """The greatest power of the fan-out within ``size``."""
    power = 0
    while size >= _FANOUT ** (power + 1):
        power += 1
    return power


def _foreign(table: TableName, what: str) -> ForeignContent:
    return ForeignContent(
        f"another program left {what} in table {table}",
        affects=f"everything that reads {table}",
        hint="let that program rewrite the table's files, and stop it from writing this table",
    )
