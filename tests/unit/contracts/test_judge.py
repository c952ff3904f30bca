"""The judge decides one record and names all that is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.capabilities.contracts.judge import RecordJudge
from startrail.model.contract import Contract
from startrail.model.drift import DriftKind
from startrail.ports.loader import Judged

ORDERS = contract(
    field("id", "long"),
    field("status", "string", required=True, enum=("paid", "open")),
    field("amount", "decimal(10,2)", minimum="0"),
    field("who", "struct<id: int, name: string>"),
    field("items", "list<struct<n: int>>", min_length=1),
    key=("id",),
)


def judge(text: str | bytes) -> Judged:
    return RecordJudge(ORDERS)(text if isinstance(text, bytes) else text.encode())


def broken(text: str | bytes) -> list[tuple[str, str]]:
    return [(violation.path, violation.rule) for violation in judge(text).violations]


def test_a_good_record_is_accepted_in_canonical_form() -> None:
    found = judge('{"id": 1.0, "status": "paid", "amount": 12.5, "items": [{"n": "7"}]}')
    assert found.violations == ()
    assert json.loads(found.record) == {"id": 1, "status": "paid", "amount": "12.50", "who": None, "items": [{"n": 7}]}


def test_every_violation_is_named_at_its_full_path() -> None:
    assert broken('{"status": "lost", "amount": "-1", "who": [], "items": [{"n": 1.5}, {"n": 2}, 3]}') == [
        ("$.id", "null_in_required"),
        ("$.status", "unknown_value"),
        ("$.amount", "out_of_range"),
        ("$.who", "wrong_type"),
        ("$.items[0].n", "inexact"),
        ("$.items[2]", "wrong_type"),
    ]


def test_unknown_fields_are_kept_with_their_numbers_as_written() -> None:
    found = judge(
        '{"id": 1, "status": "paid", "tier": {"a": 1.10}, "who": {"id": 1, "x": 1e400}, "items": [{"n": 1, "y": 2.50}]}'
    )
    assert found.extra == '{"$.who.x":1e400,"$.items[0].y":2.50,"tier":{"a": 1.10}}'
    assert found.unknown == ("$.who.x", "$.items[].y", "$.tier")


def test_what_is_not_one_json_object_is_malformed() -> None:
    assert broken("garbage") == [("$", "malformed")]
    assert broken('{"id": 1') == [("$", "malformed")]
    assert broken('{"id": NaN}') == [("$", "malformed")]
    assert broken("[1]") == [("$", "wrong_type")]
    assert broken(b'{"status": "\xff"}') == [("$", "malformed")]
    assert broken("[" * 100_000) == [("$", "malformed")]
    assert broken('{"id": 1, "id": 2}') == [("$", "duplicate_key")]
    assert broken('{"id": 1, "\\u0069d": 2}') == [("$", "duplicate_key")]
    assert broken('{"id": 1, "who": {"id": 1, "id": 1}}') == [("$", "duplicate_key")]


def test_a_record_with_very_many_violations_says_so_and_stays_small() -> None:
    found = judge('{"id": 1, "status": "paid", "items": [' + ",".join(['{"n": "x"}'] * 5000) + "]}")
    assert len(found.violations) == 101
    assert found.violations[-1].got == "4900 more violations"


@given(st.binary())
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    judge(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["id", "status", "amount", "who", "items", "new"]), json_values))
def test_an_accepted_record_is_accepted_again_in_its_canonical_form(record: dict[str, object]) -> None:
    found = judge(json.dumps(record))
    if not found.violations:
        again = judge(found.record)
        assert again.violations == ()
        assert again.record == found.record


def test_half_of_a_surrogate_pair_is_refused_wherever_a_field_is_not_declared() -> None:
    start = '{"id": 1, "status": "paid", "amount": 1, "items": [{"n": 1}], '
    for more, path in [
        (r'"new": "\ud800"', "$.new"),
        (r'"new": {"a": ["\ud800"]}, "other": 1', "$.new"),
        (r'"\ud800": 1', r"$.\ud800"),
        (r'"who": {"id": 1, "name": "x", "new": "\udc00"}', "$.who.new"),
    ]:
        assert broken(start + more + "}") == [(path, "malformed")]
    assert judge(start + r'"new": "\ud83d\ude00"}').violations == ()
    kept = RecordJudge(ORDERS, kept=frozenset({"wrong_type"}))
    (violation,) = kept((start.replace('"amount": 1', r'"amount": ["\ud800"]') + '"n": 1}').encode()).violations
    assert (violation.path, violation.rule) == ("$.amount", "malformed")


def of_closed(**more: Any) -> Contract:
    inner = field("place", "struct<town: string>", fields=(field("town", "string"),), closed=True)
    return msgspec.structs.replace(contract(field("id", "int"), inner), **more)


def test_an_undeclared_field_of_a_closed_object_breaks_the_contract_and_one_beside_it_does_not() -> None:
    judged = RecordJudge(of_closed())(b'{"id":1,"new":1,"place":{"town":"x","zip":"1"}}')
    assert [(v.path, v.rule, v.got) for v in judged.violations] == [("$.place.zip", "undeclared_field", '"1"')]
    assert judged.unknown == ("$.new",)
    judged = RecordJudge(of_closed(closed=True))(b'{"id":1,"new":1,"place":{"town":"x"}}')
    assert [(v.path, v.rule) for v in judged.violations] == [("$.new", "undeclared_field")]


def test_an_undeclared_field_of_a_closed_object_can_be_kept_by_policy_and_is_told() -> None:
    kept = frozenset[DriftKind](["undeclared_field"])
    judged = RecordJudge(of_closed(closed=True), kept=kept)(b'{"id":1,"new":1,"place":{"zip":"1"}}')
    assert judged.violations == ()
    assert judged.extra == '{"$.place.zip":"1","new":1}'
    assert {(v.path, v.rule) for v in judged.noted} == {("$.new", "undeclared_field"), ("$.place.zip", "undeclared_field")}
    assert judged.unknown == ()


def test_a_default_stands_for_what_is_missing_and_never_for_null() -> None:
    inner = field("place", "struct<zip: string>", fields=(field("zip", "string", default="00000"),))
    promised = contract(
        field("n", "decimal(5,2)", default="1.5", required=True), field("day", "date", default="2026-10-03"), inner
    )
    judge = RecordJudge(promised)
    judged = judge(b'{"day":null,"place":{}}')
    assert judged.violations == ()
    assert judged.record == b'{"n":"1.50","day":null,"place":{"zip":"00000"}}'
    assert [(v.path, v.rule, v.got) for v in judged.noted] == [
        ("$.n", "defaulted", "nothing; 1.5 is taken"),
        ("$.place.zip", "defaulted", "nothing; 00000 is taken"),
    ]
    judged = judge(b'{"n":null}')
    assert [(v.path, v.rule) for v in judged.violations] == [("$.n", "null_in_required")]
    assert [v.path for v in judged.noted] == ["$.day"]


def test_a_value_beyond_an_open_enumeration_is_told_and_let_in_unless_the_policy_minds() -> None:
    promised = contract(field("status", "string", enum=("new", "paid"), enum_open=True))
    minded = RecordJudge(promised)(b'{"status":"lost"}')
    assert [(v.path, v.rule) for v in minded.violations] == [("$.status", "new_value")]
    let_in = RecordJudge(promised, accepted=frozenset[DriftKind](["new_value"]))(b'{"status":"lost"}')
    assert (let_in.record, [v.rule for v in let_in.noted]) == (b'{"status":"lost"}', ["new_value"])
