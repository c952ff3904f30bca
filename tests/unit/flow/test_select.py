"""What ``--select`` takes in."""

from __future__ import annotations

import pytest

from startrail.flow.errors import UnknownSelection
from startrail.flow.select import select

GRAPH = {
    "orders": frozenset[str](),
    "rates": frozenset[str](),
    "staging.orders": frozenset({"orders"}),
    "marts.sales": frozenset({"staging.orders", "rates"}),
    "daily": frozenset({"marts.sales"}),
}


def chosen(*patterns: str) -> set[str]:
    selection = select(patterns, GRAPH)
    return {name for name in GRAPH if name in selection}


def test_no_pattern_selects_everything() -> None:
    assert chosen() == set(GRAPH)


def test_a_name_selects_itself_alone() -> None:
    assert chosen("marts.sales") == {"marts.sales"}


def test_a_leading_plus_adds_all_it_is_made_from() -> None:
    assert chosen("+marts.sales") == {"marts.sales", "staging.orders", "orders", "rates"}


def test_a_trailing_plus_adds_all_made_from_it() -> None:
    assert chosen("orders+") == {"orders", "staging.orders", "marts.sales", "daily"}


def test_a_star_matches_names() -> None:
    assert chosen("marts.*", "rates") == {"marts.sales", "rates"}


def test_an_unknown_name_is_an_error_with_a_near_miss() -> None:
    with pytest.raises(UnknownSelection, match="names nothing") as caught:
        chosen("marts.sale")
    assert caught.value.hint == "did you mean 'marts.sales'?"
