"""Each format through ``load`` with the real loader and store: rows, quarantine, holds, conservation."""

from __future__ import annotations

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.fixtures.loading import contract, field, load_bytes

from startrail.base.span import Span
from startrail.capabilities.contracts.errors import NotConserved, ReservedField, UnsupportedField
from startrail.capabilities.contracts.load import raw_schema
from startrail.model.contract import Contract, Format
from startrail.model.source import Dialect, Quarantine
from startrail.ports.loader import LoadOutcome

pytestmark = pytest.mark.usefixtures("each_reader")

ORDERS = contract(
    field("id", "long"),
    field("amount", "decimal(10,2)", required=True),
    field("day", "date"),
    field("tags", "list<string>"),
    key=("id",),
)
SMALL = contract(field("id", "long"), field("amount", "decimal(10,2)", required=True), key=("id",))


def lines(*records: str | bytes) -> bytes:
    return b"\n".join(record if isinstance(record, bytes) else record.encode() for record in records)


def order(id: int, **more: object) -> str:
    return json.dumps({"id": id, "amount": "1", **more}, separators=(",", ":"))


def test_ndjson_rows_are_typed_and_carry_delivery_ordinal_and_unknown_fields(tmp_path: Path) -> None:
    data = lines('{"id":1,"amount":"12.30","day":"2026-10-03","tags":["a",null]}', "", '{"id":2,"amount":1.5,"new":{"a": 1.10}}')
    loaded = load_bytes(tmp_path, data, ORDERS, partition_by="day")
    delivery = loaded.rows("_delivery")[0][0]
    assert loaded.rows() == [
        (1, Decimal("12.30"), date(2026, 10, 3), ["a", None], delivery, 1, None),
        (2, Decimal("1.50"), None, None, delivery, 2, '{"new":{"a": 1.10}}'),
    ]
    assert loaded.counts == (2, 2, 0, 0)
    assert loaded.kept == {"new": 1}
    assert loaded.output.touched == {"2026-10-03": 1, "null": 1}
    (change,) = loaded.output.changes
    assert change.replaces == (delivery,)
    assert {file.part for file in change.files} == {delivery}


def test_files_carry_the_field_ids_of_the_schema(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, lines('{"id":1,"amount":"1","tags":["a"]}'), ORDERS)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT name, field_id FROM parquet_schema('{loaded.files[0]}') WHERE field_id > 0"
        ).fetchall()
    assert found == [
        ("id", 1),
        ("amount", 2),
        ("day", 3),
        ("tags", 4),
        ("element", 5),
        ("_delivery", 6),
        ("_ordinal", 7),
        ("_extra", 8),
    ]


def test_a_record_that_breaks_the_contract_is_quarantined_with_its_text_and_all_violations(tmp_path: Path) -> None:
    bad = '{"id":1.5,"amount":"x","day":"2026-02-29"}'
    loaded = load_bytes(tmp_path, lines('{"id":1,"amount":"1"}', bad, '{"id":2,"amount":"2"}'), ORDERS)
    assert loaded.counts == (3, 2, 1, 0)
    raw, violations = loaded.refused()[2]
    assert raw == bad
    assert [(v["path"], v["rule"]) for v in violations] == [
        ("$.id", "inexact"),
        ("$.amount", "wrong_type"),
        ("$.day", "wrong_format"),
    ]
    drift = json.loads(loaded.output.note["drift"])
    assert {"kind": "inexact", "path": "$.id", "rows": 1, "sample": "1.5"} in drift


def test_all_but_the_first_row_of_a_repeated_key_are_quarantined(tmp_path: Path) -> None:
    data = lines(*(f'{{"id":{id},"amount":"{ordinal}"}}' for ordinal, id in enumerate([1, 2, 1, 1, 3, 2])))
    loaded = load_bytes(tmp_path, data, ORDERS)
    assert loaded.rows("id, _ordinal") == [(1, 1), (2, 2), (3, 5)]
    assert loaded.rules() == {ordinal: [("$.id", "duplicate_key")] for ordinal in (3, 4, 6)}


def test_a_unique_field_may_be_null_many_times(tmp_path: Path) -> None:
    promised = contract(field("id", "long"), field("mail", "string", unique=True))
    loaded = load_bytes(tmp_path, lines('{"id":1}', '{"id":2}', '{"id":3,"mail":"a"}', '{"id":4,"mail":"a"}'), promised)
    assert loaded.rows("id") == [(1,), (2,), (3,)]


def test_nasty_lines_are_quarantined_and_never_a_crash(tmp_path: Path) -> None:
    nasty: list[str | bytes] = [
        b'{"id":1,"amount":"\xff"}', '{"id":2,"id":3,"amount":"1"}', '{"id":4,"amount":NaN}', '{"id":5,"amount":Infinity}',
        '{"id":6,"amount":"1","note":"\\u0000"', '{"id":99999999999999999999999,"amount":"1"}', "[" * 5000, "{" * 5000,
        '{"id":7,"amount":"1"', "garbage", '{"id":8,"amount":"1"} {"id":9,"amount":"1"}', '{"id":10,"amount":"\\ud800"}',
        b"\x00", "null", '{"id":11,"amount":"1"}x',
    ]  # fmt: skip
    good = [order(100 + index) for index in range(len(nasty))]
    mixed = [line for pair in zip(nasty, good, strict=True) for line in pair]
    loaded = load_bytes(tmp_path, lines(*mixed), ORDERS)
    assert loaded.counts == (2 * len(nasty), len(nasty), len(nasty), 0)
    assert sorted(loaded.refused()) == list(range(1, 2 * len(nasty), 2))


def test_a_line_of_twenty_megabytes_is_set_aside_with_its_beginning(tmp_path: Path) -> None:
    huge = b'{"id":2,"amount":"' + b"1" * 20_000_000 + b'"}'
    loaded = load_bytes(tmp_path, lines('{"id":1,"amount":"1"}', huge, '{"id":3,"amount":"1"}'), ORDERS)
    assert loaded.rows("id, _ordinal") == [(1, 1), (3, 3)]
    raw, violations = loaded.refused()[2]
    assert violations[0]["got"] == f"{len(huge)} bytes"
    assert len(raw) <= 1 << 20


def test_a_field_first_seen_late_is_kept_and_its_further_blocks_stay_quick(tmp_path: Path) -> None:
    made = [order(n, tier="gold") if n >= 20_481 else order(n) for n in range(1, 25_001)]
    loaded = load_bytes(tmp_path, lines(*made), ORDERS)
    assert loaded.counts == (25_000, 25_000, 0, 0)
    assert loaded.kept == {"tier": 25_000 - 20_481 + 1}
    assert [row for row in loaded.rows("_ordinal, _extra") if row[1]] == [(n, '{"tier":"gold"}') for n in range(20_481, 25_001)]


def test_gzip_is_read_and_a_cut_or_damaged_stream_is_held(tmp_path: Path) -> None:
    data = gzip.compress(lines(*map(order, range(50_000))))
    assert load_bytes(tmp_path / "whole", data, ORDERS, "ndjson+gzip").counts == (50_000, 50_000, 0, 0)
    cut = load_bytes(tmp_path / "cut", data[: len(data) // 2], ORDERS, "ndjson+gzip")
    assert cut.held == "the gzip stream is cut off"
    assert cut.counts[0] == cut.counts[3] > 0
    assert cut.files == []
    damaged = load_bytes(tmp_path / "damaged", b"\x1f\x8bnonsense", ORDERS, "ndjson+gzip")
    assert damaged.held is not None


def test_a_file_that_ends_in_the_middle_of_a_record_is_held_and_one_without_a_last_newline_is_not(tmp_path: Path) -> None:
    data = lines(order(1), order(2))
    assert load_bytes(tmp_path / "whole", data, ORDERS).counts == (2, 2, 0, 0)
    cut = load_bytes(tmp_path / "cut", data[:-4], ORDERS)
    assert cut.held == "the file ends in the middle of a record"
    assert cut.counts == (2, 0, 0, 2)
    assert load_bytes(tmp_path / "line", data[:-4] + b"\n", ORDERS).counts == (2, 1, 1, 0)


@pytest.mark.parametrize("media", ["ndjson", "csv", "json", "parquet"])
def test_an_empty_file_is_held(tmp_path: Path, media: str) -> None:
    loaded = load_bytes(tmp_path, b"", ORDERS, media)
    assert loaded.held is not None
    assert loaded.counts == (1, 0, 0, 1)


def test_csv_columns_are_matched_by_name_in_any_order(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfnote,amount,id,day\n"a, ""b""\nc",1.50,1,2026-10-03\n,2,2,\n'
    loaded = load_bytes(tmp_path, data, ORDERS, "csv")
    assert loaded.rows("id, amount, day, _ordinal, _extra") == [
        (1, Decimal("1.50"), date(2026, 10, 3), 1, '{"note":"a, \\"b\\"\\nc"}'),
        (2, Decimal("2.00"), None, 2, '{"note":""}'),
    ]
    assert loaded.kept == {"note": 2}


def test_csv_lines_of_another_width_or_with_stray_quotes_are_quarantined_with_their_text(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, b'id,amount\n1,1\n2\n3,3,3\n4,"4"x\n\n5,5\n', SMALL, "csv")
    assert loaded.rows("id, _ordinal") == [(1, 1), (5, 5)]
    assert {ordinal: raw for ordinal, (raw, _) in loaded.refused().items()} == {2: "2", 3: "3,3,3", 4: '4,"4"x'}
    assert loaded.refused()[2][1][0]["got"] == "line 3: 1 columns"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"id;amount\n1;1\n", "required columns are missing: id, amount"),
        (b"id,total\n1,1\n", "required columns are missing: amount"),
        (b"id,amount,id\n1,1,1\n", "names a column twice: id"),
        (b'id,amount\n1,"1\n2,2\n', "never closes"),
        ("id,amount,note\n1,1,año\n2,2,sí\n".encode("latin-1"), "is not utf-8"),
        (b"id,amount\n1,x\n2,y\n", "every row breaks the contract"),
    ],
)
def test_a_csv_file_that_is_not_this_contracts_is_held_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    loaded = load_bytes(tmp_path, data, SMALL, "csv")
    assert reason in (loaded.held or "")
    assert loaded.files == []


def test_csv_in_a_declared_dialect(tmp_path: Path) -> None:
    promised = contract(
        field("id", "int"), field("amount", "decimal(10,2)", format=Format(decimal_separator=",")), field("name", "string")
    )
    data = "1;'1,50';año\n2;NULL;x\n".encode("latin-1")
    dialect = Dialect(delimiter=";", quote="'", encoding="latin-1", header=False, null_words=("NULL",))
    loaded = load_bytes(tmp_path, data, promised, "csv", csv=dialect)
    assert loaded.rows("id, amount, name") == [(1, Decimal("1.50"), "año"), (2, None, "x")]
    wide = load_bytes(
        tmp_path,
        "id,name\n1,ñ\n".encode("utf-16"),
        contract(field("id", "int"), field("name", "string")),
        "csv",
        csv=Dialect(encoding="utf-16"),
    )
    assert wide.rows("id, name") == [(1, "ñ")]


def test_a_json_document_holds_its_records_at_a_path(tmp_path: Path) -> None:
    document = b'{"page": 1, "data": {"rows": [{"id": 1,\n "amount": "1"}, {"id": 2, "amount": "x"}]}}'
    loaded = load_bytes(tmp_path, document, ORDERS, "json", records="$.data.rows")
    assert loaded.rows("id, _ordinal") == [(1, 1)]
    assert loaded.rules() == {2: [("$.amount", "wrong_type")]}
    assert load_bytes(tmp_path, b"[]", ORDERS, "json").counts == (0, 0, 0, 0)
    assert load_bytes(tmp_path, document[:-5], ORDERS, "json", records="$.data.rows").held is not None
    assert "nothing at $.items" in (load_bytes(tmp_path, document, ORDERS, "json", records="$.items").held or "")


def test_parquet_values_keep_every_digit_or_are_quarantined(tmp_path: Path) -> None:
    file = tmp_path / "in.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT i::BIGINT AS id, (i + 0.125)::DECIMAL(12,3) AS amount, DATE '2026-10-03' AS day, ['a', NULL] AS tags,
            'NaN'::DOUBLE AS d, 0.1::FLOAT AS f FROM range(1, 4) AS t(i) UNION ALL
            SELECT 9, 12.340, NULL, NULL, 1.5, 0.1) TO '{file}' (FORMAT parquet)"""
        )
    promised = contract(*ORDERS.fields, field("d", "double"), field("f", "float"))
    loaded = load_bytes(tmp_path, file.read_bytes(), promised, "parquet")
    assert loaded.rows("id, amount, d, f = 0.1::FLOAT") == [(9, Decimal("12.34"), 1.5, True)]
    assert loaded.rules()[1] == [("$.amount", "inexact"), ("$.d", "wrong_type")]
    assert "cannot be read" in (load_bytes(tmp_path, b"PAR1 nonsense PAR1", promised, "parquet").held or "")


def test_a_share_of_bad_rows_above_the_declared_one_holds_the_delivery(tmp_path: Path) -> None:
    data = lines(*(order(n, amount="x") if n < 6 else order(n) for n in range(100)))
    held = load_bytes(tmp_path, data, ORDERS, quarantine=Quarantine(hold_above="5%"))
    assert held.counts == (100, 0, 0, 100)
    assert "6 of 100 rows break the contract, more than 5%" in (held.held or "")
    assert "wrong_type at $.amount in 6 rows" in (held.held or "")
    passed = load_bytes(tmp_path, data, ORDERS, quarantine=Quarantine(hold_above="6%"))
    assert passed.counts == (100, 94, 6, 0)


def test_a_field_whose_name_needs_quoting_everywhere_loads(tmp_path: Path) -> None:
    promised = contract(field('a "b" \\ c', "int"), field("select", "string"), field("día", "date"))
    loaded = load_bytes(tmp_path, json.dumps({'a "b" \\ c': 1, "select": "x", "día": "2026-10-03"}).encode(), promised)
    assert loaded.rows()[0][:3] == (1, "x", date(2026, 10, 3))


def test_a_contract_may_not_use_the_names_of_loading_itself() -> None:
    with pytest.raises(ReservedField, match="_Extra"):
        raw_schema(contract(field("_Extra", "string")))
    with pytest.raises(UnsupportedField, match="string keys"):
        raw_schema(contract(field("m", "map<int, string>")))


def test_a_loader_that_loses_a_row_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from startrail.adapters.loader import DuckdbLoader

    def losing(self: DuckdbLoader, *rest: object, **more: object) -> LoadOutcome:
        return LoadOutcome(rows_in=2)

    monkeypatch.setattr(DuckdbLoader, "_outcome", losing)
    with pytest.raises(NotConserved, match="2 rows, but 0 were loaded"):
        load_bytes(tmp_path, lines('{"id":1}', '{"id":2}'), ORDERS)


def test_a_contract_version_is_written_beside_each_refused_row(tmp_path: Path) -> None:
    promised = Contract("orders", "2.1.0", ORDERS.fields, Span("c"))
    loaded = load_bytes(tmp_path, lines('{"id":1}', '{"id":2,"amount":"1"}'), promised)
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT contract, version, ordinal FROM '{loaded.quarantine}'").fetchall() == [
            ("orders", "2.1.0", 1)
        ]


def test_a_delivery_of_several_copies_keeps_every_ordinal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from startrail.adapters.loader import spool

    monkeypatch.setenv("STARTRAIL_READER", "msgspec")  # the other one has no spool
    monkeypatch.setattr(spool, "SPOOL", 200_000)
    made = [order(n, amount="x") if n % 1000 == 0 else order(n) for n in range(1, 20_001)]
    loaded = load_bytes(tmp_path, gzip.compress(lines(*made)), ORDERS, "ndjson+gzip")
    assert loaded.counts == (20_000, 19_980, 20, 0)
    assert sorted(loaded.refused()) == list(range(1000, 20_001, 1000))
    assert all(id == ordinal for id, ordinal in loaded.rows("id, _ordinal"))
    assert len(loaded.files) > 1


def test_two_records_in_one_line_are_one_malformed_record(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, lines(order(1), order(2) + " " + order(3), order(4)), ORDERS)
    assert loaded.rows("id, _ordinal") == [(1, 1), (4, 3)]
    assert loaded.rules() == {2: [("$", "malformed")]}


def test_an_unknown_field_that_stands_twice_is_refused_even_when_it_is_long_known(tmp_path: Path) -> None:
    twice = '{"id":3,"amount":"1","new":1,"new":2}'
    escaped = '{"id":4,"amount":"1","new":1,"\\u006eew":2}'
    blocks = [[order(n * 2000 + k + 10, new="x" * 40) for k in range(1500)] for n in range(3)]
    data = lines(*blocks[0], *blocks[1], twice, *blocks[2], escaped, order(5))
    loaded = load_bytes(tmp_path, data, ORDERS)
    assert loaded.rules() == {3001: [("$", "duplicate_key")], 4502: [("$", "duplicate_key")]}
    assert loaded.kept == {"new": 4500}


def test_a_key_that_stands_twice_inside_an_unknown_field_is_refused_even_when_the_field_is_long_known(tmp_path: Path) -> None:
    made = [order(n, new={"x": n}) for n in range(1, 2000)] + [order(2000)[:-1] + ',"new":{"x":1,"x":2}}', order(2001)]
    loaded = load_bytes(tmp_path, lines(*made), ORDERS)
    assert loaded.rules() == {2000: [("$", "duplicate_key")]}
    assert "careful" not in loaded.output.note


def test_text_with_nul_is_refused(tmp_path: Path) -> None:
    promised = contract(field("id", "long"), field("name", "string"))
    loaded = load_bytes(tmp_path, lines('{"id":1,"name":"a\\u0000b"}', '{"id":2,"name":"ab"}'), promised)
    assert loaded.rules() == {1: [("$.name", "malformed")]}
    textual = load_bytes(tmp_path, b"id,name\n1,a\x00b\n2,ab\n", promised, "csv")
    assert textual.rules() == {1: [("$.name", "malformed")]}
