"""Keys are taken for growing where nearly all pairs of records say so."""

from __future__ import annotations

import pytest
from tests.fixtures.loading import contract, field

from startrail.adapters.loader.growing import Growing
from startrail.adapters.loader.queries import Queries
from startrail.capabilities.contracts.load import raw_schema
from startrail.model.contract import Contract
from startrail.ports.loader import LoadTask

NUMBERS = contract(field("name", "string"), field("id", "long"), key=("id",))
TEXTS = contract(field("id", "string"), key=("id",))


def growing(promised: Contract, *pairs: tuple[str, str]) -> int | None:
    found = Growing(promised, Queries(LoadTask("d", "landed", "csv", promised, raw_schema(promised)), "text"))
    for pair in pairs:
        found.look(pair)
    return found.field


@pytest.mark.parametrize(("before", "here"), [("9", "10"), ("-3", "2"), ("-3", "-2"), ("999", "1000")])
def test_numbers_grow_as_numbers(before: str, here: str) -> None:
    assert growing(NUMBERS, *[(before, here)] * 30) == 1


@pytest.mark.parametrize(("before", "here"), [("10", "9"), ("2", "-3"), ("5", "5"), ("", "5"), ("5", "")])
def test_what_does_not_grow_is_no_growing_key(before: str, here: str) -> None:
    assert growing(NUMBERS, *[(before, here)] * 30) is None


def test_texts_grow_as_texts() -> None:
    assert growing(TEXTS, *[("a9", "b10")] * 30) == 0
    assert growing(TEXTS, *[("9", "10")] * 30) is None


def test_one_odd_pair_in_fifty_is_the_most() -> None:
    assert growing(NUMBERS, *[("1", "2")] * 49, ("2", "1")) == 1
    assert growing(NUMBERS, *[("1", "2")] * 47, ("2", "1")) is None


def test_few_pairs_say_nothing() -> None:
    assert growing(NUMBERS, *[("1", "2")] * 10) is None


@pytest.mark.parametrize("key", [(), ("id", "name")])
def test_only_one_column_can_grow(key: tuple[str, ...]) -> None:
    assert growing(contract(*NUMBERS.fields, key=key), *[("1", "2")] * 30) is None


def test_a_number_of_a_binary_type_is_not_compared_as_text() -> None:
    assert growing(contract(field("id", "double"), key=("id",)), *[("1", "2")] * 30) is None
