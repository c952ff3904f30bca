"""Avro: schema resolution, known cases and the round through real bytes."""

from __future__ import annotations

import io
import json
from typing import Any

import avro.io
import avro.schema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from startrail import compatible
from startrail.ports.compatibility import ReferenceMissing, SchemaTooLarge, SchemaUnreadable


def record(*fields: Any, name: str = "Order", **more: Any) -> dict[str, Any]:
    """Fields as (name, type) or (name, type, default)."""
    made = [{"name": f[0], "type": f[1]} | ({"default": f[2]} if len(f) > 2 else {}) for f in fields]
    return {"type": "record", "name": name, "fields": made, **more}


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


def fixed(size: int, **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": "F", "size": size, **more}


ALIASED = {"type": "record", "name": "Order", "fields": [{"name": "b", "type": "int", "aliases": ["a"]}]}
NODE = record(("value", "int"), ("next", ["null", "Node"], None), name="Node")
WIDE_NODE = record(("value", "long"), ("next", ["null", "Node"], None), name="Node")

DECIMAL = logical("bytes", "decimal", precision=9, scale=2)
MILLIS, MICROS = logical("long", "timestamp-millis"), logical("long", "timestamp-micros")
CASES: list[tuple[str, Any, Any, list[tuple[str, str]]]] = [
    ("equal", record(("a", "int")), record(("a", "int")), []),
    ("a field with a default is added", record(("a", "int")), record(("a", "int"), ("b", "string", "")), []),
    ("a field without a default is added", record(("a", "int")), record(("a", "int"), ("b", "int")),
     [("field_without_default", "b")]),
    ("a field is removed", record(("a", "int"), ("b", "int")), record(("a", "int")), []),
    ("a default of null counts", record(("a", "int")), record(("a", "int"), ("b", ["null", "int"], None)), []),
    ("a field is renamed with an alias", record(("a", "int")), ALIASED, []),
    ("int to long", "int", "long", []),
    ("int to double", "int", "double", []),
    ("long to float", "long", "float", []),
    ("float to double", "float", "double", []),
    ("long to int", "long", "int", [("type_changed", "")]),
    ("double to float", "double", "float", [("type_changed", "")]),
    ("int to string", "int", "string", [("type_changed", "")]),
    ("string to bytes", "string", "bytes", []),
    ("bytes to string", "bytes", "string", []),
    ("boolean to int", "boolean", "int", [("type_changed", "")]),
    ("a type becomes nullable", record(("a", "int")), record(("a", ["null", "int"])), []),
    ("a nullable type becomes plain", record(("a", ["null", "int"])), record(("a", "int")), [("type_changed", "a")]),
    ("a union loses a branch", ["null", "int", "string"], ["null", "int"], [("union_branch_missing", "")]),
    ("a union gains a branch", ["null", "int"], ["null", "int", "string"], []),
    ("a branch is promoted", ["null", "int"], ["null", "long"], []),
    ("items are promoted", {"type": "array", "items": "int"}, {"type": "array", "items": "long"}, []),
    ("items change", {"type": "array", "items": "int"}, {"type": "array", "items": "string"}, [("type_changed", "[]")]),
    ("map values change", {"type": "map", "values": "long"}, {"type": "map", "values": "int"}, [("type_changed", "{}")]),
    ("an array becomes a map", {"type": "array", "items": "int"}, {"type": "map", "values": "int"}, [("type_changed", "")]),
    ("a symbol is added", enum("A"), enum("A", "B"), []),
    ("a symbol is removed", enum("A", "B"), enum("A"), [("enum_symbols_missing", "")]),
    ("a symbol is removed, with a default", enum("A", "B"), enum("A", default="A"), []),
    ("a fixed grows", fixed(4), fixed(8), [("fixed_size_changed", "")]),
    ("a record is renamed", record(("a", "int")), record(("a", "int"), name="Sale"), [("name_changed", "")]),
    ("a record is renamed with an alias", record(("a", "int")), record(("a", "int"), name="Sale", aliases=["Order"]), []),
    ("a namespace changes", record(("a", "int")), record(("a", "int"), namespace="shop"), []),
    ("an alias is in the namespace", record(("a", "int"), namespace="shop"),
     record(("a", "int"), name="Sale", namespace="shop", aliases=["Order"]), []),
    ("an enum becomes a record", enum("A"), record(name="E"), [("type_changed", "")]),
    ("a list of itself is widened", NODE, WIDE_NODE, []),
    ("a list of itself is narrowed", WIDE_NODE, NODE, [("type_changed", "value")]),
    ("the unit of an instant changes", MILLIS, MICROS,
     [("timestamp_unit_changed", "")]),
    ("the unit of a time changes with its width", logical("int", "time-millis"), logical("long", "time-micros"),
     [("timestamp_unit_changed", "")]),
    ("a decimal changes scale", DECIMAL, logical("bytes", "decimal", precision=9, scale=3),
     [("decimal_scale_changed", "")]),
    ("a decimal loses digits", DECIMAL, logical("bytes", "decimal", precision=8, scale=2),
     [("decimal_precision_narrowed", "")]),
    ("a decimal gains digits", DECIMAL, logical("bytes", "decimal", precision=12, scale=2), []),
    ("a fixed decimal changes scale", fixed(8, logicalType="decimal", precision=9, scale=2),
     fixed(8, logicalType="decimal", precision=9, scale=4), [("decimal_scale_changed", "")]),
    ("a date becomes a number", logical("int", "date"), "int", [("logical_type_changed", "")]),
    ("a number becomes an instant", "long", logical("long", "timestamp-millis"), [("logical_type_changed", "")]),
    ("a uuid becomes a text", logical("string", "uuid"), "string", []),
    ("an unknown logical type is ignored", logical("string", "colour"), "string", []),
    ("the unit inside a union changes", ["null", MILLIS], ["null", MICROS],
     [("timestamp_unit_changed", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_known_change_is_judged(old: Any, new: Any, expected: list[tuple[str, str]]) -> None:
    found = compatible(json.dumps(old), json.dumps(new), "BACKWARD", "AVRO")
    assert [(each.kind, each.path) for each in found] == expected
    assert all(each.message and each.change and each.direction == "backward" for each in found)


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_forward_is_backward_the_other_way_round(old: Any, new: Any, expected: list[tuple[str, str]]) -> None:
    found = compatible(json.dumps(new), json.dumps(old), "FORWARD", "AVRO")
    assert [(each.kind, each.path) for each in found] == expected
    assert all(each.direction == "forward" for each in found)


def test_only_transitive_modes_look_beyond_the_newest_version() -> None:
    first, second = json.dumps(record(("a", "string"))), json.dumps(record(("b", "int", 0)))
    third = json.dumps(record(("a", "int", 0)))
    assert compatible([first, second], third, "BACKWARD", "AVRO") == []
    found = compatible([first, second], third, "BACKWARD_TRANSITIVE", "AVRO")
    assert [(each.kind, each.version) for each in found] == [("type_changed", 0)]
    both = compatible([first, second], third, "FULL_TRANSITIVE", "AVRO")
    assert {(each.direction, each.version) for each in both} == {("backward", 0), ("forward", 0)}


def test_without_older_versions_everything_fits_that_can_be_read() -> None:
    assert compatible([], '"int"', "FULL_TRANSITIVE", "AVRO") == []
    assert compatible('"int"', '"string"', "NONE", "AVRO") == []
    with pytest.raises(SchemaUnreadable):
        compatible('"int"', "{", "NONE", "AVRO")


def test_references_are_resolved_in_whatever_order_they_come() -> None:
    uses = json.dumps(record(("m", "shop.Money")))
    money = json.dumps(record(("unit", "shop.Unit"), name="Money", namespace="shop"))
    old_unit = json.dumps({"type": "enum", "name": "shop.Unit", "symbols": ["EUR", "USD"]})
    new_unit = json.dumps({"type": "enum", "name": "shop.Unit", "symbols": ["EUR"]})
    found = compatible(
        uses, uses, "BACKWARD", "AVRO", old_refs={"m": money, "u": old_unit}, new_refs=[("u", new_unit), ("m", money)]
    )
    assert [(each.kind, each.path) for each in found] == [("enum_symbols_missing", "m.unit")]


def test_each_old_version_may_have_references_of_its_own() -> None:
    uses = json.dumps(record(("e", "E")))
    versions = [{"e": json.dumps(enum("A", "B"))}, {"e": json.dumps(enum("A"))}]
    found = compatible([uses, uses], uses, "BACKWARD_TRANSITIVE", "AVRO", old_refs=versions, new_refs=versions[1])
    assert [(each.kind, each.version) for each in found] == [("enum_symbols_missing", 0)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", SchemaUnreadable), ("{", SchemaUnreadable), ("null", SchemaUnreadable), ('{"type": "record"}', SchemaUnreadable),
        ('{"type": "enum", "name": "E", "symbols": [1]}', SchemaUnreadable), ('"Nowhere"', ReferenceMissing),
        ('{"type": "array", "items": "Nowhere"}', ReferenceMissing), ("[" * 50_000, SchemaTooLarge),
        ('{"type": "array", "items": ' * 800 + '"int"' + "}" * 800, SchemaTooLarge), (" " * 5_000_000, SchemaTooLarge),
    ],
    ids=["empty", "cut", "null", "no name", "symbols", "unknown", "unknown item", "brackets", "deep", "long"],
)  # fmt: skip
def test_what_is_no_schema_is_refused_with_a_sentence(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        compatible('"int"', text, "BACKWARD", "AVRO")


def test_knots_of_records_and_unions_end() -> None:
    def knot(count: int, last: str) -> dict[str, Any]:
        inner = [
            record(("g", ["null", "N0", *(f"N{j}" for j in range(1, i))]), ("v", last), name=f"N{i}") for i in range(1, count)
        ]
        return record(("f", ["null", *inner]), name="N0")

    assert compatible(json.dumps(knot(40, "int")), json.dumps(knot(40, "long")), "BACKWARD", "AVRO") == []
    assert compatible(json.dumps(knot(40, "long")), json.dumps(knot(40, "int")), "BACKWARD", "AVRO") != []


PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "string"])


UNIONS = st.sampled_from([["null", "int"], ["null", "string"], ["int", "string"], ["null", "double"], ["null", "long", "string"]])


def _types(names: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Items and values are unions: the package promotes nothing else inside arrays and maps."""
    return st.one_of(
        PRIMITIVES,
        UNIONS,
        st.sampled_from(names),
        st.builds(lambda t: {"type": "array", "items": t}, UNIONS),
        st.builds(lambda t: {"type": "map", "values": t}, UNIONS),
    )


@st.composite
def avro_schemas(draw: st.DrawFn) -> dict[str, Any]:
    symbols = draw(st.sets(st.sampled_from(["A", "B", "C"]), min_size=1))
    fields: list[dict[str, Any]] = [
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": sorted(symbols)}},
        {"name": "x", "type": {"type": "fixed", "name": "F", "size": draw(st.sampled_from([2, 2, 3]))}},
    ]
    for name in sorted(draw(st.sets(st.sampled_from("abcd"), min_size=1))):
        field: dict[str, Any] = {"name": name, "type": draw(_types(("E", "F")))}
        if field["type"] in ("int", "long") and draw(st.booleans()):
            field["default"] = 7
        fields.append(field)
    if draw(st.booleans()):
        fields.append({"name": "next", "type": ["null", "Order"], "default": None})
    return {"type": "record", "name": "Order", "fields": fields}


def datum(schema: Any, draw: Any, depth: int = 0) -> Any:
    """Some datum of a parsed schema."""
    kind = schema.type
    if kind == "record":
        return {field.name: datum(field.type, draw, depth + 1) for field in schema.fields}
    if kind == "union":
        branches = [branch for branch in schema.schemas if depth < 4 or branch.type != "record"]
        return datum(draw(st.sampled_from(branches)), draw, depth)
    if kind == "array":
        return [datum(schema.items, draw, depth + 1) for _ in range(draw(st.integers(0, 2)))]
    if kind == "map":
        return {key: datum(schema.values, draw, depth + 1) for key in draw(st.sets(st.sampled_from("kl")))}
    if kind == "enum":
        return draw(st.sampled_from(list(schema.symbols)))
    if kind == "fixed":
        return b"x" * schema.size
    return draw({
        "null": st.none(), "boolean": st.booleans(), "int": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1), "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False), "string": st.text(max_size=3),
    }[kind])  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(avro_schemas(), avro_schemas(), st.data())
def test_what_is_written_under_a_compatible_schema_is_read(old: Any, new: Any, data: st.DataObject) -> None:
    changed = {field["name"]: field for field in new["fields"]}
    new = {
        **new,
        "fields": [changed[f["name"]] if f["name"] in changed and data.draw(st.booleans()) else f for f in old["fields"]],
    }
    assume(new["fields"][0]["type"] != "E" and compatible(json.dumps(old), json.dumps(new), "BACKWARD", "AVRO") == [])
    writer, reader = avro.schema.parse(json.dumps(old)), avro.schema.parse(json.dumps(new))
    out = io.BytesIO()
    avro.io.DatumWriter(writer).write(datum(writer, data.draw), avro.io.BinaryEncoder(out))
    avro.io.DatumReader(writer, reader).read(avro.io.BinaryDecoder(io.BytesIO(out.getvalue())))


EVERY: list[tuple[Any, list[Any]]] = [
    ("null", [None]), ("boolean", [True]), ("int", [7]), ("long", [2**40]), ("float", [0.5]), ("double", [1e300]),
    ("string", ["x"]),
    (["null", "int"], [None, 7]), (["null", "long"], [None, 2**40]), (["null", "string"], [None, "x"]),
    (["int", "string"], [7, "x"]), (["null", "double"], [None, 1e300]), (["null", "float", "string"], [None, 0.5, "x"]),
    (enum("A"), ["A"]), (enum("A", "B"), ["A", "B"]), (fixed(2), [b"xx"]), (fixed(3), [b"xxx"]),
    ({"type": "array", "items": ["null", "int"]}, [[], [None, 7]]),
    ({"type": "array", "items": ["null", "double"]}, [[None, 0.5]]),
    ({"type": "map", "values": ["null", "int"]}, [{"k": 7}]), ({"type": "map", "values": ["null", "string"]}, [{"k": "x"}]),
    (record(("p", "int"), name="P"), [{"p": 7}]), (record(("p", "long"), name="P"), [{"p": 2**40}]),
    (record(("p", "int"), ("q", "int", 1), name="P"), [{"p": 7, "q": 8}]), (record(("q", "int"), name="P"), [{"q": 8}]),
]  # fmt: skip


def test_of_every_two_types_the_package_reads_what_is_said_to_be_readable() -> None:
    fits = 0
    for old, values in EVERY:
        for new, _ in EVERY:
            writes, reads = record(("f", old)), record(("f", new))
            if compatible(json.dumps(writes), json.dumps(reads), "BACKWARD", "AVRO"):
                continue
            fits += 1
            writer, reader = avro.schema.parse(json.dumps(writes)), avro.schema.parse(json.dumps(reads))
            for value in values:
                out = io.BytesIO()
                avro.io.DatumWriter(writer).write({"f": value}, avro.io.BinaryEncoder(out))
                got = avro.io.DatumReader(writer, reader).read(avro.io.BinaryDecoder(io.BytesIO(out.getvalue())))
                assert isinstance(got, dict)
    assert fits > 50
