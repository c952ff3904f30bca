"""One DuckDB database in memory for one delivery, and the errors it may raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from startrail.adapters.warehouse.duckdb import types as sql
from startrail.adapters.warehouse.duckdb.failures import Place, translated
from startrail.model.table import TableSchema
from startrail.ports.loader import LocalFile

MEMORY = 320_000_000
"""Bytes that suffice for loading, since it works in a stream; what needs more (unique keys) spills."""
SOURCE = "native_rows"
"""The name under which a COPY finds its Arrow stream."""
BY_PAGES = "SET disable_parquet_prefetching = true"
"""Otherwise a whole row group of a Parquet file is fetched at once, and others write large ones."""
_ROW_GROUP = 122_880
_FILE_BYTES = "128MB"


class NotTaken(Exception):
    """The engine found the data contrary to what the gate let pass; the message is the engine's."""


class Engine:
    """``folder`` is all it may use. Order of rows is kept, because line numbers become ordinals. ``frugal``: in one thread,
    and with small row groups."""

    def __init__(self, folder: Path, *, memory: int, threads: int, frugal: bool = False) -> None:
        self.folder = folder
        self._row_group = _ROW_GROUP // 8 if frugal else _ROW_GROUP
        threads = 1 if frugal else threads
        self._memory = min(memory, MEMORY)
        spill = folder / "spill"
        spill.mkdir()
        config: dict[str, Any] = {
            "memory_limit": f"{self._memory // 1024}KiB",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "enable_external_file_cache": False,
            "errors_as_json": True,
        }
        if threads:
            config["threads"] = threads
        with self._errors():
            self.connection = duckdb.connect(":memory:", config=config)
            self.connection.execute("SET GLOBAL TimeZone = 'UTC'")
            self.connection.execute(BY_PAGES)

    def close(self) -> None:
        self.connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._errors():
            return self.connection.execute(query).fetchall()

    def number(self, query: str) -> int:
        return int(self.rows(query)[0][0])

    def each(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Rows one by one, a few thousand in memory."""
        with self._errors():
            result = self.connection.cursor().execute(query)
            while found := result.fetchmany(4096):
                yield from found

    def copy(self, query: str, name: str, schema: TableSchema | None = None, source: object = None) -> list[LocalFile]:
        """Write the query's rows as Parquet files; none for no rows. ``source``: an Arrow stream, :data:`SOURCE` in the
        query. Raises NotTaken for data it cannot read."""
        target = self.folder / name
        target.mkdir()
        options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, PARQUET_VERSION v2, ROW_GROUP_SIZE {self._row_group}"
        options += f", FILE_SIZE_BYTES '{_FILE_BYTES}'"
        if schema is not None and all(column.id for column in schema.columns):
            ids = (f"{sql.text(c.name)}: {sql.field_ids(c.type, c.id, iter(c.nested))}" for c in schema.columns)
            options += f", FIELD_IDS {{{', '.join(ids)}}}"
        with self._errors():
            cursor = self.connection.cursor()
            if source is not None:
                cursor.register(SOURCE, source)
            cursor.execute(f"COPY ({query}) TO {sql.text(str(target))} ({options}, OVERWRITE_OR_IGNORE)")
        files = [LocalFile(path, self._counted(path)) for path in sorted(target.glob("*.parquet"))]
        return [file for file in files if file.rows]

    def _counted(self, path: Path) -> int:
        return self.number(f"SELECT sum(num_rows) FROM parquet_file_metadata({sql.text(str(path))})")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with translated(Place(""), memory=self._memory):
            try:
                yield
            except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException) as error:
                raise NotTaken(str(error)) from error


def files_list(files: list[LocalFile]) -> str:
    """A reader over staged files."""
    return "read_parquet([" + ", ".join(sql.text(str(file.path)) for file in files) + "])"
