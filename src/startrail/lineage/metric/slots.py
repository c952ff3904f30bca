"""A metric's slots as syntax trees: the pieces of which its SQL is made, each for itself.

Trees are qualified: ``expr: amount`` of a metric over ``marts.orders`` is ``"orders"."amount"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import exp

from startrail.base.text import did_you_mean, printable
from startrail.lineage.expressions import Used, column, columns, expression, ordering
from startrail.lineage.metric.errors import MetricColumn, MetricShape, MetricSql
from startrail.model.metric import Filter, Metric, Names, as_names

RATES = "_rates"
"""The alias of the table of rates in generated SQL."""


class Order(NamedTuple):
    """A column that orders rows."""

    column: exp.Expr
    descending: bool


class PartSlots(NamedTuple):
    """One side of a ratio."""

    agg: str
    value: exp.Expr | None
    filters: tuple[tuple[str, exp.Expr], ...]


class Slots(NamedTuple):
    """What the declaration's texts mean, parsed."""

    metric: Metric
    value: exp.Expr | None
    time: exp.Expr | None
    arrival: exp.Expr | None
    filters: tuple[tuple[str, exp.Expr], ...]
    joins: tuple[exp.Expr, ...]
    """The conditions, in the order of ``metric.joins``."""
    currency: exp.Expr | None
    parts: tuple[PartSlots, ...]
    """Numerator and denominator of a ratio."""
    dimensions: Mapping[str, exp.Expr]
    grain: tuple[exp.Expr, ...]
    dedup_key: tuple[exp.Expr, ...]
    dedup_order: tuple[Order, ...]
    join_orders: tuple[tuple[Order, ...], ...]

    def trees(self) -> list[exp.Expr]:
        """Every expression of the metric but its dimensions."""
        single = [tree for tree in (self.value, self.time, self.arrival, self.currency) if tree is not None]
        parts = [tree for part in self.parts for tree in (part.value, *(tree for _, tree in part.filters)) if tree is not None]
        orders = [order.column for order in (*self.dedup_order, *(each for found in self.join_orders for each in found))]
        filters = [tree for _, tree in self.filters]
        return [*single, *filters, *self.joins, *parts, *orders, *self.grain, *self.dedup_key]


def slots(metric: Metric) -> Slots:
    """Parse every text of a metric with a ``source``. Raises MetricSql, MetricShape."""
    reading = _Reading(metric)
    time, currency, dedup = metric.agg_time_dimension, metric.currency, metric.dedup
    parts = tuple(part for part in (metric.numerator, metric.denominator) if part is not None)
    found = Slots(
        metric,
        value=reading.one(metric.expr, "expr"),
        time=reading.column(time.column if time else None, "agg_time_dimension"),
        arrival=reading.column(time.arrival if time else None, "arrival"),
        filters=reading.filters(metric.filters),
        joins=tuple(reading.condition(join.on, f"the join with {join.to}", place) for place, join in enumerate(metric.joins)),
        currency=reading.column(currency.from_ if currency else None, "currency"),
        parts=tuple(PartSlots(part.agg, reading.one(part.expr, "expr"), reading.filters(part.filters)) for part in parts),
        dimensions={name: reading.known_column(name, f"dimension {name}") for name in metric.dimensions},
        grain=reading.columns(metric.grain, "grain"),
        dedup_key=reading.columns(dedup.key if dedup else (), "the key of dedup"),
        dedup_order=reading.orders(dedup.order_by if dedup else (), "dedup", metric.alias),
        join_orders=tuple(reading.orders(join.order_by, f"the join with {join.to}", join.name) for join in metric.joins),
    )
    _check_shape(found)
    return found


def check_columns(found: Slots, known: Mapping[str, tuple[str, ...]]) -> None:
    """Compare the columns used with those that there are. Raises MetricColumn.

    ``known``: alias -> columns; an alias that is left out is not checked.
    """
    metric, names = found.metric, {alias: {name.lower() for name in there} for alias, there in known.items()}
    for used in columns([*found.trees(), *found.dimensions.values()]):
        if used.alias in names and used.column not in names[used.alias]:
            raise MetricColumn(
                f"{metric.name} uses '{printable(used.column, 60)}', which {table_of(metric, used.alias)} does not have",
                at=metric.span,
                affects=f"metric {metric.name}",
                hint=did_you_mean(used.column, names[used.alias], "see the table's columns: startrail query 'select * from ...'"),
            )


def used_columns(found: Slots) -> dict[str, tuple[str, ...]]:
    """Alias -> the columns that the metric uses, its dimensions left out."""
    used: dict[str, list[str]] = {}
    for each in columns(found.trees()):
        used.setdefault(each.alias, []).append(each.column)
    return {alias: tuple(names) for alias, names in used.items()}


def table_of(metric: Metric, alias: str) -> str:
    """The table behind an alias."""
    return next((join.to for join in metric.joins if join.name.lower() == alias), metric.source or alias)


class _Reading:
    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.aliases = [join.name for join in metric.joins]

    def one(self, sql: str | None, what: str) -> exp.Expr | None:
        return None if sql is None else self.condition(sql, what)

    def condition(self, sql: str, what: str, joined: int | None = None) -> exp.Expr:
        """``joined``: only tables up to this join may be named."""
        metric = self.metric
        seen = self.aliases if joined is None else self.aliases[: joined + 1]
        return expression(sql, what=f"{what} of {metric.name}", at=metric.span, source=metric.alias, aliases=seen)

    def known_column(self, text: str, what: str) -> exp.Expr:
        tree = self.condition(text, what)
        bare = tree
        while isinstance(bare, exp.Dot | exp.Bracket):
            bare = bare.this
        if not isinstance(bare, exp.Column):
            raise MetricSql(
                f"{what} of {self.metric.name} is not a column: {printable(text, 80)}",
                at=self.metric.span,
                hint="name a column, or alias.column; what is computed belongs into a model",
            )
        return tree

    def column(self, text: str | None, what: str) -> exp.Expr | None:
        return None if text is None else self.known_column(text, what)

    def columns(self, names: Names, what: str) -> tuple[exp.Expr, ...]:
        found = tuple(self.known_column(name, what) for name in as_names(names))
        for tree in found:
            if any(used.alias != self.metric.alias for used in columns([tree])):
                raise _shape(self.metric, f"{what} names a joined table's column", "name columns of the source")
        return found

    def orders(self, names: Names, what: str, alias: str) -> tuple[Order, ...]:
        found = []
        for text in as_names(names):
            name, descending = ordering(text, at=self.metric.span)
            parts = [part.strip('"') for part in name.split(".")]
            if len(parts) > 1 and parts[0].lower() == alias.lower():
                parts = parts[1:]
            found.append(Order(column(alias, *parts), descending))
        return tuple(found)

    def filters(self, filters: tuple[Filter, ...]) -> tuple[tuple[str, exp.Expr], ...]:
        return tuple((filter.name, self.condition(filter.sql, f"filter {filter.name}")) for filter in filters)


def _check_shape(found: Slots) -> None:
    metric = found.metric
    if metric.currency is not None and found.time is None:
        raise _shape(metric, "converts a currency without a time column", "add agg_time_dimension: a rate is of a day")
    if metric.currency is not None and not _converts(metric):
        raise _shape(metric, f"converts a currency, but {metric.agg} is no amount", "remove currency, or sum an amount")
    for join, order in zip(metric.joins, found.join_orders, strict=True):
        if join.on_fanout == "dedup" and not order:
            raise _shape(metric, f"keeps one row of {join.to} without saying which", "add order_by to the join")
    for condition, join in zip(found.joins, metric.joins, strict=True):
        if not any(used == Used(join.name.lower(), used.column) for used in columns([condition])):
            raise _shape(metric, f"joins {join.to} on a condition that does not name it", f"write {join.name}.column = column")


def _converts(metric: Metric) -> bool:
    if metric.agg == "ratio":
        parts = (metric.numerator, metric.denominator)
        return any(part is not None and part.agg == "sum" for part in parts)
    return metric.agg in ("sum", "avg", "min", "max", "median")


def _shape(metric: Metric, reason: str, hint: str) -> MetricShape:
    return MetricShape(f"{metric.name} {reason}", at=metric.span, affects=f"metric {metric.name}", hint=hint)
