"""The quick CSV reader says what the strict one says, and what it lets pass is read by the engine to the same values."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.adapters.loader import lines
from startrail.adapters.loader.blocks import Record, Unreadable
from startrail.adapters.loader.csv import file as csv_file
from startrail.adapters.loader.csv import quick as csv_quick
from startrail.adapters.loader.csv.file import Csv
from startrail.adapters.loader.csv.queries import Habit, reader, typed_rows
from startrail.adapters.loader.csv.quick import QuickCsv
from startrail.model.contract import Contract
from startrail.model.source import Dialect
from startrail.ports.loader import LoadTask

THREE = contract(field("a", "string"), field("b", "string"), field("c", "string"))
ONE = contract(field("a", "string"))


@pytest.fixture(autouse=True, scope="module")
def _small_rooms() -> Iterator[None]:
    """So that few bytes are several blocks, and no row but the first is looked at for its dialect."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (csv_file, csv_quick):
            patch.setattr(module, "ROWS", 1)
        patch.setattr(lines, "BLOCK", 24)
        yield


class Read:
    """All that a reader said about a file."""

    def __init__(self, kind: type[Csv], data: bytes, promised: Contract, dialect: Dialect, **more: Any) -> None:
        self.records: list[Record] = []
        self.reason: str | None = None
        self.end: Any = None
        self.stream = b""
        try:
            csv = kind(io.BytesIO(data), promised, dialect, **more)
            for block in csv.blocks():
                found = block.sequence()
                assert len(found) == block.count == len(list(block.records()))
                assert {index for index, record in enumerate(found) if record.broken} == set(block.broken)
                self.records += list(found)
                self.stream += block.lines
            self.end = csv.unended, csv.samples, csv.names
        except Unreadable as unreadable:
            self.reason = unreadable.reason


def same(data: bytes, promised: Contract, dialect: Dialect) -> Read:
    strict = Read(Csv, data, promised, dialect)
    quick = Read(QuickCsv, data, promised, dialect, wary=True)
    assert quick.reason == strict.reason
    assert quick.end == strict.end
    if strict.reason is None:
        assert quick.records == strict.records
    return quick


PIECES = ("a", "b", "é", ",", ",", ";", '"', '""', "'", "\n", "\n", "\r\n", "\r", "\0", " ", "\t", "x" * 30, "\u2028", "1,2,3\n",
          '"1","2","3"\n', '1,"2 ""x""",3\r\n', "1,2,3\r\n", '"a\nb",2,3\n', "\n\n")  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
raw = st.lists(st.sampled_from([*(piece.encode() for piece in PIECES), b"\xff", b"\xc3", b"\xed\xa0\x80"]), max_size=30)
dialects = st.sampled_from([
    Dialect(), Dialect(delimiter=";"), Dialect(quote="'"), Dialect(delimiter="\t"), Dialect(delimiter=" "),
    Dialect(header=False), Dialect(header=False, quote="'", delimiter=";"),
])  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(raw.map(b"".join), dialects, st.sampled_from([THREE, ONE]))
@example(b"1,2,3\n" + b"1,2,\r3\n" * 9, Dialect(), THREE)
@example(b"1,2,3\r\n" * 9, Dialect(), THREE)
@example(b"1\n" * 9 + b"\r\n\n" + b"1\n" * 9, Dialect(), ONE)
def test_the_quick_reader_finds_the_records_of_the_strict_one(data: bytes, dialect: Dialect, promised: Contract) -> None:
    header = dialect.delimiter.join(f.name for f in promised.fields).encode() + b"\n" if dialect.header else b""
    same(header + data, promised, dialect)


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from(["latin-1", "utf-16"]))
def test_and_so_it_does_in_other_encodings(text: str, encoding: Literal["latin-1", "utf-16"]) -> None:
    same(("a,b,c\n" + text).encode(encoding, errors="replace"), THREE, Dialect(encoding=encoding))


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from([THREE, ONE]), st.sampled_from([Dialect(), Dialect(quote="'"), Dialect(delimiter=";")]))
def test_the_engine_reads_the_stream_to_the_same_values(text: str, promised: Contract, dialect: Dialect) -> None:
    header = dialect.delimiter.join(f.name for f in promised.fields) + "\n"
    read = Read(QuickCsv, (header + text).encode(), promised, dialect)
    if read.reason is not None or not read.records:
        return
    task = LoadTask("d", "k", "csv", promised, promised.schema(), dialect)
    found = in_the_engine(read.stream, task)
    assert len(found) == len(read.records)
    for values, record in zip(found, read.records, strict=True):
        if record.broken is not None or "\0" in record.raw.decode() or "\r" in record.raw.decode():
            assert values == (None,) * len(promised.fields)
        else:
            strict = Csv(io.BytesIO(header.encode() + record.raw + b"\n"), promised, dialect)
            (block,) = strict.blocks()
            assert isinstance(block, csv_file.Rows)
            assert values == tuple(block.rows[0].values)


def in_the_engine(stream: bytes, task: LoadTask) -> list[tuple[Any, ...]]:
    with NamedFile(stream) as path, duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM {reader(repr(str(path)), task, len(task.contract.fields))}").fetchall()


class NamedFile:
    def __init__(self, data: bytes) -> None:
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "stream"
        self._path.write_bytes(data)

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def test_plain_lines_go_on_as_they_stand_and_others_are_written_anew() -> None:
    data = b'a,b,c\n1,2,3\n4,5,6\n7,"8",9\n1,2\n"x\ny",2,3\n'
    read = Read(QuickCsv, data, THREE, Dialect())
    assert read.stream == b'"1","2","3"\n4,5,6\n7,"8",9\n\0,\0,\0\n"x\ny","2","3"\n'
    assert [bool(record.broken) for record in read.records] == [False, False, False, True, False]


def test_a_very_long_line_is_found_in_time_that_grows_with_its_length() -> None:
    data = b"a,b,c\n1,2,3\n" + b"x" * 3_000_000 + b",2,3\n4,5,6\n"
    read = Read(QuickCsv, data, THREE, Dialect())
    assert [len(record.raw) for record in read.records] == [5, 3_000_004, 5]
    assert read.stream.count(b"\0,\0,\0\n") == 1


FEW = " -+.:_aeETZz019/\t\n,"
EXACT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"


@pytest.mark.parametrize(
    "habit", ["2026-10-03T14:05:00Z", "2026-10-03T14:05:00.123456Z", "2026-10-03T14:05:00.5-03:30", "2026-10-03T14:05:00+02:00"]
)
def test_what_shows_the_habit_of_a_column_and_is_read_is_an_exact_instant(habit: str) -> None:
    """Every text that differs from the usual in one or two places, also by a place more or less."""
    found = Habit.of([habit, "nothing", habit])
    assert found is not None
    made = {habit}
    for at in range(len(habit)):
        made |= {habit[:at] + chr(code) + habit[at + 1 :] for code in (*range(1, 128), 0xFF11)}
        made |= {habit[:at] + char + habit[at:] for char in FEW} | {habit[:at] + habit[at + 1 :]}
        for other in range(at + 1, len(habit)):
            made |= {habit[:at] + a + habit[at + 1 : other] + b + habit[other + 1 :] for a in FEW for b in FEW}
    zone = found.zone
    parts = product(("2026", "926"), ("10", "1"), ("03", "3"), ("14", "4"), ("05", "5"), ("00", "0", "000"), range(8))
    made |= {f"{y}-{mo}-{d}T{h}:{mi}:{s}" + ("." + "1234567"[:n] if n else "") + zone for y, mo, d, h, mi, s, n in parts}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        value = found.value("s")
        texts = connection.sql("SELECT unnest($1) AS s", params=[sorted(made)])
        taken = texts.filter(f"{found.shows('s')} AND {value} BETWEEN '1000-01-03' AND '9999-12-29'")
        lax = taken.filter(f"NOT regexp_full_match(s, '{EXACT}') OR {value} IS DISTINCT FROM TRY_CAST(s AS TIMESTAMPTZ)")
        assert lax.fetchall() == []
        assert taken.aggregate("count(*)").fetchall()[0][0] > 300


@pytest.mark.parametrize("words", [("",), ("", "-"), ()])
def test_what_is_null_is_said_by_the_reader_or_by_a_comparison_and_is_the_same(words: tuple[str, ...], tmp_path: Path) -> None:
    """Only where the empty text alone is null, and every column is declared, the engine's reader says it."""
    stream = tmp_path / "stream.csv"
    stream.write_bytes(b'x,-,\n,"",y\n,,\n\0,\0,\0\n"a ""b""","-",""\n')
    rows = [("x", "-", ""), ("", "", "y"), ("", "", ""), ('a "b"', "-", "")]
    expected = [tuple(None if value in words else value for value in row) for row in rows]
    for names in (("a", "b", "c"), ("a", "b", "more")):
        task = LoadTask("d", "k", "csv", THREE, THREE.schema(), Dialect(null_words=words))
        query = typed_rows(f"'{stream}'", task, names, {}, {})
        found = duckdb.execute(f"SELECT v0, v1, v2, extra FROM ({query}) WHERE fine").fetchall()
        assert [row[:2] for row in found] == [row[:2] for row in expected]
        if "more" in names:
            assert [json.loads(row[3]) for row in found] == [{"more": row[2]} for row in rows]
        else:
            assert [row[2] for row in found] == [row[2] for row in expected]
