"""Bad data through a real folder source and the command line: seen, conserved, explained, bounded."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.fixtures.till import Till, assert_refused

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: amount, logicalType: number, physicalType: "decimal(10,2)", required: true}
      - {name: note, logicalType: string}
"""
INTO = "contract: orders\ninto: raw.orders\n"
HEADER = b"id,amount,note\n"
MEDIA = ("csv", "ndjson", "json", "parquet")
MEGABYTES = 700
_MEASURED = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(child.returncode, usage.ru_maxrss)
"""
"""A child's peak counts what its parent had when it began, so the parent must be small."""
"""What no delivery may need."""


@dataclass(frozen=True)
class Seen:
    """What one run over one file came to."""

    till: Till
    text: str
    counts: dict[str, int]
    held: str
    kinds: set[tuple[str, str]]
    ids: list[Any]
    megabytes: int = 0

    @property
    def loaded(self) -> int:
        return self.counts["loaded"]

    @property
    def quarantined(self) -> int:
        return self.counts["quarantined"]

    def listed(self) -> str:
        """What ``quarantine list`` tells about the delivery."""
        outcome = self.till.call("quarantine", "list")
        assert outcome.code in (0, 1), outcome.text
        return outcome.text


class Shop:
    """A project with one source that reads whatever lies in ``inbox``."""

    def __init__(self, root: Path) -> None:
        self.till = Till(root)
        self.till.put("startrail.yml", "name: shop\n")
        self.till.put("contracts/orders.odcs.yml", CONTRACT)
        self.till.put(
            "sources/orders.yml", 'feed: {kind: folder, path: inbox, pattern: "*"}\ncontract: orders\ninto: raw.orders\n'
        )
        (root / "inbox").mkdir()

    def run(self, name: str, data: bytes) -> Seen:
        """Deliver the bytes under the name, and run; the terminal must say what to run next where rows were refused."""
        self.till.put(f"inbox/{name}", data)
        told = self.till.run(now=None)
        assert told.code in (0, 1), told.text
        facts = self.till.call("ledger", "facts", "--json", "--limit", "1000")
        return self._seen(told.text, facts.out)

    def child(self, name: str, data: Iterable[bytes]) -> Seen:
        """The same in a process of its own, whose memory is measured."""
        with (self.till.root / "inbox" / name).open("wb") as file:
            file.writelines(data)
        told = self.till.root / "told"
        command = [sys.executable, "-m", "startrail", "run", "-C", str(self.till.root)]
        with told.open("wb") as out:
            measured = subprocess.run(
                [sys.executable, "-c", _MEASURED, *command], stdout=subprocess.PIPE, stderr=out, text=True, check=True
            )
        code, peak = map(int, measured.stdout.split())
        text = told.read_text(encoding="utf-8")
        assert code in (0, 1), text
        facts = self.till.call("ledger", "facts", "--json", "--limit", "1000")
        return self._seen(text, facts.out, peak // 1024)

    def _seen(self, text: str, facts: str, megabytes: int = 0) -> Seen:
        assert "Traceback" not in text, text
        found = [json.loads(line) for line in facts.splitlines()]
        told = [(fact["kind"], json.loads(fact["payload"])) for fact in found if "payload" in fact]
        payloads = dict(told)
        counts = payloads["delivery.loaded"]["counts"]
        assert counts["rows_in"] == sum(counts[part] for part in ("loaded", "quarantined", "held", "discarded"))
        refused = counts["quarantined"] or counts["held"]
        assert ("startrail quarantine list" in text) == bool(refused), text
        kinds = {
            (fact["finding"]["kind"], fact["finding"]["path"].partition("key")[0]) for kind, fact in told if kind == "drift.found"
        }
        ids = [int(row["id"]) for row in self.till.rows("select id from raw.orders order by id")] if counts["loaded"] else []
        held = payloads.get("delivery.held", {}).get("reason", "")
        assert bool(held) == bool(counts["held"])
        assert held in self.till.call("quarantine", "list").text
        return Seen(self.till, text, counts, held, kinds, ids, megabytes)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def order(id: int, note: str = "x") -> str:
    return f'{{"id":{id},"amount":"1.50","note":{json.dumps(note, ensure_ascii=False)}}}'


def lines(*records: str | bytes) -> bytes:
    return b"".join((record if isinstance(record, bytes) else record.encode()) + b"\n" for record in records)


def document(*records: str | bytes) -> bytes:
    return b"[" + b",".join(record if isinstance(record, bytes) else record.encode() for record in records) + b"]"


def table(*rows: str | bytes) -> bytes:
    return HEADER + lines(*rows)


def parquet(path: Path, query: str) -> bytes:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


MANY = range(5_000)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("o.ndjson.gz", lines(*map(order, MANY))),
        ("o.csv.gz", table(*(f"{id},1.50,x" for id in MANY))),
        ("o.json.gz", document(*map(order, MANY))),
    ],
)
def test_a_gzip_stream_that_is_cut_off_is_held_with_the_rows_read_so_far(shop: Shop, name: str, data: bytes) -> None:
    seen = shop.run(name, gzip.compress(data)[:-100])
    assert (seen.held, seen.kinds) == ("the gzip stream is cut off", {("truncated", "$")})
    assert seen.counts["held"] == seen.counts["rows_in"] > 0


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("o.ndjson", lines(order(1), b'{"id":2,"amount":"1","note":"\xff"}', order(3, "é"))),
        ("o.json", document(order(1), b'{"id":2,"amount":"1","note":"\xff"}', order(3, "é"))),
        ("o.csv", table("1,1.50,x", b"2,1.50,\xff", "3,1.50,é")),
    ],
)
def test_bytes_that_are_no_utf8_set_their_row_aside(shop: Shop, name: str, data: bytes) -> None:
    seen = shop.run(name, data)
    assert (seen.ids, seen.quarantined, seen.kinds) == ([1, 3], 1, {("malformed", "$")})
    assert "byte 0xff" in seen.listed()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("o.ndjson", lines(order(1), b'{"id":2,"amount":"1","note":"a\0"}', '{"id":3,"amount":"1","note":"\\u0000"}', b"\0\0")),
        ("o.json", document(order(1), '{"id":3,"amount":"1","note":"\\u0000"}')),
        ("o.csv", table("1,1.50,x", b"2,1.50,a\0b")),
    ],
)
def test_nul_bytes_set_their_row_aside(shop: Shop, name: str, data: bytes) -> None:
    seen = shop.run(name, data)
    assert seen.ids == [1]
    assert seen.quarantined == seen.counts["rows_in"] - 1
    assert {kind for kind, _ in seen.kinds} == {"malformed"}


def chunks(before: bytes, after: bytes, filler: bytes = b"x" * 1_000_000) -> Iterator[bytes]:
    """A hundred megabytes between two texts."""
    yield before
    yield from (filler for _ in range(100))
    yield after


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("o.ndjson", lines(order(1)) + b'{"id":2,"amount":"1","note":"', b'"}\n' + lines(order(3))),
        ("o.json", b"[" + order(1).encode() + b',{"id":2,"amount":"1","note":"', b'"},' + order(3).encode() + b"]"),
        ("o.csv", table("1,1.50,x") + b"2,1.50,", b"\n3,1.50,x\n"),
    ],
    ids=["ndjson", "json", "csv"],
)
def test_a_line_of_a_hundred_megabytes_is_set_aside_within_bounded_memory(
    shop: Shop, name: str, before: bytes, after: bytes
) -> None:
    seen = shop.child(name, chunks(before, after))
    assert (seen.ids, seen.quarantined, seen.kinds) == ([1, 3], 1, {("malformed", "$")})
    assert seen.megabytes < MEGABYTES
    assert "100000" in seen.listed() or "field limit" in seen.listed()


DEEP = "[" * 10_000 + "]" * 10_000


def test_json_nested_ten_thousand_deep_sets_its_row_aside(shop: Shop) -> None:
    declared, undeclared = (f'{{"id":2,"amount":"1","{key}":{DEEP}}}' for key in ("note", "other"))
    seen = shop.run("o.ndjson", lines(order(1), declared, undeclared, order(3)))
    assert (seen.ids, seen.quarantined, seen.kinds) == ([1, 3], 2, {("malformed", "$")})


def test_a_json_document_nested_ten_thousand_deep_is_held(shop: Shop) -> None:
    seen = shop.run("o.json", document(order(1), f'{{"id":2,"amount":"1","other":{DEEP}}}'))
    assert seen.held == "the JSON document cannot be read: it is nested hundreds of levels deep"
    assert seen.kinds == {("unreadable", "$")}


def test_a_record_with_a_million_new_keys_is_kept_and_told_in_a_thousand_and_the_others(shop: Shop) -> None:
    keys = (b',"key%d":1' % index for index in range(1_000_000))
    seen = shop.child("o.ndjson", [lines(order(1)), b'{"id":2,"amount":"1"', *keys, b"}\n"])
    assert (seen.ids, seen.quarantined) == ([1, 2], 0)
    assert ("new_field", "$.(others)") in seen.kinds
    assert len(seen.text) < 200_000
    assert seen.megabytes < MEGABYTES
    (row,) = seen.till.rows("select length(_extra) as n from raw.orders where id = 2")
    assert int(row["n"]) > 11_000_000


def test_new_keys_in_every_record_are_tallied_within_bounds(shop: Shop) -> None:
    made = (b'{"id":%d,"amount":"1","key%d":1}\n' % (index, index) for index in range(20_000))
    seen = shop.child("o.ndjson", made)
    assert seen.loaded == 20_000
    assert ("new_field", "$.(others)") in seen.kinds
    assert seen.megabytes < MEGABYTES


def test_a_header_of_a_million_columns_is_held(shop: Shop) -> None:
    names = b"".join(b",key%d" % index for index in range(1_000_000))
    seen = shop.child("o.csv", [b"id,amount,note", names, b"\n1,1.50,x", b",1" * 1_000_000, b"\n"])
    assert seen.held == "the header names 1,000,003 columns, more than 10,000"
    assert seen.megabytes < MEGABYTES


@pytest.mark.parametrize(("name", "join"), [("o.ndjson", lines), ("o.json", document)])
def test_a_key_that_stands_twice_in_an_object_sets_its_row_aside(shop: Shop, name: str, join: Any) -> None:
    twice = '{"id":2,"amount":"1","amount":"2"}', '{"id":4,"amount":"1","new":1,"new":1}', '{"id":5,"amount":"1","id":5}'
    seen = shop.run(name, join(order(1), *twice, order(3)))
    assert (seen.ids, seen.quarantined, seen.kinds) == ([1, 3], 3, {("duplicate_key", "$")})


@pytest.mark.parametrize("join", [lines, document])
def test_numbers_beyond_every_type_set_their_row_aside(shop: Shop, join: Any) -> None:
    huge = (
        '{"id":1e400,"amount":"1"}',
        '{"id":2,"amount":1e400}',
        f'{{"id":4,"amount":{"9" * 100_000}}}',
        '{"id":-1e-400,"amount":1}',
    )
    seen = shop.run("o.ndjson" if join is lines else "o.json", join(order(1), *huge, order(3)))
    assert (seen.ids, seen.quarantined) == ([1, 3], 4)
    assert {kind for kind, _ in seen.kinds} == {"out_of_range", "inexact"}


@pytest.mark.parametrize(
    ("name", "data", "kinds"),
    [
        ("o.ndjson", lines(order(1), '{"id":NaN,"amount":"1"}', '{"id":2,"amount":Infinity}'), {"malformed"}),
        ("o.csv", table("1,1.50,x", "2,NaN,x", "3,Infinity,x"), {"wrong_type"}),
    ],
)
def test_nan_and_infinity_are_no_numbers(shop: Shop, name: str, data: bytes, kinds: set[str]) -> None:
    seen = shop.run(name, data)
    assert (seen.ids, seen.quarantined, {kind for kind, _ in seen.kinds}) == ([1], 2, kinds)


def test_nan_in_a_parquet_column_is_no_number(shop: Shop, tmp_path: Path) -> None:
    rows = "(1, 1.5::DOUBLE, 'x'), (2, 'NaN'::DOUBLE, 'x'), (3, 'Infinity'::DOUBLE, 'x')"
    seen = shop.run("o.parquet", parquet(tmp_path / "made", f"SELECT * FROM (VALUES {rows}) AS t(id, amount, note)"))
    assert (seen.ids, seen.quarantined) == ([1], 2)


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("name", "data"),
    [("o.ndjson", lines(order(1))), ("o.json", document(order(1))), ("o.csv", table("1,1.50,x"))],
)
def test_a_byte_order_mark_is_no_part_of_the_data(shop: Shop, name: str, data: bytes) -> None:
    seen = shop.run(name, MARK + data)
    assert (seen.ids, seen.counts["rows_in"], seen.kinds) == ([1], 1, set())


@pytest.mark.parametrize(
    ("name", "data"),
    [("o.ndjson", lines(order(1))), ("o.json", document(order(1))), ("o.csv", table("1,1.50,x"))],
)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_held_and_called_so(shop: Shop, name: str, data: bytes, encoding: str) -> None:
    seen = shop.run(name, data.decode().encode(encoding))
    assert ("other_encoding", "$") in seen.kinds
    assert "UTF-16" in seen.held or "not utf-8" in seen.held


def test_mixed_line_ends_are_read_and_a_lone_return_between_json_records_is_not(shop: Shop, tmp_path: Path) -> None:
    seen = shop.run("o.csv", HEADER + b"1,1.50,x\r\n2,1.50,x\n3,1.50,x\r4,1.50,x")
    assert (seen.ids, seen.kinds) == ([1, 2, 3, 4], set())
    (tmp_path / "other" / "inbox").parent.mkdir()
    other = Shop(tmp_path / "other")
    seen = other.run(
        "o.ndjson", b"\r\n".join([order(1).encode(), order(2).encode() + b"\r" + order(3).encode(), order(4).encode()])
    )
    assert (seen.ids, seen.quarantined, seen.kinds) == ([1, 4], 1, {("malformed", "$")})


def test_a_quote_that_never_closes_is_held(shop: Shop) -> None:
    seen = shop.run("o.csv", table("1,1.50,x", '2,1.50,"open', "3,1.50,x"))
    assert seen.held == "a quote that opens at line 4 or before never closes"
    assert seen.kinds == {("truncated", "$")}


@pytest.mark.parametrize("name", ["o.csv", "o.ndjson", "o.json", "o.parquet", "o.csv.gz"])
def test_an_empty_file_is_held(shop: Shop, name: str) -> None:
    seen = shop.run(name, gzip.compress(b"") if name.endswith("gz") else b"")
    assert seen.kinds == {("truncated", "$")}
    assert seen.counts == {"rows_in": 1, "loaded": 0, "quarantined": 0, "held": 1, "discarded": 0}
    assert re.search("empty|too small", seen.held)


def test_a_file_with_only_a_header_is_a_delivery_of_no_rows(shop: Shop) -> None:
    seen = shop.run("o.csv", HEADER)
    assert seen.counts == {"rows_in": 0, "loaded": 0, "quarantined": 0, "held": 0, "discarded": 0}
    assert "0 rows in = 0 loaded" in seen.text


def test_a_second_header_is_a_row_that_breaks_the_contract(shop: Shop) -> None:
    seen = shop.run("o.csv", table("1,1.50,x", HEADER.strip(), "2,1.50,x"))
    assert (seen.ids, seen.quarantined) == ([1, 2], 1)
    assert seen.kinds == {("wrong_type", "$.amount"), ("wrong_type", "$.id")}


def test_another_delimiter_is_held_and_named(shop: Shop) -> None:
    seen = shop.run("o.csv", table("1,1.50,x").replace(b",", b";"))
    assert seen.held.startswith("the header has ';' between its columns, not ','")
    assert seen.kinds == {("other_delimiter", "$")}


def test_latin_1_where_utf_8_is_declared_is_held(shop: Shop) -> None:
    seen = shop.run("o.csv", table("1,1.50,café".encode("latin-1"), "2,1.50,x"))
    assert seen.held.startswith("the file is not utf-8")
    assert seen.kinds >= {("other_encoding", "$")}


def test_a_decimal_comma_is_held_and_no_value_is_guessed(shop: Shop) -> None:
    seen = shop.run("o.csv", table('1,"1,50",x', '2,"2,50",x'))
    assert ("decimal_comma", "$.amount") in seen.kinds
    assert seen.counts["held"] == 2


def test_a_contract_that_contradicts_itself_stops_the_run_at_its_place(shop: Shop) -> None:
    options = "logicalTypeOptions: {minLength: 5, maxLength: 2}"
    shop.till.edit("contracts/orders.odcs.yml", "logicalType: string", f"logicalType: string, {options}")
    shop.till.put("inbox/o.csv", table("1,1.50,x"))
    at = "contracts/orders.odcs.yml:10:"
    assert_refused(shop.till.run(now=None), "ST134", says="minLength 5 is greater than maxLength 2", hint="mend")
    assert at in shop.till.run(now=None).text


def test_a_regular_expression_that_would_backtrack_for_ever_is_matched_in_linear_time(shop: Shop) -> None:
    pattern = 'logicalTypeOptions: {pattern: "^(a+)+$"}'
    shop.till.edit("contracts/orders.odcs.yml", "logicalType: string", f"logicalType: string, {pattern}")
    seen = shop.run("o.ndjson", lines(order(1, "aaa"), order(2, "a" * 50_000 + "b"), order(3, "a" * 50_000)))
    assert (seen.ids, seen.kinds) == ([1, 3], {("pattern_mismatch", "$.note")})


def test_a_regular_expression_beyond_the_common_subset_is_refused(shop: Shop) -> None:
    pattern = "logicalTypeOptions: {pattern: '(a)\\1'}"
    shop.till.edit("contracts/orders.odcs.yml", "logicalType: string", f"logicalType: string, {pattern}")
    assert_refused(shop.till.run(now=None), "ST134", says="linear time")
