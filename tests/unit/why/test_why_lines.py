"""What a line says beside its amount, and the arithmetic of shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.metrics import Customer, Order, Rate, relations

from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.gap import Gap
from startrail.lineage.gap.blocks import MOST_CAUSES, MOST_IN_BLOCK
from startrail.lineage.gap.causes import align, causes
from startrail.lineage.gap.errors import NotComparable
from startrail.model.metric import Currency, Dedup, Filter, Join, Metric, RateColumns, TimeDimension
from startrail.ports.warehouse import Warehouse
from startrail.wiring.why import gap_between, side

SPAN = parse_period("2026-10")
OCTOBER, NOVEMBER = datetime(2026, 10, 14, 11, tzinfo=UTC), datetime(2026, 11, 14, 11, tzinfo=UTC)
REVENUE = Metric(
    "m.a",
    source="marts.orders",
    expr="amount",
    agg_time_dimension=TimeDimension("invoiced_at"),
    dimensions=("status", "currency"),
)


def changed(metric: Metric, **fields: Any) -> Metric:
    return msgspec.structs.replace(metric, **fields)


def order(id: int, amount: str, invoiced: datetime | None = OCTOBER, loaded: datetime = OCTOBER, **other: Any) -> Order:
    return Order(id, invoiced, loaded, amount=Decimal(amount), **other)


def gap(
    warehouse: Warehouse, a: Metric, b: Metric, orders: list[Order], rates: list[Rate] | None = None,
    customers: list[Customer] | None = None,
) -> Gap:  # fmt: skip
    pinned = Pinned(relations(orders, rates or [], customers or []))
    return gap_between(side(a, SPAN, pinned, warehouse), side(b, SPAN, pinned, warehouse), SPAN, warehouse, check=True)


def test_a_row_that_only_one_side_dates_is_permanent_and_the_others_are_timing(warehouse: Warehouse) -> None:
    other = changed(REVENUE, agg_time_dimension=TimeDimension("loaded_at"))
    orders = [order(1, "10.00", OCTOBER, NOVEMBER), order(2, "4.00", None, OCTOBER), order(3, "1.00")]
    (line,) = gap(warehouse, REVENUE, other, orders).lines
    assert (line.amount, line.timing, line.permanent) == (Decimal("-6.00"), Decimal("-10.00"), Decimal("4.00"))
    assert (line.gross_in, line.gross_out, line.rows) == (Decimal("4.00"), Decimal("-10.00"), 2)


def test_a_sign_that_depends_on_the_order_is_said(warehouse: Warehouse) -> None:
    one = changed(REVENUE, filters=(Filter("paid", "status = 'paid'"),))
    two = changed(REVENUE, expr="-amount")
    orders = [order(1, "10.00"), order(2, "30.00", status="new"), order(3, "-2.00", status="new")]
    found = gap(warehouse, one, two, orders)
    assert [line.cause for line in found.lines if line.sign_depends] == ["filter paid"]
    assert [part.causes for part in found.partition] == [("filter paid", "expr"), ("expr",)]


def test_segments_name_where_a_cause_lies(warehouse: Warehouse) -> None:
    two = changed(REVENUE, filters=(Filter("big", "amount < 100"),))
    orders = [order(1, "500.00", currency="USD"), order(2, "200.50", currency="EUR"), order(3, "1.00")]
    (line,) = gap(warehouse, REVENUE, two, orders).lines
    assert [(each.by, each.amount) for each in line.segments] == [
        ({"currency": "USD"}, Decimal("-500.00")),
        ({"currency": "EUR"}, Decimal("-200.50")),
    ]


@pytest.mark.parametrize("agg", ["avg", "min", "max", "median", "count_distinct", "count"])
def test_every_aggregate_is_exact(agg: str, warehouse: Warehouse) -> None:
    one = changed(REVENUE, agg=agg, filters=(Filter("paid", "status = 'paid'"),))
    two = changed(REVENUE, agg=agg, expr="amount + coalesce(refunded, 0)")
    orders = [order(n, f"{n * 7 % 11}.50", status=("paid", "new")[n % 2], refunded=Decimal(n % 3)) for n in range(1, 12)]
    found = gap(warehouse, one, two, orders)
    assert found.unexplained == 0
    assert found.verified == 2
    assert sum((line.amount for line in found.lines), Decimal(0)) == found.gap


def test_floating_point_is_a_line_of_its_own_or_nothing(warehouse: Warehouse) -> None:
    found = gap(warehouse, changed(REVENUE, expr="amount / 3"), changed(REVENUE, expr="amount / 7"), [order(1, "1.00")])
    assert found.unexplained == 0
    assert any("floating point" in note for note in found.notes)


def test_forty_filters_that_all_matter_are_told_as_far_as_they_can_be_and_the_rest_is_named(warehouse: Warehouse) -> None:
    many = changed(REVENUE, filters=tuple(Filter(f"f{n}", f"amount <> {n}.25") for n in range(40)))
    found = gap(warehouse, REVENUE, many, [order(n, f"{n % 40}.25") for n in range(75)])
    assert found.unexplained == 0
    assert len(found.lines) == MOST_IN_BLOCK
    (group,) = [line for line in found.lines if len(line.slots) > 1]
    (note,) = [note for note in found.notes if note.startswith(f"told as one, {group.cause}: ")]
    assert note.removeprefix(f"told as one, {group.cause}: ").split(", ") == list(group.slots)
    assert {f"filter f{n}" for n in range(35, 40)} <= set(group.slots)  # one row each, the others have two
    assert {line.amount for line in found.lines if line is not group} == {Decimal(f"-{2 * n}.50") for n in range(9)}


def test_of_forty_filters_those_without_effect_cost_nothing(warehouse: Warehouse) -> None:
    many = changed(REVENUE, filters=tuple(Filter(f"f{n}", f"amount <> {n}.25") for n in range(40)))
    found = gap(warehouse, REVENUE, many, [order(n, f"{n}.25") for n in (3, 30, 39, 99)])
    assert {line.cause: line.amount for line in found.lines} == {f"filter f{n}": Decimal(f"-{n}.25") for n in (3, 30, 39)}
    assert len(found.without_effect) == 37
    assert (found.unexplained, found.verified, found.notes) == (0, 3, ())


def test_many_differences_of_all_kinds_share_in_blocks(warehouse: Warehouse) -> None:
    one = changed(
        REVENUE, dedup=Dedup("order_id", "loaded_at desc"), filters=tuple(Filter(f"f{n}", f"amount <> {n}.25") for n in range(5))
    )
    two = changed(
        REVENUE,
        agg_time_dimension=TimeDimension("loaded_at", timezone="Europe/Madrid", bounds="[]"),
        expr="amount - coalesce(refunded, 0)",
        filters=(Filter("paid", "status = 'paid'"),),
        joins=(MANY,),
    )
    days = [datetime(2026, 9, 30, 22, 15, tzinfo=UTC), OCTOBER, datetime(2026, 10, 31, 12, 15, tzinfo=UTC)]
    orders = [
        order(n % 30, f"{n % 9}.25", days[n % 3], days[n * 7 % 3], customer_id=1 + n % 3, refunded=Decimal(n % 4),
              status=("paid", "new")[n * 3 % 2])
        for n in range(40)
    ]  # fmt: skip
    found = gap(warehouse, one, two, orders, customers=CUSTOMERS)
    assert {line.block for line in found.lines} == {"time", "filters", "source and joins", "measure"}
    assert len(found.lines) + len(found.without_effect) == found.verified == 12
    assert sum((line.amount for line in found.lines), Decimal(0)) == found.gap
    assert sum((part.amount for part in found.partition), Decimal(0)) == found.gap
    assert found.unexplained == 0
    assert any("Owen values" in note for note in found.notes)


def test_classes_that_need_more_bits_than_one_number_has(warehouse: Warehouse) -> None:
    fx = [
        Currency("currency", "EUR", "marts.fx", columns=RateColumns(date="day"), kind=k, on_missing="skip")
        for k in ("spot", "latest")
    ]
    one = changed(
        REVENUE,
        agg_time_dimension=TimeDimension("invoiced_at", timezone="Europe/Madrid", late_cutoff="P3D", arrival="loaded_at"),
        currency=fx[0],
        filters=(Filter("paid", "status = 'paid'"), Filter("test", "not is_test")),
    )
    two = changed(
        REVENUE,
        agg_time_dimension=TimeDimension("loaded_at", bounds="[]", late_cutoff="P9D", arrival="loaded_at"),
        currency=fx[1],
        expr="amount - coalesce(refunded, 0)",
        filters=(Filter("paid", "status in ('paid', 'new')"),),
    )
    days = [datetime(2026, 9, 29, 22, 15, tzinfo=UTC), OCTOBER, datetime(2026, 10, 31, 23, 15, tzinfo=UTC)]
    orders = [
        order(n, f"{n}.25", days[n % 3], days[n * 7 % 3], currency=("EUR", "USD")[n % 2], status=("paid", "new")[n * 3 % 2],
              is_test=n % 5 == 0, refunded=Decimal(n % 4))
        for n in range(40)
    ]  # fmt: skip
    rates = [Rate("USD", day.date(), Decimal(f"0.{number}")) for number, day in enumerate(days, 7)]
    found = gap(warehouse, one, two, orders, rates)
    assert found.unexplained == 0
    assert found.verified == MOST_CAUSES
    assert sum((part.amount for part in found.partition), Decimal(0)) == found.gap


@pytest.mark.parametrize(("period", "bounds"), [("2026-10", "[)"), ("2026-10", "()"), ("2026-10", "[]"), ("2026-10-25", "(]")])
def test_every_hour_near_the_edges_is_in_the_period_that_its_own_clock_says(
    period: str, bounds: Any, warehouse: Warehouse
) -> None:
    """The number itself reads the clock of every row, the classes only near the edges."""
    span = parse_period(period)
    edges = [span.start, span.end]
    hours = [edge.replace(tzinfo=UTC) + timedelta(hours=hour) for edge in edges for hour in range(-74, 75)]
    orders = [order(n, f"{n}.25", hour, hours[n * 7 % len(hours)]) for n, hour in enumerate(hours)]
    one = changed(REVENUE, agg_time_dimension=TimeDimension("invoiced_at", timezone="Pacific/Auckland"))
    two = changed(REVENUE, agg_time_dimension=TimeDimension("loaded_at", timezone="America/Los_Angeles", bounds=bounds))
    tables = Pinned(relations(orders, [], []))
    found = gap_between(side(one, span, tables, warehouse), side(two, span, tables, warehouse), span, warehouse, check=True)
    assert (found.unexplained, found.verified) == (0, 2 + (bounds != "[)"))


def test_ties_that_both_sides_break_by_other_columns_are_noticed(warehouse: Warehouse) -> None:
    newest = Dedup("order_id", "invoiced_at desc")
    one, two = changed(REVENUE, dedup=newest), changed(REVENUE, expr="coalesce(refunded, 0)", dedup=newest)
    orders = [order(1, "5.00", refunded=Decimal("9.00")), order(1, "7.00", refunded=Decimal("1.00"))]
    assert gap(warehouse, one, two, orders).unexplained == 0


def test_aggregates_and_joins_that_cannot_be_swapped_are_refused() -> None:
    with pytest.raises(NotComparable, match="one is sum, the other count"):
        align(REVENUE, changed(REVENUE, agg="count"))
    joins = [(Join("marts.customers", f"orders.customer_id = customers.{column}"),) for column in ("id", "since")]
    with pytest.raises(NotComparable, match="in different ways"):
        align(changed(REVENUE, joins=joins[0]), changed(REVENUE, joins=joins[1]))


def test_texts_that_mean_the_same_are_no_causes() -> None:
    one = changed(REVENUE, filters=(Filter("both", "status = 'paid' and not is_test"),))
    two = changed(REVENUE, expr="AMOUNT", filters=(Filter("test", "NOT is_test"), Filter("paid", "orders.status='paid'")))
    assert causes(align(one, two)) == ()


TIMES = st.sampled_from(
    [datetime(2026, 9, 30, 22, 30, tzinfo=UTC), OCTOBER, datetime(2026, 10, 31, 23, 30, tzinfo=UTC), NOVEMBER]
)
ORDERS = st.lists(
    st.builds(
        order,
        st.integers(1, 4),
        st.integers(-500, 5000).map(lambda cents: str(Decimal(cents) / 100)),
        st.one_of(st.none(), TIMES),
        TIMES,
        status=st.sampled_from(["paid", "refunded", "new", None]),
        is_test=st.sampled_from([True, False, None]),
        refunded=st.sampled_from([None, Decimal("1.50")]),
        currency=st.sampled_from(["EUR", "USD", "GBP", None]),
        customer_id=st.sampled_from([1, 2, 3]),
    ),
    max_size=12,
)
MANY = Join("marts.customers", "orders.customer_id = customers.id", on_fanout="allow", cardinality="one_to_many")
CUSTOMERS = [Customer(1, "ES"), Customer(1, "PT"), Customer(2, "FR")]
RATES = [Rate("USD", OCTOBER.date(), Decimal("0.9")), Rate("USD", datetime(2026, 10, 31).date(), Decimal("0.8"))]
DEFINITIONS = st.fixed_dictionaries(
    {
        "expr": st.sampled_from(["amount", "amount - coalesce(refunded, 0)", "amount - refunded"]),
        "agg_time_dimension": st.builds(
            TimeDimension,
            st.sampled_from(["invoiced_at", "loaded_at"]),
            timezone=st.sampled_from(["UTC", "Europe/Madrid"]),
            bounds=st.sampled_from(["[)", "[]"]),
        ),
        "filters": st.sampled_from(
            [
                (),
                (Filter("paid", "status = 'paid'"),),
                (Filter("paid", "status in ('paid', 'new')"), Filter("test", "not is_test")),
            ]
        ),
        "dedup": st.sampled_from([None, Dedup("order_id", "loaded_at desc"), Dedup("order_id", "amount")]),
        "joins": st.sampled_from([(), (MANY,), (msgspec.structs.replace(MANY, type="inner"),)]),
        "currency": st.sampled_from([None, *(
            Currency("currency", "EUR", "marts.fx", columns=RateColumns(date="day"), kind=kind, on_missing="skip")
            for kind in ("spot", "month_end")
        )]),
    }
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ORDERS, DEFINITIONS, DEFINITIONS)
def test_whatever_differs_nothing_is_left_unexplained(
    warehouse: Warehouse, orders: list[Order], one: dict[str, Any], two: dict[str, Any]
) -> None:
    found = gap(warehouse, changed(REVENUE, **one), changed(REVENUE, **two), orders, RATES, CUSTOMERS)
    assert found.unexplained == 0
    assert sum((part.amount for part in found.partition), Decimal(0)) == found.gap
