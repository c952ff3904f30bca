"""Two metrics row by row, by a key that both have: what each counts per key, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlglot import exp

from startrail.lineage.expressions import column, written
from startrail.lineage.metric.query import value_query, with_values
from startrail.lineage.metric.slots import slots
from startrail.lineage.metric.time import Window
from startrail.model.metric import Metric

MOST_ROWS = 10


def by_key(metric: Metric, key: Sequence[str], window: Window | None, kinds: Mapping[str, str]) -> exp.Select:
    """Per key: ``_g0``, ..., and ``total``, what the metric is over the rows of that key. Raises MetricSql, MetricShape."""
    found = slots(msgspec.structs.replace(metric, dimensions=tuple(key)))
    compiled = value_query(found, window if found.time is not None else None, key, kinds)
    tree = with_values(compiled.tree, compiled.bound)
    tree.set("order", None)
    names = [exp.alias_(column("k", name), f"_g{place}", quoted=True) for place, name in enumerate(key)]
    quotient = "denominator" in compiled.measures
    total: exp.Expr = column("k", "numerator" if quotient else "value")
    if quotient:
        zero = exp.Literal.number(0)
        total = exp.Div(this=total, expression=exp.Nullif(this=column("k", "denominator"), expression=zero))
    assert isinstance(tree, exp.Select)
    return exp.select(*names, exp.alias_(total, "total", quoted=True)).from_(tree.subquery("k"))


def summary_query(one: exp.Select, two: exp.Select, keys: int) -> str:
    """How they meet (``a``, ``b``, ``differs``, ``same``), number of keys, sum of A and of B as text."""
    rows = _joined(one, two, keys).select(_meeting(), column("a", "total").as_("a_total"), column("b", "total").as_("b_total"))
    sums = [exp.cast(exp.Sum(this=column("r", name)), "varchar") for name in ("a_total", "b_total")]
    whole = exp.select(column("r", "meeting"), exp.Count(this=exp.Star()), *sums).from_(rows.subquery("r"))
    return written(whole.group_by(exp.Literal.number(1)))


def largest_query(one: exp.Select, two: exp.Select, keys: int) -> str:
    """The keys of which A and B count most differently: their columns as text, then A and B as text."""
    shown = [
        exp.cast(exp.func("coalesce", column("a", f"_g{place}"), column("b", f"_g{place}")), "varchar") for place in range(keys)
    ]
    totals = [column(side, "total") for side in ("a", "b")]
    change = exp.Sub(this=_or_zero(totals[1]), expression=_or_zero(totals[0]))
    rows = _joined(one, two, keys).select(*shown, *(exp.cast(total.copy(), "varchar") for total in totals))
    rows = rows.where(exp.NullSafeNEQ(this=totals[0].copy(), expression=totals[1].copy()))
    order = [exp.Ordered(this=exp.Abs(this=change), desc=True, nulls_first=False)]
    order += [exp.Ordered(this=exp.Literal.number(place + 1), nulls_first=False) for place in range(keys)]
    return written(rows.order_by(*order).limit(MOST_ROWS))


def _joined(one: exp.Select, two: exp.Select, keys: int) -> exp.Select:
    marked = [side.copy().select(exp.alias_(exp.true(), "there", quoted=True)) for side in (one, two)]
    same = [exp.NullSafeEQ(this=column("a", f"_g{place}"), expression=column("b", f"_g{place}")) for place in range(keys)]
    rows = exp.Select().from_(marked[0].subquery("a"))
    rows.append("joins", exp.Join(this=marked[1].subquery("b"), side="FULL", on=exp.and_(*same)))
    return rows


def _meeting() -> exp.Expr:
    only = [
        exp.If(this=exp.Is(this=column(other, "there"), expression=exp.Null()), true=exp.Literal.string(side))
        for side, other in (("a", "b"), ("b", "a"))
    ]
    differs = exp.NullSafeNEQ(this=column("a", "total"), expression=column("b", "total"))
    case = exp.Case(ifs=[*only, exp.If(this=differs, true=exp.Literal.string("differs"))], default=exp.Literal.string("same"))
    return exp.alias_(case, "meeting", quoted=True)


def _or_zero(tree: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=tree.copy(), expressions=[exp.Literal.number(0)])
