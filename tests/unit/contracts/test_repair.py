"""Repairs: only what a step names is changed, and only in the records that it is for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.base.span import Span
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.quarantine.repair import RepairMender
from startrail.model.repair import CastValue, RemoveField, RenameField, Repairs, RepairStep, SetValue, Where
from startrail.ports.loader import Violation

WRONG = (Violation("$.n", "wrong_type", "long", '"two"'),)


def mend(
    raw: str, *steps: RepairStep, violations: tuple[Violation, ...] = WRONG, ordinal: int = 1, delivery: str = "d"
) -> str | None:
    mender = RepairMender(Repairs("orders", steps, Span("contracts/repairs/orders.yml")), delivery)
    found = mender(ordinal, raw.encode(), violations)
    return None if found is None else found.decode()


def at(**where: object) -> Where:
    return Where(**where)  # type: ignore[arg-type]


N = at(rule="wrong_type", path="$.n")


def test_a_value_is_set_and_the_rest_keeps_every_digit() -> None:
    raw = '{"n":"two","a":1.50,"b":9007199254740993,"c":{"d":[1e3,null]}}'
    assert mend(raw, RepairStep(N, set=SetValue("$.n", 2))) == raw.replace('"two"', "2")


@pytest.mark.parametrize(
    ("value", "to", "more", "becomes"),
    [
        ("1.5", "integer", {}, "1.5"),
        ("1.0", "integer", {}, "1"),
        ("1.5", "integer", {"rounding": "down"}, "1"),
        ("-1.5", "integer", {"rounding": "down"}, "-2"),
        ("1.5", "integer", {"rounding": "up"}, "2"),
        ("2.5", "integer", {"rounding": "half_up"}, "3"),
        ('" 7 "', "integer", {}, "7"),
        ("1e400", "integer", {}, "1e400"),
        ('"1e999999999"', "integer", {"rounding": "up"}, '"1e999999999"'),
        ('"two"', "integer", {"rounding": "up"}, '"two"'),
        ('"12.30"', "number", {}, "12.30"),
        ('"0x10"', "number", {}, '"0x10"'),
        ("12.30", "text", {}, '"12.30"'),
        ("true", "text", {}, '"true"'),
        ('"Yes"', "boolean", {}, "true"),
        ("0", "boolean", {}, "false"),
        ('"maybe"', "boolean", {}, '"maybe"'),
        ('"03/10/2026"', "date", {"pattern": "%d/%m/%Y"}, '"2026-10-03"'),
        ('"13/13/2026"', "date", {"pattern": "%d/%m/%Y"}, '"13/13/2026"'),
        ('"03/10/2026 14:05"', "timestamp", {"pattern": "%d/%m/%Y %H:%M"}, '"2026-10-03T14:05:00"'),
        ("null", "text", {}, "null"),
        ("[1]", "text", {}, "[1]"),
    ],
)
def test_a_cast_writes_a_value_in_another_form_or_leaves_it(value: str, to: str, more: dict[str, str], becomes: str) -> None:
    found = mend(f'{{"n":{value}}}', RepairStep(N, cast=CastValue("$.n", to, **more)))  # type: ignore[arg-type]
    assert (found or f'{{"n":{value}}}') == f'{{"n":{becomes}}}'
    assert (found is None) == (value == becomes)


def test_a_field_gets_another_name_unless_that_is_taken() -> None:
    step = RepairStep(N, rename=RenameField("$.n", "m"))
    assert mend('{"n":1}', step) == '{"m":1}'
    assert mend('{"n":1,"m":2}', step) is None


def test_a_field_is_removed() -> None:
    step = RepairStep(N, remove=RemoveField("$.n"))
    assert mend('{"n":1,"m":2}', step) == '{"m":2}'
    assert mend('{"m":2}', step) is None


@pytest.mark.parametrize(
    ("where", "hit"),
    [
        (at(rule="wrong_type"), True),
        (at(rule="inexact"), False),
        (at(path="$.n"), True),
        (at(path="$.m"), False),
        (at(got='"two"'), True),
        (at(got='"three"'), False),
        (at(rule="wrong_type", path="$.m"), False),
        (at(delivery="d", ordinals=(1, 7)), True),
        (at(delivery="d", ordinals=(7,)), False),
        (at(delivery="e", ordinals=(1,)), False),
    ],
)
def test_a_step_is_for_the_records_it_names(where: Where, hit: bool) -> None:
    assert (mend('{"n":"two"}', RepairStep(where, set=SetValue("$.n", 2))) is not None) == hit


def test_only_the_item_that_breaks_the_rule_is_mended() -> None:
    violations = (Violation("$.items[1].price", "wrong_type", "decimal", '"?"'),)
    step = RepairStep(at(path="$.items[].price"), set=SetValue("$.items[].price", None))
    raw = '{"items":[{"price":"?"},{"price":"?"},{"price":3}]}'
    assert mend(raw, step, violations=violations) == '{"items":[{"price":"?"},{"price":null},{"price":3}]}'


def test_every_item_is_mended_when_the_records_are_named() -> None:
    step = RepairStep(at(delivery="d", ordinals=(1,)), cast=CastValue("$.items[].price", "number"))
    assert mend('{"items":[{"price":"1"},{},{"price":"2.50"}]}', step) == '{"items":[{"price":1},{},{"price":2.50}]}'


def test_steps_are_done_in_order() -> None:
    steps = RepairStep(N, rename=RenameField("$.n", "m")), RepairStep(N, cast=CastValue("$.m", "number"))
    assert mend('{"n":"3"}', *steps) == '{"m":3}'


@pytest.mark.parametrize("raw", ["", "{", "[]", "7", '{"n":1,"n":2}', "[" * 5000, '{"n":"\\ud800"}', "\x00"])
def test_what_is_no_object_cannot_be_mended_and_nothing_is_raised(raw: str) -> None:
    assert mend(raw, RepairStep(N, set=SetValue("$.x", 2))) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abn"), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "n", "items"]), VALUES, max_size=4),
    st.sampled_from(["$.n", "$.a.b", "$.items[].n"]),
)
def test_a_mended_record_differs_only_where_the_step_leads(record: dict[str, object], path: str) -> None:
    raw = json.dumps(record, ensure_ascii=False)
    found = mend(raw, RepairStep(N, remove=RemoveField(path)))
    if found is None:
        return
    head = path[2:].partition(".")[0].removesuffix("[]")
    after = json.loads(found)
    assert {k: v for k, v in after.items() if k != head} == {k: v for k, v in record.items() if k != head}
    assert after != record


def test_the_judge_has_the_last_word() -> None:
    judge = RecordJudge(contract(field("n", "long", required=True)))
    wrong = judge(b'{"n":"two"}')
    assert wrong.violations
    mended = mend('{"n":"two"}', RepairStep(N, set=SetValue("$.n", "three")), violations=wrong.violations)
    assert mended is not None
    assert judge(mended.encode()).violations
