"""JSON Schema: known changes of every keyword, references, drafts, and schemas made to take for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from startrail import compatible
from startrail.capabilities.contracts.compatibility.check import check
from startrail.capabilities.contracts.compatibility.findings import Sides
from startrail.capabilities.contracts.compatibility.json_schema.language import JsonSchema
from startrail.capabilities.contracts.compatibility.work import BUDGET, Work
from startrail.ports.compatibility import Incompatibility, Mode, ReferenceMissing, SchemaTooLarge, SchemaUnreadable

D4, D6, D7 = (f"http://json-schema.org/draft-0{n}/schema#" for n in (4, 6, 7))
D2019, D2020 = (f"https://json-schema.org/draft/{n}/schema" for n in ("2019-09", "2020-12"))
ANY, NONE = True, False


def judged(old: Any, new: Any, **more: Any) -> list[Incompatibility]:
    return compatible(json.dumps(old), json.dumps(new), "BACKWARD", "JSON", **more)


def obj(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def closed(*required: str, **properties: Any) -> dict[str, Any]:
    return obj(*required, **properties) | {"additionalProperties": False}


INT, NUM, STR, NULL, BOOL = ({"type": t} for t in ("integer", "number", "string", "null", "boolean"))


def card(kind: str, **more: Any) -> dict[str, Any]:
    return obj("kind", kind={"const": kind}, **more)


COMPATIBLE: list[tuple[str, Any, Any]] = [
    ("anything to anything", {}, ANY),
    ("nothing to something", NONE, STR),
    ("integer to number", INT, NUM),
    ("a type is added", STR, {"type": ["string", "null"]}),
    ("type to anyOf", {"type": ["string", "null"]}, {"anyOf": [NULL, STR]}),
    ("anyOf to type", {"anyOf": [STR, NULL]}, {"type": ["null", "string"]}),
    ("a branch is added to anyOf", {"anyOf": [STR, INT]}, {"anyOf": [STR, NUM, NULL]}),
    ("a disjoint branch is added to oneOf", {"oneOf": [STR, INT]}, {"oneOf": [INT, STR, NULL]}),
    ("plain to oneOf", STR, {"oneOf": [STR, INT]}),
    ("a tagged branch is added to oneOf", {"oneOf": [card("a"), card("b", x=INT)]},
     {"oneOf": [card("a"), card("b", x=NUM), card("c")]}),
    ("an overlapping oneOf is kept", {"oneOf": [{"minimum": 1}, {"maximum": 3}]}, {"oneOf": [{"maximum": 3}, {"minimum": 1}]}),
    ("an enum grows", {"enum": ["a", 1]}, {"enum": [1, "a", None]}),
    ("an enum of the type", {"enum": ["a", "b"]}, STR),
    ("1 and 1.0 are equal", {"const": 1}, {"enum": [1.0]}),
    ("boolean is an enum", BOOL, {"enum": [True, False]}),
    ("a range grows", {"type": "number", "minimum": 3}, {"type": "number", "minimum": 2}),
    ("an exclusive bound of whole numbers", {"type": "integer", "exclusiveMinimum": 2}, {"type": "integer", "minimum": 3}),
    ("a multiple of a multiple", {"multipleOf": 6}, {"multipleOf": 3}),
    ("whole numbers are multiples of a half", INT, {"multipleOf": 0.5}),
    ("exact decimals", {"multipleOf": 0.3}, {"multipleOf": 0.1}),
    ("a length grows", {"type": "string", "maxLength": 3}, {"type": "string", "maxLength": 4}),
    ("a pattern grows", {"pattern": "^[a-f]{3}$"}, {"pattern": "^[a-z]+$"}),
    ("a pattern loses its anchor", {"pattern": "^ab$"}, {"pattern": "b"}),
    ("any text matches an empty pattern", STR, {"pattern": ".*"}),
    ("an equal format", {"type": "string", "format": "email"}, {"format": "email"}),
    ("an optional property in a closed object", closed(a=INT), closed(a=INT, b=STR)),
    ("a property in a closed object", closed(a=INT), obj(a=INT, b=STR)),
    ("a property of any value", obj(a=INT), obj(a=INT, b=ANY)),
    ("a property is removed from an open object", obj(a=INT, b=STR), obj(a=INT)),
    ("a required one becomes optional", obj("a", a=INT), obj(a=INT)),
    ("a closed object opens", closed(a=INT), obj(a=INT)),
    ("a pattern covers properties", closed(x_a=INT, x_b=INT), {"patternProperties": {"^x_": NUM}, "additionalProperties": False}),
    ("a pattern within a pattern", {"patternProperties": {"^x_": INT}, "additionalProperties": False},
     {"patternProperties": {"^x": NUM}, "additionalProperties": False}),
    ("typed additional properties cover a new one", {"additionalProperties": INT}, {"properties": {"a": NUM},
     "additionalProperties": NUM}),
    ("names of a closed object", closed(ab=INT), {"propertyNames": {"pattern": "^[a-z]+$"}}),
    ("name rules grow", {"propertyNames": {"maxLength": 2}}, {"propertyNames": {"maxLength": 3}}),
    ("a dependency that is always met", obj("a", "b"), {"dependencies": {"a": ["b"]}}),
    ("a dependency of a name that cannot come", closed(a=INT), {"dependencies": {"z": ["y"]}}),
    ("a dependent schema stays", {"dependencies": {"a": {"required": ["b"]}}}, {"dependencies": {"a": {"required": ["b"]}}}),
    ("a tuple grows when closed", {"items": [STR], "additionalItems": False}, {"items": [STR, INT], "additionalItems": False}),
    ("a tuple within a list", {"type": "array", "items": [INT, INT], "additionalItems": False}, {"items": NUM}),
    ("contains grows", {"contains": {"const": 1}}, {"contains": INT}),
    ("contains by all items", {"type": "array", "items": INT, "minItems": 1}, {"contains": NUM}),
    ("a list of one is unique", {"type": "array", "maxItems": 1}, {"uniqueItems": True}),
    ("not narrows", {"not": STR}, {"not": {"type": "string", "minLength": 3}}),
    ("disjoint from not", INT, {"not": STR}),
    ("if without consequence", STR, {"if": STR}),
    ("if that never holds", INT, {"if": STR, "then": False}),
    ("if to anyOf", {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
     {"anyOf": [{"required": ["b"]}, {"not": {"required": ["a"]}}]}),
    ("allOf is all of it", {"allOf": [obj("a"), obj(a=INT)]}, obj("a", a=NUM)),
    ("allOf in the reader", obj("a", a=INT), {"allOf": [obj("a"), obj(a=NUM)]}),
    ("an impossible schema", {"type": "object", "required": ["a"], "properties": {"a": False}}, closed("z")),
    ("unevaluated properties through allOf", {"$schema": D2020, "allOf": [obj(a=INT)], "unevaluatedProperties": False},
     {"$schema": D2020, "allOf": [obj(a=NUM), obj(b=STR)], "unevaluatedProperties": False}),
    ("unevaluated to additional", {"$schema": D2019, "allOf": [obj(a=INT)], "unevaluatedProperties": False}, closed(a=NUM)),
    ("unevaluated items", {"$schema": D2020, "prefixItems": [INT], "unevaluatedItems": False},
     {"$schema": D2020, "prefixItems": [NUM], "items": False}),
    ("draft 4 exclusive bounds", {"$schema": D4, "type": "number", "minimum": 1, "exclusiveMinimum": True},
     {"$schema": D6, "type": "number", "exclusiveMinimum": 1}),
    ("min and max contains", {"$schema": D2020, "contains": INT, "minContains": 2, "maxContains": 3},
     {"$schema": D2020, "contains": INT, "minContains": 1, "maxContains": 3}),
    ("a minContains of 0 asserts nothing", {}, {"$schema": D2020, "contains": INT, "minContains": 0}),
    ("unknown keywords assert nothing", {}, {"x-owner": "team", "title": "T", "description": "D", "default": 3}),
    ("siblings of $ref in draft 7 assert nothing", {}, {"$schema": D7, "$ref": "#/definitions/a", "type": "string",
     "definitions": {"a": {}}}),
]  # fmt: skip

INCOMPATIBLE: list[tuple[str, Any, Any, list[tuple[str, str]]]] = [
    ("number to integer", NUM, INT, [("type_narrowed", "#/type")]),
    ("string to integer", STR, INT, [("type_changed", "#/type")]),
    ("anything to nothing", ANY, NONE, [("type_changed", "#/type")]),
    ("two properties change", obj(a=INT, b=INT), obj(a=STR, b=STR),
     [("type_changed", "#/properties/a/type"), ("type_changed", "#/properties/b/type")]),
    ("1.0 is no integer in draft 4", {"$schema": D6, "type": "integer"}, {"$schema": D4, "type": "integer"},
     [("type_narrowed", "#/type")]),
    ("an enum shrinks", {"enum": ["a", "b"]}, {"enum": ["a"]}, [("values_refused", "#")]),
    ("an enum is added", STR, {"type": "string", "enum": ["a"]}, [("values_restricted", "#/enum")]),
    ("true is not 1", {"const": True}, {"const": 1}, [("values_refused", "#")]),
    ("a minimum is added", INT, {"type": "integer", "minimum": 0}, [("range_narrowed", "#/minimum")]),
    ("a maximum falls", {"type": "number", "maximum": 3}, {"type": "number", "exclusiveMaximum": 3},
     [("range_narrowed", "#/maximum")]),
    ("a multiple changes", {"multipleOf": 2}, {"multipleOf": 4}, [("multiple_changed", "#/multipleOf")]),
    ("a length is added", STR, {"type": "string", "minLength": 1}, [("length_narrowed", "#/minLength")]),
    ("a pattern narrows", {"pattern": "^[a-z]+$"}, {"pattern": "^[a-f]+$"}, [("pattern_narrowed", "#/pattern")]),
    ("a pattern that is not comparable", {"pattern": "a"}, {"pattern": "(?=a)a"}, [("not_decidable", "#/pattern")]),
    ("a format is added", STR, {"type": "string", "format": "email"}, [("format_changed", "#/format")]),
    ("a property in an open object", obj(a=INT), obj(a=INT, b=STR), [("property_added_to_open_content", "#/properties/b")]),
    ("a required property", closed(a=INT), closed("b", a=INT, b=STR), [("required_added", "#/required")]),
    ("a required property with a default", closed(a=INT), closed("b", a=INT, b={"type": "string", "default": ""}),
     [("required_added", "#/required")]),
    ("an open object closes", obj(a=INT), closed(a=INT), [("property_refused", "#/additionalProperties")]),
    ("a property is removed from a closed object", closed(a=INT, b=INT), closed(a=INT),
     [("property_refused", "#/additionalProperties")]),
    ("a pattern is added to an open object", obj(), {"patternProperties": {"^x": INT}},
     [("type_narrowed", "#/patternProperties/^x/type")]),
    ("properties are counted", obj(), {"maxProperties": 3}, [("size_narrowed", "#/maxProperties")]),
    ("name rules are added", obj(), {"propertyNames": {"maxLength": 3}}, [("length_narrowed", "#/propertyNames/maxLength")]),
    ("a dependency is added", obj(), {"dependencies": {"a": ["b"]}}, [("dependency_added", "#/dependentRequired/a")]),
    ("an item type changes", {"type": "array", "items": NUM}, {"type": "array", "items": INT},
     [("type_narrowed", "#/items/type")]),
    ("a tuple closes", {"items": [STR]}, {"items": [STR], "additionalItems": False},
     [("type_changed", "#/additionalItems/type")]),
    ("items must be unique", {"type": "array"}, {"type": "array", "uniqueItems": True}, [("size_narrowed", "#/uniqueItems")]),
    ("contains is added", {"type": "array"}, {"type": "array", "contains": INT}, [("not_decidable", "#/contains")]),
    ("a branch of anyOf goes", {"anyOf": [STR, INT]}, {"anyOf": [STR, NULL]}, [("no_branch_accepts", "#/anyOf")]),
    ("the only possible branch tells", {"anyOf": [INT, NULL]}, {"anyOf": [{"type": "integer", "minimum": 0}, NULL]},
     [("range_narrowed", "#/anyOf/0/minimum")]),
    ("branches of oneOf overlap", {"oneOf": [INT, STR]}, {"oneOf": [INT, STR, NUM]}, [("not_decidable", "#/oneOf")]),
    ("not is added", {}, {"not": STR}, [("not_decidable", "#/not")]),
    ("a consequence is added", obj(a=INT), {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
     [("required_added", "#/then/required")]),
    ("siblings of $ref in 2020-12 count", {}, {"$schema": D2020, "$ref": "#/$defs/a", "type": "string", "$defs": {"a": {}}},
     [("type_narrowed", "#/type")]),
    ("a dynamic reference of several meanings", {}, {"$schema": D2020, "$dynamicRef": "#n", "$defs": {
        "a": {"$dynamicAnchor": "n", "type": "string"}, "b": {"$id": "b", "$dynamicAnchor": "n"}}},
     [("not_decidable", "#/$dynamicRef")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [case[1:] for case in COMPATIBLE], ids=[case[0] for case in COMPATIBLE])
def test_a_wider_schema_reads_all(old: Any, new: Any) -> None:
    assert judged(old, new) == []


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in INCOMPATIBLE], ids=[case[0] for case in INCOMPATIBLE])
def test_a_narrower_schema_is_told_where(old: Any, new: Any, expected: list[tuple[str, str]]) -> None:
    found = judged(old, new)
    assert [(each.kind, each.path) for each in found] == expected
    assert all(each.message and each.change and len(each.old) <= 200 and len(each.new) <= 200 for each in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (obj(a=INT), obj(a=INT, b=STR)),
        (obj(a=INT), {"patternProperties": {"^x": INT}}),
        (obj(a=INT), {"properties": {"a": INT}, "additionalProperties": STR}),
        (closed(a=INT), closed("b", a=INT, b={"type": "string", "default": ""})),
        (STR, {"type": "string", "format": "email"}),
    ],
    ids=["property", "pattern", "additional", "default", "format"],
)
def test_lenient_takes_data_to_have_declared_properties_only(old: Any, new: Any) -> None:
    assert judged(old, new) != []
    assert judged(old, new, lenient=True) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [(obj(a=INT), obj(a=STR)), (obj(a=INT), closed(a=INT)), (obj(), obj("b", b=STR)), (closed(a=INT, b=INT), closed(a=INT))],
    ids=["type", "closing", "required", "removed"],
)
def test_lenient_still_sees_what_is_declared(old: Any, new: Any) -> None:
    assert judged(old, new, lenient=True) != []


def tree(leaf: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"value": leaf, "kids": {"type": "array", "items": {"$ref": "#"}}}}


def mutual(leaf: Any) -> dict[str, Any]:
    one = {"type": "object", "properties": {"two": {"$ref": "#/definitions/two"}}}
    two = {"type": "object", "properties": {"one": {"$ref": "#/definitions/one"}, "leaf": leaf}}
    return {"$ref": "#/definitions/one", "definitions": {"one": one, "two": two}}


@pytest.mark.parametrize("shape", [tree, mutual])
def test_recursive_schemas_are_compared_by_induction(shape: Any) -> None:
    assert judged(shape(INT), shape(NUM)) == []
    assert [each.kind for each in judged(shape(NUM), shape(INT))] == ["type_narrowed"]


def test_what_was_proven_on_a_goal_that_failed_is_forgotten() -> None:
    """Within the goal of ``a`` that of ``b`` holds by induction; ``a`` then fails, so ``b`` alone must fail as well."""

    def both(leaf: Any, first: Any) -> dict[str, Any]:
        a = {"type": "object", "properties": {"b": {"$ref": "#/definitions/b"}, "z": leaf}}
        b = {"type": "object", "properties": {"a": {"$ref": "#/definitions/a"}}}
        return {"properties": {"x": first, "y": {"$ref": "#/definitions/b"}}, "definitions": {"a": a, "b": b}}

    to_a = {"$ref": "#/definitions/a"}
    found = judged(both(NUM, to_a), both(INT, {"anyOf": [to_a, {"type": "object"}]}))
    assert [each.path for each in found] == ["#/definitions/a/properties/z/type"]


def test_references_lead_to_other_texts_addresses_and_anchors() -> None:
    user = {"properties": {"m": {"$ref": "money.json#/definitions/amount"}}}
    assert judged(user, user, old_refs={"money.json": json.dumps({"definitions": {"amount": INT}})},
                  new_refs={"money.json": json.dumps({"definitions": {"amount": NUM}})}) == []  # fmt: skip
    named = {
        "$schema": D2020,
        "$id": "https://shop.example/order",
        "properties": {"a": {"$ref": "amount"}, "b": {"$ref": "#cents"}},
        "$defs": {"x": {"$id": "amount", "type": "integer"}, "y": {"$anchor": "cents", "type": "integer"}},
    }
    plain = {"properties": {"a": NUM, "b": NUM}}
    assert judged(named, plain) == []
    assert [each.path for each in judged(plain, named)] == [
        "https://shop.example/amount#/$defs/x/type",
        "https://shop.example/order#/$defs/y/type",
    ]


@pytest.mark.parametrize(
    ("schema", "error"),
    [
        ({"$ref": "#/definitions/nowhere"}, ReferenceMissing), ({"$ref": "https://elsewhere.example/x"}, ReferenceMissing),
        ({"type": "text"}, SchemaUnreadable), ({"properties": []}, SchemaUnreadable), ({"minLength": -1}, SchemaUnreadable),
        ({"required": "a"}, SchemaUnreadable), ({"multipleOf": 0}, SchemaUnreadable), ({"not": 3}, SchemaUnreadable),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, SchemaUnreadable), ([], SchemaUnreadable),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_schema_is_refused_with_its_place(schema: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        judged({}, schema)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", SchemaUnreadable), ("{", SchemaUnreadable), ("{'a': 1}", SchemaUnreadable), ("NaN", SchemaUnreadable),
        ('{"minimum": 1e99999999999999999999}', SchemaUnreadable), ('{"minimum": ' + "9" * 5000 + "}", SchemaUnreadable),
        ('{"not":' * 300 + "{}" + "}" * 300, SchemaTooLarge), ('{"not":' * 100_000 + "{}" + "}" * 100_000, SchemaTooLarge),
    ],
    ids=["empty", "cut", "quotes", "NaN", "exponent", "digits", "deep", "deeper"],
)  # fmt: skip
def test_a_text_that_is_no_json_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        compatible("{}", text, "BACKWARD", "JSON")


def spent(old: Any, new: Any) -> tuple[int, bool]:
    """The work that a comparison took, and whether it was decided to fit."""
    language, work = JsonSchema(lenient=False), Work(BUDGET)
    found = language.compare(language.read(json.dumps(old), {}), language.read(json.dumps(new), {}), Sides(True), work)
    return BUDGET - work.left, not found


def nested(count: int, leaf: Any) -> Any:
    for _ in range(count):
        leaf = {"type": "object", "properties": {"a": leaf}}
    return leaf


def bomb(keyword: str, leaf: Any) -> dict[str, Any]:
    steps = {f"d{i}": {keyword: [{"$ref": f"#/definitions/d{i - 1}"}, {"$ref": f"#/definitions/d{i - 1}"}]} for i in range(1, 25)}
    return {"$ref": "#/definitions/d24", "definitions": {"d0": leaf, **steps}}


def test_thousands_of_properties_take_work_in_proportion() -> None:
    def wide(leaf: Any, count: int) -> Any:
        return closed(**{f"p{i}": leaf for i in range(count)})

    small, _ = spent(wide(INT, 400), wide(NUM, 400))
    large, fits = spent(wide(INT, 4_000), wide(NUM, 4_000))
    assert fits
    assert large <= 11 * small
    assert len(judged(wide(STR, 10_000), wide(NUM, 10_000))) == 10_000


def test_a_schema_that_doubles_at_every_step_takes_little_work() -> None:
    work, fits = spent(bomb("allOf", INT), bomb("allOf", NUM))
    assert fits
    assert work < BUDGET // 100
    assert judged(bomb("anyOf", INT), bomb("anyOf", STR)) != []


CHOICES = {"allOf": [{"anyOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(20)]}
ONE_OF_EACH = {"allOf": [{"oneOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(20)]}
RING = {"$ref": "#/definitions/n0", "definitions": {f"n{i}": {"$ref": f"#/definitions/n{(i + 1) % 500}"} for i in range(500)}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (CHOICES, ONE_OF_EACH),
        (nested(120, INT), nested(120, NUM)),
        ({"$ref": "#"}, {"anyOf": [{"$ref": "#"}, STR]}),
        (STR, {"$ref": "#"}),
        (RING, STR),
        (STR, RING),
        ({"oneOf": [card(str(i)) for i in range(400)]}, {"oneOf": [card(str(i)) for i in range(401)]}),
        ({"pattern": "[ab]*a" + "[ab]" * 40}, {"pattern": "[ab]*b" + "[ab]" * 40}),
        ({"pattern": "^(a{900}){900}$"}, {"pattern": "^(a{901}){900}$"}),
        ({"enum": ["a" * 5_000 + "b"]}, {"pattern": "^(a+)+$"}),
        ({"patternProperties": {f"^a{i}": INT for i in range(300)}}, {"patternProperties": {f"^b{i}": INT for i in range(300)}}),
        ({"minimum": 0}, {"multipleOf": 3}),
    ],
    ids=[
        "choices",
        "deep",
        "self",
        "self read",
        "ring",
        "ring read",
        "branches",
        "states",
        "repeats",
        "evil",
        "patterns",
        "plain",
    ],
)
def test_whatever_is_not_proven_within_the_work_allowed_is_refused(old: Any, new: Any) -> None:
    assert judged(old, new) != []


def test_a_proof_within_a_small_budget_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("startrail.capabilities.contracts.compatibility.check.Work", lambda: Work(5))
    found = check(
        JsonSchema(lenient=False), [(json.dumps(closed(a=INT, b=INT)), {})], (json.dumps(closed(a=NUM, b=NUM)), {}), Mode.BACKWARD
    )
    assert [each.kind for each in found] == ["not_decidable"]


def test_undeclared_drafts_are_told_by_their_keywords() -> None:
    assert judged({"prefixItems": [INT]}, {"prefixItems": [STR]}) != []
    assert judged({"items": [INT]}, {"items": [STR]}) != []
