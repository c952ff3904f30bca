"""Contracts: the whole standard is accepted, what loading needs is taken exactly, contradictions are refused."""

from __future__ import annotations

import contextlib
import importlib.resources
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import startrail
from startrail.base.errors import StartrailError
from startrail.base.regex import expression
from startrail.base.span import Span
from startrail.model.contract import Contract, Format
from startrail.model.types import parse_type
from startrail.project import errors, odcs_form
from startrail.project.odcs import read_contract
from startrail.project.odcs_options import OPTIONS
from startrail.project.odcs_types import physical, strptime_pattern

PATH = "contracts/orders.odcs.yml"
HEAD = "apiVersion: v3.2.0\nkind: DataContract\nid: orders\nversion: 1.0.0\nschema:\n  - name: orders\n    properties:\n"
EXAMPLES = Path(startrail.__file__).parent / "examples"
STANDARD: dict[str, Any] = json.loads(
    importlib.resources.files("open_data_contract_standard").joinpath("schema.json").read_text()
)


def read(text: str) -> tuple[Contract | None, list[StartrailError]]:
    problems: list[StartrailError] = []
    try:
        return read_contract(text.encode(), PATH, problems), problems
    except StartrailError as error:
        return None, [*problems, error]


def properties(*lines: str) -> str:
    """A contract whose properties are flow mappings, from line 8 on."""
    return HEAD + "".join(f"      - {line}\n" for line in lines)


def field_of(line: str) -> Any:
    contract, problems = read(properties(line))
    assert problems == []
    assert contract is not None
    return contract.fields[0]


def keys(struct: type) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def standard_keys(name: str) -> set[str]:
    """All keys of a definition of the standard, those of its parts and branches included."""
    found: set[str] = set()

    def walk(part: Any) -> None:
        found.update(part.get("properties", {}))
        for branch in (*part.get("allOf", []), *part.get("anyOf", []), *part.get("oneOf", [])):
            walk(branch.get("then", branch))
        if "$ref" in part:
            found.update(standard_keys(part["$ref"].rsplit("/", 1)[1]))

    walk(STANDARD["$defs"][name])
    return found


@pytest.mark.parametrize(
    ("name", "struct"),
    [
        ("SchemaObject", odcs_form.SchemaObject),
        ("SchemaProperty", odcs_form.Property),
        ("DataQuality", odcs_form.Quality),
        ("SupportItem", odcs_form.Support),
        ("Pricing", odcs_form.Pricing),
        ("TeamMember", odcs_form.TeamMember),
        ("Team", odcs_form.Team),
        ("Role", odcs_form.Role),
        ("ServiceLevelAgreementProperty", odcs_form.SlaProperty),
        ("EnumValue", odcs_form.EnumValue),
        ("Synonym", odcs_form.Synonym),
        ("CustomProperty", odcs_form.CustomProperty),
        ("RelationshipBase", odcs_form.Relationship),
        ("Context", odcs_form.Context),
    ],
)
def test_every_key_of_the_standard_is_known(name: str, struct: type) -> None:
    assert standard_keys(name) - keys(struct) == set()


def test_every_key_of_the_document_and_of_all_servers_is_known() -> None:
    assert set(STANDARD["properties"]) == keys(odcs_form.Document)
    servers = {key for source in STANDARD["$defs"]["ServerSource"].values() for key in source.get("properties", {})}
    assert servers | set(STANDARD["$defs"]["Server"]["properties"]) <= keys(odcs_form.Server)


def test_the_options_of_each_logical_type_are_those_of_the_standard() -> None:
    for branch in STANDARD["$defs"]["SchemaBaseProperty"]["allOf"][1:]:
        condition = branch["if"]
        logical = [part["properties"]["logicalType"]["const"] for part in condition.get("anyOf", [condition])]
        options = branch["then"]["properties"].get("logicalTypeOptions", {}).get("properties", {})
        for name in logical:
            if name not in ("map", "vector"):
                assert keys(OPTIONS[name]) == set(options), name


FULL = """\
apiVersion: v3.2.0
kind: DataContract
id: 53581432-6c55-4ba2-a65f-72344a91553a
version: 1.1.0
status: active
name: orders
tenant: shop
domain: sales
dataProduct: orders
tags: [sales]
description: {purpose: What was ordered., usage: reports, limitations: none}
servers:
  - {server: api, type: api, location: "https://shop.example/api"}
  - {server: pg, type: postgresql, host: h, port: 5432, database: d, schema: s}
support: [{channel: "#orders", url: "https://chat.example"}]
price: {priceAmount: 9.95, priceCurrency: EUR, priceUnit: month}
team: {name: t, members: [{username: ann, role: owner, dateIn: "2026-01-01"}]}
roles: [{role: reader, access: read}]
slaDefaultElement: orders.ordered_at
slaProperties: [{property: latency, value: 4, unit: d}]
authoritativeDefinitions: [{url: "https://wiki.example", type: businessDefinition}]
customProperties: [{property: anything, value: {nested: [1]}}]
contractCreatedTs: "2026-01-01T00:00:00Z"
context: {instructions: read me, verifiedStatements: [{question: q}]}
schema:
  - name: orders
    physicalType: topic
    logicalType: object
    description: Orders.
    quality: [{metric: rowCount, mustBeGreaterThan: 0}]
    relationships: [{from: orders.store, to: stores.id}]
    properties:
      - name: id
        logicalType: string
        physicalType: uuid
        primaryKey: true
        primaryKeyPosition: 2
      - name: region
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 1
        enum: [{value: EU, label: Europe}, {value: US}]
        quality: [{type: sql, query: select 1, mustBe: 0}]
      - name: amount
        description: Gross.
        logicalType: number
        physicalType: DECIMAL(18, 2)
        required: true
        logicalTypeOptions: {minimum: 0.10, exclusiveMaximum: 1000}
        customProperties:
          - {property: unit, value: EUR, vendor: startrail}
          - {property: aliases, value: [total], vendor: startrail}
          - {property: decimalSeparator, value: ",", vendor: startrail}
          - {property: unit, value: {of: another}, vendor: someone}
      - name: ordered_at
        logicalType: timestamp
        logicalTypeOptions: {timezone: true, defaultTimezone: Europe/Madrid, format: "dd/MM/yyyy'T'HH:mm:ss"}
      - name: lines
        logicalType: array
        items:
          logicalType: object
          logicalTypeOptions: {required: [sku]}
          properties:
            - name: sku
              logicalType: string
              unique: true
              logicalTypeOptions: {pattern: "^[A-Z]+$", minLength: 1, maxLength: 8}
            - {name: quantity, logicalType: integer, logicalTypeOptions: {format: u8}}
      - name: labels
        logicalType: map
        map: {key: {logicalType: string}, value: {logicalType: boolean}}
"""


def test_a_full_document_of_the_standard_is_read() -> None:
    jsonschema.Draft201909Validator(STANDARD).validate(yaml.safe_load(FULL))
    contract, problems = read(FULL)
    assert problems == []
    assert contract is not None
    assert (contract.name, contract.version, contract.primary_key) == ("orders", "1.1.0", ("region", "id"))
    assert contract.description == "Orders."
    assert {field.name: str(field.type) for field in contract.fields} == {
        "id": "uuid",
        "region": "string",
        "amount": "decimal(18,2)",
        "ordered_at": "timestamptz",
        "lines": "list<struct<sku: string, quantity: int>>",
        "labels": "map<string, boolean>",
    }
    by_name = {field.name: field for field in contract.fields}
    assert by_name["id"].required
    assert by_name["region"].enum == ("EU", "US")
    amount = by_name["amount"]
    assert (amount.minimum, amount.maximum, amount.unit, amount.aliases) == ("0.10", "999.99", "EUR", ("total",))
    assert amount.format == Format(decimal_separator=",")
    assert amount.span == Span(PATH, FULL[: FULL.index("name: amount")].count("\n") + 1, 9)
    assert by_name["ordered_at"].format == Format("%d/%m/%YT%H:%M:%S", "Europe/Madrid")
    item = by_name["lines"].item
    assert item is not None
    sku, quantity = item.fields
    assert (sku.required, sku.unique, sku.pattern, sku.min_length, sku.max_length) == (True, True, "^[A-Z]+$", 1, 8)
    assert (quantity.required, quantity.minimum, quantity.maximum) == (False, "0", "255")


TYPES = [
    ("{name: a, logicalType: string}", "string"),
    ("{name: a, logicalType: string, physicalType: VARCHAR(20)}", "string"),
    ("{name: a, logicalType: string, physicalType: SUPER_TEXT}", "string"),
    ("{name: a, logicalType: string, logicalTypeOptions: {format: uuid}}", "uuid"),
    ("{name: a, logicalType: date, physicalType: varchar(10)}", "date"),
    ("{name: a, logicalType: time}", "time"),
    ("{name: a, logicalType: boolean}", "boolean"),
    ("{name: a, logicalType: integer}", "long"),
    ("{name: a, logicalType: integer, physicalType: int}", "int"),
    ("{name: a, logicalType: integer, logicalTypeOptions: {format: i32}}", "int"),
    ("{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}", "decimal(20,0)"),
    ("{name: a, logicalType: integer, physicalType: 'NUMBER(38,0)'}", "decimal(38,0)"),
    ("{name: a, logicalType: number, physicalType: double precision}", "double"),
    ("{name: a, logicalType: number, logicalTypeOptions: {format: f32}}", "float"),
    ("{name: a, logicalType: number, physicalType: 'numeric(10,4)'}", "decimal(10,4)"),
    ("{name: a, logicalType: timestamp}", "timestamp"),
    ("{name: a, logicalType: timestamp, physicalType: timestamp(6) with time zone}", "timestamptz"),
    ("{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: true}}", "timestamptz"),
    ("{name: a, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Etc/UTC}}", "timestamptz"),
    ("{name: a, physicalType: bigint}", "long"),
    ("{name: a, physicalType: 'decimal(5,1)'}", "decimal(5,1)"),
    ("{name: a, physicalType: timestamptz}", "timestamptz"),
]


@pytest.mark.parametrize(("line", "kind"), TYPES)
def test_a_logical_type_is_made_exact_by_what_stands_beside_it(line: str, kind: str) -> None:
    assert field_of(line).type == parse_type(kind)


BOUNDS = [
    ("integer, logicalTypeOptions: {exclusiveMinimum: 0, exclusiveMaximum: 9.5}", "1", "9"),
    ("integer, logicalTypeOptions: {format: i16}", "-32768", "32767"),
    ("integer, logicalTypeOptions: {format: i16, minimum: 0}", "0", "32767"),
    ("number, physicalType: 'decimal(5,2)', logicalTypeOptions: {exclusiveMinimum: 0}", "0.01", None),
    ("number, physicalType: 'decimal(38,0)', logicalTypeOptions: {maximum: 99999999999999999999999999999}", None, "9" * 29),
    ("number, physicalType: 'decimal(5,3)', logicalTypeOptions: {exclusiveMaximum: 1.0005}", None, "1.000"),
    ("number, physicalType: double, logicalTypeOptions: {exclusiveMinimum: 0}", f"{5e-324:.324f}", None),
    ("date, logicalTypeOptions: {exclusiveMinimum: 2026-02-28, maximum: 2026-12-31}", "2026-03-01", "2026-12-31"),
    ("timestamp, logicalTypeOptions: {minimum: '2026-01-01T00:00:00'}", "2026-01-01T00:00:00", None),
    ("timestamp, logicalTypeOptions: {timezone: true, minimum: '2026-01-01T00:00:00Z'}", "2026-01-01T00:00:00+00:00", None),
    ("time, logicalTypeOptions: {exclusiveMaximum: '12:00'}", None, "11:59:59.999999"),
    ("string", None, None),
]


@pytest.mark.parametrize(("rest", "low", "high"), BOUNDS)
def test_bounds_keep_their_exact_text_and_become_inclusive(rest: str, low: str | None, high: str | None) -> None:
    field = field_of("{name: a, logicalType: " + rest + "}")
    assert (field.minimum, field.maximum) == (low, high)


A = "{name: a, logicalType: "
WRONG = [
    ("{nme: a, logicalType: string}", errors.UnknownKey, 10),
    ("{logicalType: string}", errors.MissingKey, 9),
    ("{name: a}", errors.UnknownType, 9),
    ("{name: a, logicalType: strng}", errors.UnknownWord, 32),
    ("{name: a, physicalType: wibble}", errors.UnknownType, 33),
    (A + "number}", errors.InexactType, 32),
    (A + "number, physicalType: number}", errors.InexactType, 54),
    (A + "number, physicalType: 'decimal(39,2)'}", errors.InexactType, 54),
    (A + "integer, logicalTypeOptions: {format: u128}}", errors.InexactType, 70),
    (A + "vector}", errors.NotYet, 32),
    (A + "object}", errors.MissingKey, 9),
    (A + "array}", errors.MissingKey, 9),
    (A + "map}", errors.MissingKey, 9),
    (A + "string, logicalTypeOptions: {minimum: 1}}", errors.UnknownKey, 61),
    (A + "string, logicalTypeOptions: {minLength: 5, maxLength: 2}}", errors.ContractContradiction, 72),
    (A + "string, logicalTypeOptions: {pattern: '['}}", errors.ContractContradiction, 70),
    (A + "string, logicalTypeOptions: {pattern: '(?=a)'}}", errors.ContractContradiction, 70),
    (A + "integer, logicalTypeOptions: {minimum: 2, maximum: 1}}", errors.ContractContradiction, 61),
    (A + "integer, logicalTypeOptions: {exclusiveMinimum: 1, exclusiveMaximum: 2}}", errors.ContractContradiction, 61),
    (A + "date, logicalTypeOptions: {minimum: yesterday}}", errors.BadValue, 68),
    (A + "timestamp, logicalTypeOptions: {minimum: '2026-01-01T00:00:00Z'}}", errors.BadValue, 73),
    (A + "timestamp, physicalType: timestamptz, logicalTypeOptions: {timezone: false}}", errors.ContractContradiction, 101),
    (A + "timestamp, logicalTypeOptions: {defaultTimezone: Mars/Base}}", errors.BadValue, 81),
    (A + "date, logicalTypeOptions: {format: d/M/yy}}", errors.BadValue, 67),
    (A + "string, enum: []}", errors.ContractContradiction, 46),
    (A + "string, enum: [{value: x}, {value: x}]}", errors.ContractContradiction, 46),
    (A + "string, enum: [x]}", errors.WrongType, 47),
    (A + "string, primaryKeyPosition: 1}", errors.ContractContradiction, 60),
    (A + "string, primaryKey: true, required: false}", errors.ContractContradiction, 68),
    (A + "string, customProperties: [{property: alias, value: b, vendor: startrail}]}", errors.UnknownKey, 70),
    (A + "string, customProperties: [{property: aliases, value: b, vendor: startrail}]}", errors.WrongType, 86),
    (
        A + "object, logicalTypeOptions: {required: [c]}, properties: [{name: b, logicalType: date}]}",
        errors.ContractContradiction,
        71,
    ),
    (A + "object, properties: [{name: b, logicalType: date, primaryKey: true}]}", errors.ContractContradiction, 94),
]

C = errors.ContractContradiction


def ours(*pairs: str) -> str:
    """Custom properties of ours, for the end of a property's flow mapping."""
    each = (f"{{property: {name}, value: {value}, vendor: startrail}}" for name, _, value in (p.partition("=") for p in pairs))
    return ", customProperties: [" + ", ".join(each) + "]}"


CONTRADICTIONS = [
    (A + "integer, physicalType: int, logicalTypeOptions: {maximum: 3000000000}}", C, "no value of its type"),
    (A + "number, physicalType: 'decimal(5,2)', logicalTypeOptions: {minimum: 0.005}}", C, "no value of its type"),
    (A + "string, logicalTypeOptions: {minLength: -1}}", C, "negative"),
    (A + "array, items: {logicalType: date}, logicalTypeOptions: {minItems: 3, maxItems: 2}}", C, "minItems 3"),
    (A + "integer, enum: [{value: x}]}", C, "enum names 'x'"),
    (A + "integer, logicalTypeOptions: {minimum: 5}, enum: [{value: 4}, {value: 6}]}", C, "enum names '4'"),
    (A + "string, logicalTypeOptions: {pattern: '^[A-Z]+$'}, enum: [{value: ab}]}", C, "enum names 'ab'"),
    (A + "string, logicalTypeOptions: {maxLength: 1}, enum: [{value: ab}]}", C, "enum names 'ab'"),
    (A + "string, logicalTypeOptions: {pattern: '(a)\\1'}}", C, "linear time"),
    (A + "string, logicalTypeOptions: {pattern: '((a{99}){99}){99}'}}", C, "repeated too often"),
    (A + "object, unique: true, properties: [{name: b, logicalType: date}]}", C, "no key"),
    (A + "array, unique: true, items: {logicalType: date}}", C, "no key"),
    (A + "object, properties: [{name: b, logicalType: date}]" + ours("default=1"), C, "only single values"),
    (A + "integer, physicalType: timestamp}", C, "which is none"),
    (A + "boolean, physicalType: date}", C, "which is none"),
    (A + "date, physicalType: boolean}", C, "which is none"),
    (A + "integer, physicalType: int, logicalTypeOptions: {format: i64}}", C, "which is none"),
    (A + "number, physicalType: double, logicalTypeOptions: {format: f32}}", C, "which is none"),
    (A + "string" + ours("default=1", "default=2"), C, "stands twice"),
    (A + "integer" + ours("default=1.5"), C, "the default '1.5'"),
    (A + "integer, logicalTypeOptions: {minimum: 5}" + ours("default=4"), C, "at least 5"),
    (A + "string, enum: [{value: x}]" + ours("default=y"), C, "one of x"),
    (A + "date" + ours("default=03/10/2026"), C, "written 2026-10-03"),
    (A + "string, required: true" + ours("default=null"), C, "its default is null"),
    (A + "string, unique: true" + ours("default=x"), C, "again and again"),
    (A + "string, primaryKey: true" + ours("default=x"), C, "again and again"),
    (A + "string" + ours("enumOpen=true"), C, "no enum"),
    (A + "string" + ours("closed=true"), C, "no object"),
    (A + "boolean" + ours("nullWords=[true]"), errors.WrongType, "text"),
    (A + "boolean" + ours("nullWords=['false']"), C, "both null and true or false"),
    (A + "date, logicalTypeOptions: {format: dd.MM.yyyy}" + ours("format=dd/MM/yyyy"), C, "declared twice"),
]


@pytest.mark.parametrize(("line", "error", "says"), CONTRADICTIONS)
def test_a_field_that_contradicts_itself_is_refused(line: str, error: type[StartrailError], says: str) -> None:
    contract, problems = read(properties(line))
    assert contract is None
    assert [type(problem) for problem in problems] == [error], problems
    assert says in problems[0].message, problems[0].message
    assert problems[0].at is not None
    assert (problems[0].at.line, problems[0].at.column > 7) == (8, True)
    assert problems[0].hint


def test_an_alias_that_means_two_fields_is_refused() -> None:
    _, problems = read(properties(A + "date" + ours("aliases=[b]"), "{name: b, logicalType: date}"))
    assert [type(problem) for problem in problems] == [errors.ContractContradiction]
    assert "means 'b' as well" in problems[0].message


def test_the_extras_of_a_document_an_object_and_a_field_are_read() -> None:
    text = properties(
        A + "string, enum: [{value: x}, {value: y}]" + ours("default=x", "enumOpen=true", "consumers=[billing]"),
        "{name: o, logicalType: object, properties: [{name: b, logicalType: boolean, required: true"
        + ours("default=true")
        + "]"
        + ours("closed=true"),
        "{name: p, logicalType: object, properties: [{name: b, logicalType: date}]}",
        "{name: d, logicalType: date" + ours("format=dd/MM/yyyy", "default='2026-10-03'"),
    )
    whole = "customProperties:\n" + "".join(
        f"  - {{property: {name}, value: {value}, vendor: startrail}}\n"
        for name, value in (("compatibility", "FULL_TRANSITIVE"), ("consumers", "[finance, ops]"))
    )
    contract, problems = read(text.replace("schema:", whole + "schema:"))
    assert problems == []
    assert contract is not None
    assert (contract.compatibility, contract.consumers, contract.closed) == ("FULL_TRANSITIVE", ("finance", "ops"), False)
    a, o, p, d = contract.fields
    assert (a.default, a.enum_open, a.consumers) == ("x", True, ("billing",))
    assert (o.closed, o.fields[0].default, o.fields[0].required, p.closed) == (True, "true", True, False)
    assert (d.default, d.format.pattern) == ("2026-10-03", "%d/%m/%Y")
    jsonschema.Draft201909Validator(STANDARD).validate(yaml.safe_load(text.replace("schema:", whole + "schema:")))


def test_a_closed_document_closes_every_object_and_a_closed_object_its_own_top() -> None:
    inner = "{name: o, logicalType: object, properties: [{name: b, logicalType: date}]}"
    closed = "customProperties: [{property: closed, value: true, vendor: startrail}]\n"
    whole, _ = read(properties(inner).replace("schema:", closed + "schema:"))
    top, _ = read(properties(inner).replace("    properties:", "    " + closed + "    properties:"))
    assert whole is not None
    assert top is not None
    assert (whole.closed, whole.fields[0].closed) == (True, True)
    assert (top.closed, top.fields[0].closed) == (True, False)


def test_an_unknown_word_of_compatibility_is_refused_with_the_near_miss() -> None:
    word = "customProperties: [{property: compatibility, value: BACKWARDS, vendor: startrail}]\n"
    _, problems = read(ONE.replace("schema:", word + "schema:"))
    assert [type(problem) for problem in problems] == [errors.UnknownWord]
    assert "BACKWARD" in (problems[0].hint or "")


@pytest.mark.parametrize(("line", "error", "column"), WRONG)
def test_a_mistake_in_a_contract_is_named_where_it_stands(line: str, error: type[StartrailError], column: int) -> None:
    contract, problems = read(properties(line))
    assert contract is None
    assert [type(problem) for problem in problems] == [error], problems
    assert problems[0].at == Span(PATH, 8, column)
    assert problems[0].hint


ONE = properties(A + "date}")
KEY = A + "date, primaryKey: true, primaryKeyPosition: 1}"
DOCUMENTS = [
    (HEAD.replace("v3.2.0", "v2.2.2"), errors.ContractStandard, 1, 13),
    (HEAD.replace("DataContract", "Contract"), errors.ContractStandard, 2, 7),
    (ONE.replace("version: 1.0.0\n", ""), errors.MissingKey, 1, 1),
    (ONE.replace("version: 1.0.0", "version: 1.0"), errors.WrongType, 4, 10),
    (ONE + "domian: x\n", errors.UnknownKey, 9, 1),
    (ONE + "  domian: x\n", errors.NotYaml, 9, 3),
    (HEAD.partition("schema")[0], errors.ContractShape, 1, 1),
    (HEAD + "      []\n", errors.ContractShape, 6, 3),
    (HEAD.partition("schema")[0] + "schema: [{name: a}, {name: b}]\n", errors.ContractShape, 5, 9),
    (properties(A + "date}", "{name: A, logicalType: date}"), errors.ContractContradiction, 9, 16),
    (
        properties(KEY, KEY.replace("name: a", "name: b")),
        errors.ContractContradiction, 8, 7,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "line", "column"), DOCUMENTS)
def test_a_mistake_in_the_document_is_named_where_it_stands(
    text: str, error: type[StartrailError], line: int, column: int
) -> None:
    contract, problems = read(text)
    assert contract is None
    assert [type(problem) for problem in problems] == [error], problems
    assert problems[0].at == Span(PATH, line, column)


def test_the_fingerprint_covers_what_loading_depends_on_and_nothing_else() -> None:
    def of(text: str) -> str:
        contract, problems = read(text)
        assert problems == []
        assert contract is not None
        return contract.fingerprint

    base = of(FULL)
    for same in (
        "# comment\n" + FULL,
        FULL.replace("Orders.", "All orders."),
        FULL.replace("Gross.", "With tax."),
        FULL.replace("version: 1.1.0", "version: 1.2.0"),
        FULL.replace("label: Europe", "label: Old world"),
        FULL.replace("physicalType: topic", "physicalType: table"),
    ):
        assert same != FULL
        assert of(same) == base
    for other in (
        FULL.replace("minimum: 0.10", "minimum: 0.20"),
        FULL.replace("DECIMAL(18, 2)", "DECIMAL(18, 3)"),
        FULL.replace("value: [total]", "value: [sum]"),
        FULL.replace("maxLength: 8", "maxLength: 9"),
        FULL.replace("{value: US}", "{value: USA}"),
        FULL.replace("primaryKeyPosition: 2", "primaryKeyPosition: 3").replace("primaryKeyPosition: 1", "primaryKeyPosition: 4"),
        FULL.replace("Europe/Madrid", "Europe/Lisbon"),
    ):
        assert other != FULL
        assert of(other) != base


PATTERNS = [
    ("yyyy-MM-dd", "%Y-%m-%d"),
    ("dd.MM.yyyy HH:mm:ss", "%d.%m.%Y %H:%M:%S"),
    ("yyyyMMdd'T'HHmmss", "%Y%m%dT%H%M%S"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%f%z"),
    ("hh 'o''clock' a", "%I o'clock %p"),
    ("%d/%m/%Y", "%d/%m/%Y"),
]


@pytest.mark.parametrize(("text", "pattern"), PATTERNS)
def test_a_date_pattern_of_the_standard_becomes_one_for_reading(text: str, pattern: str) -> None:
    assert strptime_pattern(text) == pattern


@pytest.mark.parametrize("text", ["d/M/yyyy", "yy-MM-dd", "yyyy-MM-dd VV", "%d/%m/%y", "%Q", "100%", "YYYY-MM-dd"])
def test_a_pattern_that_needs_a_guess_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no certain meaning"):
        strptime_pattern(text)


@pytest.mark.parametrize(
    "text", ["^a+$", r"\++", "[*+]+", r"^\d{3}-[A-Z]{2,}$", "(a|b)*?", r"[\]]+", "(?i)abc", r"\\1", "(?:x)+", "[^]]"]
)
def test_common_regular_expressions_pass(text: str) -> None:
    expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "(",
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        "(?<!a)b",
        r"(a)\1",
        "(?P<n>a)(?P=n)",
        "a++",
        "a*+",
        "(?>a)",
        "[[:alpha:]]",
        "a{1001}",
        r"a\Z",
        "(?#x)a",
    ],
)
def test_regular_expressions_that_engines_read_differently_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        expression(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_physical_type_or_none_and_a_pattern_or_a_clear_error(text: str) -> None:
    physical(text)
    for reader in (expression, strptime_pattern):
        with contextlib.suppress(ValueError):
            reader(text)


def test_what_is_said_and_not_enforced_is_named_with_its_place() -> None:
    contract, problems = read(
        properties(
            "{name: n, logicalType: integer, logicalTypeOptions: {multipleOf: 5, minimum: 0}}",
            "{name: tags, logicalType: array, items: {logicalType: string}, logicalTypeOptions: {maxItems: 3}}",
        )
    )
    assert problems == []
    assert contract is not None
    assert contract.not_enforced == (f"multipleOf at {PATH}:8:62", f"maxItems at {PATH}:9:93")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/contracts/*.odcs.yml")), ids=lambda path: path.name)
def test_the_contracts_of_the_examples_are_documents_of_the_standard(path: Path) -> None:
    jsonschema.Draft201909Validator(STANDARD).validate(yaml.safe_load(path.read_text(encoding="utf-8")))
