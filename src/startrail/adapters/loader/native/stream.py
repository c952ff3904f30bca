"""The native reader at work: lines to Arrow batches in worker threads, and the batches, in order, into a COPY."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from ctypes import CDLL, addressof, byref, c_void_p, py_object, pythonapi
from ctypes import c_char_p as text
from types import TracebackType
from typing import Any

from startrail.adapters.loader.blocks import Block, Unreadable
from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.native.batch import Batch, Refusal
from startrail.adapters.loader.native.library import ArrowSchema, ArrowStream, address_of, lines_taken, opened_plan
from startrail.adapters.loader.native.lines import Lines
from startrail.adapters.loader.native.plan import NativePlan
from startrail.model.table import TableSchema
from startrail.ports.loader import LocalFile

_MOST_WAITING = 4
_PATIENCE = 200
"""Milliseconds until we look whether the engine still lives."""


class NativeReader:
    """Reads blocks of lines under a plan with ``workers`` threads; close it in the end."""

    def __init__(self, library: CDLL, plan: NativePlan, workers: int) -> None:
        self.library = library
        self.handle = opened_plan(library, plan.encoded())
        self._workers = workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, "native")
        self._seen: int | None = library.startrail_seen(self.handle) if plan.keys else None

    def batches(self, blocks: Iterator[Lines | Block]) -> Generator[tuple[Lines | Block, list[Batch]]]:
        """Each of the blocks, in order, with what was read of it; a block whose records are not read comes as it is.

        What is Unreadable is raised after all that came before.
        """
        ahead: deque[tuple[Lines | Block, Future[list[Batch]] | None]] = deque()
        problem: Unreadable | None = None
        try:
            while (block := _next(blocks)) is not None:
                if isinstance(block, Unreadable):
                    problem = block
                    break
                ahead.append((block, self._pool.submit(self._read, block) if isinstance(block, Lines) else None))
                if len(ahead) > self._workers:
                    yield self._first(ahead)
            while ahead:
                yield self._first(ahead)
            if problem is not None:
                raise problem
        finally:
            for _, future in ahead:
                for batch in future.result() if future is not None else []:
                    self.library.startrail_forget(batch.handle)

    def repeated(self, batch: Batch) -> list[Refusal]:
        """See :meth:`Batch.repeated`; nothing where no keys are watched."""
        return [] if self._seen is None else batch.repeated(self._seen)

    @property
    def distinct(self) -> bool:
        """Whether all rows but those that were handed out have different keys."""
        return self._seen is not None and bool(self.library.startrail_distinct(self._seen))

    def close(self) -> None:
        self._pool.shutdown()
        if self._seen is not None:
            self.library.startrail_unsee(self._seen)
            self._seen = None
        self.library.startrail_close(self.handle)

    def _first(self, ahead: deque[tuple[Lines | Block, Future[list[Batch]] | None]]) -> tuple[Lines | Block, list[Batch]]:
        block, future = ahead.popleft()
        return block, [] if future is None else future.result()

    def _read(self, lines: Lines) -> list[Batch]:
        address = address_of(lines.buffer) + lines.start
        found: list[Batch] = []
        done = before = 0
        while done < lines.size:
            handle, taken = lines_taken(self.library, self.handle, address + done, lines.size - done)
            found.append(Batch(self.library, handle, lines, done, before))
            done += taken
            before += found[-1].lines
        return found


def _next(blocks: Iterator[Lines | Block]) -> Lines | Block | Unreadable | None:
    try:
        return next(blocks, None)
    except Unreadable as found:
        return found


class NativeStream:
    """Between enter and exit, :meth:`push` takes batches; after exit :attr:`files` holds what was staged.

    Raises what the COPY raised: from :meth:`push` as soon as it is known, else at exit.
    """

    def __init__(self, reader: NativeReader, engine: Engine, query: str, name: str, schema: TableSchema) -> None:
        self.files: list[LocalFile] = []
        self._library = reader.library
        self._handle = self._library.startrail_queue(reader.handle, _MOST_WAITING)
        self._engine = engine
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._copy, args=(query, name, schema), daemon=True)

    def __enter__(self) -> NativeStream:
        self._thread.start()
        return self

    def push(self, batch: Batch, base: int) -> None:
        """``base`` records came before the batch, which is gone after."""
        while self._thread.is_alive():
            pushed = self._library.startrail_push(self._handle, batch.handle, base, _PATIENCE)
            if pushed > 0:
                return
            if pushed < 0:
                break
        self._library.startrail_forget(batch.handle)
        self._thread.join()
        if self._error is None:
            raise RuntimeError("the engine stopped reading before the end")
        raise self._error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._library.startrail_end(self._handle, b"" if kind is None else b"reading stopped")
        self._thread.join()
        self._library.startrail_leave(self._handle)
        if kind is None and self._error is not None:
            raise self._error

    def _copy(self, query: str, name: str, schema: TableSchema) -> None:
        source = _Source(self._library, self._handle)
        try:
            self.files = self._engine.copy(query, name, schema, source)
        except BaseException as error:  # raised again in the thread that waits for it
            self._error = error
        finally:
            source.close()


class _Source:
    """What the engine takes its rows from: the Arrow PyCapsule interface over the library's stream."""

    def __init__(self, library: CDLL, handle: int) -> None:
        self._library = library
        self._handle = handle
        self._streams: list[ArrowStream] = []
        self._schemas: list[ArrowSchema] = []

    def __arrow_c_schema__(self) -> object:
        schema = ArrowSchema()
        self._library.startrail_schema(self._handle, byref(schema))
        self._schemas.append(schema)
        return _capsule(schema, b"arrow_schema")

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream = ArrowStream()
        self._library.startrail_stream(self._handle, byref(stream))
        self._streams.append(stream)
        return _capsule(stream, b"arrow_array_stream")

    def close(self) -> None:
        """What nobody took over is released."""
        for stream in self._streams:
            self._library.startrail_drop_stream(byref(stream))
        for schema in self._schemas:
            self._library.startrail_drop_schema(byref(schema))


def _capsule(struct: Any, name: bytes) -> object:
    """Its memory stays ours."""
    make = pythonapi.PyCapsule_New
    make.restype = py_object
    make.argtypes = (c_void_p, text, c_void_p)
    return make(addressof(struct), name, None)
