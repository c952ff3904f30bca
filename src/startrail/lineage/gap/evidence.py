"""Queries that a person can run to see one cause by itself."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from startrail.lineage.expressions import column, written
from startrail.lineage.gap.query import ClassQuery, Kinds, class_query
from startrail.lineage.metric.query import Compiled, value_query
from startrail.lineage.metric.slots import slots
from startrail.lineage.metric.time import Window
from startrail.model.why import DATA, Aligned, Cause

_LISTS = ("count_distinct", "min", "max", "median")
"""Aggregates to which a row without a value is another one than a row of value 0."""


def mixed_query(found: Aligned, chosen: frozenset[str], window: Window | None, kinds: Kinds) -> Compiled:
    """The number of a mixture by its own query, as the metric itself is computed: nothing of it is shared with the classes."""
    time, arrival = (kinds.b if slot in chosen else kinds.a for slot in ("time_column", "late_cutoff"))
    types = {key: side[key] for key, side in (("time", time), ("arrival", arrival)) if key in side}
    mixed = slots(found.mixed(chosen))
    return value_query(mixed, window if mixed.time is not None else None, (), types)


def rows_query(found: Aligned, cause: Cause, window: Window | None, kinds: Kinds, most: int) -> str:
    """The rows that one cause, swapped alone, lets in, drops or changes: their columns, then the value before and after,
    the largest change first; of a quotient both parts. To a sum nothing is 0."""
    query = class_query(found, (cause,), window, kinds)
    inner = query.inner.copy()
    assert isinstance(inner, exp.Select)
    star = exp.Column(this=exp.Star(), table=exp.to_identifier(found.a.alias, quoted=True))
    inner = inner.select(star, append=True)
    inside = [_inside(query, n) for n in (0, 1)]
    moved: list[exp.Expr] = [exp.NullSafeNEQ(this=inside[0].copy(), expression=inside[1].copy())]
    told: list[exp.Expr] = []
    for measure in query.measures:
        before, after = (_seen(inside[n], measure.at + (n if measure.causes else 0)) for n in (0, 1))
        name = f"_{measure.name}" if len(query.measures) > 1 else ""
        told += [exp.alias_(each, f"{word}{name}", quoted=True) for word, each in (("before", before), ("after", after))]
        same = (before, after) if found.a.agg in _LISTS else (_or_zero(before), _or_zero(after))
        moved.append(exp.NullSafeNEQ(this=same[0].copy(), expression=same[1].copy()))
    hidden = [exp.to_identifier(f"_k{place}", quoted=True) for place in range(query.words)]
    hidden += [exp.to_identifier(f"_v{place}", quoted=True) for place in range(_values(query))]
    shown = exp.Column(this=exp.Star(**{"except_": hidden}), table=exp.to_identifier("r", quoted=True))
    outer = exp.select(shown, *told).from_(inner.subquery("r")).where(exp.or_(*moved))
    if found.a.agg not in _LISTS:
        first, last = (each.this for each in told[:2])
        change = exp.Sub(this=_or_zero(last), expression=_or_zero(first))
        outer = outer.order_by(exp.Ordered(this=exp.Abs(this=change), desc=True, nulls_first=False))
    return written(outer.limit(most))


def as_of(sql: str, tables: Mapping[str, int], views: Mapping[str, str]) -> str:
    """SQL whose tables are read at a snapshot: ``"marts"."orders"@123``. ``views``: their texts of then, which stand in it."""
    import sqlglot

    tree = sqlglot.parse_one(sql, dialect="duckdb")
    for _ in views:  # a view may read views
        tree = tree.transform(_written_out, views)
    marks = {}
    for node in tree.find_all(exp.Table):
        snapshot = tables.get(f"{node.db}.{node.name}")
        if snapshot is not None:
            marks[f'"{node.name}@{snapshot}"'] = f'"{node.name}"@{snapshot}'
            node.this.replace(exp.to_identifier(f"{node.name}@{snapshot}", quoted=True))
    text = tree.sql(dialect="duckdb", pretty=True, identify=True, comments=False)
    for quoted, mark in marks.items():
        text = text.replace(quoted, mark)
    return text


def _written_out(node: exp.Expr, views: Mapping[str, str]) -> exp.Expr:
    import sqlglot

    text = views.get(f"{node.db}.{node.name}") if isinstance(node, exp.Table) else None
    if text is None:
        return node
    inner = sqlglot.parse_one(text, dialect="duckdb")
    assert isinstance(inner, exp.Query)
    return inner.subquery(exp.to_identifier(node.alias or node.name, quoted=True))


def is_rows(cause: Cause) -> bool:
    """Whether a cause is the rows themselves, which no query over one table shows."""
    return DATA in cause.slots


def _inside(query: ClassQuery, n: int) -> exp.Expr:
    """Whether a row is in, before (0) and after (1) the cause is swapped."""
    bits = [factor.at + (n if factor.causes else 0) for factor in query.factors]
    found = [
        exp.NEQ(
            this=exp.paren(
                exp.BitwiseAnd(this=column("r", f"_k{bit // 60}"), expression=exp.Literal.number(1 << (bit % 60)))
            ),
            expression=exp.Literal.number(0),
        )
        for bit in bits
    ]  # fmt: skip
    return exp.paren(exp.and_(*found)) if found else exp.true()


def _seen(inside: exp.Expr, value: int) -> exp.Expr:
    return exp.Case(ifs=[exp.If(this=inside.copy(), true=column("r", f"_v{value}"))])


def _values(query: ClassQuery) -> int:
    return sum(1 << len(measure.causes) for measure in query.measures)


def _or_zero(tree: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=tree.copy(), expressions=[exp.Literal.number(0)])
