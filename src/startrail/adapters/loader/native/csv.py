"""CSV for the native reader: lines that certainly are one record each go to the library as they stand.

The library says how far the lines are certain. What is not meets the strict reader record by record, and goes on
written anew or stays out, as in ``csv_quick``. What the library refuses is read once more by itself, for the judge.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from ctypes import CDLL
from itertools import accumulate
from typing import BinaryIO

import msgspec

from startrail.adapters.loader.asked import AskedRecords
from startrail.adapters.loader.blocks import BLOCK, Block, Record
from startrail.adapters.loader.csv.file import ROWS, Row
from startrail.adapters.loader.csv.quick import QuickCsv
from startrail.adapters.loader.csv.run import Part
from startrail.adapters.loader.native.library import address_of, certain_lines, is_utf8
from startrail.adapters.loader.native.lines import END, Lines
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.ports.loader import Violation

CHUNK = 1 << 20


class Piece(msgspec.Struct, frozen=True):
    """So many lines as they stand in the file behind others; each is one record, or blank."""

    data: bytes
    before: int
    lines: int
    records: int


class Pieces(Block, frozen=True):
    """``lines`` are those of the pieces, with rows written anew; each is one record, or blank."""

    pieces: tuple[Piece | Row, ...] = ()
    starts: tuple[int, ...] = ()
    """Where each piece begins in the lines; ``firsts``: behind how many of them."""
    firsts: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    dialect: Dialect = Dialect()

    @property
    def own(self) -> bool:
        return True

    @property
    def count(self) -> int:
        return sum(1 if isinstance(piece, Row) else piece.records for piece in self.pieces)

    def records(self) -> Iterator[Record]:
        for piece in self.pieces:
            if isinstance(piece, Row):
                yield piece.record(self.names)
                continue
            for number, line in enumerate(piece.data.split(b"\n")[:-1], piece.before + 1):
                if line not in (b"", b"\r"):
                    yield self._record(line, number)

    def sequence(self) -> Sequence[Record]:
        return AskedRecords(self.count, self._places, lambda place: self.at(*place))

    def _places(self) -> Iterator[tuple[int, int, int]]:
        for start, first, piece in zip(self.starts, self.firsts, self.pieces, strict=True):
            if isinstance(piece, Row):
                yield start, 0, first
                continue
            for number, line in enumerate(piece.data.split(b"\n")[:-1], first):
                if line not in (b"", b"\r"):
                    yield start, len(line), number
                start += len(line) + 1

    def at(self, start: int, size: int, line: int) -> Record:
        """The record whose line stands there, behind so many of the lines."""
        index = bisect_right(self.starts, start) - 1
        piece = self.pieces[index]
        if isinstance(piece, Row):
            return piece.record(self.names)
        start -= self.starts[index]
        return self._record(piece.data[start : start + size], piece.before + line - self.firsts[index] + 1)

    def raw_at(self, start: int, size: int) -> bytes:
        """What stood in the delivery for that record."""
        index = bisect_right(self.starts, start) - 1
        piece = self.pieces[index]
        if isinstance(piece, Row):
            return piece.raw
        start -= self.starts[index]
        return piece.data[start : start + size].rstrip(b"\r")

    def _record(self, line: bytes, number: int) -> Record:
        raw = line.rstrip(b"\r")
        text = raw.decode(errors="surrogateescape")
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        if quote in text:
            values = next(csv.reader([text], delimiter=delimiter, quotechar=quote, strict=True))
        else:
            values = text.split(delimiter)
        if len(values) == len(self.names):
            return Row(values, raw).record(self.names)
        found = f"line {number}: {len(values)} columns"
        return Row(values, raw, Violation("$", "malformed", f"{len(self.names)} columns", found)).record(self.names)


class NativeCsv(QuickCsv):
    """Its blocks are for :func:`csv_lines`."""

    def __init__(self, file: BinaryIO, contract: Contract, dialect: Dialect, library: CDLL) -> None:
        super().__init__(file, contract, dialect, wary=True)
        self._library = library

    def anew(self, row: Row) -> bytes:
        """For the library a record is one line."""
        return self._skip if b"\n" in row.raw else super().anew(row)

    @property
    def suits(self) -> bool:
        """Whether the file may be worth it. To be asked once there is a block: where records often take several lines,
        too few lines are certain."""
        return 20 * sum(b"\n" in row.raw or b"\r" in row.raw for row in self._sampled) <= len(self._sampled)

    def blocks(self) -> Iterator[Block]:
        self._sampled = self._first()
        if self._sampled:
            yield self._run([(0, row, 1) for row in self._sampled])
        while True:
            try:
                chunk = self._lines.chunk(CHUNK)
            except UnicodeError as error:
                raise self._not_text(error) from error
            if chunk and self._trusted(chunk):
                yield self._certain_part(chunk)
            elif chunk:
                yield from self._taken_apart(chunk[: chunk.find(b"\n", BLOCK) + 1] or chunk)
            elif rows := self._next_rows(ROWS):
                yield self._run([(0, row, 1) for row in rows])
            else:
                break
        self._finish()

    def _trusted(self, chunk: bytes) -> bool:
        """Whether the bytes certainly are text in the declared encoding."""
        if chunk.isascii():
            return True
        if self._dialect.encoding == "latin-1" and not self._multibyte:
            return False
        return is_utf8(self._library, chunk)

    def _certain_part(self, chunk: bytes) -> Block:
        """Pass over this chunk of lines, or, where a record goes on behind it, a bit more."""
        pieces: list[Piece | Row] = []
        delimiter, quote = self._dialect.delimiter.encode(), self._dialect.quote.encode()
        address = address_of(chunk)
        at, start = 0, self._lines.place
        while at < len(chunk):
            found = certain_lines(self._library, address + at, len(chunk) - at, delimiter, quote)
            if found.bytes:
                data = chunk[at : at + found.bytes]
                pieces.append(Piece(data, self._line, found.lines, found.records))
                self._take(data, found.lines)
                at += found.bytes
            if at < len(chunk):
                rows: list[Part] = []
                self._read(rows, chunk.index(b"\n", at) + 1 - at)
                pieces += [row for _, row, _ in rows if isinstance(row, Row)]
                at = self._lines.place - start
        return self._joined(pieces)

    def _run(self, cut: list[Part]) -> Block:
        return self._joined([part if isinstance(part, Row) else Piece(part, 0, lines, lines) for _, part, lines in cut])

    def _joined(self, pieces: list[Piece | Row]) -> Block:
        stream = [self.anew(piece) if isinstance(piece, Row) else piece.data for piece in pieces]
        starts = (0, *accumulate(map(len, stream)))[:-1]
        firsts = (0, *accumulate(1 if isinstance(piece, Row) else piece.lines for piece in pieces))[:-1]
        return Pieces(b"".join(stream), (), {}, tuple(pieces), starts, firsts, self.names, self._dialect)


def csv_lines(blocks: Iterator[Block]) -> Generator[Lines | Block]:
    """What the library reads."""
    for block in blocks:
        assert isinstance(block, Pieces)
        yield Lines(b"".join((block.lines, END)), 0, len(block.lines), record=block.at, raw=block.raw_at)
