"""A contract of a sample: no type beyond what every value says, nothing asserted that is only likely."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.capabilities.contracts.exchange.errors import NothingToPromise
from startrail.capabilities.contracts.exchange.infer import Inferred, infer
from startrail.capabilities.contracts.exchange.odcs_text import odcs, reread
from startrail.capabilities.contracts.exchange.typed import infer_table
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.model.contract import Field
from startrail.model.table import Column, TableSchema
from startrail.model.types import parse_type
from startrail.ports.exchange import Batch, ColumnFacts

STANDARD = json.loads(importlib.resources.files("open_data_contract_standard").joinpath("schema.json").read_text())


def of_json(*records: str) -> Inferred:
    return infer([Batch(raws=tuple(record.encode() for record in records))], "orders", "a sample")


def of_column(*texts: str) -> tuple[Field, tuple[str, ...]]:
    found = infer([Batch(("a",), (texts,))], "orders", "a sample")
    return found.contract.fields[0], found.notes.get("$.a", ())


def of_values(*values: str) -> Field | None:
    return of_json(*(f'{{"a": {value}, "z": 1}}' for value in values)).contract.field("a")


@pytest.mark.parametrize(
    ("texts", "type"),
    [
        (["1", "-7", "0"], "long"),
        (["9223372036854775807"], "long"),
        (["9223372036854775808"], "decimal(19,0)"),
        (["1" * 39], "string"),
        (["1", "12.50"], "decimal(4,2)"),
        (["0.5", "0.25"], "decimal(2,2)"),
        (["1.5e-7", "2"], "double"),
        (["1E5", "2E7"], "string"),
        (["007", "1"], "string"),
        (["+1"], "string"),
        (["1,5"], "string"),
        (["1_000"], "string"),
        (["٣"], "string"),
        (["true", "false"], "boolean"),
        (["yes", "no"], "string"),
        (["2026-02-28"], "date"),
        (["2026-02-29"], "string"),
        (["2026-10-03T10:00:00"], "timestamp"),
        (["2026-10-03 10:00:00.123456"], "timestamp"),
        (["2026-10-03 10:00:00.1234567"], "string"),
        (["2026-10-03T10:00:00Z", "2026-10-03T10:00:00+02:00"], "timestamptz"),
        (["2026-10-03T10:00:00Z", "2026-10-03T10:00:00"], "string"),
        (["2026-10-03", "2026-10-03T10:00:00"], "string"),
        (["23:59:59"], "time"),
        (["24:00:00"], "string"),
        (["2f1e7e6a-1111-4444-8888-123456789abc"], "uuid"),
        (["03/04/2026", "05/06/2026"], "string"),
        (["03/04/2026", "25/06/2026"], "date"),
        (["03.04.26"], "string"),
        (["", ""], "string"),
        (["1", "x"], "string"),
    ],
)
def test_text_of_csv_gets_the_type_that_every_value_says_exactly(texts: list[str], type: str) -> None:
    assert of_column(*texts)[0].type == parse_type(type)


@pytest.mark.parametrize(
    ("values", "type"),
    [
        (["1", "null"], "long"),
        (["12.30", "1"], "decimal(4,2)"),
        (["1e3"], "double"),
        (["9007199254740993", "1e-3"], None),
        (["1e400"], None),
        (["1", '"x"'], None),
        (["1", '"22"'], "long"),
        (["true", '"true"'], None),
        (['"7"'], "string"),
        (['"true"'], "string"),
        (['"2026-10-03"'], "date"),
        (["null"], None),
        (["[]"], None),
        (["[1, null]", "[2.5]"], "list<decimal(2,1)>"),
        (["{}"], None),
        (['{"x": 1}', '{"y": "b"}'], "struct<x: long, y: string>"),
    ],
)
def test_json_values_get_the_one_type_that_all_have_or_are_left_out(values: list[str], type: str | None) -> None:
    found = of_values(*values)
    assert (None if found is None else found.type) == (None if type is None else parse_type(type))


def test_dates_of_ambiguous_order_stay_text_and_a_comment_says_so() -> None:
    field, notes = of_column("03/04/2026", "11/12/2026")
    assert str(field.type) == "string"
    assert notes == ("looks like dates (03/04/2026), but day and month cannot be told apart: %d/%m/%Y or %m/%d/%Y; kept as text",)
    field, notes = of_column("03/04/2026", "31/12/2026")
    assert (str(field.type), field.format.pattern) == ("date", "%d/%m/%Y")
    assert "at least one in no other order" in notes[0]


def test_a_field_is_required_only_when_every_row_has_it() -> None:
    found = of_json('{"a": 1, "b": 1, "c": {"x": 1}, "d": [1]}', '{"a": 2, "b": null, "c": {}, "d": [null]}', '{"a": 3}')
    fields = {each.name: each for each in found.contract.fields}
    assert {name: each.required for name, each in fields.items()} == {"a": True, "b": False, "c": False, "d": False}
    assert fields["c"].fields[0].required is False
    assert fields["d"].item is not None
    assert fields["d"].item.required is False


def test_uniqueness_keys_and_enums_are_suggested_and_never_asserted() -> None:
    rows = [(str(number), "ab"[number % 2]) for number in range(40)]
    found = infer([Batch(("id", "kind"), tuple(zip(*rows, strict=True)))], "orders", "a sample")
    assert found.contract.primary_key == ()
    assert [(each.unique, each.enum) for each in found.contract.fields] == [(False, None), (False, None)]
    assert found.notes["$.id"] == (
        "no value comes twice in 40; if that is a promise: unique: true, or primaryKey: true if it names the row",
    )
    assert found.notes["$.kind"] == ('2 different values in 40; if there are no others: enum: [{value: "a"}, {value: "b"}]',)
    text = odcs(found.contract, found.notes, status="draft")
    assert "      # no value comes twice in 40" in text
    jsonschema.Draft201909Validator(STANDARD).validate(yaml.safe_load(text))


def test_a_value_that_comes_again_in_another_batch_is_no_name_of_a_row() -> None:
    batch = Batch(("id",), (tuple(map(str, range(30))),))
    again = Batch(("id",), (("7", *map(str, range(100, 120))),))
    assert infer([batch, again], "orders", "a sample").notes.get("$.id") is None


def test_the_head_says_how_many_rows_were_seen_what_was_passed_over_and_what_was_left_out() -> None:
    batches = [Batch(raws=(b'{"a": 1, "A": 2, "_delivery": 3, "": 4, "m": [1, "x"]}', b"{", b"7")), Batch(cut=True)]
    found = infer(batches, "orders", "orders.ndjson")
    assert (found.rows, found.broken, found.cut) == (1, 2, True)
    assert found.left_out == ("$.A", "$._delivery", "$.", "$.m[]")
    assert "the first 1 rows; the file goes on" in found.notes["$"][0]


def test_names_that_are_data_are_not_declared() -> None:
    record = json.dumps({"id": 1, "by_key": {f"k{number}": 1 for number in range(2000)}})
    found = of_json(record)
    assert [each.name for each in found.contract.fields] == ["id"]
    with pytest.raises(NothingToPromise, match="the names are data"):
        of_json(json.dumps({f"k{number}": 1 for number in range(2000)}))


@pytest.mark.parametrize("raws", [(), (b"",), (b"[]",), (b'{"a": null}',), (b'{"a": 1, "a": 2}',), (b'{"\\ud800": 1}',)])
def test_a_sample_that_shows_nothing_is_refused(raws: tuple[bytes, ...]) -> None:
    with pytest.raises(NothingToPromise):
        infer([Batch(raws=raws)], "orders", "a sample")


def test_a_published_table_keeps_its_types_without_the_columns_of_loading() -> None:
    columns = (
        Column("id", parse_type("long")),
        Column("price", parse_type("decimal(9,2)")),
        Column("_ordinal", parse_type("long")),
    )
    facts = (ColumnFacts("id", 50, 0, 50), ColumnFacts("price", 50, 50, 0))
    found = infer_table(TableSchema(columns), facts, "orders", "raw.orders")
    assert [(each.name, str(each.type), each.required) for each in found.contract.fields] == [
        ("id", "long", True),
        ("price", "decimal(9,2)", False),
    ]
    assert found.notes["$.price"] == ("no value was seen",)


NASTY = st.sampled_from(
    ["1", "-0", "1.50", "1e3", "NaN", " 1 ", ".5", "0x10", "2026-10-03", "2026-02-29", "03/04/2026", "13/04/2026", "true", "TRUE",
     "2026-10-03T10:00:00Z", "2026-10-03 10:00:00", "23:59:60", "null", "", "é", "{{x}}", "a: b", "#c", "1_000", "9" * 19]
)  # fmt: skip
NUMBERS = st.sampled_from(
    ["1", "-0", "1.50", "1e3", "9007199254740993", "1e-400", "1e400", "0.1", "123456789012345678901234567890.12345678901"]
)
LEAVES = st.one_of(NUMBERS, NASTY.map(json.dumps), st.sampled_from(["null", "true", "false", '"a\\u0001b"']))
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(st.sampled_from(["x", "y", "{{n}}", "a b"]), inner, max_size=3).map(
            lambda entries: "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in entries.items()) + "}"
        )
    ),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1), min_size=1, max_size=6)


def written(entries: dict[str, str]) -> bytes:
    return ("{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in entries.items()) + "}").encode()


def keeps(found: Inferred, raws: list[bytes], **more: Any) -> None:
    text = odcs(found.contract, found.notes, status="draft")
    jsonschema.Draft201909Validator(STANDARD).validate(yaml.safe_load(text))
    judge = RecordJudge(reread(text, "orders"), **more)
    for raw in raws:
        assert judge(raw).violations == ()


@settings(max_examples=80, deadline=None)
@given(RECORDS)
def test_every_record_of_a_json_sample_keeps_the_contract_inferred_from_it(records: list[dict[str, str]]) -> None:
    raws = [written(record) for record in records]
    try:
        found = infer([Batch(raws=tuple(raws[:3])), Batch(raws=tuple(raws[3:]))], "orders", "a sample")
    except NothingToPromise:
        return
    keeps(found, raws)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NASTY, NASTY | st.just("7"), st.sampled_from(["03/04/2026", "13/04/2026", "04/13/2026"])), min_size=1))
def test_every_row_of_a_csv_sample_keeps_the_contract_inferred_from_it(rows: list[tuple[str, ...]]) -> None:
    names = ("a", "b", "c")
    found = infer([Batch(names, tuple(zip(*rows, strict=True)))], "orders", "a sample")
    raws = [json.dumps(dict(zip(names, row, strict=True))).encode() for row in rows]
    keeps(found, raws, null_words=("",), textual=True)
