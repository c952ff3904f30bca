"""CSV whose lines are plain goes to the engine as it stands, and loads to what the judge alone makes of it."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.loading import Loaded, contract, field, load_bytes
from tests.integration.test_load_differential import NASTY_TEXTS

from startrail.adapters.loader import growing, second_look, spooled
from startrail.adapters.loader.csv import quick as csv_quick
from startrail.adapters.loader.csv.queries import reader
from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.native.library import CHOICE
from startrail.adapters.loader.spool import Spool
from startrail.capabilities.contracts.load import raw_schema
from startrail.model.contract import Contract, Format
from startrail.model.source import Dialect
from startrail.ports.loader import LoadTask

TYPED = contract(
    field("id", "long", required=True),
    field("rank", "int", minimum="1", maximum="7"),
    field("price", "decimal(10,2)"),
    field("share", "double"),
    field("small", "float"),
    field("comma", "double", format=Format(decimal_separator=";")),
    field("day", "date"),
    field("at", "timestamptz"),
    field("local", "timestamp"),
    field("clock", "time"),
    field("gift", "boolean"),
    field("status", "string", enum=("paid", "é")),
    key=("id",),
)
TEXTS = contract(field("name", "string"), field("other", "string", default="x"))
GOOD = (
    "1", "3", "1.50", "8.125", "1.5", "1;5", "2026-10-03", "2026-10-03T14:05:00Z", "2026-10-03T14:05:00", "14:05:00", "true",
    "paid",
)  # fmt: skip
NUMBERS = (
    "1234567", "-999999", "9999999", "123456789012345", "1234567890123456", "16777217.0", "1.5e3", "12e400", "1e2", "0x1p3",
)  # fmt: skip
PLAIN = tuple(text for text in (*NASTY_TEXTS, *NUMBERS) if not set(text) & set(',"\n\r\0\ud800'))


@pytest.fixture(autouse=True)
def _other_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "msgspec")


def both(root: Path, data: bytes, promised: Contract, *, direct: bool, **source: Any) -> Loaded:
    """``direct``: whether the file is expected to go to the engine as it is."""
    spools: list[str] = []

    class Seen(Spool):
        def __enter__(self) -> Spool:
            spools.append(self._name)
            return super().__enter__()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spooled, "Spool", Seen)
        quick = load_bytes(root / "quick", data, promised, "csv", **source)
    careful = load_bytes(root / "careful", data, promised, "csv", careful=True, **source)
    assert "careful" not in quick.output.note
    assert bool(spools) != direct
    assert (quick.counts, quick.held, quick.kept) == (careful.counts, careful.held, careful.kept)
    assert quick.output.drift == careful.output.drift
    assert quick.output.note == careful.output.note
    assert quick.refused() == careful.refused()
    assert quick.rows() == careful.rows()
    return quick


def text_of(rows: list[tuple[str, ...]], promised: Contract = TYPED) -> str:
    return "\n".join(",".join(row) for row in [tuple(each.name for each in promised.fields), *rows]) + "\n"


def test_every_nasty_text_in_every_column(tmp_path: Path) -> None:
    rows: list[tuple[str, ...]] = [(str(number), *GOOD[1:]) for number in range(600)]
    for column, text in itertools.product(range(len(GOOD)), PLAIN):
        row = [str(len(rows)), *GOOD[1:]]
        row[column] = text
        rows.append(tuple(row))
    loaded = both(tmp_path, text_of(rows).encode(), TYPED, direct=True)
    assert loaded.counts[1] > 650
    assert loaded.counts[2] > 400


LINES = [f"n{number},{number}" for number in range(900)]
HEAD = "name,other\n"
WHOLE = "\n".join(LINES)


@pytest.mark.parametrize(
    ("data", "direct"),
    [
        (HEAD + WHOLE + "\n", True),
        (HEAD + WHOLE, True),
        (HEAD + "n,\n,\n" + WHOLE + "\n", True),
        (HEAD + WHOLE + "\né,ü\n", True),
        ('"name",other\n' + WHOLE + "\n", False),
        ("\ufeff" + HEAD + WHOLE + "\n", False),
        (HEAD.replace("\n", "\r\n") + WHOLE + "\n", False),
        (HEAD + WHOLE.replace("\n", "\r\n") + "\r\n", False),
        (HEAD + "\n" + WHOLE + "\n", False),
        (HEAD + WHOLE + "\n\n", False),
        (HEAD + '"n",1\n' + WHOLE + "\n", False),
        (HEAD + WHOLE + '\n"n\n1",2\n', False),
        (HEAD + WHOLE + "\na,b,c\n", False),
        (HEAD + WHOLE + "\na\0b,c\n", False),
        (HEAD + "\0,\0\n" + WHOLE + "\n", False),
        (HEAD + WHOLE + "\n" + "x" * (1 << 20) + ",1\n", False),
    ],
    ids=["plain", "unended", "empty texts", "letters", "quoted header", "mark", "header with return", "returns", "blank first",
         "blank last", "quoted first", "quoted last", "three columns", "nul", "nul first", "long"],
)  # fmt: skip
def test_what_stands_around_plain_lines(tmp_path: Path, data: str, direct: bool) -> None:
    both(tmp_path, data.encode(), TEXTS, direct=direct)


@pytest.mark.parametrize("odd", ["", "1,2,3,4\n"])
def test_a_column_that_nobody_declared_is_told_once_for_each_row(tmp_path: Path, odd: str) -> None:
    data = "name,other,new\n" + "".join(f"{line},z\n" for line in LINES) + odd
    loaded = both(tmp_path, data.encode(), TEXTS, direct=not odd)
    assert loaded.kept == {"new": len(LINES) + bool(odd)}


@pytest.mark.parametrize("width", [1, 2])
def test_a_file_without_header(tmp_path: Path, width: int) -> None:
    promised = contract(*TEXTS.fields[:width])
    lines = [f"n{number}" + f",{number}" * (width - 1) for number in range(700)]
    both(tmp_path, ("\n".join(lines) + "\n").encode(), promised, direct=True, csv=Dialect(header=False))


def test_bytes_that_are_no_text_are_found_by_the_engine(tmp_path: Path) -> None:
    data = (HEAD + WHOLE).encode() + "\né,1\n".encode() + b"\xff,1\nlast,1\n"
    loaded = both(tmp_path, data, TEXTS, direct=False)
    assert [[rule for _, rule in found] for found in loaded.rules().values()] == [["malformed"]]


@pytest.mark.parametrize("lines", [(b"a\xff,1",), (b"a\xff,1", "é,1".encode())])
def test_another_encoding_is_told_by_what_any_reading_of_the_file_saw(tmp_path: Path, lines: tuple[bytes, ...]) -> None:
    """The chunk was cut once, and is not looked at when the file is read again."""
    data = HEAD.encode() + b"\n".join([*WHOLE.encode().split(b"\n")[:600], *lines, b"1,2,3", WHOLE.encode(), b""])
    quick = load_bytes(tmp_path / "quick", data, TEXTS, "csv")
    careful = load_bytes(tmp_path / "careful", data, TEXTS, "csv", careful=True)
    assert (quick.held is None) == (len(lines) == 2)
    assert (quick.held, quick.counts, quick.output.drift) == (careful.held, careful.counts, careful.output.drift)


@pytest.mark.parametrize("seed", range(4))
def test_odd_lines_among_plain_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """With repeated keys, so that records are read again, from chunks that are known and from others; and with keys that
    are taken for growing ones."""
    monkeypatch.setattr(csv_quick, "_REMEMBERED", (200_000, 0)[seed % 2])
    monkeypatch.setattr(growing, "_LEAST", (1, 1_000)[seed // 2])
    source = random.Random(seed)
    odd = ("1,2", "a,b,c,d", "é,x\r,y", "", " ", "\0,\0,\0", '"q",1,"x ""y"""', "9" * 30 + ",1,z")
    promised = contract(field("id", "long"), field("n", "int", maximum="90"), field("name", "string"), key=("id",))
    lines = ["id,n,name"]
    for number in range(6_000):
        quiet = number // 1500 % 2
        key = source.randrange(number + 1) if source.random() < 0.002 else number
        lines.append(source.choice(odd) if not quiet and source.random() < 0.02 else f"{key},{source.randrange(95)},m{number}")
    loaded = both(tmp_path, "\n".join(lines).encode(), promised, direct=False)
    assert min(loaded.counts[1:3]) > 100


def _keyed(keys: list[int], blank: int = 0) -> bytes:
    """Orders with these keys, and so many rows that are refused."""
    lines = [f"{key},{number % 80},{number:040}" for number, key in enumerate(keys)]
    for number in range(blank):
        lines[(number + 1) * len(lines) // (blank + 1)] = "x,91,bad" if number % 2 else "1,2"
    return "\n".join(["id,n,name", *lines, ""]).encode()


KEYED = contract(field("id", "long"), field("n", "int", maximum="90"), field("name", "string"), key=("id",))


def test_departures_among_many_columns_are_told_by_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one number has bits for; and some thousand records are more than are looked at together."""
    monkeypatch.setattr(second_look, "_RECORDS", 16)
    promised = contract(*(field(f"f{at}", "int", maximum="5") for at in range(130)))
    rows = [["1"] * 130 for _ in range(700)]
    for at in range(130):
        rows[5 * at][at] = "9" if at % 2 else "x"
        rows[5 * at + 1][0] = rows[5 * at + 1][at] = "1.5"
    lines = [",".join(f.name for f in promised.fields), *map(",".join, rows), ""]
    loaded = both(tmp_path, "\n".join(lines).encode(), promised, direct=True)
    assert loaded.counts[2] == 260


@pytest.mark.parametrize(("odd", "at_once"), [("1,2", True), ('9,1,"q""r"', True), ('9,1,"q\nr"', False)])
def test_what_is_copied_is_read_from_several_places_where_every_line_is_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str, at_once: bool
) -> None:
    queries: list[str] = []
    copy = Engine.copy

    def noting(self: Engine, query: str, *rest: Any) -> Any:
        queries.append(query)
        return copy(self, query, *rest)

    monkeypatch.setattr(Engine, "copy", noting)
    load_bytes(tmp_path, _keyed(list(range(2_000))) + odd.encode() + b"\n", KEYED, "csv")
    assert f"parallel = {str(at_once).lower()}" in queries[0]


def test_only_a_file_of_plain_lines_is_read_from_several_places_at_once() -> None:
    """Within quotes a line end is none, and what begins behind it looks like a record."""
    task = LoadTask("d", "landed", "csv", TEXTS, raw_schema(TEXTS))
    assert "parallel = false" in reader("'lines'", task, 2)
    assert "parallel = true" in reader("'lines'", task, 2, whole=1)
