"""Rows of a query on standard output, as a table, CSV or JSON."""

from __future__ import annotations

import csv
import sys
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from startrail.base.text import printable
from startrail.cli.console import Console
from startrail.ports.warehouse import Rows

_NUMBERS = (int, float, Decimal)


def write_rows(rows: Rows, form: str, console: Console) -> None:
    """Print all rows; data goes to standard output, what else there is to say to standard error."""
    names = rows.schema.names()
    if form == "json":
        for row in rows.rows:
            console.record({name: _plain(value) for name, value in zip(names, row, strict=True)})
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(["" if value is None else _text(value) for value in row] for row in rows.rows)
    else:
        sys.stdout.write(text_table(names, rows.rows))
    if rows.more:
        console.say(f"the first {len(rows.rows):,} rows; more with --limit")
    console.result({"rows": len(rows.rows), "more": rows.more})


def text_table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Columns padded, numbers to the right, data made safe to print."""
    shown = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[at]) for row in shown)) if shown else len(name) for at, name in enumerate(names)]
    right = [all(isinstance(row[at], _NUMBERS) or row[at] is None for row in rows) and bool(rows) for at in range(len(names))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in [list(names), ["-" * width for width in widths], *shown]
    ]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return "" if value is None else printable(_text(value), 60)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value
