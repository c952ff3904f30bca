"""Lines down a named pipe into a COPY that runs in a thread beside us."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

from startrail.adapters.loader.engine import Engine
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.table import TableSchema
from startrail.ports.loader import LocalFile

_PIPE_BYTES = 1 << 20
_SET_PIPE_SIZE = 1031
"""F_SETPIPE_SZ; Linux only, elsewhere the default size serves."""


class Stream:
    """Between enter and exit, :meth:`write` takes whole lines; after exit :attr:`files` holds what was staged.

    Raises what the COPY raised: from :meth:`write` as soon as it is known, else at exit.
    """

    def __init__(self, engine: Engine, query: Callable[[str], str], name: str, schema: TableSchema) -> None:
        self.files: list[LocalFile] = []
        self._engine = engine
        self._pipe = engine.folder / f"{name}.pipe"
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._copy, args=(query(sql.text(str(self._pipe))), name, schema), daemon=True)
        self._end = -1

    def __enter__(self) -> Stream:
        os.mkfifo(self._pipe)
        self._thread.start()
        while self._end < 0:
            try:
                self._end = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                if not self._thread.is_alive():
                    self._raise()
                time.sleep(0.0005)
        os.set_blocking(self._end, True)
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.fcntl(self._end, _SET_PIPE_SIZE, _PIPE_BYTES)
        return self

    def write(self, lines: bytes) -> None:
        try:
            written = os.write(self._end, lines)
            while written < len(lines):
                written += os.write(self._end, memoryview(lines)[written:])
        except BrokenPipeError:
            self._thread.join()
            self._raise()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._end >= 0:
            os.close(self._end)
        self._thread.join()
        if kind is None:
            self._raise()

    def _copy(self, query: str, name: str, schema: TableSchema) -> None:
        try:
            self.files = self._engine.copy(query, name, schema)
        except BaseException as error:  # raised again in the thread that waits for it
            self._error = error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
