"""Chunks of CSV lines that were cut: the block that the engine and the judge get, and what is remembered of it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import msgspec

from startrail.adapters.loader.blocks import Block, Record
from startrail.adapters.loader.csv.file import Row
from startrail.adapters.loader.csv.places import LineRecords
from startrail.model.source import Dialect

Part = tuple[int, bytes | Row, int]
"""Where they begin, some lines of a chunk, and how many; or a row that was read."""


class Cut(msgspec.Struct, frozen=True):
    """How a chunk of lines was cut: from where to where lines go and how many, and rows; and what that added to each counter."""

    parts: tuple[tuple[int, int, int, Row | None], ...]
    counted: tuple[int, ...]


Known = int | Cut | None
"""Of a chunk of lines: how many there are, if all are plain; None: look again."""


class Run(Block, frozen=True):
    """Records of which most are lines of the file. ``lines`` are CSV with :func:`skip` for what is not to be streamed;
    ``parts`` are lines as they stand in the file, or rows that were read."""

    parts: tuple[bytes | Row, ...] = ()
    firsts: tuple[int, ...] = ()
    """How many records are in front of each part."""
    size: int = 0
    names: tuple[str, ...] = ()
    dialect: Dialect = Dialect()
    bare: bool = False
    """The lines are those of the file, and the engine reads them as they stand."""
    lined: bool = True
    """Each record is one line."""

    @property
    def own(self) -> bool:
        return True

    @property
    def count(self) -> int:
        return self.size

    @property
    def length(self) -> int:
        """Bytes in the file, where each record is a line."""
        return sum(len(part.raw) + 1 if isinstance(part, Row) else len(part) for part in self.parts)

    def pair(self, column: int) -> list[str]:
        """What stands in that column of two lines that follow each other; nothing where that takes more than a look."""
        part = self.parts[0] if self.parts else b""
        if isinstance(part, Row):
            return []
        lines = part[: part.find(b"\n", part.find(b"\n") + 1)].split(b"\n")
        quote, delimiter = self.dialect.quote.encode(), self.dialect.delimiter.encode()
        if len(lines) != 2 or quote in lines[0] or quote in lines[1]:
            return []
        return [line.split(delimiter)[column].decode(errors="replace") for line in lines]

    def records(self) -> Iterator[Record]:
        for part in self.parts:
            for found in (part,) if isinstance(part, Row) else part.split(b"\n")[:-1]:
                yield self._record(found)

    def sequence(self) -> Sequence[Record]:
        return LineRecords(self.size, self.parts, self.firsts, self._record)

    def refused(self) -> Iterator[tuple[int, Record]]:
        """The broken ones, which were all read as rows."""
        for index, part in zip(self.firsts, self.parts, strict=True):
            if index in self.broken and isinstance(part, Row):
                yield index, part.record(self.names)

    def _record(self, found: bytes | Row) -> Record:
        return (found if isinstance(found, Row) else self._row(found)).record(self.names)

    def _row(self, line: bytes) -> Row:
        raw = line.rstrip(b"\r")
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        text = raw.decode(errors="surrogateescape")
        if quote not in text:
            return Row(text.split(delimiter), raw)
        return Row(next(csv.reader([text], delimiter=delimiter, quotechar=quote, strict=True)), raw)


def skip(dialect: Dialect, width: int) -> bytes:
    """The line that stands in the stream for a record that is not in it: null everywhere, as no value of a file is."""
    return dialect.delimiter.join(["\0"] * width).encode() + b"\n"
