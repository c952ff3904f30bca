"""Blocks of whole lines for the native reader, in memory that it may load a little beyond."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

import msgspec

from startrail.adapters.loader.blocks import BOM, LONGEST, Block, Record, Unreadable, check_utf8, overlong

CHUNK = 2 << 20
PADDING = 128
"""Bytes behind the lines that the library may load."""
END = b"\n" + bytes(PADDING)


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
