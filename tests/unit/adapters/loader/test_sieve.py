"""The sieve sorts lines as the gate does one by one, in their order, however it cuts a block."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.adapters.loader.defaults import Defaults
from startrail.adapters.loader.gate import Gate, Passed
from startrail.adapters.loader.sieve import Sieve
from startrail.model.contract import Contract

FIELDS = (
    field("id", "long", required=True),
    field("amount", "decimal(10,2)"),
    field("day", "date"),
    field("who", "struct<id: int, name: string>"),
    field("tags", "map<string, int>"),
)
PLAIN = contract(*FIELDS)
FILLED = contract(*FIELDS, field("country", "string", default="ES"))
GOOD = (
    b'{"id":1,"amount":"1.50","day":"2026-10-03","who":{"id":1,"name":"a"}}', b'{"id":2}',
    b'{"id":3,"amount":1.5,"tags":{"a":1}}',
    b'{"id":4,"who":{"name":"\\" \xc3\xa9"},"country":"FR"}', b'{"id":5,"day":null}\r', b' {"id": 6 } ',
)  # fmt: skip
ODD = (
    b'{"id":null}', b'{"id":1.5}', b'{"id":1,"day":"03/10/2026"}', b'{"id":1,"amount":1.100000000000000001}', b'{"id":1', b"x",
    b'{"id":1,"id":2}', b'{"id":1,"who":{"id":1,"id":2}}', b'{"id":1,"tags":{"a":1,"a":2}}', b'{"id":1} {"id":2}', b'"\xff"',
    b'{"id":1,"amount":"\\u0000"}', b'{"id":1,"new":[1]}', b'{"id":1,"new":2,"new":3}', b'{"id":1,"who":{"x":1}}', b"[]",
    b'{"id":1,"new":{"a":1,"a":2}}', b'{"id":1,"\\u006eew":1}',
)  # fmt: skip
lines = st.lists(st.sampled_from(GOOD) | st.sampled_from(ODD) | st.just(b"") | st.just(b"  "), max_size=40)


def sorted_by(promised: Contract, texts: list[bytes], learned: tuple[str, ...], *, wary: bool) -> list[bytes | int]:
    """For each block of lines what became of it: how many passed, or which line was refused."""
    gate = Gate(promised, wary="yes" if wary else "no")
    for name in learned:
        gate.learn(name)
    sieve = Sieve(gate, Defaults(promised))
    blocks = [texts[:7], texts[7:30], texts[30:]]
    found = [part for block in blocks for part in sieve.sift(b"".join(text + b"\n" for text in block))]
    return [one for part in found for one in ([1] * part.count if isinstance(part, Passed) else [part])]


def alone(promised: Contract, text: bytes, learned: tuple[str, ...], *, wary: bool) -> bytes | int:
    gate = Gate(promised, wary="yes" if wary else "no")
    for name in learned:
        gate.learn(name)
    filled = Defaults(promised).fill(text + b"\n")
    passed = gate.passes(text + b"\n") or (gate.passes(filled.lines) if filled is not None else None)
    return 1 if passed is not None and passed.count == 1 else text + b"\n"


@pytest.mark.parametrize("promised", [PLAIN, FILLED], ids=["plain", "filled"])
@pytest.mark.parametrize("learned", [(), ("new",)], ids=["new", "learned"])
@settings(deadline=None)
@given(lines)
@example([b"", *GOOD, *ODD, *GOOD])
@example([one for odd in ODD for one in (odd, *GOOD[:2])])
@example([GOOD[2], b'{"id":1,"amount":1.100000000000000001}'])
def test_each_line_goes_where_it_goes_alone(promised: Contract, learned: tuple[str, ...], texts: list[bytes]) -> None:
    texts = [text for text in texts if text != b'{"id":1} {"id":2}']
    expected = [alone(promised, text, learned, wary=True) for text in texts if text.strip()]
    assert sorted_by(promised, texts, learned, wary=True) == expected


@settings(deadline=None)
@given(lines)
def test_without_wariness_no_more_passes_than_the_decoder_takes(texts: list[bytes]) -> None:
    texts = [text for text in texts if text != b'{"id":1} {"id":2}']
    expected = [alone(PLAIN, text, (), wary=False) for text in texts if text.strip()]
    assert sorted_by(PLAIN, texts, (), wary=False) == expected


def test_a_field_that_is_learned_between_two_lines_passes_from_the_next_one_on() -> None:
    sieve = Sieve(Gate(PLAIN), Defaults(PLAIN))
    told = []
    for part in sieve.sift(b'{"id":1}\n' + b'{"id":2,"new":1}\n' * 3 + b'{"id":null}\n{"id":3}\n'):
        told.append(part.count if isinstance(part, Passed) else part)
        if isinstance(part, bytes):
            sieve.learn("new")
    assert told == [1, b'{"id":2,"new":1}\n', 2, b'{"id":null}\n', 1]


def test_what_is_kept_stands_in_the_lines_that_go_on() -> None:
    gate = Gate(PLAIN)
    gate.learn("new")
    found = list(Sieve(gate, Defaults(PLAIN)).sift(b'{"id":1,"new":[1]}\n{"id":1.5}\n{"id":2}\n'))
    assert found == [
        Passed(1, b'{"id":1,"new":[1],"_extra":"{\\"new\\":[1]}"}\n', {"new": 1}),
        b'{"id":1.5}\n',
        Passed(1, b'{"id":2}\n'),
    ]


def test_a_wary_gate_passes_what_lacks_a_learned_field() -> None:
    gate = Gate(PLAIN, wary="yes")
    gate.learn("new")
    assert gate.passes(b'{"id":1,"new":null}\n{"id":2}\n{"id":3,"amount":null}\n') is not None
