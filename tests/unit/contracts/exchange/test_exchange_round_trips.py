"""A contract is written as ODCS and read back; exported, imported, and equal but for exactly the reported losses."""

from __future__ import annotations

import importlib.resources
import json
from collections import Counter
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.base.span import Span
from startrail.capabilities.contracts.exchange.fields import array_field, inner_fields, map_field, object_field
from startrail.capabilities.contracts.exchange.odcs_text import odcs, reread
from startrail.capabilities.contracts.exchange.translate import export, import_
from startrail.model.contract import Contract, Field, Format
from startrail.model.promises import refused
from startrail.model.types import Decimal, Primitive, parse_type

STANDARD = json.loads(importlib.resources.files("open_data_contract_standard").joinpath("schema.json").read_text())
OFFICIAL = jsonschema.Draft201909Validator(STANDARD)
FORMS = ("json-schema", "avro", "arrow")

TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: "\0" not in text and _is_text(text))
NASTY = st.sampled_from(
    ["yes", "null", "1.5", "0x10", "~", "a: b", "a #b", "- a", "{{x}}", "{%x", "é", "a.b", "$", "2026-10-03", "\u202e"]
)
NAMES = st.one_of(NASTY, st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), TEXTS)
DEFAULTS = (
    "1",
    "30",
    "0.5",
    "true",
    "x",
    "AB-1",
    "2026-10-03",
    "2026-10-03T14:05:00",
    "2026-10-03T14:05:00Z",
    "14:05:00",
    "YWI=",
)
PLAIN = st.from_regex(r"[a-z][a-z0-9]{0,4}", fullmatch=True)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _bounds(draw: st.DrawFn, scale: int) -> dict[str, Any]:
    low, high = sorted(draw(st.tuples(st.integers(-500, 500), st.integers(-500, 500))))
    return {
        "minimum": draw(_maybe(st.just(_digits(low, scale)))),
        "maximum": draw(_maybe(st.just(_digits(high, scale)))),
    }


def _digits(whole: int, scale: int) -> str:
    return f"{whole}.{'0' * (scale - 1)}5" if scale else str(whole)


@st.composite
def scalars(draw: st.DrawFn, name: str) -> Field:
    kind = draw(
        st.sampled_from(["boolean", "int", "long", "float", "double", "date", "time", "timestamp", "timestamptz", "string"])
        | st.sampled_from(["binary", "uuid", "decimal(5,2)", "decimal(4,0)", "decimal(38,38)", "decimal(20,5)"])
    )
    more: dict[str, Any] = {
        "unique": draw(st.booleans()),
        "unit": draw(_maybe(PLAIN)),
        "aliases": draw(st.just(()) | st.just((f"old {name}",))),
        "consumers": draw(st.just(()) | st.just(("finance", "Ops: night"))),
    }
    parsed = parse_type(kind)
    if isinstance(parsed, Decimal) or kind in ("int", "long", "float", "double"):
        bounds = _bounds(draw, parsed.scale if isinstance(parsed, Decimal) and parsed.precision < 38 else 0)
        more |= {end: text for end, text in bounds.items() if text is not None and refused(text, Field(name, parsed)) is None}
        bounded = more.get("minimum") is not None or more.get("maximum") is not None
        more["enum"] = None if bounded or kind == "decimal(38,38)" else draw(_maybe(st.just(("1", "2", "30"))))
    if kind in ("string", "binary", "uuid"):
        least, most = sorted(draw(st.tuples(st.integers(0, 40), st.integers(0, 40))))
        more |= {"min_length": draw(_maybe(st.just(least))), "max_length": draw(_maybe(st.just(most)))}
    if kind == "string":
        more["enum"] = draw(_maybe(st.lists(TEXTS | PLAIN | NASTY, min_size=1, max_size=4, unique=True).map(tuple)))
        if more["enum"] is not None:
            more |= {"min_length": None, "max_length": None}
        else:
            more["pattern"] = draw(_maybe(st.just("^[A-Z]{2}-[0-9]+$")))
        more["format"] = draw(st.just(Format()) | st.just(Format(null_words=("-", "n/a"))))
    if kind == "boolean":
        more["format"] = draw(st.just(Format()) | st.just(Format(true_words=("ja",), false_words=("nein",))))
    if kind == "date":
        more["format"] = draw(st.just(Format()) | st.just(Format(pattern="%d.%m.%Y")))
        more["minimum"] = draw(_maybe(st.just("2020-01-01")))
    if kind == "timestamptz":
        more["format"] = draw(st.just(Format()) | st.just(Format(timezone="Europe/Madrid")))
    if isinstance(parsed, Decimal):
        more["format"] = draw(st.just(Format()) | st.just(Format(decimal_separator=",")))
    more["enum_open"] = more.get("enum") is not None and draw(st.booleans())
    found = Field(name, parsed, required=draw(st.booleans()), description=draw(_maybe(TEXTS | NASTY)), **more)
    default = draw(_maybe(st.sampled_from(DEFAULTS)))
    if default is None or found.unique or refused(default, found) is not None:
        return found
    return msgspec.structs.replace(found, default=default)


@st.composite
def fields(draw: st.DrawFn, name: str, depth: int = 0) -> Field:
    shape = draw(st.sampled_from(["scalar"] * 5 + ["object", "array", "map"])) if depth < 3 else "scalar"
    promises: dict[str, Any] = {"required": draw(st.booleans())}
    if shape == "object":
        names = draw(st.lists(NAMES, min_size=1, max_size=3, unique_by=str.casefold))
        promises["closed"] = draw(st.booleans())
        return object_field(name, tuple(draw(fields(inner, depth + 1)) for inner in names), **promises)
    if shape == "array":
        return array_field(name, draw(fields("element", depth + 1)), **promises)
    if shape == "map":
        key = draw(st.sampled_from(["string", "long"]))
        return map_field(name, Primitive(key), draw(fields("value", depth + 1)).type, **promises)
    return draw(scalars(name))


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=str.casefold))
    found = tuple(draw(fields(name)) for name in names)
    key = draw(st.sampled_from([(), (names[0],), tuple(names[:2])]))
    found = tuple(
        msgspec.structs.replace(
            each, required=each.required or each.name in key, default=each.default if each.name not in key else None
        )
        for each in found
    )
    return Contract(
        "orders", draw(st.sampled_from(["1.0.0", "draft 2"])), found, Span("x"), key, draw(_maybe(TEXTS)),
        closed=draw(st.booleans()), compatibility=draw(_maybe(st.sampled_from(["FULL", "BACKWARD_TRANSITIVE", "NONE"]))),
        consumers=draw(st.just(()) | st.just(("finance",))),
    )  # fmt: skip


def bare(field: Field) -> Field:
    """Without its place, and with what is inside spelled out alike."""
    return msgspec.structs.replace(
        field,
        span=None,
        fields=tuple(map(bare, field.fields)),
        item=None if field.item is None else bare(msgspec.structs.replace(field.item, name="element")),
    )


def pieces(contract: Contract) -> Counter[tuple[str, str, str]]:
    """A contract taken apart by another way than the one under test: (path, promise, value)."""
    found: Counter[tuple[str, str, str]] = Counter()
    found["$", "version", contract.version] += 1
    found["$", "description", repr(contract.description)] += 1
    found["$", "primaryKey", repr(contract.primary_key)] += 1
    words = {"min_length": "minLength", "max_length": "maxLength", "enum_open": "enumOpen"}
    for name in ("closed", "compatibility", "consumers"):
        found["$", name, repr(getattr(contract, name))] += 1

    def take(field: Field, path: str) -> None:
        for name in field.__struct_fields__:
            if name not in ("name", "type", "fields", "item", "span"):
                found[path, words.get(name, name), repr(getattr(field, name))] += 1
        inside = inner_fields(field)
        found[path, "type", type(field.type).__name__ if inside else str(field.type)] += 1
        for index, inner in enumerate(inside):
            step = {"element": "[]", "value": "{}", "key": ".key"}
            nested = path + (f".{index}" if field.fields else step[inner.name])
            if field.fields:
                found[nested, "name", inner.name] += 1
            take(inner, nested)

    for index, each in enumerate(contract.fields):
        found[f"$.{index}", "name", each.name] += 1
        take(each, f"$.{index}")
    return found


def numbered(path: str, contract: Contract) -> str:
    """A path with the places of fields in the place of their names."""
    done, at, here = "$", contract.fields, path[1:]
    while here:
        for mark in ("[]", "{}", ".key"):
            inside = here.startswith(mark) and (not at or at[0].name in ("element", "key", "value"))
            if (inside and mark != ".key") or (inside and any(each.name == "key" for each in at)):
                here, done = here[len(mark) :], done + mark
                at = inner_fields(next(each for each in at if each.name == {"[]": "element", "{}": "value", ".key": "key"}[mark]))
                break
        else:
            matching = [
                (len(each.name), index, each)
                for index, each in enumerate(at)
                if here.startswith("." + each.name) and here[len(each.name) + 1 :][:1] in ("", ".", "[", "{")
            ]
            assert matching, (path, here)
            _, index, each = max(matching, key=lambda found: found[0])
            here, done, at = here[len(each.name) + 1 :], f"{done}.{index}", inner_fields(each)
    return done


@settings(max_examples=40, deadline=None)
@given(contracts())
def test_a_written_document_is_read_back_as_the_same_contract_and_keeps_the_official_schema(found: Contract) -> None:
    text = odcs(found)
    again = reread(text, found.name)
    assert tuple(map(bare, again.fields)) == tuple(map(bare, found.fields))
    for name in ("version", "primary_key", "description", "closed", "compatibility", "consumers"):
        assert getattr(again, name) == getattr(found, name)
    OFFICIAL.validate(yaml.safe_load(text))
    assert odcs(again) == text


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=60, deadline=None)
@given(found=contracts())
def test_an_import_of_an_export_is_the_contract_but_for_exactly_the_losses(form: Any, found: Contract) -> None:
    exported = export(found, form)
    again = import_(exported.text.encode(), form, "orders").contract
    changed = {(path, what) for path, what, _ in (pieces(found) - pieces(again)) + (pieces(again) - pieces(found))}
    lost = {(numbered(loss.path, found), loss.what) for loss in exported.losses}
    roots = [path for path, what in lost if what == "type"]
    changed = {(path, what) for path, what in changed if not any(path.startswith(root) and path != root for root in roots)}
    if found.version == "1.0.0":  # what an import without a version calls itself
        lost.discard(("$", "version"))
    assert changed == lost


HELD = {
    "json-schema": {
        "required",
        "description",
        "enum",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "default",
        "closed",
    },
    "avro": {"required", "description", "aliases", "default"},
    "arrow": {"required", "description", "version"},
}
"""What each format can say of a text or number of a plain contract, and so must not lose."""


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_lost_that_the_format_can_say(form: Any) -> None:
    found = contract(
        field("id", "long", required=True, minimum="0", maximum="10", description="A number."),
        field("code", "string", enum=("a", "b"), min_length=1, max_length=1, pattern="^[ab]$", aliases=("kind",)),
        field("price", "decimal(10,2)", minimum="0", maximum="99.5"),
        field("day", "date"),
        field("at", "timestamptz", required=True),
        field("wall", "timestamp"),
        field("clock", "time"),
        field("uid", "uuid"),
        field("ratio", "double", default="0.5", required=True),
        field("small", "float"),
        field("flag", "boolean", default="true"),
        field("count", "int", default="0", required=True),
        field("state", "string", default="new"),
        field("raw", "binary"),
        object_field("who", (field("name", "string", required=True), field("age", "int")), closed=True),
        array_field("lines", object_field("element", (field("sku", "string", required=True),), required=True)),
        map_field("labels", Primitive("string"), Primitive("double")),
    )
    exported = export(found, form)
    lost = {loss.what for loss in exported.losses}
    assert not lost & (HELD[form] | {"type", "name", "field"})
    assert import_(exported.text.encode(), form, "orders").losses == ()


def test_each_loss_names_path_promise_and_value() -> None:
    found = contract(field("id", "long", required=True, unique=True), field("eur", "decimal(9,2)", unit="EUR"), key=("id",))
    lines = [str(loss) for loss in export(found, "avro").losses]
    assert lines == [
        "$  version: Avro cannot say 1.0.0",
        "$  primaryKey: Avro cannot say id",
        "$.id  unique: Avro cannot say it",
        "$.eur  unit: Avro cannot say EUR",
    ]
