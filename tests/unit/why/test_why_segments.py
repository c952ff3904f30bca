"""Where the parts of a gap lie: segments and classes of rows, exact for whatever is made of sums, labelled for what is not."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.metrics import Order, relations
from tests.unit.why.test_why_lines import REVENUE, SPAN, changed, order

from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.explain import Game, play
from startrail.capabilities.why.gap import Gap, Segment
from startrail.capabilities.why.numbers import Piece
from startrail.capabilities.why.segments import segments_of
from startrail.cli.why_text import lines
from startrail.lineage.gap import select
from startrail.lineage.metric.time import Window
from startrail.model.metric import Filter, Metric, Part
from startrail.ports.warehouse import Warehouse
from startrail.wiring.why import gap_between, side

PAID = Filter("paid", "status = 'paid'")
REAL = Filter("real", "not is_test")
SPLIT = changed(REVENUE, dimensions=("status", "currency", "country"))
ROWS = st.lists(
    st.builds(
        order,
        st.integers(1, 4),
        st.integers(-500, 5000).map(lambda cents: str(Decimal(cents) / 100)),
        status=st.sampled_from(["paid", "new", None]),
        is_test=st.booleans(),
        refunded=st.sampled_from([None, Decimal("1.50")]),
        currency=st.sampled_from(["EUR", "USD", None]),
        customer_id=st.integers(1, 3),
    ),
    min_size=1,
    max_size=14,
)
quick = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def pair(**fields: Any) -> tuple[Metric, Metric]:
    """Two definitions that differ in both filters and, for what has one, the value."""
    one = changed(REVENUE, dimensions=("status", "currency"), filters=(PAID,), **fields)
    return one, changed(one, filters=(REAL,))


RATIO = pair(agg="ratio", expr=None, numerator=Part(expr="amount"), denominator=Part(agg="count"))
RATIO = RATIO[0], changed(RATIO[1], denominator=Part(agg="count", filters=(Filter("paid_back", "refunded is null"),)))
AVERAGE = pair(agg="avg")
AVERAGE = AVERAGE[0], changed(AVERAGE[1], expr="amount - refunded")
DISTINCT = pair(agg="count_distinct", expr="customer_id")
MEDIAN = pair(agg="median")
ALWAYS = [
    order(98, "7.00"),
    order(99, "3.00", refunded=Decimal("0.50")),
]  # in every mixture: there is something to divide by


def game_of(warehouse: Warehouse, metrics: tuple[Metric, Metric], orders: list[Order]) -> Game:
    tables = Pinned(relations(orders, [], []))
    a, b = (side(each, SPAN, tables, warehouse) for each in metrics)
    return play(a, b, Window(SPAN.start, SPAN.end), warehouse)


def gap_of(warehouse: Warehouse, metrics: tuple[Metric, Metric], orders: list[Order]) -> Gap:
    tables = Pinned(relations(orders, [], []))
    a, b = (side(each, SPAN, tables, warehouse) for each in metrics)
    return gap_between(a, b, SPAN, warehouse, check=True)


@pytest.mark.parametrize("metrics", [RATIO, AVERAGE, DISTINCT], ids=["ratio", "avg", "count_distinct"])
@quick
@given(orders=ROWS)
def test_segments_of_every_dimension_and_all_classes_sum_exactly(
    metrics: tuple[Metric, Metric], orders: list[Order], warehouse: Warehouse
) -> None:
    game = game_of(warehouse, metrics, [*orders, *ALWAYS])
    shares = game.frame.coalitions.shares(game.values)
    for cause, share in enumerate(shares):
        by: dict[tuple[str, ...], list[Piece]] = defaultdict(list)
        for key, piece in game.numbers.pieces(cause).items():
            by[tuple(name for name, _ in key)].append(piece)
        assert set(by) == {(), ("status",), ("currency",), ("status", "currency")}
        for pieces in by.values():
            assert sum(piece.amount for piece in pieces) == share
            assert sum(piece.moved for piece in pieces) == game.numbers.moved[cause]
    parts = game.numbers.parts()
    assert sum((part.amount for part in parts.values()), Fraction(0)) == game.values[game.frame.coalitions.full] - game.values[0]


@quick
@given(orders=ROWS)
def test_the_rows_of_a_ratio_contribute_as_its_definition_says(orders: list[Order], warehouse: Warehouse) -> None:
    """Each order of swapping, row by row: (dn - R dd) / D with R and D in the middle of the step."""
    rows = [*orders, *ALWAYS]
    game = game_of(warehouse, RATIO, rows)
    places = {cause.name: place for place, cause in enumerate(game.causes)}
    found: dict[tuple[int, str | None], Fraction] = defaultdict(Fraction)
    steps = list(permutations(range(len(places))))
    for steps_of in steps:
        mixture = 0
        for cause in steps_of:
            ends = [[_row(row, each, places) for row in rows] for each in (mixture, mixture | 1 << cause)]
            (n0, d0), (n1, d1) = ([Fraction(sum(each)) for each in zip(*end, strict=True)] for end in ends)
            ratio, under = (n0 / d0 + n1 / d1) / 2, (d0 + d1) / 2
            for row, before, after in zip(rows, *ends, strict=True):
                found[cause, row.status] += ((after[0] - before[0]) - ratio * (after[1] - before[1])) / under / len(steps)
            mixture |= 1 << cause
    for (cause, status), amount in found.items():
        assert game.numbers.pieces(cause)[("status", status),].amount == amount


def _row(row: Order, mixture: int, places: dict[str, int]) -> tuple[Fraction, Fraction]:
    """What a row adds to numerator and denominator."""

    def on(cause: str) -> bool:
        return bool(mixture >> places[cause] & 1)

    inside = (on("filter paid") or row.status == "paid") and (not on("filter real") or not row.is_test)
    counted = not on("denominator") or row.refunded is None
    return (Fraction(row.amount or 0), Fraction(counted)) if inside else (Fraction(0), Fraction(0))


def test_segments_of_a_ratio_are_told_and_sum_to_the_line(warehouse: Warehouse) -> None:
    orders = [order(n, "10.00", currency="EUR") for n in range(8)] + [order(9, "94.00", currency="USD", status="new")]
    one = changed(REVENUE, agg="avg", filters=(PAID,), dimensions=("currency",))
    (line,) = gap_of(warehouse, (one, changed(one, filters=())), orders).lines
    assert line.amount == Decimal("9.333333333333")
    assert line.additive
    assert [(each.by, each.amount, each.rows) for each in line.segments] == [({"currency": "USD"}, line.amount, 1)]


def test_an_entity_of_two_segments_stands_apart_so_that_segments_sum(warehouse: Warehouse) -> None:
    orders = [
        order(1, "1.00", customer_id=1, currency="EUR", status="new"),
        order(2, "1.00", customer_id=1, currency="USD", status="new"),
    ]
    orders += [order(3, "1.00", customer_id=2, currency="USD", status="new"), order(4, "1.00", customer_id=3)]
    orders += [order(5 + n, "1.00", customer_id=4, currency=(None, "EUR")[n], status="new") for n in range(2)]
    one = changed(REVENUE, agg="count_distinct", expr="customer_id", filters=(PAID,), dimensions=("currency",))
    found = gap_of(warehouse, (one, changed(one, filters=())), orders)
    (line,) = found.lines
    assert {each.by["currency"]: each.amount for each in line.segments} == {select.SEVERAL: 2, "USD": 1}
    assert [(part.causes, part.amount, part.rows) for part in found.partition] == [(("filter paid",), Decimal(3), 3)]


@pytest.mark.parametrize("agg", ["median", "min", "max"])
@quick
@given(orders=ROWS)
def test_a_segment_of_a_median_is_its_swap_in_these_rows_alone(agg: Any, orders: list[Order], warehouse: Warehouse) -> None:
    rows = [*orders, *ALWAYS]
    one, two = pair(agg=agg)
    game = game_of(warehouse, (one, two), rows)
    number = {"median": median, "min": min, "max": max}[agg]
    inside = {0: lambda row: row.status == "paid", 1: lambda row: row.status == "paid" and not row.is_test, 2: lambda _: True}
    for place, cause in enumerate(game.causes):
        swapped = 1 if cause.name == "filter real" else 2
        for key, piece in game.numbers.pieces(place).items():
            there = [all(getattr(row, name) == value for name, value in key) for row in rows]
            before = [Fraction(row.amount or 0) for row in rows if inside[0](row)]
            after = [
                Fraction(row.amount or 0) for row, own in zip(rows, there, strict=True) if inside[swapped if own else 0](row)
            ]
            assert piece.amount == number(after) - number(before)


def test_segments_of_a_median_are_labelled(warehouse: Warehouse) -> None:
    orders = [order(n, f"{n}.00", currency="EUR") for n in range(1, 8)]
    orders += [order(9 + n, f"{50 + n}.00", currency="USD", status="new") for n in range(3)]
    one = changed(REVENUE, agg="median", filters=(PAID,), dimensions=("currency",))
    found = gap_of(warehouse, (one, changed(one, filters=())), orders)
    (line,) = found.lines
    assert not line.additive
    assert line.segments == (Segment({"currency": "USD"}, Decimal("1.50"), 3),)
    assert found.partition == ()
    assert "     each swapped alone, which does not sum: currency=USD +1.50" in list(lines(found))


def test_a_dimension_of_very_many_values_is_left_out(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "MOST_GROUPS", 10)
    orders = [order(n, "1.00", customer_id=n, currency=("EUR", "USD")[n % 2], status="new") for n in range(40)]
    one = changed(REVENUE, filters=(PAID,), dimensions=("customer_id", "currency"))
    found = gap_of(warehouse, (one, changed(one, filters=())), orders)
    (line,) = found.lines
    assert {tuple(each.by) for each in line.segments} == {("currency",)}
    assert sum((each.amount for each in line.segments), Decimal(0)) == line.amount == Decimal("40.00")


def test_at_most_five_segments_and_everything_else_sum_to_the_line() -> None:
    pieces = {(("country", str(n)),): Piece(Fraction(n, 3), n, n) for n in range(1, 10)}
    whole = Piece(sum((piece.amount for piece in pieces.values()), Fraction(0)), 45, 45)
    found = segments_of({(): whole, **pieces}, Decimal("15.00"), additive=True)
    assert [each.by for each in found] == [*({"country": str(n)} for n in (9, 8, 7, 6, 5)), {}]
    assert sum(each.amount for each in found) == Decimal("15.00")
    assert found[-1].rows == 10
