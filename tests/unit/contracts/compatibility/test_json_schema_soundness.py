"""What is said to be compatible is: no instance of the one schema is refused by the other."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from startrail import compatible

NAMES = st.sampled_from(["a", "b", "ab", "x1"])
PATTERNS = st.sampled_from(["^a", "b$", "^a+$", "^[ab]*$", "x", "^.{1,2}$", "[0-9]", "^(a|b)x?"])
SMALL = st.integers(0, 3)
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, -1, 0.5, 1.0, 3, "", "a", "b", "ab", "x1", "aab"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=5
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
URI = {
    4: "http://json-schema.org/draft-04/schema#", 6: "http://json-schema.org/draft-06/schema#",
    7: "http://json-schema.org/draft-07/schema#", 2019: "https://json-schema.org/draft/2019-09/schema",
    2020: "https://json-schema.org/draft/2020-12/schema",
}  # fmt: skip
VALIDATORS: dict[int, Any] = {
    4: jsonschema.Draft4Validator, 6: jsonschema.Draft6Validator, 7: jsonschema.Draft7Validator,
    2019: jsonschema.Draft201909Validator, 2020: jsonschema.Draft202012Validator,
}  # fmt: skip


def schemas(draft: int) -> st.SearchStrategy[Any]:
    """Schemas of a draft with every keyword that it has, and references to two definitions."""
    leaf = st.one_of(
        st.builds(lambda t: {"type": t}, TYPES),
        st.builds(lambda t: {"type": sorted(t)}, st.sets(TYPES, min_size=1, max_size=3)),
        st.builds(
            lambda v: {"enum": v}, st.lists(VALUES, min_size=1, max_size=3, unique_by=lambda v: json.dumps(v, sort_keys=True))
        ),
        st.just({}),
        st.builds(_guarded, st.sampled_from(["#/definitions/one", "#/definitions/two", "#"]), st.booleans()),
    )
    if draft > 4:
        leaf |= st.booleans() | st.builds(lambda v: {"const": v}, VALUES)
    return st.recursive(leaf, lambda inner: _composed(draft, inner), max_leaves=6)


def _guarded(reference: str, in_array: bool) -> Any:
    """A reference to a part of the instance: one to the whole of it could lead to itself."""
    return {"items": {"$ref": reference}} if in_array else {"properties": {"a": {"$ref": reference}}}


def _composed(draft: int, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(NAMES, inner, max_size=3)
    several = st.lists(inner, min_size=1, max_size=3)
    keywords: dict[str, st.SearchStrategy[Any]] = {
        "type": TYPES, "minimum": SMALL, "maximum": SMALL, "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": SMALL, "maxLength": SMALL, "pattern": PATTERNS, "properties": named,
        "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
        "additionalProperties": inner if draft > 4 else st.booleans() | inner,
        "required": st.lists(NAMES, min_size=1, max_size=2, unique=True), "minProperties": SMALL, "maxProperties": SMALL,
        "minItems": SMALL, "maxItems": SMALL, "uniqueItems": st.booleans(), "allOf": several, "anyOf": several,
        "oneOf": several, "not": inner,
    }  # fmt: skip
    if draft == 4:
        keywords |= {"exclusiveMinimum": st.booleans(), "exclusiveMaximum": st.booleans()}
    else:
        keywords |= {"exclusiveMinimum": SMALL, "exclusiveMaximum": SMALL, "contains": inner, "propertyNames": inner}
    if draft >= 7:
        keywords |= {"if": inner, "then": inner, "else": inner}
    if draft <= 7:
        keywords["dependencies"] = st.dictionaries(
            NAMES, st.lists(NAMES, min_size=1, max_size=2, unique=True) | inner, max_size=2
        )
    else:
        keywords |= {
            "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
            "dependentSchemas": named, "unevaluatedProperties": inner, "unevaluatedItems": inner,
            "minContains": SMALL, "maxContains": SMALL,
        }  # fmt: skip
    if draft == 2020:
        keywords |= {"prefixItems": several, "items": inner}
    else:
        keywords |= {"items": inner | several, "additionalItems": inner}
    if draft == 4:
        keywords["additionalItems"] = st.booleans() | inner
        booleans = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
        return _chosen(keywords).map(lambda s: {k: v for k, v in s.items() if k not in booleans or booleans[k] in s})
    return _chosen(keywords)


def _chosen(keywords: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: keywords[name] for name in names})
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, Any, Any]:
    """A schema and one that is like it, or another one."""
    draft = draw(st.sampled_from(sorted(URI)))
    made = schemas(draft)
    one, two, first, second = draw(made), draw(made), draw(made), draw(made)
    changed = draw(st.sampled_from(["other", "wider", "part", "more", "more", "swap", "swap", "definitions"]))
    if changed == "wider":
        second = {"anyOf": [first, second]}
    elif changed == "part" and isinstance(first, dict) and first:
        gone = draw(st.sampled_from(sorted(first)))
        second = {key: value for key, value in first.items() if key != gone}
    elif changed == "more" and isinstance(first, dict) and isinstance(second, dict):
        second = {**second, **first}
    elif changed == "swap" and isinstance(first, dict) and isinstance(second, dict):
        second = {**first, **second}
    elif changed == "definitions":
        second = first
    other = draw(made) if changed == "definitions" else two
    return draft, _whole(draft, first, one, two), _whole(draft, second, one, other)


def _whole(draft: int, schema: Any, one: Any, two: Any) -> Any:
    return {
        "$schema": URI[draft],
        "definitions": {"one": one, "two": two},
        "allOf": [schema if draft > 4 or schema not in (True, False) else {}],
    }


def valid(draft: int, schema: Any, value: Any) -> bool:
    """What a validator says; one that stumbles itself (over ``items: true`` beside ``additionalItems``) says nothing."""
    try:
        return VALIDATORS[draft](schema).is_valid(value)
    except TypeError:
        reject()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs(), st.lists(VALUES, min_size=20, max_size=40))
def test_no_instance_of_a_compatible_writer_is_refused(pair: tuple[int, Any, Any], values: list[Any]) -> None:
    draft, writer, reader = pair
    if compatible(json.dumps(writer), json.dumps(reader), "BACKWARD", "JSON"):
        return
    for value in values:
        if valid(draft, writer, value):
            assert valid(draft, reader, value), value


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs())
def test_a_schema_is_compatible_with_itself_or_undecided(pair: tuple[int, Any, Any]) -> None:
    _, schema, _ = pair
    assert compatible(json.dumps(schema), json.dumps(schema), "FULL", "JSON") == []
