"""The reasons why two numbers differ, each as a function that changes two definitions and plants the rows for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import msgspec

from startrail.model.metric import Currency, Dedup, Filter, Join, Metric, Part, RateColumns, TimeDimension
from startrail.testing.scenarios.world import Planted, World

_SOURCE = "marts.orders"


class Pair:
    """The two definitions while scenarios change them: ``a`` and ``b`` are fields of a metric."""

    def __init__(self) -> None:
        self.a: dict[str, Any] = {}
        self.b: dict[str, Any] = {}
        self.time: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        self.filters: tuple[list[Filter], list[Filter]] = ([], [])
        self.joins: tuple[list[Join], list[Join]] = ([], [])
        self.less: tuple[list[str], list[str]] = ([], [])
        """What is taken off the amount."""
        self.later = False
        self.refused = False

    def metric(self, side: int) -> Metric:
        """The definition of side 0 or 1."""
        time: dict[str, Any] = {"column": "invoiced_at", "timezone": "Europe/Madrid"} | self.time[side]
        fields = (self.a, self.b)[side]
        expr = " - ".join(["amount", *self.less[side]])
        found = Metric(
            name=("finance.revenue", "marketing.revenue")[side],
            source=_SOURCE,
            grain="order_id",
            expr=expr,
            agg_time_dimension=TimeDimension(**time),
            filters=tuple(self.filters[side]),
            joins=tuple(self.joins[side]),
            dimensions=("country", "channel"),
            unit="EUR",
        )
        return msgspec.structs.replace(found, **fields)


def plant(names: Sequence[str], seed: int, rows: int = 60) -> Planted:
    """Scenarios and controls by name, together. Raises KeyError for a name that there is not."""
    world, pair = World(seed, rows), Pair()
    for name in names:
        (SCENARIOS | CONTROLS)[name](world, pair)
    a, b = pair.metric(0), pair.metric(1)
    truth = world.counts if a.agg == "count_distinct" else world.truth
    before = world.tables()
    after = world.tables(later=True) if pair.later else before
    return Planted(tuple(names), seed, a, b, before, after, {k: v for k, v in truth.items() if v}, pair.refused)


def order_date(world: World, pair: Pair) -> None:
    """Finance counts by date of invoice, marketing by date of order: 50,000.00."""
    pair.time[1]["column"] = "ordered_at"
    october, november, september = (datetime(2026, month, 14, 11, tzinfo=UTC) for month in (10, 11, 9))
    out = Decimal(0)
    for _ in world.some():
        out += world.put(ordered_at=september, invoiced_at=october).amount
        world.due("time_column", Decimal(0), -1)
    left = Decimal("50000.00") + out
    while left:
        amount = min(left, world.amount(9_000_00))
        world.put(ordered_at=october, invoiced_at=november, amount=amount)
        world.due("time_column", Decimal(0), 1)
        left -= amount
    world.due("time_column", Decimal("50000.00"))


def midnight(world: World, pair: Pair) -> None:
    """One cuts days in Madrid, the other in UTC."""
    pair.time[1]["timezone"] = "UTC"
    for _ in world.some():  # half past midnight on the first of October in Madrid is September in UTC
        world.due("timezone", -world.put(at=datetime(2026, 9, 30, 22, 30, tzinfo=UTC)).amount, -1)


def between(world: World, pair: Pair) -> None:
    """BETWEEN the first and the last day loses the last day."""
    pair.time[1]["bounds"] = "[]"
    for _ in world.some():
        world.due("bounds", -world.put(at=datetime(2026, 10, 31, 12, tzinfo=UTC)).amount, -1)


def test_accounts(world: World, pair: Pair) -> None:
    """Test accounts are left out on one side."""
    pair.filters[0].append(Filter("no_test", "not is_test"))
    for _ in world.some():
        world.due("filter no_test", world.put(is_test=True).amount, 1)


def statuses(world: World, pair: Pair) -> None:
    """The lists of statuses differ."""
    pair.filters[0].append(Filter("status", "status in ('paid', 'shipped')"))
    pair.filters[1].append(Filter("status", "status in ('paid', 'completed', 'closed')"))
    for _ in world.some():
        world.due("filter status", -world.put(status="shipped").amount, -1)
        world.due("filter status", world.put(status=world.random.choice(("completed", "closed"))).amount, 1)
        world.due("filter status", world.put(status="completed").amount, 1)


def status_text(world: World, pair: Pair) -> None:
    """The conditions differ in text alone."""
    pair.filters[0].append(Filter("open", "status <> 'cancelled'"))
    pair.filters[1].append(Filter("open", "not (status = 'cancelled')"))
    for _ in world.some():
        world.put(status="cancelled")


def refunds(world: World, pair: Pair) -> None:
    """Net of refunds on one side, gross on the other."""
    pair.less[0].append("coalesce(refunded, 0)")
    for _ in world.some():
        refunded = world.amount(50_00)
        world.put(refunded=refunded)
        world.due("expr", refunded)


def fan_out(world: World, pair: Pair) -> None:
    """A join counts an order once for each of its tags."""
    join = Join("marts.tags", "orders.order_id = tags.order_id", cardinality="one_to_many", on_fanout="allow")
    pair.joins[1].append(join)
    for _ in world.some():
        order, tags = world.put(), world.random.randint(1, 3)
        world.tags += [(order.order_id, f"tag {number}") for number in range(tags)]
        world.due("join tags", order.amount * (tags - 1))


def inner_join(world: World, pair: Pair) -> None:
    """One loses orders without a known account."""
    for side, kind in enumerate(("left", "inner")):
        pair.joins[side].append(Join("marts.accounts", "orders.account_id = accounts.id", type=kind))  # type: ignore[arg-type]  (drawn from the words that a join has)
    for _ in world.some():
        world.due("join accounts", -world.put(account_id=99).amount, -1)


def replayed(world: World, pair: Pair) -> None:
    """A load was replayed; one side counts its rows twice."""
    pair.a["dedup"] = Dedup("order_id", "loaded_at desc")
    for _ in world.some():
        order = world.put()
        world.orders.append(msgspec.structs.replace(order, loaded_at=order.loaded_at + timedelta(hours=1)))
        world.due("dedup", order.amount)


def rates(world: World, pair: Pair) -> None:
    """Rates of the day on one side, of the month's end on the other; one day has no rate."""
    columns = RateColumns(date="day")
    pair.a["currency"] = Currency("currency", "EUR", "marts.fx", kind="month_end", columns=columns, on_missing="skip", round=2)
    pair.b["currency"] = Currency("currency", "EUR", "marts.fx", kind="spot", columns=columns, on_missing="skip", round=2)
    end = Decimal("0.90")
    world.rates.append(("USD", date(2026, 10, 31), end))
    days = {day: Decimal(world.random.randint(80, 99)).scaleb(-2) for day in range(8, 13)}
    world.rates += [("USD", date(2026, 10, day), rate) for day, rate in days.items()]
    for day in (*days, 8, 13):
        amount = Decimal(world.random.randint(1, 400))
        order = world.put(currency="USD", amount=amount, at=datetime(2026, 10, day, 12, tzinfo=UTC))
        world.due("currency", order.amount * (days.get(day, Decimal(0)) - end))


def null_discount(world: World, pair: Pair) -> None:
    """An unknown discount makes the whole amount unknown, on one side."""
    pair.less[0].append("discount")
    pair.less[1].append("coalesce(discount, 0)")
    for _ in world.some():
        world.due("expr", world.put(discount=None).amount)


def late_data(world: World, pair: Pair) -> None:
    """The dashboards were refreshed hours apart; rows came in between, and one was deleted."""
    pair.later = True
    for _ in world.some():
        order = world.make()
        world.added.append(order)
        world.due("data", order.amount, 1)
    gone = world.put()
    world.later[gone.order_id] = None
    world.due("data", -gone.amount, -1)


def changed_overnight(world: World, pair: Pair) -> None:
    """The definition was changed and rows were restated in the same night."""
    pair.later = True
    pair.filters[1].append(Filter("no_gifts", "channel <> 'gift'"))
    for _ in world.some():
        world.due("filter no_gifts", -world.put(channel="gift").amount, -1)
        order, more = world.put(), world.amount(90_00)
        world.later[order.order_id] = msgspec.structs.replace(order, amount=order.amount + more)
        world.due("data", more)


def active_users(world: World, pair: Pair) -> None:
    """Active customers: who bought, against who bought or asked for an offer."""
    for side in (pair.a, pair.b):
        side |= {"agg": "count_distinct", "expr": "user_id", "unit": None}
    pair.filters[0].append(Filter("active", "status in ('paid', 'shipped', 'completed', 'closed', 'cancelled')"))
    pair.filters[1].append(Filter("active", "status in ('paid', 'shipped', 'completed', 'closed', 'cancelled', 'offer')"))
    for _ in world.some():
        first = world.put(status="offer")
        world.put(status="offer", user_id=first.user_id)
        world.due("filter active", Decimal(0), 1)
        world.put(status="offer", user_id=world.put().user_id)  # who bought counts on both sides


def order_value(world: World, pair: Pair) -> None:
    """A mean order value: the one divides by all orders, the other by those that are paid for."""
    for side in (pair.a, pair.b):
        side |= {"agg": "ratio", "expr": None, "numerator": Part(expr="amount"), "unit": None}
    pair.a["denominator"] = Part(agg="count")
    pair.b["denominator"] = Part(agg="count", filters=(Filter("not_free", "amount > 0"),))
    total, count, free = sum(order.amount for order in world.orders), len(world.orders), 5
    for _ in range(free):
        world.put(amount=Decimal("0.00"))
    world.due("denominator", Decimal(total) / count - Decimal(total) / (count + free))


def mean_value(world: World, pair: Pair) -> None:
    """A mean: one side leaves out test orders, which are all of one country."""
    before = _without_tests(world, pair, "avg")
    after = [order.amount for order in world.orders]
    world.due("filter no_test", sum(after, Decimal(0)) / len(after) - sum(before, Decimal(0)) / len(before))


def median_value(world: World, pair: Pair) -> None:
    """A median: one side leaves out test orders, which are all of one country."""
    before = _without_tests(world, pair, "median")
    world.due("filter no_test", median([order.amount for order in world.orders]) - median(before))


def _without_tests(world: World, pair: Pair, agg: str) -> list[Decimal]:
    """The amounts that are left when test orders are."""
    for side in (pair.a, pair.b):
        side |= {"agg": agg, "unit": None}
    pair.filters[0].append(Filter("no_test", "not is_test"))
    before = [order.amount for order in world.orders]
    for _ in world.some():
        world.put(is_test=True, country="IT", amount=world.amount(5_000_00) + 500)
    return before


def identical(_: World, __: Pair) -> None:
    """Nothing differs."""


def offsetting(world: World, pair: Pair) -> None:
    """Two differences that cancel each other out."""
    pair.filters[0].append(Filter("no_test", "not is_test"))
    pair.time[1]["bounds"] = "[]"
    for _ in world.some():
        order = world.put(is_test=True)
        world.put(at=datetime(2026, 10, 31, 12, tzinfo=UTC), amount=order.amount)
        world.due("filter no_test", order.amount, 1)
        world.due("bounds", -order.amount, -1)


def cents(world: World, pair: Pair) -> None:
    """One is in cents."""
    pair.b |= {"expr": "amount * 100", "unit": "cents"}
    world.due("expr", sum((order.amount for order in world.orders), Decimal(0)) * 99)


def outside(_: World, pair: Pair) -> None:
    """Two numbers that have no slots in common."""
    pair.b["agg"] = "avg"
    pair.refused = True


Scenario = Callable[[World, Pair], None]
SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        order_date, midnight, between, test_accounts, statuses, status_text, refunds, fan_out, inner_join, replayed, rates,
        null_discount, late_data, changed_overnight, active_users, order_value, mean_value, median_value,
    )
}  # fmt: skip
"""By name; ``late_data`` and ``changed_overnight`` change the tables, those that follow them the aggregate."""
ALONE = ("active_users", "order_value", "mean_value", "median_value")
"""These change the aggregate: all others can be planted together, more than eight differences at once."""
CONTROLS: dict[str, Scenario] = {each.__name__: each for each in (identical, offsetting, cents, outside)}
"""Pairs without a cause, with causes that hide each other, or that must be refused."""
COUNTED = ("order_date", "midnight", "between", "test_accounts", "statuses", "status_text", "inner_join", "late_data")
"""What combines with ``active_users``: it changes which customers count."""
