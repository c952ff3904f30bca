"""Two metrics side by side: brought to one form, then compared slot by slot."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlglot import exp

from startrail.lineage.expressions import DIALECT, columns, conjuncts, expression, normal, written
from startrail.lineage.gap.blocks import together
from startrail.lineage.gap.errors import NotComparable
from startrail.lineage.metric.slots import slots
from startrail.lineage.metric.source import tie_breaks
from startrail.model.metric import Dedup, Filter, Join, Metric, Part, TimeDimension, as_names
from startrail.model.why import DATA, Aligned, Cause, Slot


def align(a: Metric, b: Metric, *, ties: bool = False) -> Aligned:
    """Bring both to one form. ``ties``: where both keep one row per key, in the same order, what they do with ties is
    compared too. Raises NotComparable, MetricSql, MetricShape."""
    if a.agg != b.agg:
        raise _refused(a, b, f"one is {a.agg}, the other {b.agg}", "compare metrics of one aggregate")
    b = _same_alias(a, b)
    same = not ties and a.dedup is not None and _dedup_key(a.dedup) == _dedup_key(b.dedup)
    a, b = _ties_said(a), _ties_said(b)
    if same:
        b = msgspec.structs.replace(b, dedup=a.dedup)
    joins = _joins(a, b)
    common, differing = _filters(a, b)
    return Aligned(a, b, common, differing, joins)


def causes(found: Aligned, *, data: bool = False) -> tuple[Cause, ...]:
    """The slots whose texts differ, those that need each other put together. ``data``: the rows differ too."""
    a, b = found.a, found.b
    each: list[Cause] = []
    if data or a.source != b.source:
        each.append(Cause(DATA if a.source == b.source else "source", (DATA,), a.source, b.source))
    each += _time_causes(a.agg_time_dimension, b.agg_time_dimension)
    each += [_cause(f"filter {slot.name.partition(' ')[2]}", slot, _filter_text) for slot in found.filters]
    if _dedup_key(a.dedup) != _dedup_key(b.dedup):
        each.append(Cause("dedup", ("dedup",), _dedup_text(a.dedup), _dedup_text(b.dedup)))
    each += [_cause(slot.name, slot, _join_text) for slot in found.joins if slot.a != slot.b]
    if _meant(a, a.expr) != _meant(b, b.expr):
        each.append(Cause("expr", ("expr",), a.expr, b.expr))
    for name, one, two in (("numerator", a.numerator, b.numerator), ("denominator", a.denominator, b.denominator)):
        if _part_key(a, one) != _part_key(b, two):
            each.append(Cause(name, (name,), _part_text(one), _part_text(two)))
    if a.currency != b.currency:
        each.append(Cause("currency", ("currency",), _currency_text(a), _currency_text(b)))
    return tuple(_bound_together(found, each))


def _same_alias(a: Metric, b: Metric) -> Metric:
    """B with its source called as A's, so that texts mean the same on either."""
    if a.alias.lower() == b.alias.lower():
        return b
    if any(join.name.lower() == a.alias.lower() for join in b.joins):
        raise _refused(a, b, f"'{a.alias}' is the source of one and joined by the other", "give the join an alias")
    return renamed(b, b.alias, a.alias)


def renamed(metric: Metric, old: str, new: str) -> Metric:
    """A metric in whose texts a table goes by another alias; the source's own columns need none."""
    known = [join.name for join in metric.joins]

    def text(sql: str) -> str:
        tree = expression(sql, what="a text", at=metric.span, source=metric.alias, aliases=known)
        for used in tree.find_all(exp.Column):
            if used.table.lower() == old.lower():
                if old.lower() == metric.alias.lower():
                    used.set("table", None)
                else:
                    used.set("table", new)
        return written(tree)

    return mapped(metric, text)


def mapped(metric: Metric, text: Callable[[str], str]) -> Metric:
    """A metric with every expression in it replaced."""

    def part(found: Part | None) -> Part | None:
        if found is None:
            return None
        return Part(
            found.agg, text(found.expr) if found.expr else None, tuple(Filter(f.name, text(f.sql)) for f in found.filters)
        )

    time = metric.agg_time_dimension
    currency = metric.currency
    return msgspec.structs.replace(
        metric,
        expr=text(metric.expr) if metric.expr else None,
        filters=tuple(Filter(each.name, text(each.sql)) for each in metric.filters),
        joins=tuple(msgspec.structs.replace(join, on=text(join.on)) for join in metric.joins),
        numerator=part(metric.numerator),
        denominator=part(metric.denominator),
        agg_time_dimension=None
        if time is None
        else msgspec.structs.replace(time, column=text(time.column), arrival=text(time.arrival) if time.arrival else None),
        currency=None if currency is None else msgspec.structs.replace(currency, from_=text(currency.from_)),
    )


def _ties_said(metric: Metric) -> Metric:
    """Dedup with the columns that put ties in order written out, so that it chooses the same rows in any mixture."""
    if metric.dedup is None:
        return metric
    ties = [f'"{name}"' for name in tie_breaks(slots(metric))]
    return msgspec.structs.replace(metric, dedup=Dedup(metric.dedup.key, (*as_names(metric.dedup.order_by), *ties)))


def _joins(a: Metric, b: Metric) -> tuple[Slot, ...]:
    """Joins by alias. One that only one side has, and that neither loses nor adds rows, is given to the other too."""
    theirs = {join.name.lower(): join for join in b.joins}
    found = []
    for join in a.joins:
        other = theirs.pop(join.name.lower(), None)
        found.append(_join_slot(a, b, join, other))
    found += [_join_slot(a, b, None, join) for join in theirs.values()]
    return tuple(found)


def _join_slot(a: Metric, b: Metric, one: Join | None, two: Join | None) -> Slot:
    either = one or two
    assert either is not None
    name = f"join {either.name}"
    if one is None or two is None:
        if either.on_fanout != "allow":
            lost = msgspec.structs.replace(either, type="left")
            return Slot(name, one or lost, two or lost)
        return Slot(name, one, two)
    if (one.to, _normal(one.on)) != (two.to, _normal(two.on)):
        raise _refused(a, b, f"they join '{either.name}' in different ways", "give the two joins different aliases")
    if one.on_fanout != two.on_fanout and "dedup" in (one.on_fanout, two.on_fanout):
        raise _refused(a, b, f"only one of them keeps one row of '{either.name}'", "choose the row in a model")
    if one.on_fanout == "dedup" and [_normal(x) for x in as_names(one.order_by)] != [_normal(x) for x in as_names(two.order_by)]:
        raise _refused(a, b, f"they keep different rows of '{either.name}'", "choose the row in a model")
    same = msgspec.structs.replace(one, on=two.on, type=two.type, cardinality=two.cardinality, on_fanout=two.on_fanout)
    return Slot(name, one, one if one.type == two.type else msgspec.structs.replace(same, alias=one.alias))


def _filters(a: Metric, b: Metric) -> tuple[tuple[Filter, ...], tuple[Slot, ...]]:
    """Conjuncts that both have, and the others in pairs: by the filter's name, then by the columns used."""
    ours, theirs = _conjuncts(a), _conjuncts(b)
    same = [key for key in ours if key in theirs]
    common = tuple(ours[key] for key in same)
    left = [each for key, each in ours.items() if key not in theirs]
    right = [each for key, each in theirs.items() if key not in ours]
    pairs: list[Slot] = []
    for key in (lambda each: each.name.partition(" ")[0], lambda each: _columns_of(each, a)):
        for one in list(left):
            (mine, others) = ([x for x in side if key(x) == key(one)] for side in (left, right))
            if len(mine) == 1 and len(others) == 1:
                pairs.append(Slot(f"filter {one.name}", one, others[0]))
                left.remove(one)
                right.remove(others[0])
    pairs += [Slot(f"filter {one.name}", one, None) for one in left]
    taken = {pair.name for pair in pairs}
    for two in right:
        name = f"filter {two.name}"
        while name in taken:
            name += "'"
        taken.add(name)
        pairs.append(Slot(name, None, two))
    return common, tuple(pairs)


def _conjuncts(metric: Metric) -> dict[str, Filter]:
    """Normal form -> the conjunct, named after its filter."""
    found: dict[str, Filter] = {}
    for each in metric.filters:
        parts = conjuncts(_tree(metric, each.sql))
        for place, part in enumerate(parts):
            bare = part.copy()
            for used in bare.find_all(exp.Column):
                if used.table.lower() == metric.alias.lower():
                    used.set("table", None)
            text = each.sql.strip() if len(parts) == 1 else bare.sql(dialect=DIALECT, comments=False)
            name = each.name if len(parts) == 1 else f"{each.name} {place + 1}"
            found.setdefault(_said(part), Filter(name, text))
    return found


def _columns_of(each: Filter, metric: Metric) -> tuple[object, ...]:
    return columns([expression(each.sql, what=each.name, at=metric.span, source=metric.alias, aliases=())])


def _time_causes(a: TimeDimension | None, b: TimeDimension | None) -> list[Cause]:
    if a is None or b is None:
        return [] if a is b else [Cause("time_column", ("time_column",), a.column if a else None, b.column if b else None)]
    found = []
    if (_normal(a.column), a.stored or a.timezone) != (_normal(b.column), b.stored or b.timezone):
        same = _normal(a.column) == _normal(b.column)
        if not same or a.stored != b.stored:
            found.append(Cause("time_column", ("time_column",), _time_text(a, same), _time_text(b, same)))
    if a.timezone != b.timezone:
        found.append(Cause("timezone", ("timezone",), a.timezone, b.timezone))
    if a.bounds != b.bounds:
        found.append(Cause("bounds", ("bounds",), a.bounds, b.bounds))
    if (a.late_cutoff, a.arrival) != (b.late_cutoff, b.arrival):
        found.append(Cause("late_cutoff", ("late_cutoff",), a.late_cutoff, b.late_cutoff))
    return found


def _bound_together(found: Aligned, each: list[Cause]) -> list[Cause]:
    """Texts that name a table which only one side joins, and that may add rows, are swapped together with the join."""
    for slot in found.joins:
        side, owner = (slot.a, found.a) if slot.b is None else (slot.b, found.b)
        if (slot.a is not None and slot.b is not None) or not isinstance(side, Join):
            continue
        needs = [cause for cause in each if slot.name not in cause.slots and _names(owner, cause, side.name)]
        if needs:
            block = [next(cause for cause in each if slot.name in cause.slots), *needs]
            each = [cause for cause in each if cause not in block]
            each.append(together(" + ".join(cause.name for cause in block), block))
    return each


def _names(metric: Metric, cause: Cause, alias: str) -> bool:
    texts = [
        text for text in (cause.a, cause.b) if text and cause.name.split()[0] in ("filter", "expr", "numerator", "denominator")
    ]
    return any(f"{alias.lower()}." in text.lower().replace('"', "") for text in texts) and metric is not None


def _cause(name: str, slot: Slot, text: Callable[[object], str | None]) -> Cause:
    return Cause(name, (slot.name,), text(slot.a), text(slot.b))


def _tree(metric: Metric, sql: str) -> exp.Expr:
    aliases = [join.name for join in metric.joins]
    return expression(sql, what="a text", at=metric.span, source=metric.alias, aliases=aliases)


def _said(tree: exp.Expr) -> str:
    """What a qualified tree says, the case of columns not counted."""
    found = tree.copy()
    for used in found.find_all(exp.Column):
        for part in used.parts:
            part.set("this", part.name.lower())
    return normal(found.sql(dialect=DIALECT, comments=False))


def _meant(metric: Metric, text: str | None) -> str | None:
    return None if text is None else _said(_tree(metric, text))


def _normal(text: str | None) -> str | None:
    return None if text is None else normal(text)


def _filter_text(side: object) -> str | None:
    return side.sql if isinstance(side, Filter) else None


def _join_text(side: object) -> str | None:
    return f"{side.type} join {side.to}" if isinstance(side, Join) else None


def _part_key(metric: Metric, part: Part | None) -> object:
    if part is None:
        return None
    return part.agg, _meant(metric, part.expr), sorted(_said(_tree(metric, each.sql)) for each in part.filters)


def _part_text(part: Part | None) -> str | None:
    if part is None:
        return None
    where = f" where {' and '.join(each.sql for each in part.filters)}" if part.filters else ""
    return f"{part.agg}({part.expr or '*'}){where}"


def _dedup_key(dedup: Dedup | None) -> object:
    return (
        None if dedup is None else tuple(tuple(normal(text) for text in as_names(names)) for names in (dedup.key, dedup.order_by))
    )


def _dedup_text(dedup: Dedup | None) -> str | None:
    return None if dedup is None else f"one row per {', '.join(as_names(dedup.key))}, first by {as_names(dedup.order_by)[0]}"


def _currency_text(metric: Metric) -> str | None:
    found = metric.currency
    return None if found is None else f"{found.kind} rates of {found.rates} to {found.to}"


def _time_text(time: TimeDimension, zoned: bool) -> str:
    return f"{time.column} stored in {time.stored}" if zoned and time.stored else time.column


def _refused(a: Metric, b: Metric, reason: str, hint: str) -> NotComparable:
    return NotComparable(
        f"{a.name} and {b.name} cannot be compared slot by slot: {reason}",
        at=b.span,
        affects="no line of the gap is given",
        hint=hint,
    )
