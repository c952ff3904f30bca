"""The engine: SQL over lists of Parquet files, to new Parquet files in the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec

from startrail.model.table import DataFile, Relation, TableSchema, View


class Query(msgspec.Struct, frozen=True):
    """A SELECT in the engine's dialect. Every table it names is in ``relations`` (views may read the others).
    ``parameters`` are bound to ``$name``, never pasted into the text."""

    sql: str
    relations: tuple[Relation | View, ...] = ()
    parameters: dict[str, Any] = {}


class Script(msgspec.Struct, frozen=True):
    """Several statements, run in order on scratch tables. ``creates`` names the tables it leaves behind;
    those that exist before it start as their relation's rows."""

    sql: str
    relations: tuple[Relation | View, ...]
    creates: tuple[str, ...]
    parameters: dict[str, Any] = {}


class Rows(msgspec.Struct, frozen=True):
    """A small result in memory. Values are Python's: Decimal, date, datetime, str, ..."""

    schema: TableSchema
    rows: list[tuple[Any, ...]]
    more: bool = False
    """True when the limit cut it."""


class Warehouse(Protocol):
    """Queries see only the relations they are given: no files, no network, no settings.

    Raises ModelError for SQL that does not bind or fails on its data (ST4xx), ResourceError for memory and disk (ST6xx).
    """

    @property
    def dialect(self) -> str:
        """sqlglot's name of the SQL dialect."""
        ...

    @property
    def version(self) -> str:
        """``duckdb-2``: part of fingerprints, so it names what changes results, without importing the engine."""
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

    def run_script(self, script: Script) -> dict[str, tuple[TableSchema, Path]]:
        """Run, and leave each created table as one local Parquet file for :meth:`build` to restage
        (``read_parquet`` is not needed: pass it on as ``local_relation``)."""
        ...

    def fetch(self, query: Query, limit: int | None = None) -> Rows: ...

    def export(self, query: Query, path: Path, format: str) -> int:
        """Write the result to a local ``csv`` or ``parquet`` file; returns the number of rows."""
        ...

    def close(self) -> None: ...
