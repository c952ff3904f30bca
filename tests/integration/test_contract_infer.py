"""``contract infer``, ``export`` and ``import`` over real files and a published table."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fixtures.loading import load_bytes
from tests.fixtures.till import Outcome, Till, assert_json_refused, assert_refused

from startrail.adapters.exchange import FileSamples
from startrail.base.errors import StartrailError
from startrail.capabilities.contracts.exchange.infer import infer
from startrail.capabilities.contracts.exchange.odcs_text import reread
from startrail.cli.console import show_error
from startrail.model.source import Dialect
from startrail.ports.exchange import SampleForm

CSV = """\
order_id,day,us_day,amount,paid,zip,at,note
1,2026-10-03,03/04/2026,12.50,true,00123,2026-10-03T10:00:00Z,"said ""yes"", then left"
2,2026-10-04,05/06/2026,0.5,false,08001,2026-10-04T10:00:00+02:00,
"""
NDJSON = '{"id": 1, "price": 12.30, "who": {"name": "a"}, "tags": ["x"]}\n{"id": 2, "price": 7, "who": {}, "tags": []}\n'


def contract(*arguments: str | Path) -> Outcome:
    """``startrail contract ARGUMENTS`` in this process."""
    name, *rest = map(str, arguments)
    command = import_module(f"startrail.cli.contract_{name}").command
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = command.main(rest, standalone_mode=False)
        except StartrailError as error:
            show_error(error, json="--json" in rest)
            code = 2
    return Outcome(code, out.getvalue(), err.getvalue())


def put(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def types(text: str, name: str = "orders") -> dict[str, tuple[str, bool]]:
    return {each.name: (str(each.type), each.required) for each in reread(text, name).fields}


def test_a_csv_file_becomes_a_contract_under_which_all_of_it_loads(tmp_path: Path) -> None:
    path, out = put(tmp_path, "Orders 2026.csv", CSV), tmp_path / "orders.odcs.yml"
    outcome = contract("infer", path, "--out", out)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.startswith("8 fields from 2 rows of ")
    text = out.read_text()
    assert "id: orders_2026" in text
    assert "# looks like dates (03/04/2026), but day and month cannot be told apart" in text
    assert types(text) == {
        "order_id": ("long", True),
        "day": ("date", True),
        "us_day": ("string", True),
        "amount": ("decimal(4,2)", True),
        "paid": ("boolean", True),
        "zip": ("string", True),
        "at": ("timestamptz", True),
        "note": ("string", False),
    }
    loaded = load_bytes(tmp_path, path.read_bytes(), reread(text, "orders"), "csv")
    assert loaded.counts == (2, 2, 0, 0)
    assert loaded.kept == {}


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.compress,
    "zstd": lambda data: pa.compress(data, "zstd", asbytes=True),
}


@pytest.mark.parametrize(("packed", "suffix"), [("", ""), ("gzip", ".gz"), ("zstd", ".zst")])
def test_ndjson_packed_or_not_becomes_a_contract_under_which_all_of_it_loads(tmp_path: Path, packed: str, suffix: str) -> None:
    data = PACKED[packed](NDJSON.encode())
    outcome = contract("infer", put(tmp_path, f"orders.ndjson{suffix}", data))
    assert outcome.code == 0
    assert types(outcome.out) == {
        "id": ("long", True),
        "price": ("decimal(4,2)", True),
        "who": ("struct<name: string>", True),
        "tags": ("list<string>", True),
    }
    loaded = load_bytes(tmp_path, data, reread(outcome.out, "orders"), f"ndjson+{packed}".rstrip("+"))
    assert loaded.counts == (2, 2, 0, 0)


def test_the_records_of_a_json_document_are_found_by_their_path(tmp_path: Path) -> None:
    path = put(tmp_path, "answer.json", '{"result": {"items": [{"id": 1},\n {"id": 2.5}]}}')
    assert types(contract("infer", path, "--records", "$.result.items").out) == {"id": ("decimal(2,1)", True)}
    assert_refused(contract("infer", path, "--records", "$.nope"), "ST370", says="nothing at $.nope")


def parquet(path: Path) -> Path:
    schema = pa.schema([
        pa.field("id", pa.int64()),
        pa.field("price", pa.decimal128(9, 2)),
        pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("ns", tz="UTC")),
        pa.field("wall", pa.timestamp("ms")),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("uid", pa.uuid()),
        pa.field("who", pa.struct([pa.field("name", pa.string(), nullable=False), pa.field("age", pa.int16())])),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("labels", pa.map_(pa.string(), pa.float64())),
        pa.field("raw", pa.binary(4)),
        pa.field("none", pa.null()),
    ])  # fmt: skip
    rows: list[dict[str, Any]] = [
        {
            "id": number, "price": Decimal("1.50"), "day": date(2026, 10, 3), "at": datetime(2026, 10, 3, tzinfo=UTC),
            "wall": datetime(2026, 10, 3), "kind": "ab"[number % 2], "uid": UUID(int=number).bytes,
            "who": {"name": "a", "age": None}, "tags": ["x"] if number else None, "labels": [("a", 1.0)], "raw": b"abcd",
        }
        for number in range(30)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return path


def test_a_parquet_file_keeps_its_types_and_its_values_say_what_is_never_null(tmp_path: Path) -> None:
    outcome = contract("infer", parquet(tmp_path / "orders.parquet"))
    assert outcome.code == 0, outcome.text
    found = reread(outcome.out, "orders")
    assert types(outcome.out) == {
        "id": ("long", True),
        "price": ("decimal(9,2)", True),
        "day": ("date", True),
        "at": ("timestamptz", True),
        "wall": ("timestamp", True),
        "kind": ("string", True),
        "uid": ("uuid", True),
        "who": ("struct<name: string, age: int>", True),
        "tags": ("list<string>", False),
        "labels": ("map<string, double>", True),
        "raw": ("binary", True),
    }
    assert found.primary_key == ()
    assert "# no value comes twice in 30" in outcome.out
    assert '# 2 different values in 30; if there are no others: enum: [{value: "a"}, {value: "b"}]' in outcome.out
    assert "# $.at  unit: nanoseconds" in outcome.out


def test_a_parquet_schema_is_imported_with_its_losses(tmp_path: Path) -> None:
    outcome = contract("import", parquet(tmp_path / "orders.parquet"), "--from", "parquet", "--json")
    result = outcome.result
    assert (result["name"], result["fields"]) == ("orders", 11)
    assert {(loss["path"], loss["what"]) for loss in result["losses"]} == {
        ("$.at", "unit"),
        ("$.wall", "unit"),
        ("$.kind", "dictionary"),
        ("$.none", "type"),
    }
    assert types(result["text"])["who"] == ("struct<name: string, age: int>", False)


def test_a_published_table_becomes_a_contract(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    till.good_run()
    outcome = contract("infer", "raw.sales", "-C", till.root)
    assert outcome.code == 0, outcome.text
    assert "id: sales" in outcome.out
    assert types(outcome.out, "sales") == {
        "sale_id": ("string", True),
        "day": ("date", True),
        "store": ("string", True),
        "amount": ("decimal(12,2)", True),
    }
    assert_refused(contract("infer", "raw.nope", "-C", till.root), "ST450", says="raw.nope")


@pytest.mark.parametrize("form", ["json-schema", "avro", "arrow"])
def test_an_export_is_imported_again_and_both_tell_their_losses(tmp_path: Path, form: str) -> None:
    till = Till.write(tmp_path / "till")
    exported = contract("export", "sales", "--to", form, "-C", till.root, "--out", tmp_path / "sales.txt")
    assert exported.code == 0, exported.text
    imported = contract("import", tmp_path / "sales.txt", "--from", form, "--name", "sales")
    assert imported.code == 0, imported.text
    assert types(imported.out, "sales") == types(till.read("contracts/sales.odcs.yml"), "sales")
    asked = contract("export", till.root / "contracts/sales.odcs.yml", "--to", form, "--json").result
    told = [f"{loss['path']}  {loss['what']}: {loss['why']}" for loss in asked["losses"]]
    assert [line.strip() for line in exported.err.splitlines()[1 : 1 + len(told)]] == told
    assert asked["text"] == (tmp_path / "sales.txt").read_text()


def test_a_contract_is_never_overwritten_by_the_way(tmp_path: Path) -> None:
    path, out = put(tmp_path, "orders.csv", CSV), put(tmp_path, "orders.odcs.yml", "mine")
    assert_refused(contract("infer", path, "--out", out), "ST375", hint="--force")
    assert out.read_text() == "mine"
    assert contract("infer", path, "--out", out, "--force").code == 0
    assert_refused(contract("infer", path, "--out", tmp_path / "no/where.yml"), "ST803", hint="make the folder")


@pytest.mark.parametrize(
    ("name", "data", "more", "says"),
    [
        ("a.csv", b"", (), "it is empty"),
        ("a.csv", b"a;b\n1;2\n", (), "--delimiter ';'"),
        ("a.csv", b"a,a\n1,2\n", (), "names 'a' twice"),
        ("a.csv", b'a,b\n1,"2\n', (), "a quote that opens never closes"),
        ("a.csv", "a,b\nÜ,2\n".encode("latin-1"), (), "--encoding latin-1"),
        ("a.ndjson", b"", (), "the file is empty"),
        ("a.ndjson.gz", gzip.compress(NDJSON.encode(), mtime=0)[:-12], (), "the gzip stream is cut off"),
        ("a.json", b"[" * 100_000, (), "cannot be read"),
        ("a.parquet", b"PAR1 no", (), "no Parquet file"),
        ("a.txt", b"a\n1\n", ("--format", "parquet"), "no Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    tmp_path: Path, name: str, data: bytes, more: tuple[str, ...], says: str
) -> None:
    path = put(tmp_path, name, data)
    assert_refused(contract("infer", path, *more), "ST370", says=says)
    assert_json_refused(contract("infer", path, *more, "--json"), "ST370")


def test_the_schema_in_the_head_of_an_avro_data_file_is_imported(tmp_path: Path) -> None:
    schema = b'{"type": "record", "name": "r", "fields": [{"name": "id", "type": "long"}]}'
    sized = bytes([len(schema) * 2 & 0x7F | 0x80, len(schema) * 2 >> 7])
    head = b"Obj\x01" + b"\x02" + b"\x16avro.schema" + sized + schema + b"\x00" + b"s" * 16
    assert types(contract("import", put(tmp_path, "a.avro", head), "--from", "avro").out) == {"id": ("long", True)}
    for broken in (head[:30], b"Obj\x01", b"Obj\x01\x00", b"Obj\x01" + b"\xff" * 30, b"Obj\x02"):
        outcome = contract("import", put(tmp_path, "b.avro", broken), "--from", "avro")
        assert_refused(outcome, "ST373" if broken == b"Obj\x02" else "ST370")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    assert_refused(contract("infer", tmp_path / "no.csv"), "ST371", says="there is no file")
    assert_refused(contract("infer", put(tmp_path, "a.txt", "a\n1\n")), "ST371", hint="--format")
    assert_refused(contract("export", "nope", "--to", "avro", "-C", Till.write(tmp_path / "till").root), "ST376")
    assert_refused(contract("export", tmp_path / "no.odcs.yml", "--to", "avro"), "ST376")
    assert_refused(contract("import", tmp_path / "no.avsc", "--from", "avro"), "ST373", says="cannot be read")
    assert_refused(contract("import", put(tmp_path, "a.avsc", "{"), "--from", "avro"), "ST373", says="is not JSON")


def test_ragged_lines_are_counted_and_a_large_file_is_read_only_so_far(tmp_path: Path) -> None:
    path = put(tmp_path, "orders.csv", "a,b\n" + "1,2\n3\n" + "4,5\n" * 20_000)
    batches = list(FileSamples(limit=20_000).texts(path, SampleForm()))
    found = infer(batches, "orders", "orders.csv")
    assert (found.broken, found.cut) == (1, True)
    assert 4_000 < found.rows < 20_000
    assert "record 3: 1 columns, not 2" in found.notes["$"][2]
    lines = put(tmp_path, "orders.ndjson", '{"a": 1}\n' * 30_000)
    found = infer(FileSamples(limit=100_000).texts(lines, SampleForm()), "orders", "orders.ndjson")
    assert found.cut
    assert 10_000 < found.rows < 30_000


def test_the_dialect_is_what_was_declared(tmp_path: Path) -> None:
    path = put(tmp_path, "orders.csv", "größe\tb\n1\t2\n".encode("latin-1"))
    form = SampleForm(dialect=Dialect(delimiter="\t", encoding="latin-1"))
    assert [each.name for each in infer(FileSamples().texts(path, form), "o", "o").contract.fields] == ["größe", "b"]
    assert contract("infer", path, "--delimiter", "\\t", "--encoding", "latin-1").code == 0


def test_the_result_for_machines_holds_text_and_notes(tmp_path: Path) -> None:
    result = contract("infer", put(tmp_path, "orders.csv", CSV), "--json").result
    assert (result["rows"], result["whole"], result["broken"]) == (2, True, 0)
    assert json.dumps(result["notes"]).count("cannot be told apart") == 1
    assert types(result["text"])["order_id"] == ("long", True)


@pytest.mark.parametrize(("packed", "suffix"), [("gzip", ".gz"), ("zstd", ".zst")])
def test_a_file_is_loaded_on_trial_under_a_contract_and_leaves_nothing_behind(tmp_path: Path, packed: str, suffix: str) -> None:
    till = Till.write(tmp_path / "till")
    good = put(tmp_path, "sales.csv", "sale_id,day,store,amount\na,2026-10-01,north,1.50\n")
    outcome = contract("test", good, "sales", "-C", till.root)
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "1 row in = 1 would load + 0 would be set aside under sales 1.0.0\n"
    bad = put(tmp_path, f"sales.ndjson{suffix}", PACKED[packed](b'{"sale_id":"a","amount":1.505,"x":1}\n{"sale_id":1}\n'))
    asked = contract("test", bad, till.root / "contracts/sales.odcs.yml", "--json")
    assert asked.code == 1
    assert {key: asked.result[key] for key in ("rows_in", "loaded", "quarantined", "held")} == {
        "rows_in": 2, "loaded": 0, "quarantined": 2, "held": None,
    }  # fmt: skip
    found = {(line["kind"], line["path"]) for line in asked.events if "kind" in line and "path" in line}
    assert {("inexact", "$.amount"), ("wrong_type", "$.sale_id"), ("new_field", "$.x")} <= found
    held = contract("test", put(tmp_path, "short.csv", "sale_id\na\n"), "sales", "-C", till.root)
    assert held.code == 1
    assert "would be held as a whole under sales 1.0.0: required columns are missing" in held.err
    assert_refused(contract("test", tmp_path / "no.csv", "sales", "-C", till.root), "ST371")
    assert not (till.root / ".startrail/store").exists()
