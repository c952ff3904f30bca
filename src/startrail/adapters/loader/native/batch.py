"""What the native reader made of some lines: rows that wait for the engine, and what it did not take."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from ctypes import CDLL, POINTER, byref, c_int64, c_size_t, c_void_p, string_at
from functools import partial
from struct import Struct
from typing import Any

import msgspec

from startrail.adapters.loader.blocks import Record
from startrail.adapters.loader.native.library import KeptField, RefusedLine
from startrail.adapters.loader.native.lines import Lines

_REFUSED = Struct("=8q")


class Kept(msgspec.Struct, frozen=True):
    """An undeclared field: its first record, in how many it is, and its first value; of one inside an object no value."""

    ordinal: int
    name: str
    rows: int
    value: bytes


class Refusal(msgspec.Struct, frozen=True):
    """A record that was not taken, by its place behind so many lines. ``doubtful``: the only fields of it that may break the
    contract, by their numbers; those that are there stand in ``members`` as a JSON object, with undeclared ones. None: it
    must be looked at as a whole."""

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
        found = _lines(first, size)
        return [Refusal(one[0], self._start + one[1], one[2], self._before + one[3]) for one in found]

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
