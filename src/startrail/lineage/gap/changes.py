"""What happened to the rows of a metric between two times: one SELECT over both states of its tables, by its grain."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlglot import exp

from startrail.lineage.expressions import column, written
from startrail.lineage.gap.causes import align
from startrail.lineage.gap.rows import rows_from
from startrail.lineage.metric.query import amount, with_values
from startrail.lineage.metric.rates import rate_join, rate_value
from startrail.lineage.metric.slots import Slots, slots
from startrail.lineage.metric.time import Window, in_time, in_window, local_time, parameters
from startrail.model.metric import Metric

KINDS = {
    "late": "came late",
    "deleted": "deleted",
    "moved": "moved to another period",
    "status": "restated status",
    "amount": "restated amount",
    "reference": "changed by reference tables",
}
"""The ways in which a row changes, and how they are said."""


def change_query(metric: Metric, window: Window | None, kinds: Mapping[str, str], before: str, after: str) -> str:
    """Kind of change, number of rows, and amount as text; kinds of one row are joined by ``+``.

    ``before`` and ``after`` stand in front of the names of tables. Only sums and counts with a grain.
    """
    one, two = (_state(metric, window, kinds, prefix).subquery(alias) for prefix, alias in ((before, "a"), (after, "b")))
    keys = [f"_g{place}" for place in range(len(slots(metric).grain))]
    same = exp.and_(*(exp.NullSafeEQ(this=column("a", key), expression=column("b", key)) for key in keys))
    kind = exp.alias_(_kind(), "kind", quoted=True)
    change = exp.Sub(this=_or_zero(column("b", "total")), expression=_or_zero(column("a", "total")))
    rows = exp.select(kind, exp.alias_(change, "change", quoted=True)).from_(one)
    rows.append("joins", exp.Join(this=two, side="FULL", on=same))
    rows = rows.where(exp.NullSafeNEQ(this=column("a", "total"), expression=column("b", "total")))
    total = exp.cast(exp.Sum(this=column("r", "change")), "varchar")
    outer = exp.select(column("r", "kind"), exp.Count(this=exp.Star()), total).from_(rows.subquery("r"))
    return written(outer.group_by(exp.Literal.number(1)))


def prefixed(name: str, prefix: str) -> str:
    """What a table is called in the query."""
    return f"{prefix}{name}"


def _state(metric: Metric, window: Window | None, kinds: Mapping[str, str], prefix: str) -> exp.Select:
    """Per key: whether it is in the period, whether it fulfils the conditions, its value, and what it adds."""
    found = align(_moved(metric, prefix), _moved(metric, prefix))
    base = slots(found.a)
    rows = rows_from(found, False, frozenset())
    inside = with_values(in_window(base, kinds), parameters(base, window, kinds)) if window is not None else exp.true()
    conditions = [tree.copy() for _, tree in base.filters]
    conditions += [tree for tree in (in_time(base, kinds),) if tree is not None]
    if base.metric.dedup is not None:
        conditions.append(column(base.metric.alias, rows.keep(())))
    joins = (rows.condition(slot, place, False) for place, slot in enumerate(found.joins))
    conditions += [tree for tree in joins if tree is not None]
    fulfils = exp.and_(*conditions) if conditions else exp.true()
    raw = base.value.copy() if base.value is not None else exp.Literal.number(1)
    value = _value(base)
    counted = exp.Case(ifs=[exp.If(this=exp.and_(inside.copy(), fulfils.copy()), true=value.copy())])
    keys = [exp.alias_(tree.copy(), f"_g{place}", quoted=True) for place, tree in enumerate(base.grain)]
    selected = rows.select.select(
        *keys,
        exp.alias_(exp.Sum(this=counted), "total", quoted=True),
        exp.alias_(_any(inside), "inside", quoted=True),
        exp.alias_(_any(fulfils), "fulfils", quoted=True),
        exp.alias_(exp.Max(this=raw), "raw", quoted=True),
    )
    if rate_value(base) is not None:
        selected.append("joins", rate_join(base, local_time(base, kinds)))
    return selected.group_by(*(exp.Literal.number(place + 1) for place in range(len(keys))))


def _kind() -> exp.Expr:
    """The words of KINDS that fit, joined."""
    changed = [
        (exp.NullSafeNEQ(this=column("a", name), expression=column("b", name)), word)
        for name, word in (("inside", "moved"), ("fulfils", "status"), ("raw", "amount"))
    ]
    words = [exp.Case(ifs=[exp.If(this=condition, true=exp.Literal.string(word))]) for condition, word in changed]
    several = exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string("+"), *words])
    gone, new = (exp.Is(this=column(side, "inside"), expression=exp.Null()) for side in ("b", "a"))
    return exp.Case(
        ifs=[exp.If(this=new, true=exp.Literal.string("late")), exp.If(this=gone, true=exp.Literal.string("deleted"))],
        default=exp.func(
            "coalesce", exp.Nullif(this=several, expression=exp.Literal.string("")), exp.Literal.string("reference")
        ),
    )


def _moved(metric: Metric, prefix: str) -> Metric:
    """The metric over tables with a prefix; what they are called inside its SQL stays."""
    namespace, _, name = (metric.source or "").rpartition(".")
    joins = tuple(msgspec.structs.replace(join, to=f"{prefix}{join.to}", alias=join.name) for join in metric.joins)
    currency = metric.currency
    return msgspec.structs.replace(
        metric,
        source=f"{prefix}{namespace}.{name}",
        joins=joins,
        currency=None if currency is None else msgspec.structs.replace(currency, rates=f"{prefix}{currency.rates}"),
    )


def _value(base: Slots) -> exp.Expr:
    one = exp.Literal.number(1)
    if base.metric.agg != "count":
        assert base.value is not None
        return amount(base, base.value)
    if base.value is None:
        return one
    present = exp.Not(this=exp.paren(exp.Is(this=exp.paren(base.value.copy()), expression=exp.Null())))
    return exp.Case(ifs=[exp.If(this=present, true=one)])


def _any(condition: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="bool_or", expressions=[exp.func("coalesce", condition.copy(), exp.false())])


def _or_zero(tree: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=tree.copy(), expressions=[exp.Literal.number(0)])
