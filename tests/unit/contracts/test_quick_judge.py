"""The quick judge answers as the judge does, whatever the record, the contract and the policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field
from tests.integration.test_load_differential import ALL, NASTY_NUMBERS, NASTY_TEXTS, records, values

from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.quick import QuickJudge
from startrail.model.contract import Contract, Format

LIMITED = contract(
    field("s", "string", required=True, min_length=1, max_length=5, enum=("paid", "1", "é", "true")),
    field("w", "string", pattern="^[a-z0-9]+$", max_length=9),
    field("from", "string", minimum="b", maximum="y"),
    field("i", "int", minimum="-1", maximum="2147483646"),
    field("l", "long", enum=("1", "7", "9007199254740993")),
    field("d", "decimal(10,2)", minimum="-0.5", maximum="99999999.98", enum=("0", "12.30", "-0.50")),
    field("small", "decimal(2,2)", minimum="0"),
    field("whole", "decimal(38,0)", maximum="9007199254740993"),
    field("f", "float", minimum="0.1", maximum="16777216"),
    field("g", "double", minimum="-1.5", maximum="9007199254740992", required=True),
    field("comma", "double", format=Format(decimal_separator=",")),
    field("b", "boolean", enum=("true",)),
    field("day", "date", minimum="2026-01-01"),
    field("turned", "date", format=Format(pattern="%Y-%d-%m")),
    field("at", "timestamp", maximum="2026-10-03T14:05:00"),
    field("clock", "time"),
    field("none", "int", format=Format(null_words=("1", "N/A")), required=True),
    field("word", "string", format=Format(null_words=("true",)), default="x"),
    field("list", "list<int>", min_length=1, max_length=2, required=True),
    field("map", "map<string, decimal(5,1)>"),
    field("who", "struct<id: int, at: date>", required=True, closed=True),
    key=("i",),
)
REQUIRED = {
    "status": '"paid"', "due": '"2026-10-03T14:05:00Z"', "s": '"paid"', "g": "1", "none": "7", "list": "[1]",
    "who": '{"id": 1}', "i": "1",
}  # fmt: skip
POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"null_words": ("", "NULL", "N/A"), "textual": True},
    {"accepted": frozenset({"out_of_range", "unknown_value", "wrong_length", "new_value"})},
    {"kept": frozenset({"wrong_type", "inexact", "wrong_format", "out_of_range"})},
    {"closed": True, "taken": frozenset({"i", "f_3", "status", "who"})},
    {"waved": frozenset({("out_of_range", "$.i"), ("unknown_value", "$.s"), ("unknown_value", "$.status")})},
)


def same(promised: Contract, raw: bytes, policy: dict[str, Any]) -> None:
    assert QuickJudge(promised, **policy)(raw) == RecordJudge(promised, **policy)(raw), raw


def judges(promised: Contract, policy: dict[str, Any]) -> tuple[QuickJudge, RecordJudge]:
    return QuickJudge(promised, **policy), RecordJudge(promised, **policy)


def literals() -> list[str]:
    found = [
        *NASTY_NUMBERS,
        "null",
        "true",
        "false",
        "[]",
        "{}",
        "[1]",
        "[null]",
        "[1, 2, 3]",
        '["1"]',
        '{"a": 1.5}',
        '{"a": null}',
    ]
    found += ['{"id": 1, "at": "2026-10-03"}', '{"id": 1, "x": 2}', '{"id": "x", "at": null}']
    found += [json.dumps(text) for text in NASTY_TEXTS]
    return found + [json.dumps(number) for number in NASTY_NUMBERS]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: "-".join(policy) or "plain")
@pytest.mark.parametrize("promised", [ALL, LIMITED], ids=("all", "limited"))
def test_every_nasty_value_in_every_field_alone(promised: Contract, policy: dict[str, Any]) -> None:
    """Beside what is required, so that many of the records are accepted."""
    quick, plain = judges(promised, policy)
    accepted = 0
    every, turn = (1, 0) if not policy else (3, POLICIES.index(policy) % 3)
    for promise in promised.fields:
        for value in literals()[turn::every]:
            members = {name: text for name, text in REQUIRED.items() if promised.field(name)} | {promise.name: value}
            raw = ("{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}").encode(
                errors="surrogatepass"
            )
            judged = quick(raw)
            assert judged == plain(raw), raw
            accepted += not judged.violations
    assert accepted > len(promised.fields)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(records(), st.sampled_from(POLICIES))
def test_mostly_good_records(record: str, policy: dict[str, Any]) -> None:
    same(ALL, record.encode(errors="surrogatepass"), policy)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from([*(each.name for each in LIMITED.fields), "S", "new"]), values | st.sampled_from(literals()))
    ),
    st.sampled_from(POLICIES),
)
def test_records_under_limits(members: list[tuple[str, str]], policy: dict[str, Any]) -> None:
    same(
        LIMITED,
        ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}").encode(errors="surrogatepass"),
        policy,
    )


@settings(deadline=None)
@given(st.binary(max_size=30) | st.text(max_size=30).map(str.encode))
def test_what_is_no_record(raw: bytes) -> None:
    same(ALL, raw, {})


def test_a_limit_that_is_no_value_of_its_type_does_not_keep_a_judge_from_being_made() -> None:
    promised = contract(field("n", "int", minimum="x"), field("s", "string"))
    same(promised, b'{"s": "a"}', {})
    same(promised, b'{"s": 1}', {})
