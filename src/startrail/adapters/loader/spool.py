"""Lines into a file that the engine then copies, which is less work for it than the same bytes from pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from startrail.adapters.loader.engine import Engine
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.table import TableSchema
from startrail.ports.loader import LocalFile
from startrail.ports.store import disk_error

SPOOL = 1_000_000_000
"""Bytes of a file, which is removed when it has been copied."""


class Spool:
    """Between enter and exit, :meth:`write` takes whole lines; after exit :attr:`files` holds what was staged.

    ``query`` makes the SELECT from the SQL of a path, and the bytes that no line is longer than. Raises at exit what the COPY
    raised, and a ResourceError for a full disk.
    """

    def __init__(self, engine: Engine, query: Callable[[str, int], str], name: str, schema: TableSchema) -> None:
        self.files: list[LocalFile] = []
        self._engine = engine
        self._name = name
        self._schema = schema
        self._path = engine.folder / f"{name}.lines"
        self._query = query
        self._size = 0
        self._longest = 0

    def __enter__(self) -> Spool:
        self._file = self._path.open("wb")
        return self

    @property
    def full(self) -> bool:
        """True when what comes is for another one."""
        return self._size >= SPOOL

    def write(self, lines: bytes) -> None:
        self._size += len(lines)
        self._longest = max(self._longest, len(lines))
        with self._errors():
            self._file.write(lines)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._errors() if kind is None else suppress(OSError):
            self._file.close()
        if kind is None and self._size:
            query = self._query(sql.text(str(self._path)), self._longest)
            self.files = self._engine.copy(query, self._name, self._schema)
        self._path.unlink()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise disk_error(error, str(self._path), writing=True) from error
