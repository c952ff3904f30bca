"""Tables as values: schemas, files, relations, and changes that are not yet visible.

A table is a list of Parquet files with one schema. Its files are grouped into *parts*, the unit that is
replaced as a whole: for a model the partition (``2026-10-03``), for a raw table the delivery. The part is
the folder a file lies in: ``tables/<namespace>/<table>/data/<part>/<step>-<n>.parquet``; an unpartitioned
table has the one part ``all``.
"""

from __future__ import annotations

import msgspec

from startrail.base.ids import fingerprint
from startrail.model.types import DataType

WHOLE = "all"
"""The one part of an unpartitioned table."""


class TableName(msgspec.Struct, frozen=True, order=True):
    """``namespace.name``, both lower-case identifiers."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> TableName:
        """Split ``raw.orders``. Raises ValueError with a sentence."""
        namespace, dot, name = text.partition(".")
        if not (dot and namespace.isidentifier() and name.isidentifier()):
            raise ValueError(f"'{text}' is not a table name; write it as namespace.name")
        return cls(namespace, name)


class Column(msgspec.Struct, frozen=True):
    """``id`` is the Iceberg field id; 0 while none is assigned. ``nested`` holds the ids of the type's inner
    fields, depth first, a field before what is inside it (a struct's fields, a list's element, a map's key then value)."""

    name: str
    type: DataType
    id: int = 0
    nested: tuple[int, ...] = ()
    required: bool = False
    doc: str | None = None


class TableSchema(msgspec.Struct, frozen=True):
    """Columns in order; names are unique without regard to case."""

    columns: tuple[Column, ...]

    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


class DataFile(msgspec.Struct, frozen=True):
    """One Parquet file in the store. ``key`` is its store key, never a local path."""

    key: str
    rows: int
    size: int
    part: str = WHOLE


class Relation(msgspec.Struct, frozen=True):
    """What a query reads under a name: files and the schema to read them by (field ids).

    A file that lacks a column of the schema reads as NULL there; a renamed column keeps its id.
    """

    name: str
    schema: TableSchema
    files: tuple[DataFile, ...] = ()


class View(msgspec.Struct, frozen=True):
    """A name that stands for a query in the engine's dialect over other relations."""

    name: str
    sql: str


class Snapshot(msgspec.Struct, frozen=True):
    """One published version of a table. ``at`` is its commit time in milliseconds since 1970."""

    id: int
    at: int
    steps: tuple[str, ...] = ()


def remembered(steps: tuple[str, ...]) -> tuple[str, ...]:
    """What a snapshot keeps of its steps: their keys, or one digest of them when there are more than twenty."""
    return steps if len(steps) <= 20 else (f"digest:{fingerprint(sorted(steps))}",)


class TableState(msgspec.Struct, frozen=True):
    """What one metadata file says: the current schema and files, and the snapshots that can still be read."""

    pointer: Pointer
    schema: TableSchema
    files: tuple[DataFile, ...]
    snapshot: int | None
    snapshots: tuple[Snapshot, ...] = ()
    """Oldest first; the last one is the current one."""
    last_id: int = 0
    """The greatest field id the table ever gave out: no column gets it, or a smaller one, again."""


class Pointer(msgspec.Struct, frozen=True):
    """Where the catalog says a table stands: the location of its current metadata file."""

    table: TableName
    metadata: str
    previous: str | None = None


class TableChange(msgspec.Struct, frozen=True):
    """Staged files that will become visible in one publication.

    ``replaces``: None = the whole table's content, otherwise exactly the files of these parts.
    ``files`` may be empty (a part that became empty). ``schema`` is the schema after the change.
    """

    table: TableName
    schema: TableSchema
    files: tuple[DataFile, ...]
    replaces: tuple[str, ...] | None = None
    steps: tuple[str, ...] = ()
    """Keys of the steps that staged the files; written into the snapshot summary."""


class Prepared(msgspec.Struct, frozen=True):
    """A change whose metadata is written but which nothing points to yet."""

    change: TableChange
    pointer: Pointer
    """``pointer.previous`` is what the catalog must still say when the pointer moves (None = no table)."""
    snapshot: int


def overlay(name: str, state: TableState | None, change: TableChange | None) -> Relation:
    """What a reader inside a run sees: the published files less those replaced, and the staged ones."""
    if change is None:
        if state is None:
            raise ValueError(f"{name} has neither a published state nor a staged change")
        return Relation(name, state.schema, state.files)
    if state is None or change.replaces is None:
        return Relation(name, change.schema, change.files)
    gone = set(change.replaces)
    kept = tuple(file for file in state.files if file.part not in gone)
    return Relation(name, change.schema, kept + change.files)
