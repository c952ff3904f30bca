"""CSV as columns of texts, in strict mode: lines of another width or encoding are counted, never bent."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from startrail.adapters.loader.blocks import LONGEST, Unreadable
from startrail.base.text import printable
from startrail.model.source import Dialect
from startrail.ports.exchange import Batch

_ROWS = 4096
_ENCODINGS = {"utf-8": "utf-8-sig", "latin-1": "latin-1", "utf-16": "utf-16"}
_DELIMITERS = ";\t|,"


def csv_batches(file: BinaryIO, dialect: Dialect, limit: int) -> Iterator[Batch]:
    """Batches of the file's columns. Raises Unreadable."""
    csv.field_size_limit(LONGEST)
    counted = _Counted(io.TextIOWrapper(file, encoding=_ENCODINGS[dialect.encoding], newline=""))
    reader = csv.reader(counted, delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=True, strict=True)
    try:
        names = _header(next(reader, None), dialect)
        rows: list[list[str]] = []
        broken: list[str] = []
        for row, problem in _rows(reader, len(names)):
            if problem:
                broken.append(problem)
            else:
                rows.append(row)
            if len(rows) + len(broken) >= _ROWS:
                cut = counted.size > limit
                yield Batch(names, tuple(zip(*rows, strict=True)), broken=tuple(broken), cut=cut)
                if cut:
                    return
                rows, broken = [], []
        yield Batch(names, tuple(zip(*rows, strict=True)), broken=tuple(broken))
    except UnicodeError as error:
        raise Unreadable(f"it is not {dialect.encoding} text; say --encoding latin-1 or utf-16") from error
    finally:
        counted.release()


class _Counted:
    """The lines of a text file, counting characters."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.size = 0
        self._text = text

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line:
            raise StopIteration
        self.size += len(line)
        return line

    def release(self) -> None:
        """Leave the file to whoever opened it."""
        self._text.detach()


def _rows(reader: Iterator[list[str]], width: int) -> Iterator[tuple[list[str], str | None]]:
    """Rows, or why there is none at this place."""
    number = 1
    while True:
        number += 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                raise Unreadable("a quote that opens never closes") from error
            yield [], f"record {number}: {error}"
            continue
        if row is None:
            return
        if row:
            yield row, None if len(row) == width else f"record {number}: {len(row)} columns, not {width}"


def _header(names: list[str] | None, dialect: Dialect) -> tuple[str, ...]:
    if not names:
        raise Unreadable("it is empty, or its first line names no columns")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Unreadable(f"its header names '{printable(twice[0], 60)}' twice")
    if len(names) == 1:
        other = next((mark for mark in _DELIMITERS if mark in names[0] and mark != dialect.delimiter), None)
        if other is not None:
            shown = "'\\t'" if other == "\t" else f"'{other}'"
            raise Unreadable(f"its header is one column that holds {shown}; if that parts columns, say --delimiter {shown}")
    return tuple(names)
