"""Parquet that goes direct must load to what its records say: every column type beside every declared type."""

from __future__ import annotations

import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import Loaded, contract, field, load_bytes

from startrail.adapters.loader import directly, loader
from startrail.adapters.loader.engine import NotTaken
from startrail.model.contract import Contract, Field, Format
from startrail.model.drift import DriftPolicy, DriftPreset
from startrail.model.types import StructOf
from startrail.ports.warehouse import OutOfMemory

PLAIN = (
    "boolean", "int", "long", "float", "double", "decimal(10,2)", "decimal(38,0)", "decimal(4,4)", "date", "time", "timestamp",
    "timestamptz", "string", "binary", "uuid", "list<int>", "list<date>", "list<string>", "struct<a: int, b: string>",
    "list<struct<a: int, b: string>>", "map<string, int>",
)  # fmt: skip
INNER = (field("a", "int", required=True, minimum="2"), field("b", "string", max_length=2))
LIMITED = (
    field("enum_i", "int", enum=("1", "7")),
    field("enum_f", "float", enum=("0.1", "1.5")),
    field("enum_d", "double", enum=("0.1", "1.5")),
    field("enum_s", "string", enum=("1", "é", "2026-10-03")),
    field("enum_b", "binary", enum=("YWI=",)),
    field("enum_u", "uuid", enum=("123E4567-e89b-12d3-a456-426614174000",)),
    field("open", "string", enum=("1",), enum_open=True),
    field("between", "decimal(10,2)", minimum="0.1", maximum="99.5"),
    field("above", "double", minimum="0.1", maximum="1000"),
    field("late", "date", minimum="2026-01-01"),
    field("later", "timestamptz", minimum="2026-01-01T00:00:00Z"),
    field("early", "timestamp", maximum="2026-01-01T00:00:00"),
    field("short", "string", min_length=1, max_length=3),
    field("code", "string", pattern="^[a-z0-9]+$"),
    field("bytes", "binary", min_length=1, max_length=2),
    field("days", "list<int>", min_length=1, max_length=2),
    field("deep", "list<struct<a: int, b: string>>", item=field("item", "struct<a: int, b: string>", fields=INNER)),
    field("wide", "struct<a: int, b: string>", fields=INNER, closed=True),
    field("sure", "list<int>", item=field("item", "int", required=True, maximum="5")),
)
FORMATTED = (
    field("pattern", "date", format=Format(pattern="%d/%m/%Y")),
    field("clock", "timestamp", format=Format(pattern="%Y-%m-%d %H:%M")),
    field("madrid", "timestamptz", format=Format(timezone="Europe/Madrid")),
    field("comma", "decimal(10,2)", format=Format(decimal_separator=",")),
    field("comma_d", "double", format=Format(decimal_separator=",")),
    field("words", "boolean", format=Format(true_words=("yes", "1"), false_words=("no", "t"))),
    field("null_s", "string", format=Format(null_words=("", "1", "N/A"))),
    field("null_d", "double", format=Format(null_words=("nan", "inf", "1.5"))),
    field("null_m", "decimal(10,2)", format=Format(null_words=("1.50",))),
    field("null_i", "int", format=Format(null_words=("1", "7"))),
    field("null_t", "date", format=Format(null_words=("2026-10-03",))),
    field("null_z", "timestamptz", format=Format(null_words=("2026-10-03T14:05:00.000000Z",))),
)
FIELDS = (*(field(f"f{index}", kind) for index, kind in enumerate(PLAIN)), *LIMITED, *FORMATTED)

WHOLE = ("0", "1", "-1", "7", "127")
TIMES = ("2026-10-03 14:05:00", "1970-01-01", "2026-10-03", "2025-12-31 23:59:59.999", "0001-01-01", "0001-01-05", "9999-12-31")
KINDS: dict[str, tuple[str, ...]] = {
    "BOOLEAN": ("true", "false"),
    "TINYINT": WHOLE,
    "UTINYINT": ("0", "1", "255"),
    "INTEGER": (*WHOLE, "2147483647", "-2147483648", "16777217"),
    "UINTEGER": ("0", "4294967295"),
    "BIGINT": (*WHOLE, "2147483648", "9007199254740993", "9223372036854775807", "-9223372036854775808"),
    "UBIGINT": ("0", "7", "18446744073709551615", "9223372036854775808"),
    "FLOAT": ("0", "-0.0", "1", "1.5", "0.1", "16777216", "16777218", "3.4028235e38", "1e-45", "nan", "inf", "-inf"),
    "DOUBLE": (
        "0", "-0.0", "1", "1.5", "0.1", "7", "12.345", "9007199254740992", "9007199254740994", "1e22", "1e300", "3.4028235e38",
        "3.5e38", "5e-324", "1e-7", "100000000", "0.30000000000000004", "nan", "inf", "-inf",
    ),
    "DECIMAL(10,2)": ("0", "1.50", "-1.5", "0.1", "99999999.99", "7", "0.12"),
    "DECIMAL(12,3)": ("1.5", "12.345", "123456789.123", "0.100"),
    "DECIMAL(38,0)": ("7", "99999999999999999999999999999999999999", "9223372036854775808", "123456789"),
    "DECIMAL(38,38)": ("0.1", "0.00000000000000000000000000000000000001"),
    "DATE": ("2026-10-03", "1970-01-01", "0001-01-01", "9999-12-31", "0044-03-15 (BC)", "10000-01-01", "infinity", "-infinity"),
    "TIME": ("14:05:00", "00:00:00", "23:59:59.999999", "14:05:00.1", "24:00:00"),
    "TIMETZ": ("14:05:00+00", "14:05:00+02"),
    "TIME_NS": ("14:05:00", "14:05:00.123456789"),
    "TIMESTAMP": (*TIMES, "2026-10-03 14:05:00.123456", "infinity", "-infinity", "0044-03-15 (BC) 00:00:00", "10000-01-01"),
    "TIMESTAMP_MS": (*TIMES, "12026-10-03"),
    "TIMESTAMP_NS": (*TIMES[:4], "2026-10-03 14:05:00.123456", "2026-10-03 14:05:00.1234567", "1960-01-01 00:00:00.000000001"),
    "TIMESTAMPTZ": (*(f"{time[:10]} 14:05:00.5+00" for time in TIMES), "2026-10-25 02:30:00+02", "infinity"),
    "TIMESTAMPTZ_NS": ("2026-10-03 14:05:00+00", "2026-10-03 14:05:00.1234567+00", "1970-01-01 00:00:00.000001+00"),
    "VARCHAR": (
        "", " ", "1", "1.5", "1,5", "007", "1e3", "0x10", "12.345", "N/A", "nan", "true", "yes", "t", "2026-10-03", "03/10/2026",
        "2026-02-29", "2026-10-03T14:05:00", "2026-10-03T14:05:00Z", "2026-10-03 14:05", "14:05:00", "YWI=", "é", "ab\0", "abcd",
        "123e4567-e89b-12d3-a456-426614174000", "[1]", '{"a":1,"b":"x"}', '"', "\\", "\n",
    ),
    "BLOB": ("", "ab", "abc", "YWI=", "\\x00\\xFF", "1"),
    "UUID": ("123e4567-e89b-12d3-a456-426614174000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "INTEGER[]": ("[]", "[1]", "[1, NULL]", "[1, 2, 9]", "[3]"),
    "BIGINT[]": ("[]", "[1]", "[2147483648]"),
    "VARCHAR[]": ("[]", "['1']", "['2026-10-03', NULL]", "['ab\0']", "['é', 'x']"),
    "DATE[]": ("[2026-10-03]", "[NULL]", "[infinity]"),
    "STRUCT(a INTEGER, b VARCHAR)": ("{'a': 1, 'b': x}", "{'a': NULL, 'b': x}", "{'a': 2, 'b': NULL}", "{'a': 3, 'b': xyz}"),
    "STRUCT(b VARCHAR, a BIGINT)": ("{'b': x, 'a': 7}", "{'b': x, 'a': 2147483648}"),
    "STRUCT(a INTEGER)": ("{'a': 1}",),
    "STRUCT(a INTEGER, b VARCHAR, c INTEGER)": ("{'a': 1, 'b': x, 'c': 1}",),
    "STRUCT(A INTEGER, b VARCHAR)": ("{'A': 1, 'b': x}",),
    "STRUCT(a INTEGER, b VARCHAR)[]": ("[{'a': 1, 'b': x}, NULL]", "[]", "[{'a': 5, 'b': y}]", "[{'a': NULL, 'b': y}]"),
    "MAP(VARCHAR, INTEGER)": ("{a=1}", "{}"),
}  # fmt: skip
NESTED_KINDS = tuple(kind for kind in KINDS if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")))


def _parquet(path: Path, query: str) -> bytes:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("\0", "' || chr(0) || '") + "'"


def same(
    data: bytes, promised: Contract, root: Path, *, goes: bool | None = None, records: bool = False, **source: Any
) -> Loaded:
    """Direct, by the judge alone, and if need be by ``records``; ``goes``: whether the direct way must have been gone."""
    with pytest.MonkeyPatch.context() as patch:
        gone = []
        outcome = loader.DuckdbLoader._outcome

        def noting(self: Any, *rest: Any) -> Any:
            found = outcome(self, *rest)
            gone.append(rest[-1])
            return found

        patch.setattr(loader.DuckdbLoader, "_outcome", noting)
        direct = load_bytes(root / "a", data, promised, "parquet", **source)
        assert goes is None or goes == (gone == ["direct"]), gone
        patch.setattr(directly, "direct", _never)
        judged = load_bytes(root / "b", data, promised, "parquet", careful=True, **source)
        assert _all(direct) == _all(judged)
        assert _samples(direct) == _samples(judged)
        if records:
            assert _all(direct) == _all(load_bytes(root / "c", data, promised, "parquet", **source))
            assert "direct" not in gone[1:]
        return direct


def _never(*_: object) -> None:
    raise NotTaken("not for this test")


def _all(loaded: Loaded) -> tuple[Any, ...]:
    output = loaded.output
    drift = sorted((found.kind, found.path, found.rows) for found in output.drift)
    rows = repr(loaded.rows())
    held = re.sub(", such as [^;]*", "", loaded.held or "")  # which sample it is, is a matter of who sees it first
    return loaded.counts, held, loaded.kept, drift, output.touched, loaded.refused(), rows, output.medians


def _samples(loaded: Loaded) -> list[tuple[str, str, str]]:
    """The judge alone sees the first of each kind first."""
    return sorted((found.kind, found.path, found.sample) for found in loaded.output.drift if found.kind != "new_field")


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_any_type_loads_to_what_its_records_say(kind: str, tmp_path: Path) -> None:
    cast = f"CAST({{}} AS {kind})"
    chosen = [one for one in FIELDS if (kind in NESTED_KINDS) <= _may_be_nested(one, kind)]
    rows = []
    for place, _ in enumerate(chosen):
        for value in KINDS[kind]:
            cells = [cast.format(_text(value)) if at == place else "NULL" for at, _ in enumerate(chosen)]
            rows.append("(" + ", ".join(cells) + ")")
    types = ", ".join(f"CAST(c{at} AS {kind}) AS {one.name}" for at, one in enumerate(chosen))
    names = ", ".join(f"c{at}" for at, _ in enumerate(chosen))
    query = f"SELECT {types}, CAST(c0 AS {kind}) AS undeclared FROM (VALUES {', '.join(rows)}) AS t({names})"
    same(_parquet(tmp_path / "in.parquet", query), contract(*chosen), tmp_path, goes=not _recorded(kind))


def _may_be_nested(one: Field, kind: str) -> bool:
    """A file in which something nested stands for a scalar is read as records, which would hide all else."""
    names = {"a", "b"}
    if kind.startswith("MAP"):
        return str(one.type).startswith("map")
    if kind.endswith("[]"):
        return str(one.type).startswith("list") and (kind.startswith("STRUCT") == ("struct" in str(one.type)))
    return isinstance(one.type, StructOf) and {name for name, _ in one.type.fields} == names and kind.startswith("STRUCT")


def _recorded(kind: str) -> bool:
    return (
        kind in ("STRUCT(a INTEGER)", "STRUCT(a INTEGER, b VARCHAR, c INTEGER)", "STRUCT(A INTEGER, b VARCHAR)") or "MAP" in kind
    )


COLUMNS = (
    field("id", "long", required=True),
    field("amount", "decimal(10,2)", required=True, minimum="0"),
    field("at", "timestamptz"),
    field("status", "string", enum=("paid", "é"), aliases=("state",)),
    field("weight", "double", unique=True),
    field("tags", "list<string>"),
    field("due", "date", default="2026-10-03"),
    field("flag", "boolean", default="true", format=Format(true_words=("yes",), false_words=("no",))),
)
USUAL = {
    "id": "BIGINT", "amount": "DECIMAL(10,2)", "at": "TIMESTAMPTZ", "status": "VARCHAR", "weight": "DOUBLE", "tags": "VARCHAR[]",
    "due": "DATE", "flag": "BOOLEAN",
}  # fmt: skip
GOOD = {
    "id": st.integers(0, 9).map(str), "amount": st.integers(0, 99).map(str), "at": st.just("2026-10-03 14:05:00+00"),
    "status": st.sampled_from(("paid", "é")), "weight": st.integers(0, 400).map(lambda number: str(number / 4)),
    "tags": st.sampled_from(("[]", "['a']")), "due": st.just("2026-10-04"), "flag": st.just("true"),
}  # fmt: skip
OTHERS = ("new", "Newer", "año", "it's", 'a "b"', "file_row_number", "ID", "State", "_x", "a[0]")


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A query: mostly the declared columns with good values, some of another type, name or order, or not there."""
    named = {one.name: one.name for one in COLUMNS}
    for name in draw(st.lists(st.sampled_from(list(named)), max_size=1)):
        del named[name]
    for name in draw(st.lists(st.sampled_from(list(named)), max_size=1)):
        named[name] = draw(st.sampled_from((name.upper(), "state", name + "_old")))
    kinds = {name: USUAL[name] for name in named}
    for name in draw(st.lists(st.sampled_from(list(named)), max_size=2)):
        kinds[name] = draw(st.sampled_from(list(KINDS)))
    for name in draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique=True)):
        if name.lower() not in map(str.lower, named.values()):
            named[name], kinds[name] = name, draw(st.sampled_from(list(KINDS)))
    order = draw(st.permutations(list(named)))
    rows = []
    for _ in range(draw(st.sampled_from((8, 5, 12, 2, 0)))):
        odd = draw(st.none() | st.sampled_from(order))
        cells = [_cell(draw(_values(name, kinds[name], odd=name == odd)), kinds[name]) for name in order]
        rows.append(f"({', '.join(cells)})")
    columns = ", ".join(f"CAST(c{at} AS {kinds[name]}) AS {_quoted(named[name])}" for at, name in enumerate(order))
    names = ", ".join(f"c{at}" for at, _ in enumerate(order))
    empty = f"({', '.join('NULL' for _ in order)})"
    return f"SELECT {columns} FROM (VALUES {', '.join(rows or [empty])}) AS t({names})" + ("" if rows else " WHERE false")


def _values(name: str, kind: str, *, odd: bool) -> st.SearchStrategy[str | None]:
    if odd or USUAL.get(name) != kind:
        return st.none() | st.sampled_from(KINDS[kind])
    return GOOD[name]


def _cell(value: str | None, kind: str) -> str:
    return "NULL" if value is None else f"CAST({_text(value)} AS {kind})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    tables(), st.booleans(), st.sampled_from(("keep-going", "strict", "mirror", "observe")), st.sampled_from((False, False, True))
)
def test_any_table_loads_to_what_its_records_say(query: str, keyed: bool, preset: DriftPreset, closed: bool) -> None:
    promised = contract(*COLUMNS, key=("id",) if keyed else ())
    promised = msgspec.structs.replace(promised, closed=closed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = _parquet(root / "in.parquet", query)
        same(data, promised, root, records=True, drift=DriftPolicy(preset=preset), partition_by="at")


def test_rows_are_judged_by_their_number_in_the_file(tmp_path: Path) -> None:
    broken = "CASE WHEN i % 1000 = 7 THEN -1 ELSE i END"
    query = f"SELECT i AS id, CAST({broken} AS DECIMAL(10,2)) AS amount FROM range(1, 30001) AS t(i)"
    promised = contract(field("id", "long", required=True), field("amount", "decimal(10,2)", minimum="0"), key=("id",))
    loaded = same(_parquet(tmp_path / "in.parquet", f"{query} UNION ALL SELECT 5, 1"), promised, tmp_path, goes=True)
    assert sorted(loaded.refused()) == [*range(7, 30_000, 1000), 30_001]
    assert loaded.rules()[30_001] == [("$.id", "duplicate_key")]
    assert all(id == ordinal for id, ordinal in loaded.rows("id, _ordinal"))


@pytest.mark.parametrize("more", [10, 5000], ids=["a few", "too many to be judged"])
def test_of_rows_with_one_key_the_first_that_keeps_the_contract_stays(tmp_path: Path, more: int) -> None:
    rows = "(1, 1), (1, 2), (2, -1), (2, 5), (2, 6)"
    query = f"SELECT id, CAST(n AS DECIMAL(10,2)) AS amount FROM (VALUES {rows}) AS t(id, n) UNION ALL "
    query += f"SELECT CAST(10 + i // 2 AS INTEGER), 1.00 FROM range({more}) AS t(i)"
    promised = contract(field("id", "long", required=True), field("amount", "decimal(10,2)", minimum="0"), key=("id",))
    loaded = same(_parquet(tmp_path / "in.parquet", query), promised, tmp_path, goes=True)
    assert sorted(loaded.refused()) == [2, 3, 5, *range(7, more + 6, 2)]
    assert loaded.rules()[3] == [("$.amount", "out_of_range")]
    assert loaded.rows("id, _ordinal")[:3] == [(1, 1), (2, 4), (10, 6)]


def test_a_record_that_would_be_too_long_is_refused_as_one(tmp_path: Path) -> None:
    query = (
        "SELECT i AS id, repeat(chr(1), i * 1000000) AS note, [repeat('x', i * 900000)] AS notes FROM (VALUES (1), (3)) AS t(i)"
    )
    promised = contract(field("id", "int"), field("note", "string"), field("notes", "list<string>"))
    loaded = same(_parquet(tmp_path / "in.parquet", query), promised, tmp_path, goes=True)
    assert loaded.rules() == {2: [("$", "malformed")]}


def test_undeclared_columns_are_kept_with_the_text_of_their_records(tmp_path: Path) -> None:
    query = (
        "SELECT 1 AS id, 0.1::FLOAT AS f, 'nan'::DOUBLE AS d, 1.50::DECIMAL(4,2) AS m, NULL::DATE AS n, ['a\"', NULL] AS l, "
        "{'x': 1, 'y': DATE '2026-10-03'} AS \"año\""
    )
    loaded = same(_parquet(tmp_path / "in.parquet", query), contract(field("id", "long")), tmp_path, goes=True, records=True)
    ((extra,),) = loaded.rows("_extra")
    assert extra == '{"f":0.1,"d":"nan","m":"1.50","n":null,"l":["a\\"",null],"año":{"x":1,"y":"2026-10-03"}}'
    assert [found.sample for found in loaded.output.drift if found.path == "$.m"] == ['"1.50"']


@pytest.mark.parametrize("column", ["file_row_number", "File_Row_Number"])
def test_a_column_with_the_name_of_row_numbers_is_a_column_like_any_other(column: str, tmp_path: Path) -> None:
    data = _parquet(tmp_path / "in.parquet", f"SELECT 7 AS id, -1 AS {column} UNION ALL SELECT 8, 1")
    loaded = same(
        data, contract(field("id", "int"), field("file_row_number", "int", minimum="0")), tmp_path, goes=False, records=True
    )
    assert loaded.rows("id, _ordinal") == [(8, 2)]


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "day=2026-10-03"
    folder.mkdir()
    loaded = load_bytes(folder, _parquet(tmp_path / "in.parquet", "SELECT 7 AS id"), contract(field("id", "int")), "parquet")
    assert loaded.kept == {}


def test_instants_of_nanoseconds_and_decimals_without_whole_digits_load(tmp_path: Path) -> None:
    query = "SELECT CAST('2026-10-03 14:05:00.5+00' AS TIMESTAMPTZ_NS) AS at, CAST('-0.25' AS DECIMAL(4,4)) AS share"
    promised = contract(field("at", "timestamptz"), field("share", "decimal(4,4)"))
    loaded = same(_parquet(tmp_path / "in.parquet", query), promised, tmp_path, goes=True, records=True)
    assert loaded.rows('"at", share') == [("2026-10-03 14:05:00.5+00", Decimal("-0.2500"))]


def test_a_file_that_needs_more_memory_is_written_in_smaller_groups_or_read_as_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []
    outcome = loader.DuckdbLoader._outcome

    def short(self: Any, *rest: Any) -> Any:
        gone.append(rest[-1])
        if len(gone) <= fails:
            raise OutOfMemory("not enough")
        return outcome(self, *rest)

    monkeypatch.setattr(loader.DuckdbLoader, "_outcome", short)
    data = _parquet(tmp_path / "in.parquet", "SELECT 7 AS id")
    for fails, last in ((1, "frugal"), (2, "quick")):
        gone.clear()
        loaded = load_bytes(tmp_path / last, data, contract(field("id", "int")), "parquet")
        assert loaded.rows("id, _ordinal") == [(7, 1)]
        assert gone == ["direct", "frugal", "quick"][: fails + 1]
