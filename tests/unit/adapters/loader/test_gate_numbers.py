"""Decimals that come as JSON numbers: the gate lets pass only what an engine that reads them as doubles gives back exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fixtures.loading import contract, field

from startrail.adapters.loader.gate import Gate

AMOUNTS = contract(field("id", "string"), field("amount", "decimal(38,9)"), field("prices", "list<decimal(10,2)>"))
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


def line(number: str, id: str = "a") -> bytes:
    return b'{"id": "%s", "amount": %s, "prices": [1.10, "2.20", 3]}\n' % (id.encode(), number.encode())


@given(NUMBERS)
@example("12.340000000000000001")
@example("1e-400")
@example("0.1000000000000000055511151231257827")
def test_a_number_that_passes_is_the_one_that_a_double_gives_back(number: str) -> None:
    if Gate(AMOUNTS).passes(line(number)) is not None:
        assert Decimal(repr(float(number))) == Decimal(number)


@pytest.mark.parametrize("number", ["0", "-0.0", "10.50", "123456789012.34", "-99.99", "12345678901234"])
def test_an_ordinary_amount_passes(number: str) -> None:
    assert Gate(AMOUNTS).passes(line(number)) is not None


@pytest.mark.parametrize("id", ["1234567890123456789", "4e5f", "5d2e7c3a-0e1f-4b7a-9e3e-2f1e0a9b8c7d"])
def test_text_with_many_digits_or_an_e_does_not_stand_in_the_way(id: str) -> None:
    assert Gate(AMOUNTS).passes(line("10.50", id)) is not None


def test_text_and_numbers_may_take_turns() -> None:
    gate = Gate(AMOUNTS)
    for number in ("10.50", '"10.50"', "1", '"1234567890123456789012345678.123456789"'):
        assert gate.passes(line(number)) is not None


def test_a_long_number_is_for_the_judge_also_after_short_ones() -> None:
    gate = Gate(AMOUNTS)
    assert gate.passes(line("10.50")) is not None
    assert gate.passes(line("12.340000000000000001")) is None
