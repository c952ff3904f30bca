"""CSV as records: one tokenizer in strict mode, columns matched by the names of the header.

This reader takes the file record by record. It is what CSV means here; ``csv_quick`` stands on it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec

from startrail.adapters.loader.blocks import LONGEST, SKIP, Block, Record, Unreadable
from startrail.adapters.loader.dialect import check_header, check_rows, is_utf8
from startrail.adapters.loader.lines import Lines
from startrail.adapters.loader.shape import Shape, listed
from startrail.base.text import printable
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.ports.loader import EXTRA, Violation

ROWS = 512
"""Rows of a block, and those that are looked at for signs of another dialect."""
_MOST_COLUMNS = 10_000
_SAMPLED = 1_000
"""Undeclared columns of which one value is kept to show."""


class Row(msgspec.Struct, frozen=True):
    """One record: its values, and what stood in the delivery. With ``broken`` the values say nothing."""

    values: list[str]
    raw: bytes
    broken: Violation | None = None

    def record(self, names: tuple[str, ...]) -> Record:
        """As the judge wants it: every column under the header's name."""
        line = b"{}" if self.broken else msgspec.json.encode(dict(zip(names, self.values, strict=True)))
        return Record(line, self.raw, self.broken)


class Rows(Block, frozen=True):
    """CSV rows. ``names`` and ``rows`` give the judge every column under the header's name."""

    names: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()

    def records(self) -> Iterator[Record]:
        return (row.record(self.names) for row in self.rows)

    def sequence(self) -> Sequence[Record]:
        return list(self.records())


class Csv:
    """Reads the header at once. Raises Unreadable when the file cannot be this contract's in this dialect."""

    def __init__(self, file: BinaryIO, contract: Contract, dialect: Dialect) -> None:
        csv.field_size_limit(LONGEST)
        self._dialect = dialect
        self._taken: list[str] = []
        self._passed = 0
        """Lines that the tokenizer never saw."""
        try:
            self._lines = Lines(file, dialect.encoding)
        except UnicodeError as error:
            raise self._not_text(error) from error
        self._reader = csv.reader(
            self._recorded(), delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=True, strict=True
        )
        declared = tuple(field.name for field in contract.fields)
        self.shape = self._header(contract) if dialect.header else Shape(declared)
        self.names = self.shape.names
        self.unknown = self.shape.unknown
        self.unended = False
        """Whether the last line had no line end."""
        self.samples: dict[str, str] = {}
        """The first value of each undeclared column."""
        self._also_utf8 = 0
        self._misread = 0
        self._multibyte = 0

    def blocks(self) -> Iterator[Block]:
        """Raises Unreadable for a quote that never closes, or a file in another encoding than declared."""
        rows = self._first()
        while rows:
            yield self._block(rows)
            rows = self._next_rows(ROWS)
        self._finish()

    def _first(self) -> list[Row]:
        """The first rows, which must not look as if written in another dialect."""
        rows = self._next_rows(ROWS)
        values = [row.values for row in rows]
        if rows:
            check_rows(values, [row.raw for row in rows], self.names, self._dialect)
        some = set(self.unknown[:_SAMPLED])
        for column, name in enumerate(self.names):
            if name in some:
                found = (row[column] for row in values if len(row) == len(self.names) and row[column])
                self.samples[name] = printable(json.dumps(next(found, ""), ensure_ascii=False), 120)
        return rows

    def _next_rows(self, most: int) -> list[Row]:
        rows: list[Row] = []
        while len(rows) < most and (row := self._next_row()) is not None:
            rows.append(row)
        return rows

    def _next_row(self, stop: int | None = None) -> Row | None:
        """The next record; None at the end of the file, or where only blank lines, which are no records, stand before
        the place ``stop``."""
        while True:
            self._taken.clear()
            try:
                values = next(self._reader, None)
                problem = None
            except csv.Error as error:
                values, problem = [], self._malformed(str(error))
            except UnicodeError as error:
                raise self._not_text(error) from error
            if values is None:
                return None
            if not values and problem is None:
                if stop is not None and self._lines.place >= stop:
                    return None
                continue
            text = "".join(self._taken)
            self.unended = not text.endswith(("\n", "\r"))
            problem = problem or self._ragged(values) or self._encoded(values)
            return Row(values, text.rstrip("\r\n").encode(errors="surrogateescape"), problem)

    def _block(self, rows: list[Row]) -> Block:
        lines = [SKIP if row.broken else msgspec.json.encode(self._stream(row.values)) + b"\n" for row in rows]
        broken = {index: row.broken for index, row in enumerate(rows) if row.broken}
        return Rows(b"".join(lines), tuple(row.raw for row in rows), broken, self.names, tuple(rows))

    def _stream(self, row: list[str]) -> dict[str, str]:
        found = dict(zip(self.names, row, strict=True))
        if self.unknown:
            found[EXTRA] = msgspec.json.encode({name: found.pop(name) for name in self.unknown}).decode()
        return found

    def _finish(self) -> None:
        """Raises Unreadable when the whole file speaks for another encoding."""
        if self._misread and not self._multibyte:
            raise Unreadable(
                f"the file is not {self._dialect.encoding}: {self._misread} rows have other bytes, and none has such text",
                "other_encoding",
            )
        if self._also_utf8 and not self._multibyte:
            raise Unreadable(
                f"the file is not {self._dialect.encoding}: all {self._also_utf8} rows with such text are UTF-8", "other_encoding"
            )

    def _not_text(self, error: UnicodeError) -> Unreadable:
        return Unreadable(f"the file is not {self._dialect.encoding} text: {error.__class__.__name__}", "other_encoding")

    def _recorded(self) -> Iterator[str]:
        for line in self._lines:
            self._taken.append(line)
            yield line

    def _header(self, contract: Contract) -> Shape:
        try:
            names = next(self._reader, None)
        except csv.Error as error:
            raise Unreadable(f"the header cannot be read: {error}") from error
        except UnicodeError as error:
            raise self._not_text(error) from error
        if names is None:
            raise Unreadable("the file is empty", "truncated")
        if len(names) > _MOST_COLUMNS:
            raise Unreadable(f"the header names {len(names):,} columns, more than {_MOST_COLUMNS:,}")
        check_header(names, contract, self._dialect)
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            raise Unreadable("the header names a column twice: " + listed(twice))
        shape = Shape.of(names, contract)
        shape.require(contract, "the header")
        if not any(contract.field(name) for name in shape.names):
            raise Unreadable(f"no declared column is there; the header has {listed(names)}")
        return shape

    @property
    def _line(self) -> int:
        return self._reader.line_num + self._passed

    def _malformed(self, message: str) -> Violation:
        if "unexpected end of data" in message:
            raise Unreadable(f"a quote that opens at line {self._line} or before never closes", "truncated")
        return Violation("$", "malformed", "a line of CSV in the declared dialect", f"line {self._line}: {message}")

    def _ragged(self, row: list[str]) -> Violation | None:
        if len(row) == len(self.names):
            return None
        return Violation("$", "malformed", f"{len(self.names)} columns", f"line {self._line}: {len(row)} columns")

    def _encoded(self, row: list[str]) -> Violation | None:
        """Bytes that are not UTF-8 came through as lone surrogates."""
        if all(map(str.isascii, row)):
            return None
        if self._dialect.encoding == "latin-1":
            if is_utf8("".join(row)):
                self._also_utf8 += 1
            else:
                self._multibyte += 1
            return None
        try:
            "".join(row).encode()
        except UnicodeEncodeError as error:
            self._misread += 1
            return Violation(
                "$", "malformed", "UTF-8 text", f"line {self._line}: byte {ord(error.object[error.start]) & 255:#04x}"
            )
        self._multibyte += 1
        return None
