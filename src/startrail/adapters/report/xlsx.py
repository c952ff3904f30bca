"""Excel workbooks: numbers as numbers, dates as dates, text always as text, one row in memory at a time.

A spreadsheet number is a double: it holds 15 digits. Longer decimals and integers are written as text, digit
by digit, rather than rounded. Text is never read as a formula or a link. Instants are shown in UTC.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from startrail.adapters.report.errors import DoesNotFit, MissingExtra
from startrail.adapters.report.rows import count, instant, read, text
from startrail.model.types import Decimal as DecimalType
from startrail.ports.report import About, Writer

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS, MOST_COLUMNS, LONGEST_TEXT, EXACT_DIGITS = 1_048_575, 16_384, 32_767, 15
_FIRST_DATE = datetime(1900, 3, 1)
"""Before it, Excel's calendar has a day that never was."""
_NO_DATE = date(1899, 12, 31)
"""Excel's zero: a time of day alone."""


def open_xlsx() -> Writer:
    """The writer. Raises MissingExtra."""
    try:
        import xlsxwriter  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "reports as xlsx need the package xlsxwriter", hint="install startrail[excel], or deliver csv"
        ) from error
    return XlsxWriter()


class XlsxWriter:
    """A sheet ``Rows`` with the rows and a sheet ``About`` with where they are from."""

    def write(self, rows: Path, about: About, path: Path) -> int:
        import xlsxwriter

        total = count(rows)
        _require_room(total, about)
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            # The file's own time is the report's, so that equal reports are equal files.
            book.set_properties({"title": about.title, "created": about.made_at.astimezone(UTC).replace(tzinfo=None)})
            _Rows(book, about).write(rows, total)
            _write_about(book, about, total)
        return total


class _Rows:
    """The sheet with the rows."""

    def __init__(self, book: Workbook, about: About) -> None:
        self.about = about
        self.sheet: Worksheet = book.add_worksheet("Rows")
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.formats = [_format(book, column.type) for column in about.columns]
        self.long_number = book.add_format({"align": "right"})
        self.date = book.add_format({"num_format": "yyyy-mm-dd"})
        self.wall = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.instant = book.add_format({"num_format": 'yyyy-mm-dd hh:mm:ss" UTC"'})
        self.time = book.add_format({"num_format": "hh:mm:ss"})

    def write(self, rows: Path, total: int) -> None:
        names = [column.name for column in self.about.columns]
        self.sheet.freeze_panes(1, 0)
        if names:
            self.sheet.autofilter(0, 0, total, len(names) - 1)
        for place, column in enumerate(self.about.columns):
            self.sheet.set_column(place, place, max(11, min(40, len(column.name) + 4)))
            self.sheet.write_string(0, place, f"{column.name} ({column.unit})" if column.unit else column.name, self.head)
        for line, row in enumerate(read(rows, names), 1):
            for place, value in enumerate(row):
                if value is not None:
                    self._cell(line, place, value)

    def _cell(self, line: int, place: int, value: Any) -> None:
        sheet, form = self.sheet, self.formats[place]
        if isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, int | float | Decimal):
            if _exact(value):
                sheet.write_number(line, place, float(value), form)
            else:
                sheet.write_string(line, place, text(value), self.long_number)
        elif isinstance(value, datetime):
            self._moment(line, place, value)
        elif isinstance(value, date):
            self._dated(line, place, datetime.combine(value, time()), self.date, text(value))
        elif isinstance(value, time) and value.microsecond % 1000 == 0:
            sheet.write_datetime(line, place, datetime.combine(_NO_DATE, value), self.time)
        else:
            self._text(line, place, text(value))

    def _moment(self, line: int, place: int, value: datetime) -> None:
        there, form = (value, self.wall) if value.tzinfo is None else (value.astimezone(UTC).replace(tzinfo=None), self.instant)
        self._dated(line, place, there, form, instant(value))

    def _dated(self, line: int, place: int, value: datetime, form: Format, words: str) -> None:
        if value < _FIRST_DATE or value.microsecond % 1000:  # Excel's times end at the millisecond
            self.sheet.write_string(line, place, words)
        else:
            self.sheet.write_datetime(line, place, value, form)

    def _text(self, line: int, place: int, value: str) -> None:
        if len(value.encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise DoesNotFit(
                f"row {line}, column '{self.about.columns[place].name}' holds a text longer than a cell of a sheet can",
                hint="deliver csv or parquet, or shorten the text in a query",
            )
        self.sheet.write_string(line, place, value)


def _write_about(book: Workbook, about: About, total: int) -> None:
    sheet = book.add_worksheet("About")
    head = book.add_format({"bold": True})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 80)
    lines: list[tuple[str, str]] = [("Title", about.title), ("Made at", instant(about.made_at)), ("Run", about.run)]
    lines += [("From", f"{table}@{snapshot}") for table, snapshot in about.snapshots.items()]
    lines += [("Rows", str(total))]
    lines += [("Description", about.description)] if about.description else []
    lines += [(column.name, column.description) for column in about.columns if column.description]
    for line, (name, value) in enumerate(lines):
        sheet.write_string(line, 0, name, head)
        sheet.write_string(line, 1, value[:LONGEST_TEXT])


def _require_room(total: int, about: About) -> None:
    if total > MOST_ROWS or len(about.columns) > MOST_COLUMNS:
        raise DoesNotFit(
            f"{total:,} rows of {len(about.columns):,} columns do not fit into a sheet", hint="deliver csv or parquet"
        )


def _exact(value: float | Decimal) -> bool:
    """True when a double shows all the digits of the number."""
    if isinstance(value, float):
        return math.isfinite(value)
    digits = Decimal(value).normalize().as_tuple().digits
    return len(digits) <= EXACT_DIGITS


def _format(book: Workbook, kind: object) -> Format | None:
    if isinstance(kind, DecimalType):
        return book.add_format({"num_format": "#,##0" + ("." + "0" * min(kind.scale, 30) if kind.scale else "")})
    return None
