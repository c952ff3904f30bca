"""Tables made of Parquet files, with snapshots. Writes metadata; never moves a pointer (the ledger does)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from startrail.base.errors import LedgerError
from startrail.model.table import DataFile, Pointer, Prepared, TableChange, TableSchema, TableState


class MetadataMissing(LedgerError):
    """A table's metadata file, or one of the lists it names, is not in the store.

    The catalog points to a file that somebody deleted, or the profile's store is another one than that of the
    runs which published the table. Compare the profile's ``store`` with theirs, or put the file back from a backup.
    """

    code = "ST550"


class MetadataUnreadable(LedgerError):
    """A table's metadata is damaged, or written in a way that this version does not read.

    Restore the named file from a backup of the store. A table that another program upgraded to Iceberg format 3
    can be read by that program only.
    """

    code = "ST551"


class SnapshotGone(LedgerError):
    """The asked-for snapshot of a table is not kept any more, or never was.

    A table keeps its last fifty snapshots and those with a tag. Ask for one that is still there.
    """

    code = "ST552"


class OutsideStore(LedgerError):
    """A table names files that are not in this profile's store.

    This happens when the folder of a local store was moved: Iceberg metadata holds absolute addresses. Move the
    folder back, or delete ``.startrail`` and run again from the landed files of a copy.
    """

    code = "ST553"


class ForeignContent(LedgerError):
    """Another program left something in the table that would be read wrongly: row-level deletes, partition
    columns kept only in metadata, or files that are not Parquet.

    Let that program rewrite the table's files (Spark: ``rewrite_data_files``, ``rewrite_position_delete_files``),
    or stop it from writing tables that Startrail owns.
    """

    code = "ST554"


class StagedFileWrong(LedgerError):
    """A staged Parquet file is not what its step said: missing, another number of rows, or other columns.

    Nothing was published. Run again: the step is done anew. If it comes back, it is a defect of the engine
    adapter that wrote the file.
    """

    code = "ST555"


class ColumnIncompatible(LedgerError):
    """A column would keep its field id though old files hold values that its new type cannot.

    Only int to long, float to double and a greater decimal precision are the same column. Give the column another
    name, or rebuild the whole table.
    """

    code = "ST556"


class Tables(Protocol):
    """Raises the errors above. Safe to share between threads."""

    def state(self, pointer: Pointer) -> TableState:
        """Read the metadata file that a pointer names."""
        ...

    def files(self, pointer: Pointer, snapshot: int) -> tuple[TableSchema, tuple[DataFile, ...]]:
        """Schema and files of an earlier snapshot. Raises SnapshotGone (ST552) when it has expired."""
        ...

    def assign(self, schema: TableSchema, state: TableState | None) -> TableSchema:
        """Give every column its field id: the id it has in ``state`` when name and type (or a lossless widening)
        match, a fresh one otherwise. A column that comes with an id of ``state`` keeps it: that is a rename.
        Files must be written with these ids."""
        ...

    def prepare(self, change: TableChange, pointer: Pointer | None, at: datetime) -> Prepared:
        """Write manifests and a new metadata file that holds the change as one snapshot, expire old snapshots,
        and return the pointer that would make it visible. ``pointer`` is the current one (None = new table).
        A file that is already there is not added again."""
        ...
