"""The fast way and the judge must agree on every record: that is what makes the fast way allowed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import Loaded, contract, field, load_bytes, numbered

from startrail.adapters.loader import DuckdbLoader
from startrail.adapters.store.local import LocalStore
from startrail.capabilities.contracts.load import raw_schema
from startrail.model.contract import Contract, Format
from startrail.model.source import Dialect
from startrail.ports.loader import Judged, LoadTask

NASTY_NUMBERS = (
    "0", "-0", "1", "-1", "7.00", "1.5", "1e3", "1E+3", "1e-3", "-0.0", "1e400", "-1e400", "1e-400", "5e-324", "0.1",
    "9007199254740992", "9007199254740993", "9007199254740993.0", "16777216", "16777217", "2147483647", "2147483648",
    "-2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "123456789012345678901234567890", "99999999.99", "100000000.00", "12.345", "12.340", "12.3", "3.4028235e38", "3.5e38",
    "0.30000000000000004", "NaN", "Infinity", "01", "+1", ".5", "1.", "1_000", "0x10",
)  # fmt: skip
NASTY_TEXTS = (
    "", " ", " 1 ", "1", "-1", "7.00", "1.5", "1e3", "+1", ".5", "1.", "0x10", "1_000", "007", "12.345", "12.340", "12.3",
    "12.30",
    "-0.00", "99999999.99", "100000000.00", "9007199254740993", "1e400", "NaN", "nan", "inf", "Infinity", "true", "TRUE",
    "false", "yes",
    "null", "NULL", "N/A", "\uff11\uff12", "2026-10-03", "2026-02-29", "2026-13-01", "0000-01-01", "0001-01-01", "9999-12-31",
    "10000-01-01", "2026-1-3", "03/10/2026", "3/10/2026", "31/02/2026", "2026-10-03T14:05:00", "2026-10-03 14:05:00",
    "2026-10-03T14:05:00Z", "2026-10-03t14:05:00z", "2026-10-03T14:05:00.123456Z", "2026-10-03T14:05:00.1234567Z",
    "2026-10-03T14:05:00.1234560Z", "2026-10-03T14:05:00.123456+02:00", "2026-10-03T14:05:00.1234567+02:00",
    "2026-10-03T14:05:00+23:59", "2026-10-03T14:05:00+24:00", "2026-10-03T14:05:00+00:60", "2026-10-03T14:05:00-00:00",
    "2026-10-03T24:00:00Z", "2026-10-03T23:59:60Z", "2026-10-03T14:05Z", "2026-10-03T14:05:00+02", "2026-10-03T14:05:00+0200",
    "2026-10-03T1:05:00Z",
    "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999",
    "14:05:00", "14:05:00.5", "14:05:00.1234567", "24:00:00", "14:05", "epoch", "infinity", "-infinity",
    "123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "123e4567e89b12d3a456426614174000",
    "{123e4567-e89b-12d3-a456-426614174000}", "YWI=", "YWI", "YWJ=", "====", "paid", "Paid", "a\u0000b", "é", "e\u0301", "a\nb",
    '"', "\\", "🙂", "x" * 300, "\ud800", '"new"', "[1]", "{}",
)  # fmt: skip
TYPES = (
    "boolean", "int", "long", "float", "double", "decimal(10,2)", "decimal(38,0)", "date", "time", "timestamp", "timestamptz",
    "string", "binary", "uuid",
)  # fmt: skip
ALL = contract(
    *(field(f"f_{index}", kind) for index, kind in enumerate(TYPES)),
    field("status", "string", enum=("paid", "é"), required=True),
    field("short", "string", min_length=1, max_length=3),
    field("code", "string", pattern="^[a-z]+$"),
    field("positive", "decimal(10,2)", minimum="0", maximum="99.5"),
    field("rank", "int", minimum="1", maximum="7"),
    field("day", "date", format=Format(pattern="%d/%m/%Y"), minimum="2026-01-01"),
    field("local", "timestamptz", format=Format(timezone="Europe/Madrid")),
    field("word", "boolean", format=Format(true_words=("yes", "1"), false_words=("no",), null_words=("N/A",))),
    field("comma", "decimal(10,2)", format=Format(decimal_separator=",")),
    field("who", "struct<id: int, price: decimal(5,1), at: timestamptz>"),
    field("items", "list<struct<n: long, on: date>>"),
    field("days", "list<date>", min_length=1),
    field("prices", "map<string, decimal(5,1)>"),
    field("odd name '", "double"),
    field("absent", "decimal(5,2)", default="1.5"),
    field("due", "timestamptz", default="2026-10-03T14:05:00+02:00", required=True),
    field("flag", "boolean", default="true", format=Format(true_words=("yes",), false_words=("no",))),
    field("share", "double", default="0.5", format=Format(decimal_separator=",")),
    field("kind", "string", enum=("a", "b"), enum_open=True),
    field("place", "struct<town: string, zip: string>", closed=True, fields=(
        field("town", "string"), field("zip", "string", default="00000"),
    )),
)  # fmt: skip

texts = st.sampled_from(NASTY_TEXTS) | st.text(max_size=6) | st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)
literals = (
    st.sampled_from(NASTY_NUMBERS)
    | st.integers(-(2**65), 2**65).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.sampled_from(("null", "true", "false", "[]", "{}", "[null]"))
    | texts.map(lambda text: json.dumps(text, ensure_ascii=False) if text != "\ud800" else '"\\ud800"')
    | texts.map(json.dumps)
)
names = st.sampled_from([*(f.name for f in ALL.fields), "new", "newer", "New", "_extra", "_ordinal", "año", "é"])


@st.composite
def objects(draw: st.DrawFn, keys: st.SearchStrategy[str], most: int) -> str:
    members = draw(st.lists(st.tuples(keys, values), max_size=most))
    return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=draw(st.booleans()))}:{value}" for key, value in members) + "}"


values = st.deferred(lambda: literals | arrays | objects(st.sampled_from(("id", "price", "at", "n", "on", "x", "é")), 3))
arrays = st.lists(st.deferred(lambda: values), max_size=3).map(lambda found: "[" + ",".join(found) + "]")


def good(name: str) -> str:
    """A value that keeps the contract, as JSON."""
    kind = next((str(f.type) for f in ALL.fields if f.name == name), "string")
    return {
        "status": '"paid"', "short": '"ab"', "code": '"ab"', "rank": "3", "day": '"03/10/2026"', "comma": '"1,5"',
        "word": "true",
        "who": '{"id":1,"price":"1.5","at":"2026-10-03T14:05:00Z"}', "items": '[{"n":1,"on":"2026-10-03"}]',
        "days": '["2026-10-03"]', "prices": '{"a":"1.5"}', "kind": '"a"', "share": "0.5", "flag": "true",
        "place": '{"town":"x","zip":"28001"}',
    }.get(name) or {
        "boolean": "true", "date": '"2026-10-03"', "time": '"14:05:00"', "timestamp": '"2026-10-03T14:05:00"',
        "timestamptz": '"2026-10-03T14:05:00Z"', "binary": '"YWI="', "uuid": '"123e4567-e89b-12d3-a456-426614174000"',
        "decimal(10,2)": '"12.30"', "decimal(5,2)": '"2"', "decimal(38,0)": '"12"', "string": '"x"',
        "float": "1.5", "double": "1.5",
    }.get(kind, "5")  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> str:
    """Mostly good records with one or two odd values, so that most of them reach the engine."""
    members = {f.name: good(f.name) for f in ALL.fields}
    for name in draw(st.lists(names, max_size=2)):
        members[name] = draw(values)
    for name in draw(st.lists(names, max_size=2)):
        members.pop(name, None)
    text = "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in members.items()) + "}"
    if draw(st.integers(0, 19)) == 0:
        text = text[:-1] + f',"{draw(names)[:1]}new":1,"new":{draw(values)}' + "}"
    return text


@pytest.mark.usefixtures("each_reader")
def test_a_good_record_needs_no_judge() -> None:
    """Otherwise nothing here would compare anything."""
    good_one = "{" + ",".join(f"{json.dumps(f.name)}:{good(f.name)}" for f in ALL.fields) + "}"

    def judge(raw: bytes) -> Judged:
        raise AssertionError("the quick way is enough")

    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        store.put("landed", good_one.encode())
        loader = DuckdbLoader(store, Path(folder) / "scratch", memory=500_000_000)
        task = LoadTask("d", "landed", "ndjson", ALL, numbered(raw_schema(ALL)))
        with loader.load(task, judge, lambda done, total: None) as outcome:
            assert [file.rows for file in outcome.files] == [1]


lines = st.one_of(
    records().map(lambda text: text.encode(errors="surrogatepass")),
    objects(names, 4).map(lambda text: text.encode(errors="surrogatepass")),
    st.sampled_from(
        (b"", b"   ", b"\r", b"garbage", b"[]", b"1", b"null", b"{", b'{"a":1} {"b":2}', b'{"status":"\xff"}', b"{}{}")
    ),
    st.binary(max_size=8).map(lambda data: data.replace(b"\n", b"")),
)


def same(data: bytes, promised: Contract, media: str, whole: bool = False, **source: Any) -> None:
    """``whole``: the quick way must not have given up on this data."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        quick = load_bytes(root, data, promised, media, **source)
        careful = load_bytes(root, data, promised, media, careful=True, **source)
        if whole:
            assert "careful" not in quick.output.note, quick.output.note
            assert quick.held is None
        assert quick.counts == careful.counts
        assert quick.held == careful.held
        assert quick.kept == careful.kept
        assert _told(quick) == _told(careful)
        assert quick.refused() == careful.refused()
        shape = "COLUMNS(* EXCLUDE (_extra)), CAST(json(_extra) AS VARCHAR) AS e"
        assert [_plain(row) for row in quick.rows(shape)] == [_plain(row) for row in careful.rows(shape)]


def _told(loaded: Loaded) -> set[tuple[str, str, int]]:
    return {(finding.kind, finding.path, finding.rows) for finding in loaded.output.drift}


def _plain(row: tuple[object, ...]) -> tuple[object, ...]:
    extra = row[-1]
    return (*row[:-1], None if extra is None else json.loads(str(extra), parse_float=str, parse_int=str))


@pytest.mark.usefixtures("each_reader")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@example([b"{"], False)
@given(st.lists(lines, min_size=1, max_size=40), st.booleans())
def test_ndjson_loads_to_exactly_what_the_judge_says(found: list[bytes], ends: bool) -> None:
    same(b"\n".join(found) + (b"\n" if ends else b""), ALL, "ndjson")


@pytest.mark.usefixtures("each_reader")
def test_every_nasty_value_in_every_field_loads_to_what_the_judge_says() -> None:
    data = [json.dumps(text, ensure_ascii=True) for text in NASTY_TEXTS] + list(NASTY_NUMBERS)
    base = {f.name: good(f.name) for f in ALL.fields}
    made = []
    for name in base:
        for value in data:
            members = {**base, name: value}
            made.append("{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in members.items()) + "}")
    same("\n".join([*made, ""]).encode(), ALL, "ndjson", whole=True)


@pytest.mark.usefixtures("each_reader")
def test_every_nasty_text_in_every_csv_column_loads_to_what_the_judge_says() -> None:
    base = {f.name: json.loads(good(f.name)) if good(f.name)[0] == '"' else good(f.name) for f in ALL.fields}
    base |= {"word": "yes", "flag": "yes", "share": "0,5"}
    made = [_csv(list(base))]
    for name in base:
        made += [_csv([{**base, name: text}[key] for key in base]) for text in NASTY_TEXTS if text != "\ud800"]
    same("\n".join(made).encode(), ALL, "csv", whole=True, csv=Dialect(null_words=("", "NULL")))


@pytest.mark.usefixtures("each_reader")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(texts, min_size=3, max_size=4), min_size=1, max_size=30))
def test_csv_loads_to_exactly_what_the_judge_says(rows: list[list[str]]) -> None:
    absent = field("d", "decimal(10,2)", default="1.5"), field("day", "date", default="2026-10-03", required=True)
    promised = contract(field("a", "int"), field("b", "decimal(10,2)"), field("c", "string"), *absent, key=("c",))
    data = "\n".join(["c,new,a", *map(_csv, rows)]).encode(errors="surrogatepass")
    same(data, promised, "csv")


def _csv(row: list[str]) -> str:
    return ",".join('"' + text.replace('"', '""') + '"' for text in row)
