"""Entries of manifests, and what a manifest list says about a manifest. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pyiceberg.manifest import DataFile, ManifestContent, ManifestEntry, ManifestEntryStatus, ManifestFile
from pyiceberg.table.snapshots import Snapshot as IcebergSnapshot

from startrail.adapters.tables.avro import Rewritten
from startrail.model.table import TableName


class IcebergFile(Rewritten, DataFile):
    """A data file with its statistics, as a manifest holds it."""


def part_of(table: TableName, key: str) -> str:
    """The folder a file lies in; empty for a file that another program put directly into the data folder."""
    folder, _, _ = key.rpartition("/")
    return "" if folder == f"tables/{table.namespace}/{table.name}/data" else folder.rpartition("/")[2]


def live_files(manifest: ManifestFile) -> int:
    """How many files a manifest adds or keeps."""
    return (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)


def first(file: IcebergFile, snapshot: IcebergSnapshot) -> ManifestEntry:
    """The entry of a new file; its sequence number is left open, as the specification asks."""
    return ManifestEntry.from_args(
        status=ManifestEntryStatus.ADDED,
        snapshot_id=snapshot.snapshot_id,
        sequence_number=None,
        file_sequence_number=None,
        data_file=file,
    )


def again(status: ManifestEntryStatus, entry: ManifestEntry, snapshot: IcebergSnapshot) -> ManifestEntry:
    """An entry written once more: an existing file keeps its snapshot, a deleted one names the snapshot that deletes it."""
    return ManifestEntry.from_args(
        status=status,
        snapshot_id=snapshot.snapshot_id if status == ManifestEntryStatus.DELETED else entry.snapshot_id,
        sequence_number=entry.sequence_number,
        file_sequence_number=entry.file_sequence_number,
        data_file=entry.data_file,
    )


def inherit(entry: ManifestEntry, snapshot: int | None, sequence: int) -> None:
    """What an entry leaves open, it has from its manifest (Iceberg specification, sequence number inheritance)."""
    if entry.snapshot_id is None and snapshot is not None:
        entry.snapshot_id = snapshot
    if entry.sequence_number is None:
        entry.sequence_number = sequence
    if entry.file_sequence_number is None:
        entry.file_sequence_number = sequence


def described(location: str, size: int, snapshot: IcebergSnapshot, entries: Sequence[ManifestEntry]) -> ManifestFile:
    """A manifest just written, as its list names it."""
    assert snapshot.sequence_number is not None
    files = dict.fromkeys(ManifestEntryStatus, 0)
    rows = dict.fromkeys(ManifestEntryStatus, 0)
    oldest = snapshot.sequence_number
    for entry in entries:
        files[entry.status] += 1
        rows[entry.status] += entry.data_file.record_count
        if entry.status == ManifestEntryStatus.EXISTING and entry.sequence_number is not None:
            oldest = min(oldest, entry.sequence_number)
    return ManifestFile.from_args(
        manifest_path=location,
        manifest_length=size,
        partition_spec_id=0,
        content=ManifestContent.DATA,
        sequence_number=snapshot.sequence_number,
        min_sequence_number=oldest,
        added_snapshot_id=snapshot.snapshot_id,
        added_files_count=files[ManifestEntryStatus.ADDED],
        existing_files_count=files[ManifestEntryStatus.EXISTING],
        deleted_files_count=files[ManifestEntryStatus.DELETED],
        added_rows_count=rows[ManifestEntryStatus.ADDED],
        existing_rows_count=rows[ManifestEntryStatus.EXISTING],
        deleted_rows_count=rows[ManifestEntryStatus.DELETED],
        partitions=[],
        key_metadata=None,
    )
