"""Schemas that others wrote: what is read, what is told as lost, what is refused."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from tests.fixtures.loading import contract, field

from startrail.capabilities.contracts.exchange.errors import NotASchema
from startrail.capabilities.contracts.exchange.losses import Imported
from startrail.capabilities.contracts.exchange.odcs_text import odcs
from startrail.capabilities.contracts.exchange.translate import export, import_
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.model.types import parse_type


def json_schema(properties: str, more: str = "") -> Imported:
    return import_(f'{{"type": "object", "properties": {properties}{more}}}'.encode(), "json-schema", "orders")


def avro(*fields: str) -> Imported:
    return import_(f'{{"type": "record", "name": "r", "fields": [{", ".join(fields)}]}}'.encode(), "avro", "orders")


def arrow(type: str, more: str = "") -> Imported:
    column = f'{{"name": "a", "nullable": true, "type": {type}{more}}}'
    other = '{"name": "b", "nullable": true, "type": {"name": "utf8"}}'
    return import_(f'{{"schema": {{"fields": [{column}, {other}]}}}}'.encode(), "arrow", "orders")


def told(found: Imported) -> list[tuple[str, str]]:
    return [(loss.path, loss.what) for loss in found.losses]


NULLABLE = '"type": ["{}", "null"]'


@pytest.mark.parametrize(
    ("schema", "type", "promises", "losses"),
    [
        ('{"type": ["string", "null"], "format": "date"}', "date", {}, []),
        ('{"type": ["string", "null"], "format": "date-time"}', "timestamptz", {}, []),
        ('{"type": ["string", "null"], "format": "email"}', "string", {}, ["format"]),
        ('{"type": ["string", "null"], "contentEncoding": "base64"}', "binary", {}, []),
        ('{"type": ["integer", "null"], "exclusiveMinimum": 0}', "long", {"minimum": "1"}, []),
        ('{"type": ["integer", "null"], "minimum": 0, "exclusiveMinimum": true}', "long", {"minimum": "1"}, []),
        ('{"type": ["number", "null"], "multipleOf": 0.01, "minimum": 0}', "decimal(38,2)", {"minimum": "0"}, []),
        ('{"type": ["number", "null"], "multipleOf": 0.05}', "double", {}, ["multipleOf", "type"]),
        ('{"type": ["number", "null"]}', "double", {}, ["type"]),
        (
            '{"type": ["number", "null"], "format": "double", "exclusiveMaximum": 1.5}',
            "double",
            {"maximum": "1.5"},
            ["exclusiveMaximum"],
        ),
        ('{"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}', "string", {"enum": ("a",)}, []),
        ('{"type": "string", "nullable": true, "default": "x"}', "string", {"default": "x"}, []),
        ('{"type": "integer", "default": 7}', "long", {"default": "7", "required": True}, []),
        ('{"type": ["integer", "null"], "default": "x"}', "long", {"default": None}, ["default"]),
        ('{"type": ["integer", "null"], "default": 7, "maximum": 5}', "long", {"default": None}, ["default"]),
        ('{"enum": ["a", "b", null]}', "string", {"enum": ("a", "b")}, []),
        ('{"const": 7}', "long", {"enum": ("7",)}, ["type"]),
        ('{"type": "string", "pattern": "(?=x)"}', "string", {}, ["pattern", "type"]),
        ('{"type": ["array", "null"], "items": {"type": "string"}, "uniqueItems": true}', "list<string>", {}, ["uniqueItems"]),
        ('{"type": ["object", "null"], "additionalProperties": {"type": ["boolean", "null"]}}', "map<string, boolean>", {}, []),
    ],
)
def test_a_json_schema_property_becomes_a_field(schema: str, type: str, promises: dict[str, Any], losses: list[str]) -> None:
    found = json_schema('{"a": ' + schema + "}")
    assert found.contract.fields[0].type == parse_type(type)
    assert {name: getattr(found.contract.fields[0], name) for name in promises} == promises
    assert sorted(told(found)) == sorted(("$.a", what) for what in losses)


@pytest.mark.parametrize(
    "schema",
    [
        '{"type": ["string", "integer"]}',
        "{}",
        "true",
        '{"oneOf": [{"type": "string"}, {"type": "integer"}]}',
        '{"$ref": "#/nope"}',
    ],
)
def test_a_property_of_no_one_type_is_left_out_and_told(schema: str) -> None:
    found = json_schema('{"a": ' + schema + ', "b": {"type": ["string", "null"]}}')
    assert [each.name for each in found.contract.fields] == ["b"]
    assert ("$.a" in {path for path, _ in told(found)}) is True


def test_references_are_followed_and_circles_are_left_out() -> None:
    found = json_schema(
        '{"a": {"$ref": "#/$defs/node"}, "b": {"$ref": "#/$defs/node"}}',
        ', "required": ["a", "b"], "$defs": {"node": {"type": "object", "required": ["id"], "properties": '
        '{"id": {"type": "string"}, "next": {"$ref": "#/$defs/node"}}}}',
    )
    assert [str(each.type) for each in found.contract.fields] == ["struct<id: string>"] * 2
    assert told(found) == [("$.a.next", "$ref"), ("$.b.next", "$ref")]


def test_a_small_schema_that_means_a_huge_one_is_refused() -> None:
    levels = {
        f"l{i}": {"type": "object", "properties": {n: {"$ref": f"#/$defs/l{i + 1}"} for n in "abcdefghij"}} for i in range(8)
    }
    levels["l8"] = {"type": "object", "properties": {"x": {"type": "string"}}}
    data = {"type": "object", "properties": {"a": {"$ref": "#/$defs/l0"}}, "$defs": levels}
    with pytest.raises(NotASchema, match="more than 5000"):
        import_(json.dumps(data).encode(), "json-schema", "orders")


def test_a_part_that_two_others_share_is_no_circle() -> None:
    found = json_schema(
        '{"a": {"allOf": [{"$ref": "#/$defs/x"}, {"$ref": "#/$defs/y"}]}}',
        ', "required": ["a"], "$defs": {"base": {"type": "string"}, "x": {"allOf": [{"$ref": "#/$defs/base"}], "minLength": 1}, '
        '"y": {"$ref": "#/$defs/base", "maxLength": 9}}',
    )
    assert [(each.min_length, each.max_length) for each in found.contract.fields] == [(1, 9)]
    assert found.losses == ()


def test_parts_that_double_at_every_level_are_refused_soon() -> None:
    levels = {f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 2} for i in range(40)} | {"l40": {"type": "string"}}
    data = {"type": "object", "properties": {"a": {"$ref": "#/$defs/l0"}}, "$defs": levels}
    with pytest.raises(NotASchema, match="parts"):
        import_(json.dumps(data).encode(), "json-schema", "orders")


def test_closed_objects_stay_closed_and_presence_without_value_is_told() -> None:
    found = json_schema(
        '{"a": {"type": "string"}, "b": {"type": ["string", "null"]}, "c": {"type": "string"}}',
        ', "required": ["b", "c"], "additionalProperties": false',
    )
    assert told(found) == [("$.a", "type"), ("$.b", "required")]
    assert found.contract.closed
    assert [each.required for each in found.contract.fields] == [False, False, True]


def test_what_the_contract_accepts_in_canonical_form_the_json_schema_accepts() -> None:
    found = contract(
        field("price", "decimal(10,2)", minimum="0"),
        field("total", "decimal(4,2)"),
        field("n", "int", required=True),
        field("day", "date"),
        field("kind", "string", enum=("a", "b")),
        field("tags", "list<string>"),
    )
    schema = json.loads(export(found, "json-schema").text)
    judge = RecordJudge(found)
    for record in (
        {"price": 19.99, "total": -99.99, "n": 7, "day": "2026-10-03", "kind": "a", "tags": ["x", None], "new": 1},
        {"price": 0.07, "n": 2**31 - 1, "kind": None},
    ):
        assert not judge(json.dumps(record).encode()).violations
        jsonschema.Draft202012Validator(schema).validate(record)
    for record in ({"price": -0.01, "n": 1}, {"n": None}, {"n": 2**31}, {"n": 1, "kind": "c"}, {"n": 1, "total": 100}):
        assert judge(json.dumps(record).encode()).violations
        assert not jsonschema.Draft202012Validator(schema).is_valid(record)


@pytest.mark.parametrize(
    ("type", "kind", "required", "losses"),
    [
        ('["null", {"type": "long", "logicalType": "timestamp-millis"}]', "timestamptz", False, ["logicalType"]),
        ('{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}', "decimal(9,2)", True, []),
        ('{"type": "fixed", "name": "d", "size": 8, "logicalType": "decimal", "precision": 9}', "decimal(9,0)", True, ["size"]),
        ('{"type": "string", "avro.java.string": "String"}', "string", True, ["avro.java.string"]),
        ('["string", "null"]', "string", False, []),
        ('{"type": "fixed", "name": "f", "size": 12, "logicalType": "duration"}', "binary", True, ["logicalType"]),
        ('{"type": "array", "items": ["null", "long"]}', "list<long>", True, []),
    ],
)
def test_an_avro_type_becomes_a_field(type: str, kind: str, required: bool, losses: list[str]) -> None:
    found = avro('{"name": "a", "type": ' + type + "}")
    assert (found.contract.fields[0].type, found.contract.fields[0].required) == (parse_type(kind), required)
    assert [what for _, what in told(found)] == losses


def test_avro_unions_circles_and_defaults_are_told() -> None:
    found = avro(
        '{"name": "a", "type": ["null", "string", "long"]}',
        '{"name": "b", "type": {"type": "record", "name": "n", "fields": ['
        '{"name": "id", "type": "long"}, {"name": "up", "type": ["null", "n"]}]}}',
        '{"name": "c", "type": "n"}',
        '{"name": "d", "type": "string", "default": "x", "order": "ignore"}',
        '{"name": "e", "type": {"type": "enum", "name": "k", "symbols": ["A", "B"], "default": "A"}}',
    )
    assert [str(each.type) for each in found.contract.fields] == ["struct<id: long>", "struct<id: long>", "string", "string"]
    assert [(each.default, each.required) for each in found.contract.fields[2:]] == [("x", True), (None, True)]
    assert told(found) == [
        ("$.a", "type"),
        ("$.b.up", "type"),
        ("$.c.up", "type"),
        ("$.d", "order"),
        ("$.e", "default"),
    ]
    assert found.contract.fields[3].enum == ("A", "B")


@pytest.mark.parametrize(
    ("type", "kind", "losses"),
    [
        ('{"name": "int", "bitWidth": 8, "isSigned": true}', "int", []),
        ('{"name": "int", "bitWidth": 64, "isSigned": false}', "decimal(20,0)", []),
        ('{"name": "timestamp", "unit": "NANOSECOND", "timezone": "Europe/Madrid"}', "timestamptz", ["unit", "timezone"]),
        ('{"name": "time", "unit": "SECOND", "bitWidth": 32}', "time", ["unit"]),
        ('{"name": "largeutf8"}', "string", []),
        ('{"name": "decimal", "precision": 40, "scale": 2, "bitWidth": 256}', None, ["type"]),
        ('{"name": "interval", "unit": "DAY_TIME"}', None, ["type"]),
        ('{"name": "null"}', None, ["type"]),
    ],
)
def test_an_arrow_type_becomes_a_field(type: str, kind: str | None, losses: list[str]) -> None:
    found = arrow(type)
    assert (found.contract.field("a") is None) == (kind is None)
    if kind is not None:
        assert found.contract.fields[0].type == parse_type(kind)
    assert [what for _, what in told(found)] == losses


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", "avro"),
        (b"{", "json-schema"),
        (b'{"type": "record", "name": "r", "fields": [], "fields": []}', "avro"),
        (b'{"type": "string"}', "json-schema"),
        (b"[1]", "json-schema"),
        (b'{"type": "object", "properties": {}}', "json-schema"),
        (b'{"type": "record", "name": "r", "fields": [{"name": "a", "type": "nope"}]}', "avro"),
        (b'{"type": "record", "name": "r", "fields": [{"name": "a", "type": 7}]}', "avro"),
        (b'{"type": "record", "fields": [{"name": "a", "type": "int"}]}', "avro"),
        (b'{"schema": {"fields": [7]}}', "arrow"),
        (b'{"schema": []}', "arrow"),
        (b"[" * 100_000, "avro"),
        (b"\xff\xfe", "json-schema"),
    ],
)
def test_what_is_no_schema_is_refused(data: bytes, form: Any) -> None:
    with pytest.raises(NotASchema):
        import_(data, form, "orders")


@pytest.mark.parametrize("form", ["json-schema", "avro", "arrow"])
@pytest.mark.parametrize("depth", [5, 40, 200])
def test_deep_schemas_end_in_a_contract_that_can_be_written_or_in_a_refusal(form: Any, depth: int) -> None:
    nests = {
        "json-schema": ('{"type": "object", "properties": {"a": ', "}}", '{"type": "string"}'),
        "avro": ('{"type": {"type": "array", "items": ', "}}", '"string"'),
        "arrow": ('{"name": "a", "type": {"name": "struct"}, "children": [', "]}", '{"name": "a", "type": {"name": "utf8"}}'),
    }
    start, end, leaf = nests[form]
    deep = start * depth + leaf + end * depth
    other = {"json-schema": '{"type": "string"}', "avro": '"string"', "arrow": ""}[form]
    data = {
        "json-schema": f'{{"type": "object", "properties": {{"x": {deep}, "y": {other}}}}}',
        "avro": '{"type": "record", "name": "r", "fields": ['
        f'{{"name": "x", "type": {deep}}}, {{"name": "y", "type": {other}}}]}}',
        "arrow": f'{{"schema": {{"fields": [{deep}, {{"name": "y", "type": {{"name": "utf8"}}}}]}}}}',
    }[form]
    found = import_(data.encode(), form, "orders")
    odcs(found.contract)
    assert (depth > 9) == bool([loss for loss in found.losses if "deep" in loss.why])
