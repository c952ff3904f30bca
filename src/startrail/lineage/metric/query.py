"""A metric as SQL, made of syntax trees: one SELECT for its value, and one for each guard that stands before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlglot import exp

from startrail.lineage.expressions import column, columns, written
from startrail.lineage.metric.errors import MetricShape
from startrail.lineage.metric.rates import rate_join, rate_value
from startrail.lineage.metric.slots import RATES, PartSlots, Slots
from startrail.lineage.metric.source import joined, source_rows
from startrail.lineage.metric.time import Window, in_time, in_window, local_time, parameters, prefilter
from startrail.model.metric import TIME_GRAINS

_SECONDS = "%Y-%m-%d %H:%M:%S"
MEASURES = ("value", "numerator", "denominator", "rows", "counted", "missing_rates", "ambiguous_rates")
"""The columns that may stand behind the groups: the value, or what it is the quotient of, and counts of rows."""


class Compiled(NamedTuple):
    """SQL with ``$name`` parameters; ``bound`` are their values: wall times of the metric's zone.

    ``measures`` names the columns behind the groups, of :data:`MEASURES`.
    """

    tree: exp.Expr
    bound: Mapping[str, date | datetime]
    measures: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The text to run with the parameters bound."""
        return written(self.tree)

    @property
    def shown(self) -> str:
        """The text with the values in their places, as a person may run it."""
        return written(with_values(self.tree, self.bound), pretty=True)


def value_query(slots: Slots, window: Window | None, by: Sequence[str], kinds: Mapping[str, str]) -> Compiled:
    """One row per group: its columns, then those of :data:`MEASURES` that it has.

    ``by``: declared dimensions, and words of TIME_GRAINS. ``kinds``: the types of the columns ``time`` and ``arrival``.
    Raises MetricShape.
    """
    groups = [_group(slots, name, kinds) for name in by]
    numerator, denominator, counted = _aggregates(slots)
    rate = rate_value(slots)
    outputs: list[exp.Expr] = [exp.alias_(tree, name, quoted=True) for name, tree in zip(by, groups, strict=True)]
    measures = {"value": numerator} if denominator is None else {"numerator": numerator, "denominator": denominator}
    measures |= {"rows": exp.Count(this=exp.Star()), "counted": counted}
    if rate is not None:
        measures["missing_rates"] = _count_if(exp.Is(this=rate, expression=exp.Null()))
        measures["ambiguous_rates"] = _count_if(_ambiguous(slots))
    outputs += [exp.alias_(tree, name, quoted=True) for name, tree in measures.items()]
    select = _rows(slots, kinds, window, joins=len(slots.metric.joins)).select(*outputs)
    if slots.metric.currency is not None:
        select.append("joins", rate_join(slots, local_time(slots, kinds)))
    if groups:
        places = [exp.Literal.number(place + 1) for place in range(len(groups))]
        select = select.group_by(*places).order_by(*(exp.Ordered(this=place.copy(), nulls_first=False) for place in places))
    return Compiled(select, parameters(slots, window, kinds), tuple(measures))


def fanout_query(slots: Slots, window: Window | None, kinds: Mapping[str, str]) -> Compiled | None:
    """One row: how many rows each join adds that ``on_fanout: fail`` forbids, in the order of those joins.

    Rows are judged inside the period and under the filters on the source alone, before filters on joined columns.
    None when no join may fail.
    """
    strict = [place for place, join in enumerate(slots.metric.joins) if join.on_fanout == "fail"]
    if not strict:
        return None
    outputs = []
    for place in strict:
        before, after = (_counted_rows(slots, kinds, window, joins) for joins in (place, place + 1))
        outputs.append(exp.alias_(exp.Sub(this=after, expression=before), slots.metric.joins[place].name, quoted=True))
    return Compiled(exp.select(*outputs), parameters(slots, window, kinds))


def with_guard(query: Compiled, guard: Compiled) -> Compiled:
    """A query of one row with a guard's columns behind its own: one statement for both."""
    assert isinstance(query.tree, exp.Select)
    assert isinstance(guard.tree, exp.Select)
    whole = query.tree.copy().select(*(each.unalias().copy() for each in guard.tree.expressions))
    return Compiled(whole, {**guard.bound, **query.bound}, query.measures)


def grain_query(slots: Slots, window: Window | None, kinds: Mapping[str, str]) -> Compiled | None:
    """One number: how many rows of the source repeat the key that ``grain`` says is one row's. None without a grain, or when
    ``dedup`` sees to it."""
    if not slots.grain or set(slots.dedup_key) == set(slots.grain):  # dedup has made it one row per key
        return None
    rows = _rows(slots, kinds, window, joins=0, source_only=True)
    if len(slots.grain) == 1:  # a quarter cheaper than groups; NULL is a key as well
        (key,), every = slots.grain, exp.Count(this=exp.Star())
        different = exp.Count(this=exp.Distinct(expressions=[key.copy()]))
        unknown = exp.Case(ifs=[exp.If(this=exp.LT(this=exp.Count(this=key.copy()), expression=every.copy()), true=_one())])
        unknown.set("default", exp.Literal.number(0))
        surplus = exp.Sub(this=exp.Sub(this=every, expression=different), expression=unknown)
        return Compiled(rows.select(surplus), parameters(slots, window, kinds))
    keys = rows.select(exp.alias_(exp.Count(this=exp.Star()), "copies", quoted=True)).group_by(*slots.grain)
    surplus = exp.Sum(this=exp.Sub(this=column("grains", "copies"), expression=_one()))
    return Compiled(exp.select(surplus).from_(keys.subquery("grains")), parameters(slots, window, kinds))


def missing_query(slots: Slots, window: Window | None, kinds: Mapping[str, str]) -> Compiled:
    """Currency, day and number of rows of the first rates that are missing or ambiguous."""
    rate = rate_value(slots)
    assert rate is not None
    assert slots.currency is not None
    day = exp.cast(local_time(slots, kinds), "date")
    select = _rows(slots, kinds, window, joins=len(slots.metric.joins)).select(
        slots.currency.copy(),
        day,
        exp.Count(this=exp.Star()),
        exp.func("bool_or", exp.Is(this=rate.copy(), expression=exp.Null())),
    )
    select.append("joins", rate_join(slots, local_time(slots, kinds)))
    wrong = exp.or_(exp.Is(this=rate.copy(), expression=exp.Null()), _ambiguous(slots))
    one, two = exp.Literal.number(1), exp.Literal.number(2)
    return Compiled(
        select.where(wrong).group_by(one, two).order_by(two.copy(), one.copy()).limit(5), parameters(slots, window, kinds)
    )


def amount(slots: Slots, value: exp.Expr) -> exp.Expr:
    """The value of a row in the metric's currency."""
    rate, currency = rate_value(slots), slots.metric.currency
    if rate is None or currency is None:
        return value.copy()
    product: exp.Expr = exp.Mul(this=exp.paren(value.copy()), expression=rate)
    return product if currency.round is None else exp.func("round", product, exp.Literal.number(currency.round))


def with_values(tree: exp.Expr, bound: Mapping[str, date | datetime]) -> exp.Expr:
    """A copy with the values of parameters in their places."""
    return tree.copy().transform(lambda node: _literal(node, bound))


def _rows(slots: Slots, kinds: Mapping[str, str], window: Window | None, joins: int, source_only: bool = False) -> exp.Select:
    """FROM, joins and WHERE. ``source_only``: left joins, and no condition on joined columns."""
    select = exp.Select().from_(source_rows(slots))
    for place in range(joins):
        select.append("joins", joined(slots, place, keep=source_only))
    conditions = [tree.copy() for _, tree in slots.filters]
    if window is not None:
        conditions = [*prefilter(slots, kinds), in_window(slots, kinds), *conditions]
    cutoff = in_time(slots, kinds)
    if cutoff is not None:
        conditions.append(cutoff)
    if source_only:
        conditions = [each for each in conditions if {used.alias for used in columns([each])} <= {slots.metric.alias}]
    return select.where(*conditions) if conditions else select


def _counted_rows(slots: Slots, kinds: Mapping[str, str], window: Window | None, joins: int) -> exp.Expr:
    return _rows(slots, kinds, window, joins, source_only=True).select(exp.Count(this=exp.Star())).subquery()


def _aggregates(slots: Slots) -> tuple[exp.Expr, exp.Expr | None, exp.Expr]:
    """Numerator, denominator, and how many rows have a value."""
    metric = slots.metric
    if metric.agg == "ratio":
        over, under = (_part(slots, part) for part in slots.parts)
        return over, under, exp.Count(this=exp.Star())
    value = None if slots.value is None else amount(slots, slots.value)
    counted = exp.Count(this=exp.Star() if value is None else value.copy())
    one = exp.Literal.number(1)
    if metric.agg == "count":
        return counted.copy(), None, counted
    if value is None:
        raise MetricShape(f"{metric.name} has no expr", at=metric.span, hint=f"say what {metric.agg} is of: expr: amount")
    if metric.agg == "count_distinct":
        return exp.Count(this=exp.Distinct(expressions=[value])), None, counted
    if metric.agg == "sum":
        return exp.Sum(this=value), None, counted
    if metric.agg == "avg":
        return exp.Sum(this=value), counted.copy(), counted
    if metric.agg == "median":
        # The two values in the middle, exactly: the lower one, and the lower one of the negated values.
        lower = exp.func("quantile_disc", value, exp.Literal.number("0.5"))
        upper = exp.func("quantile_disc", exp.Neg(this=exp.paren(value.copy())), exp.Literal.number("0.5"))
        return exp.Sub(this=lower, expression=upper), exp.Add(this=one, expression=one.copy()), counted
    return (exp.Min if metric.agg == "min" else exp.Max)(this=value), None, counted


def _part(slots: Slots, part: PartSlots) -> exp.Expr:
    value = part.value
    if value is None:
        inner: exp.Expr = exp.Count(this=exp.Star())
    elif part.agg == "count":
        inner = exp.Count(this=value.copy())
    elif part.agg == "count_distinct":
        inner = exp.Count(this=exp.Distinct(expressions=[value.copy()]))
    else:
        inner = exp.Sum(this=amount(slots, value))
    if not part.filters:
        return inner
    return exp.Filter(this=inner, expression=exp.Where(this=exp.and_(*(tree.copy() for _, tree in part.filters))))


def _one() -> exp.Expr:
    return exp.Literal.number(1)


def _group(slots: Slots, name: str, kinds: Mapping[str, str]) -> exp.Expr:
    if name in slots.dimensions:
        return slots.dimensions[name].copy()
    assert name in TIME_GRAINS
    cut = exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(name), local_time(slots, kinds)])
    return exp.cast(cut, "timestamp" if name == "hour" else "date")


def _literal(node: exp.Expr, parameters: Mapping[str, date | datetime]) -> exp.Expr:
    if not isinstance(node, exp.Placeholder) or node.name not in parameters:
        return node
    value = parameters[node.name]
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.strftime(_SECONDS)), "timestamp")
    return exp.cast(exp.Literal.string(value.isoformat()), "date")


def _count_if(condition: exp.Expr) -> exp.Expr:
    return exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=condition))


def _ambiguous(slots: Slots) -> exp.Expr:
    currency = slots.metric.currency
    assert currency is not None
    assert slots.currency is not None
    own = exp.EQ(this=slots.currency.copy(), expression=exp.Literal.string(currency.to))
    several = exp.GT(this=column(RATES, "readings"), expression=exp.Literal.number(1))
    return exp.and_(several, exp.Not(this=exp.paren(own)))
