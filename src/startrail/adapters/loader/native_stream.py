"""The native reader at work: lines to Arrow batches in worker threads, and the batches, in order, into a COPY."""

from __future__ import annotations

import os
import threading
from array import array
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from ctypes import CDLL, POINTER, addressof, byref, c_int64, c_size_t, c_void_p, py_object, pythonapi, string_at
from ctypes import c_char_p as text
from functools import partial
from struct import Struct
from types import TracebackType
from typing import Any, BinaryIO

import msgspec

from startrail.adapters.loader.blocks import BOM, LONGEST, Block, Record, Unreadable, check_utf8, overlong
from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.native_library import (
    ArrowSchema,
    ArrowStream,
    KeptField,
    RefusedLine,
    address_of,
    lines_taken,
    opened_plan,
)
from startrail.adapters.loader.native_plan import NativePlan
from startrail.model.table import TableSchema
from startrail.ports.loader import LocalFile

CHUNK = 2 << 20
PADDING = 128
"""Bytes behind the lines that the library may load."""
END = b"\n" + bytes(PADDING)
_MOST_WAITING = 4
_REFUSED = Struct("=8q")
_PATIENCE = 200
"""Milliseconds until we look whether the engine still lives."""


class Lines(msgspec.Struct, frozen=True):
    """``size`` bytes of whole lines in a buffer, with a line feed behind them; ``whole`` False: the last one of a file
    does not end."""

    buffer: bytes | bytearray
    start: int
    size: int
    whole: bool = True
    record: Callable[[int, int, int], Record] | None = None
    """What stands at such a place behind so many lines, where it is not JSON as it is; ``raw``: what stood there in the
    delivery."""
    raw: Callable[[int, int], bytes] | None = None


class Kept(msgspec.Struct, frozen=True):
    """An undeclared field: its first record, in how many it is, and its first value; of one inside an object no value."""

    ordinal: int
    name: str
    rows: int
    value: bytes


class Refusal(msgspec.Struct, frozen=True):
    """A record that was not taken, by its place behind so many lines. ``doubtful``: the only fields of it that may break the contract, by their
    numbers; those that are there stand in ``members`` as a JSON object, with undeclared ones. None: it must be looked at
    as a whole."""

    ordinal: int
    start: int
    size: int
    line: int
    doubtful: tuple[int, ...] | None = None
    members: bytes = b""


class Batch:
    """What was read of some lines. Ordinals count from 1 in the batch."""

    def __init__(self, library: CDLL, handle: int, lines: Lines, offset: int, before: int = 0) -> None:
        """``offset`` bytes and ``before`` lines of the lines were read before."""
        self._library = library
        self.handle = handle
        self.records = int(library.startrail_records(handle))
        at = lines.start + offset
        self.line = partial(_cut, lines)
        self._record = lines.record
        self.raw: Callable[[int, int], bytes] = lines.raw or self.line
        """What stood in the delivery at such a place, with its size; ``line``: what stands in the lines."""
        self._start = at
        self._before = before
        self.refused = self._refusals()
        names = POINTER(KeptField)()
        kept = [names[index] for index in range(library.startrail_kept(handle, byref(names)))]
        self.kept = [
            Kept(
                one.ordinal,
                _cut(lines, at + one.name, one.name_size).decode(),
                one.rows,
                _cut(lines, at + one.value, one.value_size),
            )
            if one.value_size >= 0
            else Kept(one.ordinal, string_at(library.startrail_paths(handle) + one.name, one.name_size).decode(), one.rows, b"")
            for one in kept
        ]

        taken = POINTER(c_int64)()
        size = library.startrail_defaulted(handle, byref(taken))
        self.defaulted = {place: int(taken[place]) for place in range(size) if taken[place]}
        """Records that took a default, by the number of the field."""

    def repeated(self, seen: int) -> list[Refusal]:
        """Records whose key a row before may have; they are no longer among the rows. For one batch after the other."""
        first = POINTER(RefusedLine)()
        size = self._library.startrail_repeated(seen, self.handle, byref(first))
        if size < 0:
            raise MemoryError("the native reader has no memory for keys")
        return [Refusal(ordinal, self._start + offset, size, line) for ordinal, offset, size, line, *_ in _lines(first, size)]

    def record(self, refusal: Refusal) -> Record:
        """All of it, for the judge."""
        if self._record is not None:
            return self._record(refusal.start, refusal.size, refusal.line)
        line = self.line(refusal.start, refusal.size)
        return Record(line, line)

    @property
    def lines(self) -> int:
        return int(self._library.startrail_lines(self.handle))

    def number(self, ordinals: array[int], first: int) -> None:
        """Its records are those from ``first`` on; to be pushed behind 0 records."""
        self._library.startrail_number(self.handle, ordinals.buffer_info()[0] + first * ordinals.itemsize)

    def _refusals(self) -> list[Refusal]:
        first, places, text, room = POINTER(RefusedLine)(), POINTER(c_int64)(), c_void_p(), c_size_t()
        found = _lines(first, self._library.startrail_refused(self.handle, byref(first)))
        if not found:
            return []
        doubts = places[: self._library.startrail_doubts(self.handle, byref(places), byref(text), byref(room))]
        members = string_at(text.value, room.value) if text.value and room.value else b""
        return [
            Refusal(ordinal, self._start + offset, size, self._before + line)
            if number < 0
            else Refusal(
                ordinal, self._start + offset, size, self._before + line,
                tuple(doubts[doubt : doubt + number]), members[place : place + length],
            )
            for ordinal, offset, size, line, number, doubt, place, length in found
        ]  # fmt: skip


def _lines(first: Any, count: int) -> list[tuple[int, ...]]:
    """The fields of so many :class:`RefusedLine`, at once."""
    return list(_REFUSED.iter_unpack(string_at(first, count * _REFUSED.size))) if count else []


def _cut(lines: Lines, start: int, size: int) -> bytes:
    return bytes(memoryview(lines.buffer)[start : start + size])


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


def lines_of(blocks: Iterator[Block]) -> Generator[Lines | Block]:
    """Blocks that are in memory already; those whose lines we made ourselves stay as they are."""
    for block in blocks:
        if block.own:
            yield block
            continue
        yield Lines(b"".join((block.lines, END)), 0, len(block.lines), block.lines.endswith(b"\n"))


def lines_from(file: BinaryIO) -> Generator[Lines | Block]:
    """Lines of an NDJSON file; a record beyond the limit comes as a block of its own. Raises Unreadable when there is
    not a single byte."""
    head = b""
    first = more = True
    while more:
        room = max(CHUNK, 2 * len(head))
        buffer = bytearray(room + PADDING)
        buffer[: len(head)] = head
        filled = _fill(file, memoryview(buffer), len(head), room)
        if first and not filled:
            raise Unreadable("the file is empty", "truncated")
        if first:
            check_utf8(bytes(buffer[: min(4, filled)]))
        start = len(BOM) if first and buffer.startswith(BOM) else 0
        first = False
        more = filled == room
        end = buffer.rfind(b"\n", start, filled) + 1 if more else filled
        if end:
            head = bytes(memoryview(buffer)[end:filled])
            yield from _split(buffer, start, end, file)
        elif filled - start <= LONGEST:
            head = bytes(memoryview(buffer)[start:filled])
        else:
            head = b""
            yield overlong(bytes(memoryview(buffer)[start:filled]), file)


def _fill(file: BinaryIO, view: memoryview, filled: int, room: int) -> int:
    """Read until there is no more room, or no more file."""
    while filled < room and (size := file.readinto(view[filled:room])):  # type: ignore[attr-defined]  (every raw file has it)
        filled += size
    return filled


def _split(buffer: bytearray, start: int, end: int, file: BinaryIO) -> Iterator[Lines | Block]:
    """Only the first of the lines can be beyond the limit: a buffer is at most twice as long as the line it was made for."""
    if end - start > LONGEST:
        line = buffer.find(b"\n", start, end) + 1 or end
        if line - start > LONGEST:
            found = overlong(bytes(memoryview(buffer)[start:line]), file)
            if found.own:
                yield found
                start = line
    if end > start:
        whole = buffer[end - 1] == ord("\n")
        buffer[end] = ord("\n")
        yield Lines(buffer, start, end - start, whole)
