"""What the shop's report must say, added up from the invented values with Python's decimals: no SQL, no files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from startrail.examples.nights import CENT, Line, Night
from startrail.model.delivery import Counts


class DayTruth(msgspec.Struct, frozen=True):
    """One row of ``marts.sales_daily``: euros to the cent, refunds below zero."""

    day: date
    store: str
    orders: int
    units: int
    refunds_eur: Decimal
    revenue_eur: Decimal


class Truth(msgspec.Struct, frozen=True):
    """``counts``, ``deliveries`` and ``kept`` are by source; ``days`` in order of day and store."""

    days: tuple[DayTruth, ...]
    counts: dict[str, Counts]
    deliveries: dict[str, int]
    kept: dict[str, dict[str, int]]
    """Unknown fields, with the number of rows that had them."""

    @property
    def revenue_eur(self) -> Decimal:
        return sum((row.revenue_eur for row in self.days), Decimal("0.00"))


def add_up(nights: Iterable[Night]) -> Truth:
    """The truth about these nights together."""
    days: list[DayTruth] = []
    counts: dict[str, Counts] = defaultdict(Counts)
    deliveries: Counter[str] = Counter()
    tiers = 0
    for night in nights:
        sold = [line for lines in night.sales.values() for line in lines]
        good = [line for line in night.orders if line.valid]
        days += _days(night, [*sold, *good])
        tiers += sum(line.tier is not None for line in night.orders)
        counts["store_sales"] += Counts(len(sold), len(sold))
        counts["orders_api"] += Counts(len(night.orders), len(good), len(night.orders) - len(good))
        counts["fx_rates"] += Counts(len(night.rates), len(night.rates))
        deliveries.update({"store_sales": len(night.sales), "orders_api": len(night.pages()), "fx_rates": 1})
    kept = {"orders_api": {"loyalty_tier": tiers}} if tiers else {}
    return Truth(tuple(days), dict(counts), dict(deliveries), kept)


def _days(night: Night, lines: Iterable[Line]) -> list[DayTruth]:
    by_store: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_store[line.store].append(line)
    return [_day(night.day, store, by_store[store], night.rates) for store in sorted(by_store)]


def _day(day: date, store: str, lines: list[Line], rates: Mapping[str, Decimal]) -> DayTruth:
    sales = [line for line in lines if line.kind == "sale"]
    refunds = [line for line in lines if line.kind == "refund"]
    return DayTruth(
        day=day,
        store=store,
        orders=len(sales),
        units=sum(line.quantity for line in sales),
        refunds_eur=_euros(refunds, rates),
        revenue_eur=_euros(lines, rates),
    )


def _euros(lines: Iterable[Line], rates: Mapping[str, Decimal]) -> Decimal:
    """Each line is rounded to the cent by itself, halves away from zero, as an accountant would."""
    return sum(((line.amount * rates[line.currency]).quantize(CENT, ROUND_HALF_UP) for line in lines), Decimal("0.00"))
