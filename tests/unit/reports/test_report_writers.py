"""What stands in the files: CSV, Parquet and Excel."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.report import open_writer
from startrail.adapters.report.csv_file import CsvWriter
from startrail.adapters.report.errors import DoesNotFit
from startrail.adapters.report.xlsx import MOST_ROWS, XlsxWriter, _require_room
from startrail.model.types import parse_type
from startrail.ports.report import About, ReportColumn

MADE = datetime(2026, 10, 4, 3, 59, tzinfo=UTC)


def about(columns: dict[str, str], **more: Any) -> About:
    shown = tuple(ReportColumn(name, parse_type(kind)) for name, kind in columns.items())
    return About(title="Daily sales", columns=shown, made_at=MADE, day=date(2026, 10, 4), run="run-1", **more)


def written(tmp_path: Path, format: str, table: pa.Table, columns: dict[str, str], **more: Any) -> Path:
    rows, path = tmp_path / "rows.parquet", tmp_path / f"report.{format}"
    pq.write_table(table, rows)
    assert open_writer(format).write(rows, about(columns, **more), path) == table.num_rows
    return path


NASTY = [
    "plain",
    "a,b",
    'say "hi"',
    "two\nlines",
    "\r",
    "",
    " padded ",
    "=1+1",
    "+1",
    "-5",
    "@cmd",
    "李小龙",
    "\u0627",
    "\ufeffbom",
    None,
]


def test_csv_is_rfc_4180_with_exact_values(tmp_path: Path) -> None:
    table = pa.table(
        {
            "word": NASTY,
            "sum": pa.array([Decimal("-0.10")] * len(NASTY), pa.decimal128(38, 2)),
            "at": pa.array([datetime(2026, 10, 3, 23, 30, tzinfo=UTC)] * len(NASTY), pa.timestamp("us", "UTC")),
        }
    )
    data = written(tmp_path, "csv", table, {"word": "string", "sum": "decimal(38,2)", "at": "timestamptz"}).read_bytes()
    assert data.startswith(b"word,sum,at\r\nplain,-0.10,2026-10-03T23:30:00Z\r\n")
    assert data.endswith(b"\r\n")
    read = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [row[0] for row in read[1:]] == [word or "" for word in NASTY]


def test_csv_leaves_formulas_alone_because_they_are_data(tmp_path: Path) -> None:
    table = pa.table({"word": ["=HYPERLINK(1)", "-5"]})
    assert written(tmp_path, "csv", table, {"word": "string"}).read_text() == "word\n=HYPERLINK(1)\n-5\n"


def test_csv_tells_a_null_from_an_empty_text_and_never_loses_a_row(tmp_path: Path) -> None:
    two = pa.table({"a": ["", None], "b": [1, 2]})
    assert written(tmp_path, "csv", two, {"a": "string", "b": "long"}).read_bytes() == b'a,b\r\n"",1\r\n,2\r\n'
    one = pa.table({"a": pa.array([None, "x"], pa.string())})
    assert written(tmp_path, "csv", one, {"a": "string"}).read_bytes() == b'a\r\n""\r\nx\r\n'


def test_csv_writes_every_type_the_same_on_every_engine(tmp_path: Path) -> None:
    table = pa.table(
        {
            "b": [True],
            "f": [0.1 + 0.2],
            "inf": [float("-inf")],
            "d": [date(2026, 2, 28)],
            "t": [time(9, 5, 0, 250000)],
            "ts": [datetime(2026, 1, 2, 3, 4, 5, 6)],
            "raw": [b"\x00\xff"],
            "list": [[Decimal("1.50"), None]],
            "row": [{"x": "é", "n": 2}],
        }
    )
    kinds = dict.fromkeys(table.column_names, "string")
    line = written(tmp_path, "csv", table, kinds).read_text().splitlines()[1]
    assert next(csv.reader([line])) == [
        "true", "0.30000000000000004", "-Infinity", "2026-02-28", "09:05:00.250000", "2026-01-02T03:04:05.000006",
        "00ff", '["1.50",null]', '{"x":"é","n":2}',
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(), st.none() | st.text()), max_size=8))
def test_whatever_stands_in_a_text_a_csv_reader_gets_it_back(rows: list[tuple[str, str | None]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        clean = [(a.encode(errors="ignore").decode(), None if b is None else b.encode(errors="ignore").decode()) for a, b in rows]
        table = pa.table({"a": pa.array([a for a, _ in clean], pa.string()), "b": pa.array([b for _, b in clean], pa.string())})
        source, path = Path(folder) / "rows.parquet", Path(folder) / "out.csv"
        pq.write_table(table, source)
        CsvWriter().write(source, about({"a": "string", "b": "string"}), path)
        with path.open(encoding="utf-8", newline="") as file:
            assert [tuple(row) for row in csv.reader(file)][1:] == [(a, b or "") for a, b in clean]


def test_an_empty_report_has_its_header(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())})
    assert written(tmp_path, "csv", table, {"a": "long", "b": "string"}).read_bytes() == b"a,b\r\n"


def test_parquet_is_the_rows_as_they_are(tmp_path: Path) -> None:
    table = pa.table({"a": [3, 1, 2]})
    assert pq.read_table(written(tmp_path, "parquet", table, {"a": "long"})).equals(table)


def sheet(path: Path) -> Any:
    return openpyxl.load_workbook(path)["Rows"]


def test_excel_gets_numbers_as_numbers_and_dates_as_dates(tmp_path: Path) -> None:
    table = pa.table(
        {
            "day": [date(2026, 10, 3)],
            "sum": pa.array([Decimal("2723.15")], pa.decimal128(18, 2)),
            "n": [7],
            "at": pa.array([datetime(2026, 10, 3, 8, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "ok": [True],
            "open": [time(9, 30)],
        }
    )
    kinds = {"open": "time", "day": "date", "sum": "decimal(18,2)", "n": "long", "at": "timestamptz", "ok": "boolean"}
    kinds = {name: kinds[name] for name in table.column_names}
    found = sheet(written(tmp_path, "xlsx", table, kinds))
    values = [found.cell(2, place).value for place in range(1, 7)]
    assert values == [datetime(2026, 10, 3), 2723.15, 7, datetime(2026, 10, 3, 8, 30), True, time(9, 30)]
    assert [found.cell(2, place).number_format for place in (1, 2, 4)] == ["yyyy-mm-dd", "#,##0.00", 'yyyy-mm-dd hh:mm:ss" UTC"']
    assert found.freeze_panes == "A2"


def test_excel_never_takes_text_for_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    words = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "http://x.example", "007", "{=A1}", "_x0041_", "a\x01b", "тест"]
    found = sheet(written(tmp_path, "xlsx", pa.table({"word": words}), {"word": "string"}))
    assert [found.cell(line, 1).data_type for line in range(2, len(words) + 2)] == ["s"] * len(words)
    assert [found.cell(line, 1).hyperlink for line in range(2, len(words) + 2)] == [None] * len(words)
    assert [found.cell(line, 1).value for line in range(2, 7)] == words[:5]


def test_excel_gets_what_a_double_cannot_hold_as_text_digit_by_digit(tmp_path: Path) -> None:
    exact, long = Decimal("1234567890123.45"), Decimal("12345678901234.56")
    table = pa.table(
        {
            "sum": pa.array([exact, long, -long, Decimal("100000000000000000.00")], pa.decimal128(38, 2)),
            "id": [123456789012345, 1234567890123456, -(2**63), 10**18],
        }
    )
    found = sheet(written(tmp_path, "xlsx", table, {"sum": "decimal(38,2)", "id": "long"}))
    column = [[found.cell(line, place).value for line in range(2, 6)] for place in (1, 2)]
    assert column[0] == [1234567890123.45, "12345678901234.56", "-12345678901234.56", 10**17]
    assert column[1] == [123456789012345, "1234567890123456", str(-(2**63)), 10**18]


def test_excel_gets_what_its_calendar_does_not_know_as_text(tmp_path: Path) -> None:
    table = pa.table({"day": [date(1900, 2, 28), date(1900, 3, 1)], "at": [datetime(1, 1, 1), datetime(2026, 1, 1, 0, 0, 0, 7)]})
    found = sheet(written(tmp_path, "xlsx", table, {"day": "date", "at": "timestamp"}))
    assert [found.cell(2, 1).value, found.cell(3, 1).value] == ["1900-02-28", datetime(1900, 3, 1)]
    assert [found.cell(2, 2).value, found.cell(3, 2).value] == ["0001-01-01T00:00:00", "2026-01-01T00:00:00.000007"]


def test_excel_says_where_the_rows_are_from(tmp_path: Path) -> None:
    path = written(tmp_path, "xlsx", pa.table({"a": [1]}), {"a": "long"}, snapshots={"marts.sales": "77"})
    said = {row[0].value: row[1].value for row in openpyxl.load_workbook(path)["About"].rows}
    assert said["From"] == "marts.sales@77"
    assert said["Run"] == "run-1"
    assert said["Made at"] == "2026-10-04T03:59:00Z"


def test_equal_rows_make_equal_workbooks(tmp_path: Path) -> None:
    table, kinds = pa.table({"a": [1, 2], "b": ["x", None]}), {"a": "long", "b": "string"}
    first = written(tmp_path, "xlsx", table, kinds).read_bytes()
    assert written(tmp_path, "xlsx", table, kinds).read_bytes() == first


def test_what_does_not_fit_into_a_sheet_is_refused_not_cut(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFit, match="column 'word'"):
        written(tmp_path, "xlsx", pa.table({"word": ["x" * 32_768]}), {"word": "string"})
    _require_room(MOST_ROWS, about({"a": "long"}))
    with pytest.raises(DoesNotFit, match="do not fit"):
        _require_room(MOST_ROWS + 1, about({"a": "long"}))


def test_a_uuid_is_written_as_people_write_it() -> None:
    from startrail.adapters.report.rows import text

    assert text(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
    assert text(Decimal("1E+3")) == "1000"
    assert XlsxWriter is not None
