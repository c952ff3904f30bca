"""Keys that stand twice are found by counting commas: in vain now and then, but never too few."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.adapters.loader import gate as gates
from startrail.adapters.loader.doubled import Commas
from startrail.adapters.loader.gate import Gate
from startrail.adapters.loader.gate_types import Shown, struct_type

FIELDS = (
    field("id", "long", required=True),
    field("who", "struct<a: int, more: struct<x: string, y: list<int>>>", required=True),
    field("items", "list<struct<sku: string, tags: map<string, int>>>"),
    field("prices", "map<string, struct<net: string, tax: string>>"),
    field("note", "string"),
)
WHOLE = contract(*FIELDS)
MEMBERS = [(each, each.required) for each in WHOLE.fields]


def dumped(members: list[tuple[str, Any]]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in members) + "}"


@st.composite
def objects(draw: st.DrawFn, **fields: st.SearchStrategy[str]) -> str:
    """With all fields, in any order, and now and then one of them twice."""
    members = [(name, draw(values)) for name, values in fields.items()]
    if draw(st.integers(0, 7)) == 0:
        name = draw(st.sampled_from(sorted(fields)))
        members.append((name, draw(fields[name])))
    return dumped(draw(st.permutations(members)))


def lists(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(items, max_size=3).map(lambda found: "[" + ",".join(found) + "]")


def maps(names: tuple[str, ...], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(st.sampled_from(names), values), max_size=3).map(dumped)


def records(letters: str, names: tuple[str, ...]) -> st.SearchStrategy[str]:
    null, whole = st.just("null"), st.integers(-9, 9).map(str)
    shown = st.text(alphabet=letters, max_size=4).map(json.dumps)
    return objects(
        id=whole,
        who=objects(a=whole | null, more=objects(x=shown | null, y=lists(whole) | null) | null),
        items=lists(objects(sku=shown | null, tags=maps(names, whole) | null)) | null,
        prices=maps(names, objects(net=shown, tax=shown)) | null,
        note=shown | null,
    )


def doubled(text: str) -> bool:
    found = False

    def pairs(members: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in members}) < len(members)

    json.loads(text, object_pairs_hook=pairs)
    return found


def agree(lines: list[str], learned: dict[str, str] | None = None) -> bool:
    data = "".join(line + "\n" for line in lines).encode()
    decoder = msgspec.json.Decoder(struct_type("Record", MEMBERS, Shown(learned or {}, whole=True)))
    commas = Commas(MEMBERS, decoder.type, (learned or {}).values())
    return commas.agree(decoder.decode_lines(data), data)


@given(st.lists(records('ab,:{}é"\\', ("a", "b", "c,d")), min_size=1, max_size=4))
def test_where_commas_agree_no_key_stands_twice(lines: list[str]) -> None:
    if agree(lines):
        assert not any(map(doubled, lines))


@given(st.lists(records('ab:{}é"\\', ("a", "b", "c")).filter(lambda text: not doubled(text)), min_size=1, max_size=4))
def test_commas_agree_where_no_key_stands_twice_and_no_text_has_one(lines: list[str]) -> None:
    assert agree(lines)


GOOD = '{"id":1,"who":{"a":1,"more":null},"items":null,"prices":null,"note":null}'


@pytest.mark.parametrize("new", ["1", "[1,2]", '{"x":[1,{"y":2}],"z":3}', '"a"'])
def test_what_stands_in_a_learned_field_counts_as_it_stands(new: str) -> None:
    assert agree([GOOD, GOOD[:-1] + f',"new":{new}}}'], {"new": "u0"})
    assert not agree([GOOD, GOOD[:-1] + f',"new":{new},"new":{new}}}'], {"new": "u0"})


def lines_of(*records: str) -> bytes:
    return "".join(record + "\n" for record in records).encode()


TWICE = '{"id":1,"id":2,"who":{"a":1}}'
LESS = '{"id":1,"who":{"a":1}}'


def test_a_gate_is_wary_at_first_and_stays_so_when_it_has_found_a_key_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_WATCHED", 200)
    for first, passes in ((LESS, True), (TWICE, False)):
        gate = Gate(WHOLE, wary="first")
        assert (gate.passes(lines_of(LESS, first)) is not None) == passes
        for _ in range(8):
            gate.passes(lines_of(LESS, GOOD))
        assert (gate.passes(lines_of(TWICE)) is not None) == passes


@given(st.lists(st.sampled_from((GOOD, LESS, TWICE, LESS.replace("1}", "null}"))), min_size=1, max_size=30))
@example([LESS] * 20 + [TWICE])
def test_a_wary_gate_names_the_record_in_which_a_key_stands_twice(lines: list[str]) -> None:
    gate = Gate(WHOLE, wary="yes")
    passed = gate.passes(lines_of(*lines))
    assert (passed is None) == (TWICE in lines)
    assert gate.stopped_in == (lines.index(TWICE) if TWICE in lines else None)
