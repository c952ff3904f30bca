"""Lines down named pipes into a COPY that runs in a thread beside us.

DuckDB remembers all that it reads from one pipe, so the stream is cut into many pipes of a bounded size.
"""

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

PIPE = 24_000_000
"""Bytes sent down one pipe, and so about what the engine holds in memory of the stream."""
_BUFFER = 1 << 20
_SET_BUFFER = 1031
"""F_SETPIPE_SZ; Linux only, elsewhere the default size serves."""


class Stream:
    """Between enter and exit, :meth:`write` takes whole lines; after exit :attr:`files` holds what was staged.

    ``query`` makes the SELECT from the SQL of a list of paths; ``pipes`` how many there are. Raises what the COPY
    raised: from :meth:`write` as soon as it is known, else at exit.
    """

    def __init__(self, engine: Engine, query: Callable[[str], str], name: str, schema: TableSchema, pipes: int) -> None:
        self.files: list[LocalFile] = []
        self._engine = engine
        self._pipes = [engine.folder / f"{name}-{index:06}.pipe" for index in range(pipes)]
        self._left = list(reversed(self._pipes))
        self._room = 0
        self._end = -1
        self._error: BaseException | None = None
        paths = "[" + ", ".join(sql.text(str(pipe)) for pipe in self._pipes) + "]"
        self._thread = threading.Thread(target=self._copy, args=(query(paths), name, schema), daemon=True)

    def __enter__(self) -> Stream:
        for pipe in self._pipes:
            os.mkfifo(pipe)
        self._thread.start()
        self._next()
        return self

    @property
    def full(self) -> bool:
        """True when the last pipe has had its share; what comes then still fits, but is held in memory."""
        return self._room <= 0 and not self._left

    def write(self, lines: bytes) -> None:
        if self._room <= 0 and self._left:
            self._next()
        if self._end < 0:
            self._thread.join()
            self._raise()
        self._room -= len(lines)
        try:
            written = os.write(self._end, lines)
            while written < len(lines):
                written += os.write(self._end, memoryview(lines)[written:])
        except BrokenPipeError:
            self._thread.join()
            self._raise()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        while self._left and self._thread.is_alive():
            self._next()  # one that nothing comes down
        if self._end >= 0:
            os.close(self._end)
        self._thread.join()
        if kind is None:
            self._raise()

    def _next(self) -> None:
        """Close the pipe in use, and open the next one as soon as the engine does."""
        if self._end >= 0:
            os.close(self._end)
            self._end = -1
        pipe = self._left.pop()
        pause = 0.0002
        while self._end < 0:
            try:
                self._end = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                if not self._thread.is_alive():
                    return
                time.sleep(pause)
                pause = min(pause * 1.5, 0.01)
        self._room = PIPE
        os.set_blocking(self._end, True)
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.fcntl(self._end, _SET_BUFFER, _BUFFER)

    def _copy(self, query: str, name: str, schema: TableSchema) -> None:
        try:
            self.files = self._engine.copy(query, name, schema)
        except BaseException as error:  # raised again in the thread that waits for it
            self._error = error

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
