"""Avro files: every value exact, every damage told."""

from __future__ import annotations

import io
import sys
import zlib
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.avro import avro_bytes
from tests.fixtures.loading import contract, field

from startrail.adapters.loader.avro.file import avro
from startrail.adapters.loader.blocks import Unreadable
from startrail.adapters.loader.errors import AvroMissing
from startrail.adapters.loader.shape import Shape

ANY = contract(field("id", "long"))
Json = dict[str, Any]


def read(data: bytes) -> list[Json]:
    shapes: list[Shape] = []
    lines = b"".join(block.lines for block in avro(io.BytesIO(data), ANY, shapes.append))
    return [msgspec.json.decode(line) for line in lines.splitlines()]


def reason(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as found:
        read(data)
    return found.value


def attempt(data: bytes) -> list[Json] | Unreadable:
    try:
        return read(data)
    except Unreadable as unreadable:
        return unreadable


def record(**fields: Any) -> Json:
    named = [{"name": name, "type": kind} for name, kind in fields.items()]
    return {"type": "record", "name": "row", "namespace": "shop", "fields": [{"name": "id", "type": "long"}, *named]}


def value(kind: Any, made: Any) -> Any:
    """What one value of a type becomes."""
    return read(avro_bytes(record(x=kind), [{"id": 1, "x": made}]))[0]["x"]


def logical(kind: str, called: str, /, **more: Any) -> Json:
    return {"type": kind, "logicalType": called, **more}


def test_values_keep_every_digit() -> None:
    assert value("long", 2**63 - 1) == 2**63 - 1
    assert value("float", 0.1) == 0.1
    assert value("double", 0.1 + 0.2) == 0.1 + 0.2
    assert value("double", float("nan")) == "nan"
    assert value("float", float("-inf")) == "-inf"
    assert value("bytes", b"ab") == "YWI="
    assert value({"type": "fixed", "name": "f", "size": 2}, b"ab") == "YWI="
    assert value({"type": "enum", "name": "e", "symbols": ["new", "paid"]}, "paid") == "paid"
    assert value(["null", "string"], None) is None
    assert value({"type": "map", "values": "long"}, {"a": 1}) == {"a": 1}
    assert value({"type": "array", "items": ["null", "bytes"]}, [None, b"a"]) == [None, "YQ=="]


def test_logical_types_become_text_in_iso_form() -> None:
    assert value(logical("bytes", "decimal", precision=38, scale=2), Decimal("-0.05")) == "-0.05"
    assert value(logical("bytes", "decimal", precision=38, scale=0), Decimal(10**37)) == str(10**37)
    assert value(logical("fixed", "decimal", precision=9, scale=3, name="d", size=8), Decimal("-12.345")) == "-12.345"
    assert value(logical("int", "date"), date(2026, 10, 3)) == "2026-10-03"
    assert value(logical("int", "time-millis"), time(14, 5, 0, 7000)) == "14:05:00.007000"
    assert value(logical("long", "time-micros"), time(14, 5, 0, 7)) == "14:05:00.000007"
    at = datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert value(logical("long", "timestamp-millis"), at) == "1969-12-31T23:59:59.999Z"
    assert value(logical("long", "timestamp-micros"), at) == "1969-12-31T23:59:59.999000Z"
    assert value(logical("long", "local-timestamp-micros"), at.replace(tzinfo=None)) == "1969-12-31T23:59:59.999000"
    assert value("long", 5) == 5
    text = "123e4567-e89b-12d3-a456-426614174000"
    assert value(logical("string", "uuid"), UUID(text)) == text


def raw(kind: Any, made: Any) -> Any:
    """As :func:`value`, for values written as the plain type."""
    data = avro_bytes(record(x=kind["type"]), [{"id": 1, "x": made}])
    plain, full = (fastavro.reader(io.BytesIO(data)).metadata["avro.schema"], str_of(record(x=kind)))
    return read(relabelled(data, plain, full))[0]["x"]


def str_of(schema: Json) -> str:
    return msgspec.json.encode(schema).decode()


def relabelled(data: bytes, old: str, new: str) -> bytes:
    """With another schema in the header."""

    def sized(text: str) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, "string", text)
        return out.getvalue()

    assert data.count(sized(old)) == 1
    return data.replace(sized(old), sized(new))


def test_what_no_calendar_has_is_text_that_no_contract_takes() -> None:
    assert raw(logical("int", "date"), 10_000_000) == "10000000 days from 1970-01-01"
    assert raw(logical("int", "time-millis"), -1) == "-1 ticks of a clock"
    assert raw(logical("long", "timestamp-millis"), 2**62) == f"{2**62} ticks from 1970-01-01"
    assert raw(logical("long", "timestamp-nanos"), 1) == "1970-01-01T00:00:00.000000001Z"
    assert raw(logical("long", "local-timestamp-nanos"), -1) == "1969-12-31T23:59:59.999999999"
    assert raw(logical("long", "of-another-time"), 5) == 5


def test_unions_of_several_types_say_which_one_each_value_is() -> None:
    day, at = logical("int", "date"), logical("long", "timestamp-millis")
    union = ["null", "string", at, day, {"type": "array", "items": "string"}]
    made = [date(2026, 10, 3), datetime(2026, 10, 3, tzinfo=UTC), "x", None, ["y"]]
    rows = read(avro_bytes(record(x=union), [{"id": n, "x": each} for n, each in enumerate(made)]))
    assert [row["x"] for row in rows] == ["2026-10-03", "2026-10-03T00:00:00.000Z", "x", None, ["y"]]


def test_inner_records_keep_their_names_and_named_types_may_be_used_again() -> None:
    amount = {"name": "amount", "type": logical("bytes", "decimal", precision=9, scale=2)}
    money = {"type": "record", "name": "Money", "fields": [amount]}
    schema = record(net=money, gross=["null", "Money"], tax="shop.Money")
    amounts = [{"amount": Decimal(text)} for text in ("1.00", "1.21", "0.21")]
    (row,) = read(avro_bytes(schema, [{"id": 1, "net": amounts[0], "gross": amounts[1], "tax": amounts[2]}]))
    assert row == {"id": 1, "net": {"amount": "1.00"}, "gross": {"amount": "1.21"}, "tax": {"amount": "0.21"}}


def test_a_schema_that_refers_to_itself_is_refused() -> None:
    data = avro_bytes(record(next=["null", "shop.row"]), [{"id": 1, "next": None}])
    assert "refers to itself: shop.row" in reason(data).reason


def test_a_schema_that_grows_without_end_is_refused() -> None:
    """Every type holds the one before twice."""
    kind: Any = {"type": "record", "name": "r0", "fields": [{"name": "a", "type": "long"}]}
    fields = {"x": kind}
    for n in range(1, 30):
        inner = [{"name": name, "type": f"shop.r{n - 1}"} for name in "ab"]
        fields[f"x{n}"] = {"type": "record", "name": f"r{n}", "fields": inner}
    data = avro_bytes(record(), [{"id": 1}])
    old = fastavro.reader(io.BytesIO(data)).metadata["avro.schema"]
    assert "too large" in reason(relabelled(data, old, str_of(record(**fields)))).reason


def of_fields(fields: str) -> str:
    return '{"type":"record","name":"r","fields":[' + fields + "]}"


LONG = '{"name":"a","type":"long"}'
NO_SCHEMAS = (
    "", "[", '"long"', "{}", '{"type":"record"}', "[" * 100_000, "null", "5", of_fields('{"name":"a","type":"nothing"}'),
    of_fields('{"name":"a","type":{"type":{}}}'), of_fields('{"name":5,"type":"long"}'), of_fields(LONG + "," + LONG),
)  # fmt: skip


@pytest.mark.parametrize("schema", NO_SCHEMAS, ids=range(len(NO_SCHEMAS)))
def test_what_is_no_schema_is_told(schema: str) -> None:
    data = avro_bytes(record(), [{"id": 1}])
    old = fastavro.reader(io.BytesIO(data)).metadata["avro.schema"]
    assert "Avro file" in reason(relabelled(data, old, schema)).reason


ROWS = [{"id": n, "x": f"text {n % 7}"} for n in range(3000)]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_blocks_are_unpacked(codec: str) -> None:
    assert read(avro_bytes(record(x="string"), ROWS, codec, sync_interval=4000)) == ROWS


def container(codec: str, block: bytes, records: int, schema: Json) -> bytes:
    """A file of one block, by hand."""
    out = io.BytesIO(b"Obj\x01")
    out.seek(4)
    meta = {"avro.schema": str_of(schema).encode(), "avro.codec": codec.encode()}
    fastavro.schemaless_writer(out, {"type": "map", "values": "bytes"}, meta)
    out.write(b"s" * 16)
    fastavro.schemaless_writer(out, "long", records)
    fastavro.schemaless_writer(out, "bytes", block)
    out.write(b"s" * 16)
    return out.getvalue()


def test_snappy_and_zstandard_are_unpacked_and_a_wrong_checksum_is_damage() -> None:
    import pyarrow

    plain = b"\x02\x04"
    packed = pyarrow.compress(plain, codec="snappy", asbytes=True)
    check = zlib.crc32(plain).to_bytes(4, "big")
    assert read(container("snappy", packed + check, 2, record())) == [{"id": 1}, {"id": 2}]
    assert "checksum" in reason(container("snappy", packed + b"none", 2, record())).reason
    zipped = pyarrow.compress(plain, codec="zstd", asbytes=True)
    assert read(container("zstandard", zipped, 2, record())) == [{"id": 1}, {"id": 2}]
    assert "damaged" in reason(container("zstandard", zipped[:-3], 2, record())).reason


def test_an_unknown_codec_is_named() -> None:
    assert "packed with 'lz77'; known are null, deflate" in reason(container("lz77", b"\x02", 1, record())).reason


def test_a_block_that_says_more_or_less_than_it_has_is_damaged() -> None:
    for records in (1, 3, 2**40):
        assert "block 1 of the Avro file is damaged" in reason(container("null", b"\x02\x04", records, record())).reason


def test_a_file_cut_off_anywhere_is_cut_off_or_ends_between_blocks() -> None:
    data = avro_bytes(record(x="string"), ROWS[:300], sync_interval=1000)
    whole = 0
    for end in range(len(data)):
        found = attempt(data[:end])
        if isinstance(found, Unreadable):
            assert found.drift[0].kind == ("unreadable" if 0 < end < 4 else "truncated"), (end, found.reason)
        else:
            whole += 1
            assert found == ROWS[: len(found)]
    assert 0 < whole < 20


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 255), st.sampled_from(["null", "deflate"]))
def test_damaged_bytes_never_crash(at: int, byte: int, codec: str) -> None:
    data = bytearray(avro_bytes(record(x=["null", "string", "double"]), ROWS[:50], codec))
    data[at % len(data)] = byte
    assert attempt(bytes(data)) is not None


def test_without_the_package_the_hint_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(AvroMissing) as missing:
        read(b"Obj\x01")
    assert missing.value.hint == 'pip install "startrail[avro]"'
