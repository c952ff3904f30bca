"""The engine: SQL over lists of Parquet files, to new Parquet files in the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from startrail.base.errors import ModelError, ResourceError
from startrail.model.table import DataFile, Relation, TableSchema, View


class Rowset(msgspec.Struct, frozen=True):
    """A small relation written down as values: in a unit test, or as a parameter that has rows.

    Values are Python's and already of the column's type; None is NULL.
    """

    name: str
    schema: TableSchema
    rows: tuple[tuple[Any, ...], ...] = ()


Readable = Relation | View | Rowset
"""What a query may read. Names are ``namespace.name``; a view stands after what it reads."""


class Query(msgspec.Struct, frozen=True):
    """A SELECT in the engine's dialect. Every table it names is in ``relations`` (views may read the others).
    ``parameters`` are bound to ``$name``, never pasted into the text; those the text does not name are ignored.
    ``path`` and ``first_line`` say where the text stands in the user's files, for errors."""

    sql: str
    relations: tuple[Readable, ...] = ()
    parameters: dict[str, Any] = {}
    path: str | None = None
    first_line: int = 1


class Script(msgspec.Struct, frozen=True):
    """Several statements, run in order on scratch tables. ``creates`` names the tables it leaves behind;
    those that exist before it start as their relation's rows."""

    sql: str
    relations: tuple[Readable, ...]
    creates: tuple[str, ...]
    parameters: dict[str, Any] = {}
    path: str | None = None
    first_line: int = 1


class Target(msgspec.Struct, frozen=True):
    """Where staged rows go: ``<folder>/<part>/<name>-<n>.parquet``, with the field ids of ``schema``."""

    schema: TableSchema
    folder: str
    name: str
    part: str


class Staged(msgspec.Struct, frozen=True):
    """What was staged under a target."""

    schema: TableSchema
    files: tuple[DataFile, ...]


class Rows(msgspec.Struct, frozen=True):
    """A small result in memory. Values are Python's: Decimal, date, datetime, str, ...

    A column whose type no table can hold is shown as text.
    """

    schema: TableSchema
    rows: list[tuple[Any, ...]]
    more: bool = False
    """True when the limit cut it."""


class Warehouse(Protocol):
    """Queries see only the relations they are given: no files, no network, no settings. Safe to share between threads.

    Raises ModelError for SQL that does not bind or fails on its data (ST42x), ResourceError for memory and disk (ST64x).
    """

    @property
    def dialect(self) -> str:
        """sqlglot's name of the SQL dialect."""
        ...

    @property
    def version(self) -> str:
        """``duckdb-2``: part of fingerprints, so it names what changes results, without importing the engine."""
        ...

    def quote(self, name: str) -> str:
        """An identifier, or a dotted table name, as it stands in SQL."""
        ...

    def describe(self, query: Query) -> TableSchema:
        """Columns and types, without running it; ids are 0."""
        ...

    def build(self, query: Query, schema: TableSchema, folder: str, name: str, part: str) -> tuple[DataFile, ...]:
        """Run, and stage the rows as ``<folder>/<part>/<name>-<n>.parquet`` with the field ids of ``schema``.

        Result columns are matched to ``schema`` by name; a type that differs must convert without loss.
        No file for no rows. Files are in the store when this returns.
        """
        ...

    def stage(self, query: Query, target: Callable[[TableSchema], Target]) -> Staged:
        """:meth:`describe` and :meth:`build` in one, for half their cost: ``target`` is called with the schema (ids 0)
        and says where the rows go, and as which columns with which field ids."""
        ...

    def run_script(self, script: Script, target: Callable[[str, TableSchema], Target]) -> dict[str, Staged]:
        """Run, and stage each table that it creates. ``target`` is called with the name and the schema (ids 0) of
        each, and says where its rows go and with which field ids."""
        ...

    def fetch(self, query: Query, limit: int | None = None) -> Rows: ...

    def export(self, query: Query, path: Path, format: Literal["csv", "parquet"]) -> int:
        """Write the result to a local ``csv`` or ``parquet`` file; returns the number of rows."""
        ...

    def close(self) -> None: ...


class DoesNotBind(ModelError):
    """The SQL does not fit the tables it reads.

    A column, function or type that it names is not there, or cannot be used so. Mend the SQL at the place named.
    """

    code = "ST420"


class QueryFailed(ModelError):
    """The SQL failed on the data.

    A value could not be converted, divided or read as the SQL asks. Mend the SQL (``try_cast`` turns what cannot be
    converted into NULL) or the data it reads.
    """

    code = "ST421"


class LossyColumn(ModelError):
    """A result column does not fit the type that the table has for it.

    Nothing is rounded or cut silently: write the conversion you mean into the SQL (``cast``, ``round``),
    or declare another type under ``columns`` in the model's header.
    """

    code = "ST422"


class UnstorableColumn(ModelError):
    """A result column has a type that no table can hold.

    Cast it in the SQL to a type that tables have: an interval to seconds, a bare NULL to the type you mean.
    """

    code = "ST423"


class RepeatedColumn(ModelError):
    """Two result columns have the same name.

    Letter case does not count. Name one of them differently with AS.
    """

    code = "ST424"


class ColumnsDiffer(ModelError):
    """The result has not the columns that the table has.

    Run again after the change; when it persists, the SQL names its columns from data (PIVOT without IN).
    """

    code = "ST425"


class NotAllowed(ModelError):
    """The SQL tries to do more than read the tables it was given.

    Files, other databases, extensions and settings are out of its reach. Declare a source for outside data.
    """

    code = "ST426"


class LeftNothing(ModelError):
    """A script did not leave a table that it is said to write.

    Mend ``writes`` in its header, or the script.
    """

    code = "ST427"


class OutOfMemory(ResourceError):
    """The engine needs more memory than the profile allows.

    Raise ``warehouse: {memory: ...}`` of the profile in startrail.yml, or build smaller partitions.
    """

    code = "ST640"


class NoSpace(ResourceError):
    """The disk is full, or the engine's scratch space is.

    Free space on the disk of the project folder's ``.startrail``, then run again; nothing that was published is touched.
    """

    code = "ST641"
    transient = False


class UnreadableData(ResourceError):
    """A data file is missing or damaged.

    Restore the file from a backup, or rebuild the table with ``startrail backfill``.
    """

    code = "ST642"


class EngineFailed(ResourceError):
    """The engine stopped with an error of its own.

    Run again. When it happens again, the message is what the engine's developers need to see.
    """

    code = "ST643"
    transient = True
