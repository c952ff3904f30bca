"""Tables made of Parquet files, with snapshots. Writes metadata; never moves a pointer (the ledger does)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from startrail.model.table import DataFile, Pointer, Prepared, TableChange, TableSchema, TableState


class Tables(Protocol):
    """Raises LedgerError subclasses (ST55x) when metadata is missing or unreadable."""

    def state(self, pointer: Pointer) -> TableState:
        """Read the metadata file that a pointer names."""
        ...

    def files(self, pointer: Pointer, snapshot: int) -> tuple[TableSchema, tuple[DataFile, ...]]:
        """Schema and files of an earlier snapshot. Raises when it has expired."""
        ...

    def assign(self, schema: TableSchema, state: TableState | None) -> TableSchema:
        """Give every column its field id: the id it has in ``state`` when name and type (or a lossless widening)
        match, a fresh one otherwise. Files must be written with these ids."""
        ...

    def prepare(self, change: TableChange, pointer: Pointer | None, at: datetime) -> Prepared:
        """Write manifests and a new metadata file that holds the change as one snapshot, expire old snapshots,
        and return the pointer that would make it visible. ``pointer`` is the current one (None = new table)."""
        ...
