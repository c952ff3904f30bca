"""What stands in a metric's FROM: the rows of the source that count, and the joined tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from startrail.lineage.expressions import column, columns, conjuncts
from startrail.lineage.metric.errors import MetricShape
from startrail.lineage.metric.slots import Order, Slots, used_columns


def source_rows(slots: Slots) -> exp.Expr:
    """What stands in FROM: the source, or the rows of it that ``dedup`` keeps. A row without a key is no duplicate."""
    metric = slots.metric
    assert metric.source is not None
    if metric.dedup is None:
        return table(metric.source, metric.alias)
    kept = exp.select("*").from_(table(metric.source, metric.alias))
    kept.set("qualify", exp.Qualify(this=kept_row(slots)))
    return kept.subquery(exp.to_identifier(metric.alias, quoted=True))


def kept_row(slots: Slots) -> exp.Expr:
    """The condition, with a window in it, that a row of the source is the one that ``dedup`` keeps."""
    first = _first(list(slots.dedup_key), slots.dedup_order, _source_ties(slots))
    unknown = [exp.Is(this=key.copy(), expression=exp.Null()) for key in slots.dedup_key]
    return exp.or_(first, *unknown)


def tie_breaks(slots: Slots) -> tuple[str, ...]:
    """The columns of the source that order what ``dedup`` leaves tied."""
    return tuple(tree.name for tree in _source_ties(slots))


def joined(slots: Slots, place: int, *, keep: bool = False) -> exp.Join:
    """The join at a place. ``keep``: as a left join whatever it is, so that no row is lost."""
    join, condition = slots.metric.joins[place], slots.joins[place]
    right = table(join.to, join.name)
    if join.on_fanout == "dedup":
        right = _first_match(slots, place, right)
    side = {"side": "LEFT"} if keep or join.type == "left" else {"kind": "INNER"}
    return exp.Join(this=right, on=condition.copy(), **side)


def _source_ties(slots: Slots) -> list[exp.Expr]:
    return _tie_breaks(slots, slots.metric.alias, [*slots.dedup_key, *(order.column for order in slots.dedup_order)])


def _first_match(slots: Slots, place: int, right: exp.Expr) -> exp.Expr:
    """Of the joined table, one row per key of the join: the first by ``order_by``."""
    join = slots.metric.joins[place]
    keys, own = _join_keys(slots, place)
    orders = slots.join_orders[place]
    tied = _tie_breaks(slots, join.name, [*keys, *(order.column for order in orders)])
    chosen = exp.select("*").from_(right)
    if own:
        chosen = chosen.where(*own)
    chosen.set("qualify", exp.Qualify(this=_first(keys, orders, tied)))
    return chosen.subquery(exp.to_identifier(join.name, quoted=True))


def _join_keys(slots: Slots, place: int) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """Columns of the joined table that are compared with others, and conditions on it alone. Raises MetricShape."""
    join = slots.metric.joins[place]
    keys: list[exp.Expr] = []
    own: list[exp.Expr] = []
    for each in conjuncts(slots.joins[place]):
        if {used.alias for used in columns([each])} == {join.name.lower()}:
            own.append(each.copy())
            continue
        sides = [each.this, each.expression] if isinstance(each, exp.EQ) else []
        mine = [side for side in sides if {used.alias for used in columns([side])} == {join.name.lower()}]
        if len(mine) != 1:
            raise MetricShape(
                f"{slots.metric.name} can keep one row of {join.to} per key only where the join is by equality",
                at=slots.metric.span,
                hint="write on: alias.column = column, or choose the row in a model",
            )
        keys.append(mine[0].copy())
    return keys, own


def _first(keys: list[exp.Expr], orders: Sequence[Order], tied: list[exp.Expr]) -> exp.Expr:
    ordered = [exp.Ordered(this=order.column.copy(), desc=order.descending, nulls_first=False) for order in orders]
    ordered += [exp.Ordered(this=tree, nulls_first=False) for tree in tied]
    window = exp.Window(
        this=exp.RowNumber(), partition_by=[key.copy() for key in keys], order=exp.Order(expressions=ordered) if ordered else None
    )
    return exp.EQ(this=window, expression=exp.Literal.number(1))


def _tie_breaks(slots: Slots, alias: str, named: list[exp.Expr]) -> list[exp.Expr]:
    """All other columns used, so that rows which tie give the same value whichever comes first."""
    already = {used.column for used in columns(named)}
    dimensions = [used.column for used in columns(slots.dimensions.values()) if used.alias == alias.lower()]
    names = dict.fromkeys([*used_columns(slots).get(alias.lower(), ()), *dimensions])
    return [column(alias, name) for name in names if name not in already]


def table(name: str, alias: str) -> exp.Expr:
    """``namespace.name`` under an alias, quoted."""
    found = exp.to_table(name)
    for part in found.parts:
        part.set("quoted", True)
    return exp.alias_(found, alias, quoted=True, table=True)
