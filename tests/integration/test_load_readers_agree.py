"""Both readers and the judge alone make the same of a delivery: rows, refusals with all violations, counts of drift."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.fixtures.loading import Loaded, contract, field, load_bytes
from tests.fixtures.readers import needs_native

from startrail.adapters.loader.native import csv as native_csv
from startrail.adapters.loader.native import lines as native_lines
from startrail.adapters.loader.native.library import CHOICE
from startrail.model.contract import Contract, Format
from startrail.model.source import Dialect

pytestmark = needs_native

KINDS = {
    "boolean": ("true", "false"), "int": ("1", "-7", "2147483647", "7.00", '"12"'),
    "long": ("0", "9223372036854775807", "-12", "-0.0", '"7.0"'),
    "float": ("1.5", "-0.0", "16777216", "3.4028235e38", '"1e3"'),
    "double": ("0.1", "1e300", "-2.5e-10", "9007199254740992", '"0.5"'),
    "decimal(10,2)": ('"12.30"', '"-0.5"', "7.25", '"99999999.99"'),
    "decimal(38,6)": ('"12345678901234567890123456789012.123456"', '"0.000001"', "3"),
    "string": ('"x"', '"längér — 🙂"', '""', r'"a\"b\\c\né\ud83d\ude42"', '"sixteen bytes or more"'),
    "date": ('"2026-02-28"', '"1600-02-29"'), "time": ('"23:59:59.5"', '"00:00:00"'),
    "timestamp": ('"2026-10-03T14:05:00"', '"1969-12-31 23:59:59.999999"'),
    "timestamptz": ('"2026-10-03T14:05:00Z"', '"2026-10-03t14:05:00.25+05:30"'),
    "uuid": ('"123e4567-E89b-12d3-a456-426614174000"',), "binary": ('"YWI="', '""'),
}  # fmt: skip
SMALL = contract(
    *(field(f"f{index}", kind) for index, kind in enumerate(KINDS)),
    field("status", "string", enum=("paid", "é"), required=True),
    field("short", "string", min_length=1, max_length=3),
    field("rank", "int", minimum="1", maximum="7"),
    field("positive", "decimal(10,2)", minimum="0", maximum="99.5"),
    field("code", "string", pattern="^[a-z]+$"),
    field("day", "date", format=Format(pattern="%d/%m/%Y")),
    field("word", "string", format=Format(null_words=("N/A",)), required=True),
    field("older", "string", aliases=("former",)),
    field("tier", "string", default="none"),
    field("fee", "decimal(10,2)", default="1.50", required=True),
    field("since", "date", default="2026-01-01", format=Format(pattern="%d/%m/%Y")),
    field("state", "string", enum=("new",), enum_open=True),
    field(
        "ship",
        "struct<city: string, floor: int>",
        fields=(field("city", "string"), field("floor", "int", default="0")),
        closed=True,
    ),
    field("id", "long"),
    key=("id",),
)
WIDE = contract(*(field(f"column_{index:03}", list(KINDS)[index % len(KINDS)], required=index % 7 == 0) for index in range(200)))
DEEP = contract(
    field("id", "long"),
    field(
        "a", "struct<b: struct<c: list<struct<d: map<string, list<decimal(9,3)>>, e: timestamptz, i: uuid>>, f: int>, g: boolean>"
    ),
    field("m", "map<string, struct<x: double, y: list<list<date>>>>"),
    field("raw", "struct<bytes: binary, when: timestamptz, n: float>"),
)
GOOD = {
    "status": '"paid"', "short": '"ab"', "rank": "3", "positive": '"12.30"', "code": '"ab"', "day": '"03/10/2026"', "word": '"x"',
    "older": '"o"', "tier": '"gold"', "fee": '"2"', "since": '"03/10/2026"', "state": '"new"', "ship": '{"city":"A","floor":1}',
    "a": '{"b":{"c":[{"d":{"k":["1.5",null],"ä":[]},"e":"2026-10-03T14:05:00Z","i":null},null],"f":1},"g":true}',
    "m": '{"p":{"x":1.5,"y":[["2026-10-03"],[],null]},"q":null}',
    "raw": '{"bytes":"YWI=","when":"2026-10-03T14:05:00+02:00","n":1.5}',
}  # fmt: skip
ODD = (
    "null", "true", "1", "-0", "1.0", "1e3", "01", ".5", "1e400", "7.000001", "7.", "7.0e0",
    "9007199254740993", "16777217", "9223372036854775808",
    '"N/A"', '""', '"1"', '"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"', '"\\udc00\\udc00"',
    '"2026-02-30"', '"24:00:00"', '"2026-10-03T14:05:00"',
    '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59-02:00"', '"12.345"', '"1_0"', "[]", "{}", "[null]", '{"x":1}',
    '{"x":1,"x":2}', '{"x":{"y":[1,{"z":1,"z":2}]}}', "[[[[[[1]]]]]]", "NaN", "Infinity", "nul", "tru", '"open', "[1,]", "{,}",
    '"tab\there"', "1" * 400, '"' + "9" * 50 + '"', "[" * 80 + "]" * 80, "1 2", '"a""b"', '"a"b', "1\\", "-", '"\\x"',
)  # fmt: skip


def value(source: random.Random, promised: Contract, name: str) -> str:
    if name == "id":
        return str(source.randrange(10_000))
    if name in GOOD:
        return GOOD[name]
    declared = promised.field(name)
    assert declared is not None
    return source.choice(KINDS[str(declared.type)])


Members = list[tuple[str, str]]
Change = Callable[[random.Random, Members], None]


def odd(source: random.Random, members: Members) -> None:
    at = source.randrange(len(members))
    members[at] = (members[at][0], source.choice(ODD))


def shuffle(source: random.Random, members: Members) -> None:
    source.shuffle(members)


def drop(source: random.Random, members: Members) -> None:
    members.pop(source.randrange(len(members)))


def twice(source: random.Random, members: Members) -> None:
    members.insert(source.randrange(len(members)), source.choice(members))


def new(source: random.Random, members: Members) -> None:
    name = source.choice(
        ('"new"', '"newer"', '"STATUS"', '"former"', '"_extra"', '"_ordinal"', '"año"', '"n\\u0065w"', '"a b"', '""')
    )
    members.insert(source.randrange(len(members) + 1), (name, source.choice((*ODD, '"x"', '{"y":[1,2]}'))))


def escape(source: random.Random, members: Members) -> None:
    at = source.randrange(len(members))
    key = json.loads(members[at][0])
    members[at] = ('"' + "".join(f"\\u{ord(letter):04x}" for letter in key) + '"', members[at][1])


def line(source: random.Random, promised: Contract) -> bytes:
    members = [(json.dumps(f.name), value(source, promised, f.name)) for f in promised.fields]
    while source.random() < 0.3:
        source.choice((odd, odd, shuffle, drop, twice, new, new, escape))(source, members)
    space = source.choice(("", "", "", " ", "\t", "\r"))
    text = "{" + space + f"{space},{space}".join(f"{key}{space}:{space}{made}" for key, made in members) + "}" + space
    return damaged(source, text.encode(errors="surrogatepass")) if source.random() < 0.15 else text.encode()


def damaged(source: random.Random, data: bytes) -> bytes:
    at = source.randrange(len(data))
    match source.randrange(7):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + bytes([source.randrange(256)]) + data[at + 1 :]
        case 2:
            return (
                data[:at]
                + source.choice((b'"', b"\\", b"{", b"}", b",", b":", b"\x00", b"\xff", b"\xed\xa0\x80", b"\x0c"))
                + data[at:]
            )
        case 3:
            return data[:at] + data[at + source.randrange(1, 9) :]
        case 4:
            return data + source.choice((b"x", data, b",", b" {}"))
        case 5:
            return source.choice((b"", b" ", b"\r", b"\x0b", b"null", b"[]", b"7", b'"x"', b"{}"))
        case _:
            return data[:at] + b"\n" + data[at:]


def outcome(loaded: Loaded) -> dict[str, Any]:
    rows = loaded.rows("COLUMNS(* EXCLUDE (_extra)), CAST(_extra AS VARCHAR) AS e")
    drift = json.loads(loaded.output.note.get("drift", "[]"))
    return {
        "counts": loaded.counts,
        "held": loaded.held,
        "kept": loaded.kept,
        "refused": loaded.refused(),
        "rows": [(*row[:-1], row[-1] and json.loads(str(row[-1]), parse_float=str, parse_int=str)) for row in rows],
        "drift": sorted((one["kind"], one["path"], one["rows"]) for one in drift),
        "medians": loaded.output.medians,
    }


def compare(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    data: bytes,
    promised: Contract,
    media: str = "ndjson",
    native: str = "native",
    **more: Any,
) -> None:
    other = "" if media.startswith("csv") else "msgspec"
    found = {}
    for way in ("native", "msgspec", "careful"):
        monkeypatch.setenv(CHOICE, "msgspec" if way == "careful" else way)
        (root / way).mkdir()
        loaded = load_bytes(root / way, data, promised, media, careful=way == "careful", **more)
        assert loaded.output.note.get("reader", "") == (native if way == "native" else other)
        assert way != "native" or "careful" not in loaded.output.note
        found[way] = outcome(loaded)
    assert found["careful"]["held"] is None
    assert min(len(found["careful"]["rows"]), len(found["careful"]["refused"])) > 10, "otherwise little was compared"
    for part in found["careful"]:
        assert found["native"][part] == found["careful"][part], part
        assert found["msgspec"][part] == found["careful"][part], part


@pytest.mark.parametrize("seed", range(12))
def test_mutated_records_of_every_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    source = random.Random(seed)
    monkeypatch.setattr(native_lines, "CHUNK", source.choice((200, 5_000, 1 << 20)))
    data = b"\n".join([line(source, SMALL) for _ in range(400)] + [b"{}"])
    media = source.choice(("ndjson", "ndjson+gzip"))
    compare(tmp_path, monkeypatch, gzip.compress(data) if "gzip" in media else data, SMALL, media)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_records_of_two_hundred_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    source = random.Random(seed)
    compare(tmp_path, monkeypatch, b"\n".join(line(source, WIDE) for _ in range(80)) + b"\n", WIDE)


@pytest.mark.parametrize("seed", range(6))
def test_mutated_nested_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    source = random.Random(seed)
    lines = []
    for number in range(300):
        made = f'{{"id":{number},"a":{GOOD["a"]},"m":{GOOD["m"]},"raw":{GOOD["raw"]}}}'
        while source.random() < 0.6:
            at = source.choice([place for place, letter in enumerate(made) if letter in '{}[]:,"'])
            made = made[:at] + source.choice(
                (made[at:].replace('"', '"z', 1), source.choice(ODD) + made[at + 1 :], made[at + 1 :])
            )
        lines.append(damaged(source, made.encode()) if source.random() < 0.1 else made.encode())
    compare(tmp_path, monkeypatch, b"\n".join([*lines, b"{}"]), DEEP)


FLAT = contract(
    *(field(f"f{index}", kind) for index, kind in enumerate(KINDS)),
    field("status", "string", enum=("paid", "é"), required=True),
    field("short", "string", min_length=1, max_length=3, default="ab"),
    field("rank", "int", minimum="1", maximum="7"),
    field("positive", "decimal(10,2)", minimum="0", maximum="99.5"),
    field("code", "string", pattern="^[a-z]+$"),
    field("day", "date", format=Format(pattern="%d/%m/%Y")),
    field("yes", "boolean", format=Format(true_words=("yes", "1"), false_words=("no", ""))),
    field("word", "string", format=Format(null_words=("N/A",)), required=True),
    field("comma", "double", format=Format(decimal_separator=",")),
    field("local", "timestamptz", format=Format(timezone="Europe/Madrid")),
    field("who", "struct<x: int>"),
    field("older", "string", aliases=("former",)),
    field("absent", "decimal(10,2)", default="1.50"),
    field("id", "long"),
    key=("id",),
)
CSV_GOOD = {"day": "03/10/2026", "yes": "no", "comma": "1,5", "local": "2026-10-03T14:05:00Z", "who": "", "rank": "3"}
TEXTS = (
    "", " ", "NULL", "N/A", "null", "-0", "7.00", "007", "+1", "1e3", "1.", ".5", "NaN", "9007199254740993", "16777217",
    "9223372036854775808", "12.345", "12.340", "100000000.00", "2026-02-30", "2026-10-03t14:05:00z", "24:00:00", "yes", "TRUE",
    "0001-01-01T00:00:00Z", "a\0b", "tab\there", "é", "\x01", "\\", "x" * 300, "9" * 50, "sixteen bytes or more", "03/10/2026",
)  # fmt: skip


def cells(source: random.Random, delimiter: str, names: list[str]) -> list[str]:
    made = []
    for name in names:
        text = CSV_GOOD[name] if name in CSV_GOOD else json.loads(value(source, FLAT, name)) if name in GOOD else "x"
        if name.startswith("f") and name[1:].isdigit():
            text = source.choice(list(KINDS.values())[int(name[1:])]).strip('"').replace('\\"', "").replace("\\", "")
        if name == "id":
            text = str(source.randrange(2_000))
        made.append(str(text))
    while source.random() < 0.3:
        made[source.randrange(len(made))] = source.choice(TEXTS)
    return [quoted(source, text, delimiter) for text in made]


def quoted(source: random.Random, text: str, delimiter: str) -> str:
    chance = source.random()
    if chance < 0.05:
        text = source.choice((text + delimiter, text + '"', '"' + text, text + '""' + text))
    if chance < 0.001:
        text += source.choice(("\n", "\r\n", "\r"))
    return '"' + text.replace('"', '""') + '"' if chance < 0.1 or set(text) & {delimiter, '"', "\n", "\r"} else text


@pytest.mark.parametrize("seed", range(10))
def test_mutated_rows_of_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    source = random.Random(seed)
    monkeypatch.setattr(native_csv, "CHUNK", source.choice((200, 5_000, 1 << 20)))
    delimiter = source.choice((",", ";", "\t", "|"))
    encoding: Literal["utf-8", "latin-1"] = source.choice(("utf-8", "utf-8", "latin-1"))
    names = [each.name for each in FLAT.fields if each.name != "absent"] + ["new", 'odd "name"\\']
    source.shuffle(names)
    end = source.choice(("\n", "\n", "\r\n"))
    head = delimiter.join('"' + name.replace('"', '""') + '"' for name in names)
    lines = [delimiter.join(cells(source, delimiter, names)).encode(encoding, errors="ignore") for _ in range(900)]
    lines[700:] = [damaged(source, line) if source.random() < 0.2 else line for line in lines[700:]]
    lines[600:600] = [b"", b"", b" ", b'"']  # the last one opens a quote that a later line closes
    data = head.encode(encoding) + end.encode() + end.encode().join([*lines, b'x"'])  # which ends whatever is open
    dialect = Dialect(delimiter=delimiter, encoding=encoding, null_words=("", "NULL"))
    compare(tmp_path, monkeypatch, data, FLAT, "csv", csv=dialect)


@pytest.mark.parametrize("seed", range(3))
def test_repeated_keys_of_several_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Also where the first of them is one that only the judge accepts, or that no one accepts."""
    source = random.Random(seed)
    monkeypatch.setattr(native_lines, "CHUNK", 2_000)
    monkeypatch.setattr(native_csv, "CHUNK", 2_000)
    price = source.choice(("decimal(10,2)", "long"))
    promised = contract(
        field("a", "long"),
        field("b", price),
        field("mail", "string", unique=True),
        field("n", "int", maximum="90"),
        key=("a", "b"),
    )
    rows = [
        (source.choice(("1", "2", "7.0", "3", "x")), source.choice((f"{source.randrange(60)}", f"{source.randrange(60)}.00")),
         source.choice(("", f"m{source.randrange(900)}")), str(source.randrange(100)))
        for _ in range(700)
    ]  # fmt: skip
    data = "\n".join(["a,b,mail,n", *map(",".join, rows), ""]).encode()
    compare(tmp_path, monkeypatch, data, promised, "csv")
    shown = [
        f'{{"a":{a if a != "x" else "null"},"b":"{b}","mail":{json.dumps(mail) if mail else "null"},"n":{n}}}'
        for a, b, mail, n in rows
    ]
    (tmp_path / "ndjson").mkdir()
    compare(tmp_path / "ndjson", monkeypatch, "\n".join([*shown, "{}"]).encode(), promised)


def test_records_over_several_lines_are_left_to_the_other_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = contract(field("a", "int"), field("b", "string"))
    rows = [f'{number},"x\ny {number}"' if number % 2 else f"{number}x,y" for number in range(100)]
    compare(tmp_path, monkeypatch, "\n".join(["a,b", *rows, ""]).encode(), promised, "csv", native="")
