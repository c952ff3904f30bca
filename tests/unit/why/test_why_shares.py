"""Fair shares: Shapley values, and Owen values where causes are in blocks, held against their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.capabilities.why.shapley import Coalitions, rounded
from startrail.capabilities.why.steps import middle, quotient
from startrail.lineage.gap.blocks import MOST_MIXTURES, blocked, mixtures
from startrail.model.why import Cause

Blocks = list[list[int]]


@st.composite
def structures(draw: st.DrawFn, most: int = 7) -> Blocks:
    """Players 0 to n-1 in blocks."""
    count = draw(st.integers(1, most))
    owners = draw(st.lists(st.integers(0, count - 1), min_size=count, max_size=count))
    players = draw(st.permutations(range(count)))
    blocks: dict[int, list[int]] = {}
    for player, owner in zip(players, owners, strict=True):
        blocks.setdefault(owner, []).append(player)
    return list(blocks.values())


@st.composite
def games(draw: st.DrawFn, most: int = 7) -> tuple[Blocks, dict[int, Fraction]]:
    blocks = draw(structures(most))
    count = sum(map(len, blocks))
    seed = draw(st.randoms(use_true_random=False))
    return blocks, {mixture: Fraction(seed.randint(-999, 999), seed.randint(1, 7)) for mixture in range(1 << count)}


def of_one(count: int) -> Coalitions:
    return Coalitions([tuple(range(count))])


def by_orders(blocks: Blocks, values: dict[int, Fraction]) -> list[Fraction]:
    """The mean of what a player adds over all orders in which blocks stay together."""
    found, orders = [Fraction(0)] * sum(map(len, blocks)), 0
    for order in _orders(blocks):
        orders, mixture = orders + 1, 0
        for player in order:
            found[player] += values[mixture | 1 << player] - values[mixture]
            mixture |= 1 << player
    return [each / orders for each in found]


def _orders(blocks: Blocks) -> list[list[int]]:
    found: list[list[int]] = []
    for outer in permutations(blocks):
        inner: list[list[int]] = [[]]
        for block in outer:
            inner = [[*front, *back] for front in inner for back in permutations(block)]
        found += inner
    return found


def test_shares_of_three_partners_are_those_of_the_textbook() -> None:
    worth = dict(enumerate(map(Fraction, [0, 0, 0, 0, 0, 1, 0, 1])))  # a left glove (bit 2), and of two right ones bit 0 fits
    assert of_one(3).shares(worth) == [Fraction(1, 2), 0, Fraction(1, 2)]
    assert of_one(2).bands({0: Fraction(0), 1: Fraction(1), 2: Fraction(2), 3: Fraction(2)}) == [(1, 0), (2, 1)]


def test_two_partners_in_a_union_share_as_its_theory_says() -> None:
    majority = {mixture: Fraction(mixture.bit_count() >= 2) for mixture in range(8)}
    assert Coalitions([(0, 1), (2,)]).shares(majority) == [Fraction(1, 2), Fraction(1, 2), 0]


@settings(deadline=None, max_examples=30)
@given(games(7))
def test_shares_are_the_means_over_all_orders_that_keep_blocks_together(game: tuple[Blocks, dict[int, Fraction]]) -> None:
    blocks, values = game
    assert Coalitions(blocks).shares(values) == by_orders(blocks, values)


@settings(deadline=None, max_examples=60)
@given(games(), st.integers(0, 2))
def test_shares_sum_to_the_gap_before_and_after_rounding(game: tuple[Blocks, dict[int, Fraction]], places: int) -> None:
    blocks, values = game
    coalitions = Coalitions(blocks)
    values = {mixture: Fraction(round(value * 10**places), 10**places) for mixture, value in values.items()}
    exact = coalitions.shares({mixture: values[mixture] for mixture in coalitions.mixtures})  # no other mixture is needed
    assert sum(exact) == values[coalitions.full] - values[0]
    whole = rounded(exact, places)
    assert sum(whole, Decimal(0)) == sum(exact)
    assert all(abs(Fraction(one) - share) < Fraction(1, 10**places) for one, share in zip(whole, exact, strict=True))


@settings(deadline=None, max_examples=40)
@given(structures(), st.lists(st.integers(-99, 99), min_size=7, max_size=7))
def test_causes_that_do_not_touch_have_what_they_move_in_any_blocks(blocks: Blocks, worth: list[int]) -> None:
    count = sum(map(len, blocks))
    values = {m: Fraction(sum(worth[player] for player in range(count) if m >> player & 1)) for m in range(1 << count)}
    assert Coalitions(blocks).shares(values) == worth[:count] == of_one(count).shares(values)


@settings(deadline=None, max_examples=40)
@given(games(), st.data())
def test_equal_causes_of_one_block_have_equal_shares(game: tuple[Blocks, dict[int, Fraction]], data: st.DataObject) -> None:
    blocks, values = game
    block = data.draw(st.sampled_from(blocks))
    one, two = data.draw(st.sampled_from(block)), data.draw(st.sampled_from(block))
    alike = {mixture: values[mixture] + values[_swapped(mixture, one, two)] for mixture in values}
    shares = Coalitions(blocks).shares(alike)
    assert shares[one] == shares[two]


@settings(deadline=None, max_examples=40)
@given(games())
def test_a_block_has_what_it_would_have_as_one_cause(game: tuple[Blocks, dict[int, Fraction]]) -> None:
    blocks, values = game
    masks = [sum(1 << player for player in block) for block in blocks]
    merged = {
        mixture: values[sum(mask for place, mask in enumerate(masks) if mixture >> place & 1)]
        for mixture in range(1 << len(masks))
    }
    shares = Coalitions(blocks).shares(values)
    assert [sum(shares[player] for player in block) for block in blocks] == of_one(len(blocks)).shares(merged)


@settings(deadline=None, max_examples=40)
@given(games(4), st.data())
def test_the_steps_of_a_quotient_sum_to_its_shares(game: tuple[Blocks, dict[int, Fraction]], data: st.DataObject) -> None:
    blocks, values = game
    coalitions = Coalitions(blocks)
    over = {mixture: int(value * 420) for mixture, value in values.items()}
    under = {mixture: data.draw(st.integers(1, 50)) for mixture in values}
    steps = quotient(coalitions, over, under)
    assert steps is not None
    shares = coalitions.shares({mixture: Fraction(over[mixture], under[mixture]) for mixture in values})
    for cause, share in enumerate(shares):
        moved = [
            weight * (sums[mixture | 1 << cause] - sums[mixture])
            for each, sums in zip(steps, (over, under), strict=True)
            for mixture, weight in each.of[cause]
        ]
        assert Fraction(sum(moved), steps[0].over[cause]) == share


def test_a_step_between_denominators_that_cancel_has_no_middle() -> None:
    assert middle((1, 5), (1, -5)) is None
    assert quotient(of_one(1), {0: 1, 1: 1}, {0: 5, 1: -5}) is None


def names(causes: Sequence[Cause]) -> list[str]:
    return [cause.name for cause in causes]


def cause(name: str) -> Cause:
    return Cause(name, (name,), "one", "two")


def test_few_differences_are_told_apart_at_once() -> None:
    few = [cause(f"filter f{n}") for n in range(8)]
    found = blocked(few, {})
    assert (found.causes, found.blocks, found.grouped) == (tuple(few), (tuple(range(8)),), {})


def test_many_differences_stand_in_blocks_and_those_that_change_least_are_told_as_one() -> None:
    many = [cause(name) for name in ("data", "time_column", "bounds", "expr", "dedup", "join x")]
    many += [cause(f"filter f{n}") for n in range(40)]
    found = blocked(many, {f"filter f{n}": n for n in range(40)})
    assert mixtures([len(block) for block in found.blocks]) == len(Coalitions(found.blocks).mixtures) <= MOST_MIXTURES
    (group,) = found.grouped
    assert sorted([*names(found.causes), *found.grouped[group]]) == sorted([*names(many), group])
    assert "filter f39" in names(found.causes)
    assert "filter f0" in found.grouped[group]
    assert {slot for each in found.causes for slot in each.slots} == {slot for each in many for slot in each.slots}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 4), st.integers(0, 60), st.integers(0, 20), st.integers(0, 4))
def test_mixtures_are_bounded_whatever_differs(time: int, filters: int, joins: int, value: int) -> None:
    many = [cause(name) for name in ("time_column", "timezone", "bounds", "late_cutoff")[:time]]
    many += [cause(name) for name in ("expr", "dedup", "currency", "numerator")[:value]]
    many += [cause(f"filter {n}") for n in range(filters)] + [cause(f"join {n}") for n in range(joins)]
    found = blocked(many, {})
    assert len(Coalitions(found.blocks).mixtures) <= MOST_MIXTURES
    assert sorted(slot for each in found.causes for slot in each.slots) == sorted(names(many))


def _swapped(mixture: int, one: int, two: int) -> int:
    if (mixture >> one & 1) == (mixture >> two & 1):
        return mixture
    return mixture ^ (1 << one | 1 << two)
