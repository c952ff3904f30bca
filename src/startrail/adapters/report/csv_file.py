"""CSV as RFC 4180 has it: UTF-8, a header, commas, CRLF, quotes where they are needed.

A null is nothing between two commas; an empty text is ``""``. (In a file of one column both are ``""``, since
readers skip empty lines.) Cells that begin with ``=``, ``+``, ``-`` or ``@``
are left as they are: a quote put before them would change the data for every program that reads the file, and
``-5`` is a number. For people who open reports in a spreadsheet there is ``xlsx``, where text stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from startrail.adapters.report.rows import read, text
from startrail.ports.report import About

_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')


class CsvWriter:
    """One row per line; the same rows always make the same bytes."""

    def write(self, rows: Path, about: About, path: Path) -> int:
        names = [column.name for column in about.columns]
        written = 0
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(_line(names))
            for row in read(rows, names):
                file.write(_line(row))
                written += 1
        return written


def _line(values: Iterable[Any]) -> str:
    line = ",".join("" if value is None else _quoted(text(value)) for value in values)
    return (line or '""') + "\r\n"


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if _NEEDS_QUOTES.search(value) else value
