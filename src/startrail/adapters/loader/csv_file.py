"""CSV as records: one tokenizer in strict mode, columns matched by the names of the header."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from startrail.adapters.loader.blocks import LONGEST, SKIP, Block, Record, Unreadable
from startrail.adapters.loader.dialect import check_header, check_rows, is_utf8
from startrail.adapters.loader.shape import Shape, listed
from startrail.base.text import printable
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.ports.loader import EXTRA, Violation

_ROWS = 512
_MOST_COLUMNS = 10_000
_SAMPLED = 1_000
"""Undeclared columns of which one value is kept to show."""
_ENCODINGS = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "utf-16": "utf-16"}


class Rows(Block, frozen=True):
    """CSV rows. ``names`` and ``rows`` give the judge every column under the header's name."""

    names: tuple[str, ...] = ()
    rows: tuple[list[str], ...] = ()

    def records(self) -> Iterator[Record]:
        for index, (row, raw) in enumerate(zip(self.rows, self.raws, strict=True)):
            broken = self.broken.get(index)
            line = b"{}" if broken else msgspec.json.encode(dict(zip(self.names, row, strict=True)))
            yield Record(line, raw, broken)


class Csv:
    """Reads the header at once. Raises Unreadable when the file cannot be this contract's in this dialect."""

    def __init__(self, file: BinaryIO, contract: Contract, dialect: Dialect) -> None:
        csv.field_size_limit(LONGEST)
        self._dialect = dialect
        errors = "surrogateescape" if dialect.encoding == "utf-8" else "strict"
        self._text = io.TextIOWrapper(file, encoding=_ENCODINGS[dialect.encoding], errors=errors, newline="")
        self._taken: list[str] = []
        self._reader = csv.reader(
            self._recorded(), delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=True, strict=True
        )
        declared = [field.name for field in contract.fields]
        try:
            self.shape = self._header(contract) if dialect.header else Shape(tuple(declared))
        except Unreadable:
            self.release()
            raise
        self._names = self.shape.names
        self.unknown = self.shape.unknown
        self.unended = False
        """Whether the last line had no line end."""
        self.samples: dict[str, str] = {}
        """The first value of each undeclared column."""
        self._first = True
        self._also_utf8 = 0
        self._misread = 0
        self._multibyte = 0

    def release(self) -> None:
        """Leave the file to whoever opened it."""
        self._text.detach()

    def blocks(self) -> Iterator[Block]:
        """Raises Unreadable for a quote that never closes, or a file in another encoding than declared."""
        pending = _Pending(self._names, self.unknown)
        last = "\n"
        while True:
            self._taken.clear()
            try:
                row = next(self._reader, None)
                problem = None
            except csv.Error as error:
                row, problem = [], self._malformed(str(error))
            except UnicodeError as error:
                raise self._not_text(error) from error
            if row is None:
                break
            if not row and problem is None:
                continue
            last = "".join(self._taken)
            pending.add(row, last, problem or self._ragged(row) or self._encoded(row))
            if len(pending) == _ROWS:
                yield self._block(pending)
                pending = _Pending(self._names, self.unknown)
        if len(pending):
            yield self._block(pending)
        self.unended = not last.endswith(("\n", "\r"))
        if self._misread and not self._multibyte:
            raise Unreadable(
                f"the file is not {self._dialect.encoding}: {self._misread} rows have other bytes, and none has such text",
                "other_encoding",
            )
        if self._also_utf8 and not self._multibyte:
            raise Unreadable(
                f"the file is not {self._dialect.encoding}: all {self._also_utf8} rows with such text are UTF-8", "other_encoding"
            )

    def _block(self, pending: _Pending) -> Block:
        if self._first:
            self._first = False
            check_rows(pending.rows, pending.raws, self._names, self._dialect)
            self._sample(pending.rows)
        return pending.block()

    def _sample(self, rows: list[list[str]]) -> None:
        some = set(self.unknown[:_SAMPLED])
        for column, name in enumerate(self._names):
            if name in some:
                values = (row[column] for row in rows if len(row) == len(self._names) and row[column])
                self.samples[name] = printable(json.dumps(next(values, ""), ensure_ascii=False), 120)

    def _not_text(self, error: UnicodeError) -> Unreadable:
        return Unreadable(f"the file is not {self._dialect.encoding} text: {error.__class__.__name__}", "other_encoding")

    def _recorded(self) -> Iterator[str]:
        for line in self._text:
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

    def _malformed(self, message: str) -> Violation:
        if "unexpected end of data" in message:
            raise Unreadable(f"a quote that opens at line {self._reader.line_num} or before never closes", "truncated")
        return Violation("$", "malformed", "a line of CSV in the declared dialect", f"line {self._reader.line_num}: {message}")

    def _ragged(self, row: list[str]) -> Violation | None:
        if len(row) == len(self._names):
            return None
        return Violation("$", "malformed", f"{len(self._names)} columns", f"line {self._reader.line_num}: {len(row)} columns")

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
                "$", "malformed", "UTF-8 text", f"line {self._reader.line_num}: byte {ord(error.object[error.start]) & 255:#04x}"
            )
        self._multibyte += 1
        return None


class _Pending:
    """Rows that will be one block."""

    def __init__(self, names: tuple[str, ...], unknown: tuple[str, ...]) -> None:
        self._names = names
        self._unknown = unknown
        self.rows: list[list[str]] = []
        self.raws: list[bytes] = []
        self._broken: dict[int, Violation] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, row: list[str], raw: str, broken: Violation | None) -> None:
        if broken is not None:
            self._broken[len(self.rows)] = broken
        self.rows.append(row)
        self.raws.append(raw.rstrip("\r\n").encode(errors="surrogateescape"))

    def block(self) -> Block:
        lines = [
            SKIP if index in self._broken else msgspec.json.encode(self._stream(row)) + b"\n"
            for index, row in enumerate(self.rows)
        ]
        return Rows(b"".join(lines), tuple(self.raws), self._broken, self._names, tuple(self.rows))

    def _stream(self, row: list[str]) -> dict[str, str]:
        found = dict(zip(self._names, row, strict=True))
        if self._unknown:
            found[EXTRA] = msgspec.json.encode({name: found.pop(name) for name in self._unknown}).decode()
        return found
