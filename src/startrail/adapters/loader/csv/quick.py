"""CSV without taking every record in hand: lines whose shape is plain go on to the engine as they stand.

A line is plain when it certainly is one record of the right width: the right number of delimiters, no quote, no NUL,
no carriage return but before its end. Where quotes stand, a regular expression says as much of records that quote whole
values in one line. All else meets the strict reader record by record, and goes on written anew or stays out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from startrail.adapters.loader.blocks import Block
from startrail.adapters.loader.csv.file import ROWS, Csv, Row
from startrail.adapters.loader.csv.places import behind, repeated
from startrail.adapters.loader.csv.run import Cut, Known, Part, Run, skip
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.ports.loader import Violation

LONGEST_PLAIN = 1 << 20
"""Bytes of a line that the engine is asked to read; the judge takes longer ones."""
_DELIMITERS = ",;\t|:!#$%&*/=@^~ "
_QUOTES = "\"'`"
_REMEMBERED = 200_000
"""Parts of chunks, or hundreds of bytes of rows, that are remembered for when a file is read again."""
_MARKS = (b"\0", b"\r", b"\n")


class QuickCsv(Csv):
    """``wary``: also look whether each line is UTF-8; otherwise that is left to the engine, which refuses what is not.
    ``known``: what another reader of the same file found, which spares a look."""

    def __init__(
        self, file: BinaryIO, contract: Contract, dialect: Dialect, *, wary: bool = False, known: Sequence[Known] = ()
    ) -> None:
        super().__init__(file, contract, dialect)
        self._known = known
        self.found: list[Known] = []
        """Of each chunk, from the first."""
        self._remembered = 0
        delimiter, quote = dialect.delimiter.encode(), dialect.quote.encode()
        self._wary = wary
        self._shape = delimiter * (len(self.names) - 1)
        self._plain = self._shape + b"\n"
        self._plain_crlf = self._shape + b"\r\n"
        self._ordinary = bytes(set(range(256)) - set(delimiter + quote + b"\n\r\0"))
        self._quote = quote
        self._quoted = _quoted(delimiter, quote, len(self.names))
        self._skip = skip(dialect, len(self.names))
        self._sampled: list[Row] = []
        head = "".join(self._taken).encode(errors="surrogateescape")
        self.head = (len(head), bool(head)) if self.bare(head.removesuffix(b"\n")) else None
        """Bytes of the header, and lines; None where it is not one line, or none, that is passed over with ease."""

    @staticmethod
    def speaks(dialect: Dialect) -> bool:
        """Whether delimiter and quote are of those that plain lines can be told by."""
        return dialect.delimiter in _DELIMITERS and dialect.quote in _QUOTES and dialect.delimiter != dialect.quote

    def anew(self, row: Row) -> bytes:
        """The row for the engine: every value quoted. What it might read otherwise is left to the judge."""
        if row.broken or len(row.raw) > LONGEST_PLAIN or b"\0" in row.raw or b"\r" in row.raw:
            return self._skip
        quote = self._dialect.quote
        values = (quote + value.replace(quote, quote + quote) + quote for value in row.values)
        return self._dialect.delimiter.join(values).encode() + b"\n"

    def left_out(self, line: bytes) -> bool:
        """Whether :meth:`anew` said so."""
        return not line or line == self._skip

    def bare(self, raw: bytes) -> bool:
        """Whether what stands in the file is one line that the engine takes for the same record."""
        return len(raw) <= LONGEST_PLAIN and self._quote not in raw and not any(mark in raw for mark in _MARKS)

    def first_values(self) -> dict[str, list[str]]:
        """Some values of each column. To be asked once there is a block."""
        return {name: [row.values[at] for row in self._sampled if not row.broken] for at, name in enumerate(self.names)}

    def blocks(self) -> Iterator[Block]:
        self._sampled = self._first()
        if self._sampled:
            yield self._run([(0, row, 1) for row in self._sampled])
        while True:
            try:
                chunk = self._lines.chunk()
            except UnicodeError as error:
                raise self._not_text(error) from error
            known = self._known[len(self.found)] if chunk and len(self.found) < len(self._known) else None
            if isinstance(known, int):
                yield self._plain_run(chunk, known)
            elif known is not None:
                yield self._cut_as(chunk, known)
            elif chunk:
                yield from self._taken_apart(chunk)
            elif rows := self._next_rows(ROWS):
                yield self._run([(0, row, 1) for row in rows])
            else:
                break
        self._finish()

    def _taken_apart(self, chunk: bytes) -> Iterator[Block]:
        """Pass over this chunk of lines, or, where a record goes on behind it, a bit more."""
        marks = chunk.translate(None, self._ordinary)
        lines = self._lines_of(chunk, marks)
        if lines:
            yield self._plain_run(chunk, lines)
            return
        start, before = self._lines.place, self._counters()
        parts = self._parts_quoted(chunk) if self._quote in chunk else self._parts(chunk, marks)
        whole = self._lines.place == start + len(chunk)
        self.found.append(self._remember(parts, before) if whole else None)
        yield self._run(parts)

    def _remember(self, parts: list[Part], before: tuple[int, ...]) -> Known:
        """Only so many parts are kept in mind."""
        self._remembered += len(parts) + sum(len(part.raw) // 100 for _, part, _ in parts if isinstance(part, Row))
        if self._remembered > _REMEMBERED:
            return None
        counted = tuple([now - then for now, then in zip(self._counters(), before, strict=True)])
        places = [(at, 0, 1, part) if isinstance(part, Row) else (at, at + len(part), lines, None) for at, part, lines in parts]
        return Cut(tuple(places), counted)

    def _counters(self) -> tuple[int, ...]:
        return self._line, self._misread, self._also_utf8, self._multibyte

    def _cut_as(self, chunk: bytes, known: Cut) -> Block:
        self.found.append(known)
        self._lines.pass_over(len(chunk))
        lines, misread, also_utf8, multibyte = known.counted
        self._passed += lines
        self._misread += misread
        self._also_utf8 += also_utf8
        self._multibyte += multibyte
        self.unended = False
        return self._run([(at, chunk[at:stop] if row is None else row, lines) for at, stop, lines, row in known.parts])

    def _plain_run(self, chunk: bytes, lines: int) -> Block:
        self.found.append(lines)
        self._take(chunk, lines)
        if b"\r" in chunk:
            return self._run([(0, chunk, lines)])
        return Run(chunk, (), {}, (chunk,), (0,), lines, self.names, self._dialect, bare=True)

    def _lines_of(self, chunk: bytes, marks: bytes) -> int:
        """How many lines, where all of them are plain, and all end alike; otherwise 0."""
        count, odd = divmod(len(marks), len(self._plain))
        if not odd and marks == self._plain * count and self._certain(chunk):
            return count
        count, odd = divmod(len(marks), len(self._plain_crlf))
        if not odd and marks == self._plain_crlf * count == self._plain_crlf * chunk.count(b"\r\n") and self._certain(chunk):
            return count
        return 0

    def _certain(self, chunk: bytes) -> bool:
        """What the marks alone do not say."""
        if len(chunk) > LONGEST_PLAIN or (not self._shape and (b"\n\n" in b"\n" + chunk or b"\n\r" in b"\n" + chunk)):
            return False
        if chunk.isascii():
            return True
        if self._dialect.encoding == "latin-1" and not self._multibyte:
            return False
        return not self._wary or _decodes(chunk)

    def _take(self, chunk: bytes, lines: int) -> None:
        self._lines.pass_over(len(chunk))
        self._passed += lines
        self._multibyte += not chunk.isascii()
        self.unended = False

    def _parts(self, chunk: bytes, marks: bytes) -> list[Part]:
        """Lines without quotes: each stands for itself, and most are plain also beside odd ones."""
        cut: list[Part] = []
        start = at = seen = plain = 0
        while seen < len(marks):
            size, shapes, lines = self._plain_lines(chunk, at, marks, seen)
            at, seen, plain = at + size, seen + shapes, plain + lines
            if lines:
                continue
            self._pieces(cut, start, chunk[start:at], plain)
            stop = chunk.index(b"\n", at) + 1
            self._read(cut, stop - at)
            start, at, plain = stop, stop, 0
            seen = marks.index(b"\n", seen) + 1
        self._pieces(cut, start, chunk[start:], plain)
        return cut

    def _plain_lines(self, chunk: bytes, at: int, marks: bytes, seen: int) -> tuple[int, int, int]:
        """How many bytes lines of a plain shape have that stand there, how many their marks, and how many they are; not
        more than end alike."""
        for shape in (self._plain, self._plain_crlf):
            lines, done, stop, some = repeated(shape, marks, seen), 0, at, 1
            while done < lines:
                some = min(some, lines - done)
                then = behind(chunk, stop, some)
                if shape is self._plain_crlf and chunk.count(b"\r\n", stop, then) != some:
                    break
                done, stop, some = done + some, then, some * 2  # so that what is looked at in vain is not more than the rest
            if done:
                return stop - at, done * len(shape), done
        return 0, 0, 0

    def _pieces(self, cut: list[Part], at: int, piece: bytes, lines: int) -> None:
        """So many lines of a plain shape that begin there."""
        if not lines:
            return
        if self._certain(piece):
            self._take(piece, lines)
            cut.append((at, piece, lines))
        elif lines == 1:
            self._read(cut, len(piece))
        else:
            middle = behind(piece, 0, lines // 2)
            self._pieces(cut, at, piece[:middle], lines // 2)
            self._pieces(cut, at + middle, piece[middle:], lines - lines // 2)

    def _read(self, cut: list[Part], size: int) -> None:
        """The strict reader takes all that stands in the next so many bytes, and the rest of a record that begins there."""
        stop = self._lines.place + size
        while self._lines.place < stop and (row := self._next_row(stop)) is not None:
            cut.append((0, row, 1))

    def _parts_quoted(self, chunk: bytes) -> list[Part]:
        cut: list[Part] = []
        at, start = 0, self._lines.place
        while at < len(chunk):
            match = self._quoted.match(chunk, at)
            assert match is not None, "it also matches nothing"
            good = match[0]
            if good and self._certain(good):
                lines = good.count(b"\n")
                self._take(good, lines)
                cut.append((at, good, lines))
                at = match.end()
                continue
            stop = match.end() if good else chunk.index(b"\n", at) + 1
            self._read(cut, stop - at)
            at = self._lines.place - start
        return cut

    def _run(self, cut: list[Part]) -> Block:
        broken: dict[int, Violation] = {}
        stream: list[bytes] = []
        firsts: list[int] = []
        size = 0
        parts = tuple([part for _, part, _ in cut])
        bare = all(self.bare(part.raw) if isinstance(part, Row) else b"\r" not in part for part in parts)
        for _, part, lines in cut:
            firsts.append(size)
            if isinstance(part, Row):
                if part.broken is not None:
                    broken[size] = part.broken
                stream.append(self.anew(part))
            else:
                stream.append(part.replace(b"\r\n", b"\n") if b"\r" in part else part)
            size += lines
        bare = bare and not broken
        lined = not any(isinstance(part, Row) and b"\n" in part.raw for part in parts)
        return Run(b"".join(stream), (), broken, parts, tuple(firsts), size, self.names, self._dialect, bare=bare, lined=lined)


def _quoted(delimiter: bytes, quote: bytes, width: int) -> re.Pattern[bytes]:
    """As many whole records as there are that certainly are in one line each; bounded, since nothing is tried twice."""
    d, q = re.escape(delimiter), re.escape(quote)
    value = rb"(?:%s[^%s\n\r\0]*+(?:%s%s[^%s\n\r\0]*+)*+%s|[^%s%s\n\r\0]*+)" % (q, q, q, q, q, q, d, q)
    return re.compile(rb"(?:(?:%s%s){%d}%s\r?\n)*+" % (value, d, width - 1, value))


def _decodes(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True
