"""Values held against plain Python: decimals, zones, days on which clocks change, duplicates, refunds, missing rates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.fixtures.metrics import Order, Rate, by_hand, relations

from startrail.capabilities.metrics.period import Period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.metrics.value import Answer, evaluate
from startrail.model.metric import Aggregation, Currency, Dedup, Filter, Metric, RateColumns, TimeDimension
from startrail.ports.warehouse import Warehouse

ZONES = ("UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Australia/Lord_Howe")
FILTERS = (Filter("paid", "status in ('paid', 'refunded')"), Filter("no_test", "not is_test"))
QUICK = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EDGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Madrid's clocks go forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # and back
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York's go back
    datetime(2026, 10, 31, 23, tzinfo=UTC),  # midnight in Madrid, in winter time
    datetime(2026, 10, 31, tzinfo=UTC),
]
cents = st.integers(-10_000_000, 10_000_000).map(lambda number: Decimal(number).scaleb(-2))
moments = st.builds(
    lambda edge, offset: edge + timedelta(microseconds=offset),
    st.sampled_from(EDGES),
    st.sampled_from([0, -1, 1]) | st.integers(-3 * 86_400_000_000, 3 * 86_400_000_000),
)


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    found = []
    for place in range(draw(st.integers(0, 25))):
        invoiced = draw(st.none() | moments)
        arrived = (invoiced or EDGES[0]) + timedelta(hours=draw(st.integers(0, 150)), microseconds=place)
        found.append(
            Order(
                order_id=draw(st.none() | st.integers(1, 5)),
                invoiced_at=invoiced,
                loaded_at=arrived,
                status=draw(st.sampled_from(["paid", "refunded", "open", None])),
                is_test=draw(st.sampled_from([False, False, False, True, None])),
                amount=draw(st.none() | cents),
                refunded=draw(st.none() | cents),
                currency=draw(st.sampled_from(["EUR", "GBP", "USD", None])),
            )
        )
    return found


rates = st.dictionaries(
    st.tuples(
        st.sampled_from(["GBP", "USD"]), st.sampled_from([edge.date() + timedelta(days=d) for edge in EDGES for d in (-1, 0, 2)])
    ),
    st.none() | st.integers(1, 300_000_000).map(lambda number: Decimal(number).scaleb(-8)),
).map(lambda found: [Rate(currency, day, rate) for (currency, day), rate in found.items()])
bounds = st.sampled_from(["[)", "[]", "(]", "()"])
periods = st.builds(
    lambda first, days: Period("A..B", first, first + timedelta(days=days)),
    st.sampled_from([edge.date() + timedelta(days=d) for edge in EDGES for d in (-1, 0, 1)]),
    st.integers(0, 40),
)


def metric(
    zone: str,
    bound: Literal["[)", "[]", "(]", "()"],
    *,
    agg: Aggregation = "sum",
    dedup: bool = False,
    cutoff: int | None = None,
    currency: Currency | None = None,
) -> Metric:
    return Metric(
        "finance.net_revenue",
        source="marts.orders",
        grain="order_id",
        agg=agg,
        expr="amount - coalesce(refunded, 0)",
        agg_time_dimension=TimeDimension(
            "invoiced_at",
            timezone=zone,
            bounds=bound,
            late_cutoff=None if cutoff is None else f"P{cutoff}D",
            arrival=None if cutoff is None else "loaded_at",
        ),
        filters=FILTERS,
        dedup=Dedup("order_id", "loaded_at desc") if dedup else None,
        currency=currency,
        dimensions=("status",),
    )


def asked(declared: Metric, rows: list[Order], known: list[Rate], period: Period, warehouse: Warehouse, *by: str) -> Answer:
    return evaluate(declared, period, by, Pinned(relations(rows, known)), warehouse)


@QUICK
@given(orders(), st.sampled_from(ZONES), bounds, periods, st.booleans(), st.none() | st.integers(0, 6))
@example(
    [Order(1, EDGES[3], EDGES[3])], "Europe/Madrid", "[)", Period("2026-10", date(2026, 10, 1), date(2026, 10, 31)), False, 3
)
def test_a_sum_is_what_python_adds_up_in_every_zone(
    warehouse: Warehouse,
    rows: list[Order],
    zone: str,
    bound: Literal["[)", "[]", "(]", "()"],
    period: Period,
    dedup: bool,
    cutoff: int | None,
) -> None:
    declared = metric(zone, bound, dedup=dedup, cutoff=cutoff)
    expected = by_hand(declared, rows, [], period.first, period.last)[None]
    answer = asked(declared, rows, [], period, warehouse)
    (value,) = answer.values
    assert (value.value, value.rows, value.nulls) == (expected.total, expected.rows, expected.nulls)
    assert answer.exact


@QUICK
@given(orders(), st.sampled_from(ZONES), bounds, periods)
def test_the_days_of_a_period_are_the_days_of_its_zone_and_add_up(
    warehouse: Warehouse, rows: list[Order], zone: str, bound: Literal["[)", "[]", "(]", "()"], period: Period
) -> None:
    declared = metric(zone, bound)
    expected = by_hand(declared, rows, [], period.first, period.last, by_day=True)
    answer = asked(declared, rows, [], period, warehouse, "day")
    assert {value.by[0]: value.value for value in answer.values} == {day: each.total for day, each in expected.items()}
    whole = asked(declared, rows, [], period, warehouse).values[0].value
    assert sum((Decimal(str(value.value)) for value in answer.values), Decimal(0)) == whole


@QUICK
@given(
    orders(),
    rates,
    st.sampled_from(ZONES),
    periods,
    st.sampled_from(["spot", "latest", "month_end"]),
    st.none() | st.integers(0, 3),
)
def test_conversion_takes_the_rate_of_the_day_and_counts_rows_without_one(
    warehouse: Warehouse,
    rows: list[Order],
    known: list[Rate],
    zone: str,
    period: Period,
    kind: Literal["spot", "latest", "month_end"],
    places: int | None,
) -> None:
    currency = Currency("currency", "EUR", "marts.fx", kind, RateColumns(date="day"), on_missing="skip", round=places)
    declared = metric(zone, "[)", currency=currency)
    expected = by_hand(declared, rows, known, period.first, period.last)[None]
    (value,) = asked(declared, rows, known, period, warehouse).values
    assert (value.value, value.rows, value.skipped, value.nulls) == (
        expected.total, expected.rows, expected.missing, expected.nulls,
    )  # fmt: skip


@QUICK
@given(orders(), st.sampled_from(ZONES), periods, st.sampled_from(["avg", "median", "min", "max", "count"]))
def test_averages_and_medians_are_exact_quotients(
    warehouse: Warehouse, rows: list[Order], zone: str, period: Period, agg: Aggregation
) -> None:
    declared = metric(zone, "[)", agg=agg)
    expected = by_hand(declared, rows, [], period.first, period.last)[None]
    (value,) = asked(declared, rows, [], period, warehouse).values
    wanted = {
        "avg": expected.mean(),
        "median": expected.median(),
        "min": min(expected.values, default=None),
        "max": max(expected.values, default=None),
        "count": len(expected.values),
    }[agg]
    if agg in ("avg", "median") and expected.values:
        assert value.numerator is not None
        assert Fraction(value.numerator) / Fraction(value.denominator or 1) == wanted
        assert isinstance(value.value, Decimal)
        assert abs(Fraction(value.value) - Fraction(wanted or 0)) <= Fraction(1, 2 * 10**12)
        assert value.rounded == (Fraction(value.value) != wanted)
    else:
        assert value.value == wanted
