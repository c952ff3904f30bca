"""What a value refuses, what it says beside the number, and what it depends on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.fixtures.metrics import Customer, Order, Rate, relations
from tests.fixtures.warehouse import schema

from startrail.base.errors import StartrailError
from startrail.capabilities.metrics.definition import definition
from startrail.capabilities.metrics.errors import (
    AmbiguousRate,
    BadPeriod,
    FanOut,
    MissingRate,
    NotNumbers,
    UnknownDimension,
)
from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.metrics.value import Answer, compiled, evaluate
from startrail.lineage.metric.errors import MetricColumn, MetricShape, MetricSql
from startrail.model.metric import Currency, Dedup, Filter, Join, Metric, Part, RateColumns, TimeDimension
from startrail.ports.warehouse import Query, Rowset, Warehouse

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
TIME = TimeDimension("invoiced_at", timezone="Europe/Madrid")
REVENUE = Metric("m.revenue", source="marts.orders", expr="amount", agg_time_dimension=TIME, dimensions=("status", "currency"))
CUSTOMER = Join("marts.customers", "orders.customer_id = customers.id")
FX = Currency("currency", "EUR", "marts.fx", columns=RateColumns(date="day"))


def order(id: int | None, amount: str | None, **other: Any) -> Order:
    return Order(id, other.pop("at", NOON), NOON, amount=None if amount is None else Decimal(amount), **other)


def answer(
    warehouse: Warehouse,
    metric: Metric,
    orders: list[Order],
    rates: list[Rate] | None = None,
    customers: list[Customer] | None = None,
    *,
    period: str | None = "2026-10",
    by: tuple[str, ...] = (),
) -> Answer:
    pinned = Pinned(relations(orders, rates or [], customers or []))
    return evaluate(metric, parse_period(period) if period else None, by, pinned, warehouse)


def changed(metric: Metric, **fields: Any) -> Metric:
    return msgspec.structs.replace(metric, **fields)


def test_no_rows_sum_to_zero_and_have_no_average(warehouse: Warehouse) -> None:
    (value,) = answer(warehouse, REVENUE, []).values
    assert (value.value, value.rows) == (0, 0)
    (value,) = answer(warehouse, changed(REVENUE, agg="avg"), []).values
    assert value.value is None
    assert answer(warehouse, REVENUE, [], by=("status",)).values == ()


@pytest.mark.parametrize(
    ("bounds", "counted"), [("[)", "abcd"), ("(]", "bc"), ("[]", "abc"), ("()", "bcd")], ids=["[)", "(]", "[]", "()"]
)
def test_bounds_say_whether_the_first_instants_of_the_first_and_last_day_count(
    warehouse: Warehouse, bounds: Any, counted: str
) -> None:
    instants = {
        "before": datetime(2026, 9, 30, 21, 59, 59, 999999, UTC), "a": datetime(2026, 9, 30, 22, tzinfo=UTC),
        "b": datetime(2026, 9, 30, 22, 0, 0, 1, UTC), "c": datetime(2026, 10, 30, 23, tzinfo=UTC),
        "d": datetime(2026, 10, 31, 22, 59, 59, 999999, UTC), "after": datetime(2026, 10, 31, 23, tzinfo=UTC),
    }  # fmt: skip
    declared = changed(REVENUE, agg_time_dimension=msgspec.structs.replace(TIME, bounds=bounds))
    rows = [order(1, "1.00", at=instant, status=name) for name, instant in instants.items()]
    found = answer(warehouse, declared, rows, by=("status",))
    assert "".join(str(value.by[0]) for value in found.values) == counted


def test_rows_without_a_value_are_counted(warehouse: Warehouse) -> None:
    (value,) = answer(warehouse, REVENUE, [order(1, "1.00"), order(2, None)]).values
    assert (value.value, value.rows, value.nulls) == (Decimal("1.00"), 2, 1)


def test_a_sum_beyond_any_column_is_still_exact(warehouse: Warehouse) -> None:
    counted = changed(REVENUE, expr="order_id")
    (value,) = answer(warehouse, counted, [order(2**63 - 1, "1.00") for _ in range(5)]).values
    assert value.value == 5 * (2**63 - 1)


def test_floating_point_is_computed_and_said(warehouse: Warehouse) -> None:
    found = answer(warehouse, changed(REVENUE, expr="amount / 3"), [order(1, "1.00")])
    assert not found.exact
    assert found.notes == ("a column or an operation is floating point, so the value is approximate",)
    assert answer(warehouse, REVENUE, [order(1, "1.00")]).exact


def test_rows_that_repeat_the_grain_are_noted_and_dedup_takes_the_newest(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, grain="order_id")
    twice = [order(1, "10.00"), order(1, "10.00"), order(2, "5.00")]
    found = answer(warehouse, declared, twice)
    assert found.values[0].value == Decimal("25.00")
    assert found.notes == ("1 rows of marts.orders repeat its grain; they count again unless dedup is declared",)
    deduped = answer(warehouse, changed(declared, dedup=Dedup("order_id", "loaded_at desc")), twice)
    assert (deduped.values[0].value, deduped.notes) == (Decimal("15.00"), ())


def test_rows_that_tie_give_the_same_value_in_whichever_order_they_come(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, dedup=Dedup("order_id", "loaded_at desc"))
    rows = [order(1, "10.00"), order(1, "7.00"), order(1, None)]
    values = {answer(warehouse, declared, list(each)).values[0].value for each in (rows, rows[::-1], [rows[1], rows[0], rows[2]])}
    assert values == {Decimal("7.00")}


def test_rows_without_a_key_are_no_duplicates_of_each_other(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, dedup=Dedup("order_id", "loaded_at desc"))
    assert answer(warehouse, declared, [order(None, "1.00"), order(None, "1.00")]).values[0].value == Decimal("2.00")


# -- joins ---------------------------------------------------------------------------------------------

TWO = [Customer(1, "ES"), Customer(1, "PT"), Customer(2, "FR")]


def test_a_forbidden_fan_out_is_refused_with_the_number_of_rows(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, joins=(CUSTOMER,))
    with pytest.raises(FanOut, match=r"the join of m.revenue with marts.customers adds 1 row"):
        answer(warehouse, declared, [order(1, "10.00"), order(2, "1.00", customer_id=2)], customers=TWO)
    assert answer(warehouse, declared, [order(2, "1.00", customer_id=2)], customers=TWO).values[0].value == Decimal("1.00")


def test_a_fan_out_outside_the_period_does_no_harm(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, joins=(CUSTOMER,))
    old = order(1, "10.00", at=datetime(2026, 9, 1, tzinfo=UTC))
    assert answer(warehouse, declared, [old, order(2, "1.00", customer_id=2)], customers=TWO).values[0].value == Decimal("1.00")


def test_a_fan_out_that_an_inner_join_would_hide_is_found(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, joins=(msgspec.structs.replace(CUSTOMER, type="inner"),))
    rows = [order(1, "10.00"), order(2, "1.00", customer_id=9)]  # one row too many, one too few
    with pytest.raises(FanOut):
        answer(warehouse, declared, rows, customers=TWO)


def test_an_allowed_fan_out_counts_rows_again_and_dedup_takes_one(warehouse: Warehouse) -> None:
    allowed = changed(REVENUE, joins=(msgspec.structs.replace(CUSTOMER, cardinality="many_to_many", on_fanout="allow"),))
    assert answer(warehouse, allowed, [order(1, "10.00")], customers=TWO).values[0].value == Decimal("20.00")
    first = msgspec.structs.replace(CUSTOMER, on_fanout="dedup", order_by="country desc")
    declared = changed(REVENUE, joins=(first,), dimensions=("customers.country",))
    found = answer(warehouse, declared, [order(1, "10.00")], customers=TWO, by=("customers.country",))
    assert [(value.by, value.value) for value in found.values] == [(("PT",), Decimal("10.00"))]


def test_left_keeps_rows_that_find_nothing_and_inner_loses_them(warehouse: Warehouse) -> None:
    rows = [order(1, "10.00"), order(2, "1.00", customer_id=9)]
    people = [Customer(1, "ES")]
    left = answer(warehouse, changed(REVENUE, joins=(CUSTOMER,)), rows, customers=people)
    inner = answer(warehouse, changed(REVENUE, joins=(msgspec.structs.replace(CUSTOMER, type="inner"),)), rows, customers=people)
    assert (left.values[0].value, inner.values[0].value) == (Decimal("11.00"), Decimal("10.00"))


def test_one_row_per_key_needs_a_join_by_equality(warehouse: Warehouse) -> None:
    ranged = Join("marts.customers", "customers.id >= orders.customer_id", on_fanout="dedup", order_by="id")
    with pytest.raises(MetricShape, match="only where the join is by equality"):
        answer(warehouse, changed(REVENUE, joins=(ranged,)), [], customers=TWO)


# -- rates ---------------------------------------------------------------------------------------------


def test_a_missing_rate_is_refused_with_currency_and_day(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, currency=FX)
    with pytest.raises(MissingRate, match=r"2 rows have no rate in marts.fx: GBP on 2026-10-05 \(2 rows\)"):
        answer(warehouse, declared, [order(1, "1.00", currency="GBP"), order(2, "1.00", currency="GBP"), order(3, "5.00")])


def test_rows_left_out_for_want_of_a_rate_are_counted(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, currency=msgspec.structs.replace(FX, on_missing="skip"))
    (value,) = answer(warehouse, declared, [order(1, "1.00", currency="GBP"), order(3, "5.00")]).values
    assert (value.value, value.rows, value.skipped, value.nulls) == (Decimal("5.00"), 2, 1, 0)


def test_two_rates_for_one_day_are_refused_and_a_repeated_one_is_not(warehouse: Warehouse) -> None:
    declared, day = changed(REVENUE, currency=FX), date(2026, 10, 5)
    rows = [order(1, "2.00", currency="GBP")]
    one, other = Rate("GBP", day, Decimal("1.25")), Rate("GBP", day, Decimal("1.50"))
    assert answer(warehouse, declared, rows, [one, one]).values[0].value == Decimal("2.5")
    with pytest.raises(AmbiguousRate, match="GBP on 2026-10-05"):
        answer(warehouse, declared, rows, [one, other])
    assert answer(warehouse, declared, [order(1, "2.00")], [one, other]).values[0].value == Decimal("2.00")


# -- shapes --------------------------------------------------------------------------------------------


def test_a_ratio_divides_sums_over_the_same_rows(warehouse: Warehouse) -> None:
    declared = changed(
        REVENUE, agg="ratio", expr=None, denominator=Part("count"),
        numerator=Part("sum", "amount", (Filter("paid", "status = 'paid'"),)),
    )  # fmt: skip
    (value,) = answer(warehouse, declared, [order(1, "10.00"), order(2, "1.00", status="open"), order(3, "0.00")]).values
    assert (value.numerator, value.denominator, value.rounded) == (Decimal("10.00"), 3, True)
    assert value.value == Decimal("3.333333333333")
    (value,) = answer(warehouse, declared, []).values
    assert (value.value, value.numerator, value.denominator) == (None, 0, 0)


def test_distinct_values_are_counted_once(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, agg="count_distinct", expr="customer_id")
    rows = [order(1, "1.00"), order(2, "1.00"), order(3, "1.00", customer_id=2), order(4, "1.00", customer_id=None)]
    assert answer(warehouse, declared, rows).values[0].value == 2


def test_rows_are_counted_without_an_expression(warehouse: Warehouse) -> None:
    declared = changed(REVENUE, agg="count", expr=None)
    assert answer(warehouse, declared, [order(1, None), order(2, "1.00")]).values[0].value == 2


def test_the_greatest_may_be_a_moment(warehouse: Warehouse) -> None:
    found = answer(warehouse, changed(REVENUE, agg="max", expr="invoiced_at"), [order(1, "1.00")])
    assert found.values[0].value == NOON


def test_a_metric_of_plain_sql_is_one_number(warehouse: Warehouse) -> None:
    sql = "select sum(amount) from marts.orders where invoiced_at >= $start and invoiced_at < $end"
    declared = Metric("m.plain", sql=sql, agg_time_dimension=TIME)
    found = answer(warehouse, declared, [order(1, "1.50"), order(2, "1.00", at=datetime(2026, 9, 1, tzinfo=UTC))])
    assert (found.values[0].value, found.timezone) == (Decimal("1.50"), "Europe/Madrid")
    with pytest.raises(BadPeriod, match="needs a period"):
        answer(warehouse, declared, [], period=None)
    for bad in ("select amount from marts.orders", "select 1, 2", "select 1 where false"):
        with pytest.raises(NotNumbers):
            answer(warehouse, Metric("m.plain", sql=bad), [order(1, "1.00"), order(2, "1.00")])
    with pytest.raises(NotNumbers, match="'paid', which is no number"):
        answer(warehouse, Metric("m.plain", sql="select min(status) from marts.orders"), [order(1, "1.00")])


# -- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"expr": "amuont"}, MetricColumn, "uses 'amuont', which marts.orders does not have"),
        ({"expr": "sum(amount)"}, MetricSql, "holds an aggregate"),
        ({"expr": "amount; drop table x"}, MetricSql, "is not one expression"),
        ({"filters": (Filter("f", "amount > (select 1)"),)}, MetricSql, "holds a subquery"),
        ({"filters": (Filter("f", "invoiced_at < now()"),)}, MetricSql, "another answer each time"),
        ({"dimensions": ("upper(status)",)}, MetricSql, "is not a column"),
        ({"agg_time_dimension": TimeDimension("status")}, NotNumbers, "takes its time from 'status', which is a string"),
        ({"agg_time_dimension": None}, BadPeriod, "has no time column"),
        ({"currency": FX, "agg_time_dimension": None}, MetricShape, "without a time column"),
        ({"currency": FX, "agg": "count"}, MetricShape, "is no amount"),
        ({"currency": msgspec.structs.replace(FX, columns=RateColumns(date="dya"))}, MetricColumn, "reads rates from 'dya'"),
        ({"joins": (Join("marts.customers", "orders.customer_id = 1"),)}, MetricShape, "does not name it"),
        ({"joins": (Join("marts.customers", "customers.idd = customer_id"),)}, MetricColumn, "marts.customers does not have"),
        ({"dedup": Dedup("order_id", "loaded_at sideways")}, MetricSql, "is not a column with asc or desc"),
        ({"dedup": Dedup("customers.id", "loaded_at"), "joins": (CUSTOMER,)}, MetricShape, "joined table's column"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_file(
    warehouse: Warehouse, fields: dict[str, Any], error: type[StartrailError], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        answer(warehouse, changed(REVENUE, **fields), [])
    assert raised.value.hint


def test_only_what_is_declared_splits(warehouse: Warehouse) -> None:
    with pytest.raises(UnknownDimension, match="cannot be split by 'customer_id'"):
        answer(warehouse, REVENUE, [], by=("customer_id",))
    with pytest.raises(UnknownDimension, match="cannot be split by 'day'"):
        answer(warehouse, changed(REVENUE, agg_time_dimension=None), [], by=("day",), period=None)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2026-10-05", date(2026, 10, 5), date(2026, 10, 5)),
        ("2026-10-05..2026-11", date(2026, 10, 5), date(2026, 11, 30)),
    ],
)
def test_periods_are_whole_days(text: str, first: date, last: date) -> None:
    period = parse_period(text)
    assert (period.first, period.last) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "..", "2026-13", "2026-02-30", "2025-W53", "26-10", "2026-10..2026-09", "9999", "0000-01", "2026-10-05T00:00"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(BadPeriod):
        parse_period(text)


# -- the definition's version --------------------------------------------------------------------------


def test_a_version_stays_when_the_number_must_stay() -> None:
    same = changed(
        REVENUE, name="other", description="x", owner="y", status="standard", dimensions=(), unit="EUR", record="day",
        expr='  "amount"  -- what was paid',
    )  # fmt: skip
    assert definition(same).version == definition(REVENUE).version
    one, two = Filter("a", "status = 'x'"), Filter("b", "NOT is_test")
    swapped = changed(REVENUE, filters=(Filter("z", "not IS_TEST"), one))
    assert definition(changed(REVENUE, filters=(one, two))).version == definition(swapped).version


def test_a_version_changes_with_everything_that_the_number_depends_on() -> None:
    others = [
        changed(REVENUE, expr="amount + 1"), changed(REVENUE, agg="max"), changed(REVENUE, source="marts.sales"),
        changed(REVENUE, agg_time_dimension=TimeDimension("invoiced_at")),
        changed(REVENUE, agg_time_dimension=msgspec.structs.replace(TIME, bounds="[]")),
        changed(REVENUE, agg_time_dimension=msgspec.structs.replace(TIME, late_cutoff="P3D", arrival="loaded_at")),
        changed(REVENUE, filters=(Filter("a", "status = 'X'"),)), changed(REVENUE, filters=(Filter("a", "status = 'x'"),)),
        changed(REVENUE, joins=(CUSTOMER,)), changed(REVENUE, joins=(msgspec.structs.replace(CUSTOMER, type="inner"),)),
        changed(REVENUE, dedup=Dedup("order_id", "loaded_at")), changed(REVENUE, dedup=Dedup("order_id", "loaded_at desc")),
        changed(REVENUE, currency=FX), changed(REVENUE, currency=msgspec.structs.replace(FX, kind="month_end")),
    ]  # fmt: skip
    versions = {definition(metric).version for metric in [REVENUE, *others]}
    assert len(versions) == len(others) + 1


# -- SQL -----------------------------------------------------------------------------------------------


def test_the_printed_sql_runs_as_it_stands_and_gives_the_value(warehouse: Warehouse) -> None:
    declared = changed(
        REVENUE, filters=(Filter("quote", "status <> 'it''s; drop table x --'"),), dedup=Dedup("order_id", "loaded_at desc"),
        joins=(CUSTOMER,), currency=FX,
    )  # fmt: skip
    tables = relations([order(1, "2.00", currency="GBP")], [Rate("GBP", date(2026, 10, 5), Decimal("1.25"))], [Customer(1, "ES")])
    text = compiled(declared, parse_period("2026-10"), (), Pinned(tables), warehouse)
    rows = warehouse.fetch(Query(text, tables)).rows
    assert rows[0][0] == Decimal("2.5")


def test_names_that_need_quotes_are_quoted(warehouse: Warehouse) -> None:
    columns = schema(**{"order": "long", "Total amount": "decimal(18,2)", "when": "date", "group": "string"})
    table = Rowset("marts.select", columns, ((1, Decimal("3.00"), date(2026, 10, 5), "a"),))
    declared = Metric(
        "m.odd", source="marts.select", grain='"order"', expr='"Total amount"', agg_time_dimension=TimeDimension('"when"'),
        dimensions=('"group"',),
    )  # fmt: skip
    found = evaluate(declared, parse_period("2026-10-05"), ('"group"',), Pinned((table,)), warehouse)
    assert [(value.by, value.value) for value in found.values] == [(("a",), Decimal("3.00"))]


def test_a_field_of_a_struct_may_be_a_dimension_and_a_time(warehouse: Warehouse) -> None:
    columns = schema(id="long", customer="struct<country: string, seen: timestamptz>")
    rows = ((1, {"country": "ES", "seen": datetime(2026, 10, 31, 23, 30, tzinfo=UTC)}),)
    declared = Metric(
        "m.seen", source="raw.events", agg="count", agg_time_dimension=TimeDimension("customer.seen", timezone="Europe/Madrid"),
        dimensions=("customer.country",),
    )  # fmt: skip
    tables = Pinned((Rowset("raw.events", columns, rows),))
    assert evaluate(declared, parse_period("2026-10"), (), tables, warehouse).values[0].value == 0
    found = evaluate(declared, parse_period("2026-11"), ("customer.country",), tables, warehouse)
    assert [(value.by, value.value) for value in found.values] == [(("ES",), 1)]


def test_a_wall_time_is_moved_from_the_zone_it_is_written_in(warehouse: Warehouse) -> None:
    columns = schema(id="long", at="timestamp")
    tables = Pinned((Rowset("raw.events", columns, ((1, datetime(2026, 10, 31, 23, 30)),)),))
    here = TimeDimension("at", timezone="Europe/Madrid")
    there = TimeDimension("at", timezone="Europe/Madrid", stored="UTC")
    values = [
        evaluate(
            Metric("m.n", source="raw.events", agg="count", agg_time_dimension=time),
            parse_period("2026-10"),
            (),
            tables,
            warehouse,
        )
        for time in (here, there)
    ]
    assert [value.values[0].value for value in values] == [1, 0]
