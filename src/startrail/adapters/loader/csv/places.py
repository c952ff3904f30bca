"""Where lines stand in some bytes, found without taking the bytes apart."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import overload

from startrail.adapters.loader.blocks import Record
from startrail.adapters.loader.csv.file import Row

_STRIDE = 1 << 11
"""Bytes in which line ends are counted at once, which is quicker than to look for each."""


def behind(data: bytes, at: int, lines: int) -> int:
    """Where the line begins that stands so many lines behind the one that begins there."""
    while lines:
        found = data.count(b"\n", at, at + _STRIDE)
        if found >= lines:
            break
        lines -= found
        at += _STRIDE
    for _ in range(lines):
        at = data.index(b"\n", at) + 1
    return at


def repeated(unit: bytes, data: bytes, at: int) -> int:
    """How many times in a row the unit stands there."""
    most = range(1, (len(data) - at) // len(unit) + 1)
    return bisect_left(most, True, key=lambda times: not data.startswith(unit * times, at))


class LineRecords(Sequence[Record]):
    """``size`` records in parts of lines, or rows that were read; ``firsts``: how many are in front of each part. ``read``
    reads a line; to ask for a record behind the last one is quickest."""

    def __init__(
        self, size: int, parts: Sequence[bytes | Row], firsts: Sequence[int], read: Callable[[bytes | Row], Record]
    ) -> None:
        self._size = size
        self._parts = parts
        self._firsts = firsts
        self._read = read
        self._last = 0, 0, 0
        """A part, the number of a record there, and where that begins."""

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._size))]
        if not 0 <= index < self._size:
            raise IndexError(index)
        place = bisect_right(self._firsts, index) - 1
        part = self._parts[place]
        if isinstance(part, Row):
            return self._read(part)
        last, before, at = self._last
        if last != place or before > index:
            before, at = self._firsts[place], 0
        at = behind(part, at, index - before)
        self._last = place, index, at
        return self._read(part[at : part.index(b"\n", at)])
