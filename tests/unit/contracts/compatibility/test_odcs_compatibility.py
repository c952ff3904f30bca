"""Data contracts: what one lets through, the other must too."""

from __future__ import annotations

import pytest

from startrail import compatible
from startrail.ports.compatibility import Incompatibility, SchemaUnreadable


def contract(*properties: str) -> str:
    head = "apiVersion: v3.2.0\nkind: DataContract\nid: orders\nversion: 1.0.0\nstatus: active\n"
    head += "schema:\n  - name: orders\n    properties:\n"
    return head + "".join(f"      - {{{each}}}\n" for each in properties)


def judged(old: str, new: str, mode: str = "BACKWARD") -> list[Incompatibility]:
    return compatible(contract(old), contract(new), mode, "ODCS")


ID = "name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1"
TEXT, INT, LONG = (
    "name: a, logicalType: string",
    "name: a, logicalType: integer, physicalType: int",
    "name: a, logicalType: integer",
)
DEC = "name: a, logicalType: number, physicalType: 'decimal({})'"
ALIAS = ", customProperties: [{{property: aliases, value: [{}], vendor: startrail}}]"
UNIT = ", customProperties: [{{property: unit, value: {}, vendor: startrail}}]"


def options(text: str) -> str:
    return f", logicalTypeOptions: {{{text}}}"


def enum(*words: str) -> str:
    return ", enum: [" + ", ".join(f"{{value: {word}}}" for word in words) + "]"


def ours(*pairs: str) -> str:
    each = (f"{{property: {name}, value: {value}, vendor: startrail}}" for name, _, value in (p.partition("=") for p in pairs))
    return ", customProperties: [" + ", ".join(each) + "]"


OBJECT = "name: a, logicalType: object, properties: [{{name: b, logicalType: date}}{}]"
SHUT = ours("closed=true")

CASES: list[tuple[str, str, str, list[tuple[str, str]]]] = [
    ("equal", TEXT, TEXT, []),
    ("int to long", INT, LONG, []),
    ("long to int", LONG, INT, [("type_narrowed", "a")]),
    ("text to number", TEXT, LONG, [("type_changed", "a")]),
    ("a decimal gains digits", DEC.format("9,2"), DEC.format("12,2"), []),
    ("a decimal gains a place only", DEC.format("9,2"), DEC.format("9,3"), [("type_changed", "a")]),
    ("a decimal loses digits", DEC.format("12,2"), DEC.format("9,2"), [("type_narrowed", "a")]),
    ("a field becomes required", TEXT, TEXT + ", required: true", [("required_added", "a")]),
    ("a field becomes optional", TEXT + ", required: true", TEXT, []),
    ("a field becomes unique", TEXT, TEXT + ", unique: true", [("unique_added", "a")]),
    ("an enum grows", TEXT + enum("x"), TEXT + enum("x", "y"), []),
    ("an enum shrinks", TEXT + enum("x", "y"), TEXT + enum("x"), [("enum_narrowed", "a")]),
    ("an enum opens", TEXT + enum("x"), TEXT + enum("x") + ours("enumOpen=true"), []),
    ("an open enum closes", TEXT + enum("x") + ours("enumOpen=true"), TEXT + enum("x"), [("enum_closed", "a")]),
    ("an open enum loses a value", TEXT + enum("x", "y") + ours("enumOpen=true"), TEXT + enum("x") + ours("enumOpen=true"), []),
    ("a default comes", TEXT, TEXT + ours("default=x"), []),
    ("a default goes", TEXT + ours("default=x"), TEXT, [("default_removed", "a")]),
    ("a default changes", TEXT + ours("default=x"), TEXT + ours("default=y"), [("default_changed", "a")]),
    ("an object closes", OBJECT.format(""), OBJECT.format("") + SHUT, [("object_closed", "a")]),
    ("an object opens", OBJECT.format("") + SHUT, OBJECT.format(""), []),
    ("a closed object loses a field", OBJECT.format(", {name: c, logicalType: date}") + SHUT, OBJECT.format("") + SHUT,
     [("field_not_allowed", "a.c")]),
    ("an enum is added", TEXT, TEXT + enum("x"), [("enum_added", "a")]),
    ("a range grows", LONG + options("minimum: 1"), LONG + options("minimum: 0"), []),
    ("a range narrows", LONG + options("minimum: 0, maximum: 9"), LONG + options("minimum: 1, maximum: 8"),
     [("range_narrowed", "a"), ("range_narrowed", "a")]),
    ("lengths narrow", TEXT + options("maxLength: 9"), TEXT + options("minLength: 1, maxLength: 8"),
     [("length_narrowed", "a"), ("length_narrowed", "a")]),
    ("a pattern grows", TEXT + options("pattern: '^[a-f]+$'"), TEXT + options("pattern: '^[a-z]+$'"), []),
    ("a pattern narrows", TEXT + options("pattern: '^[a-z]+$'"), TEXT + options("pattern: '^[a-f]+$'"),
     [("pattern_narrowed", "a")]),
    ("a pattern is added", TEXT, TEXT + options("pattern: '^x'"), [("pattern_narrowed", "a")]),
    ("a unit changes", LONG + UNIT.format("EUR"), LONG + UNIT.format("cent"), [("unit_changed", "a")]),
    ("a date is written in another way", "name: a, logicalType: date",
     "name: a, logicalType: date" + options("format: dd/MM/yyyy"),
     [("format_changed", "a")]),
    ("a rename with an alias", TEXT + ", required: true", "name: b, logicalType: string, required: true" + ALIAS.format("a"), []),
    ("a rename without", TEXT + ", required: true", "name: b, logicalType: string, required: true",
     [("required_field_added", "b")]),
    ("a field is added to an object", "name: o, logicalType: object, properties: [{name: x, logicalType: string}]",
     "name: o, logicalType: object, properties: [{name: x, logicalType: string}, {name: y, logicalType: string, required: true}]",
     [("required_field_added", "o.y")]),
    ("items narrow", "name: l, logicalType: array, items: {logicalType: integer}",
     "name: l, logicalType: array, items: {logicalType: integer, physicalType: int}", [("type_narrowed", "l[]")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_known_change_is_judged(old: str, new: str, expected: list[tuple[str, str]]) -> None:
    found = judged(old, new)
    assert [(each.kind, each.path) for each in found] == expected
    assert all(each.message and each.change for each in found)
    turned = compatible(contract(new), contract(old), "FORWARD", "ODCS")
    assert [(each.kind, each.path) for each in turned] == expected


def test_optional_fields_come_and_go() -> None:
    assert compatible(contract(ID, TEXT), contract(ID), "FULL", "ODCS") == []


def test_a_key_of_fewer_fields_refuses_rows_and_of_more_does_not() -> None:
    wide = contract(ID, "name: day, logicalType: date, primaryKey: true, primaryKeyPosition: 2")
    narrow = contract(ID, "name: day, logicalType: date, required: true")
    assert [each.kind for each in compatible(wide, narrow, "BACKWARD", "ODCS")] == ["primary_key_changed"]
    assert compatible(narrow, wide, "BACKWARD", "ODCS") == []


def test_a_likely_rename_is_proposed_as_an_alias() -> None:
    old, new = "name: customer_id, logicalType: string, required: true", "name: customerid, logicalType: string, required: true"
    assert "alias 'customer_id'" in judged(old, new)[0].change


@pytest.mark.parametrize(
    "text", ["", "kind: DataContract", "a: [", contract("name: a")], ids=["empty", "head", "yaml", "no type"]
)
def test_what_is_no_contract_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(SchemaUnreadable, match="ST1"):
        compatible(contract(TEXT), text, "BACKWARD", "ODCS")
