"""Conversion of a metric's rows into one currency: the join with the rates, and the rate of a row."""

from __future__ import annotations

from sqlglot import exp

from startrail.lineage.expressions import column
from startrail.lineage.metric.slots import RATES, Slots
from startrail.lineage.metric.source import table


def rate_value(slots: Slots) -> exp.Expr | None:
    """The rate of a row: 1 for the metric's own currency, NULL when there is none; None when nothing is converted."""
    currency = slots.metric.currency
    if currency is None or slots.currency is None:
        return None
    own = exp.EQ(this=slots.currency.copy(), expression=exp.Literal.string(currency.to))
    return exp.Case(ifs=[exp.If(this=own, true=exp.Literal.number(1))], default=column(RATES, "rate"))


def rate_join(slots: Slots, local: exp.Expr) -> exp.Join:
    """At most one row of rates per row. ``local``: the row's moment in the metric's zone."""
    currency = slots.metric.currency
    assert currency is not None
    assert slots.currency is not None
    same = exp.EQ(this=column(RATES, "currency"), expression=slots.currency.copy())
    day: exp.Expr = exp.cast(local.copy(), "date")
    if currency.kind == "latest":
        before = exp.GTE(this=day, expression=column(RATES, "day"))
        return exp.Join(this=_daily(slots).subquery(RATES), method="ASOF", side="LEFT", on=exp.and_(same, before))
    if currency.kind == "month_end":
        equal = exp.EQ(this=column(RATES, "day"), expression=_month(local.copy()))
        return exp.Join(this=_monthly(slots).subquery(RATES), side="LEFT", on=exp.and_(same, equal))
    equal = exp.EQ(this=column(RATES, "day"), expression=day)
    return exp.Join(this=_daily(slots).subquery(RATES), side="LEFT", on=exp.and_(same, equal))


def _daily(slots: Slots) -> exp.Select:
    """One row per currency and day: the rate, and how many different ones there are for it."""
    currency = slots.metric.currency
    assert currency is not None
    names = currency.columns
    rate = column("r", names.rate)
    select = exp.select(
        exp.alias_(column("r", names.currency), "currency", quoted=True),
        exp.alias_(exp.cast(column("r", names.date), "date"), "day", quoted=True),
        exp.alias_(exp.Min(this=rate), "rate", quoted=True),
        exp.alias_(exp.Count(this=exp.Distinct(expressions=[rate.copy()])), "readings", quoted=True),
    ).from_(table(currency.rates, "r"))
    select = select.where(exp.Not(this=exp.Is(this=rate.copy(), expression=exp.Null())))
    if names.to is not None:
        select = select.where(exp.EQ(this=column("r", names.to), expression=exp.Literal.string(currency.to)))
    return select.group_by(exp.Literal.number(1), exp.Literal.number(2))


def _monthly(slots: Slots) -> exp.Select:
    """One row per currency and month, with the rate of the newest day of it."""
    day, newest = column("d", "day"), []
    for name in ("rate", "readings"):
        chosen = exp.Anonymous(this="max_by", expressions=[column("d", name), day.copy()])
        newest.append(exp.alias_(chosen, name, quoted=True))
    return (
        exp.select(column("d", "currency"), exp.alias_(_month(day), "day", quoted=True), *newest)
        .from_(_daily(slots).subquery("d"))
        .group_by(exp.Literal.number(1), exp.Literal.number(2))
    )


def _month(moment: exp.Expr) -> exp.Expr:
    return exp.cast(exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string("month"), moment]), "date")
