"""What a value is made of: every column in an expression, in the role that its place gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from startrail.lineage.trace.flows import Flow, add, through
from startrail.lineage.trace.scope import Place, Scope, Unresolved
from startrail.model.lineage import AGGREGATION, CONDITIONAL, DIRECT, FILTER, IDENTITY, SORT, TRANSFORMATION, WINDOW

Roles = Iterable[tuple[exp.Expr, int]]

_MOVES = (exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead)
"""They pick a value of another row; the parser counts them among the aggregates."""
_ORDERED_SETS = (exp.PercentileCont, exp.PercentileDisc, exp.Mode, exp.Quantile, exp.Median)
_UNTYPED_AGGREGATES = {
    "listagg", "wm_concat", "string_agg", "group_concat", "array_agg", "list", "histogram", "first", "last",
    "any_value", "product", "mode", "mad", "entropy", "kurtosis", "skewness", "bit_and", "bit_or", "bit_xor",
    "bool_and", "bool_or", "every", "favg", "fsum", "sumkahan", "geomean", "geometric_mean", "min_by", "max_by",
    "arg_min", "arg_max", "argmin", "argmax", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg",
    "json_group_array", "json_group_object", "object_agg", "total", "collect_list", "collect_set", "checksum_agg",
    "count_big", "approx_distinct", "approx_quantile", "reservoir_quantile", "hll_count_distinct", "regr_slope",
    "regr_intercept", "regr_r2", "regr_count", "regr_avgx", "regr_avgy",
}  # fmt: skip
_UNITS = {
    "year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond", "dow", "doy",
    "epoch", "dayofweek", "weekday", "isoweek", "yy", "mm", "dd", "hh", "mi", "ss", "ms", "yyyy", "qq", "wk",
}  # fmt: skip


def flow(node: exp.Expr, scope: Scope, role: int = IDENTITY, place: Place = "select") -> Flow:
    """All columns that ``node`` depends on. A name without one meaning is reported, and left out.

    Walks without recursion: an expression may be a thousand terms long.
    """
    found: Flow = {}
    waiting = [(node, role)]
    while waiting:
        node, role = waiting.pop()
        if isinstance(node, exp.Column):
            add(found, _column(node, scope, role, place))
        elif not isinstance(node, exp.Expr):
            continue  # the parser leaves a hole where an argument is missing
        elif isinstance(node, exp.Parameter):
            add(found, through(_by_position(node, scope), role))
        elif isinstance(node, exp.Query):
            add(found, _subquery(node, scope, role))
        elif isinstance(node, exp.Star | exp.Columns):
            for source in scope.visible():
                add(found, through(source.relation.everything(), _deeper(role)))
        else:
            waiting += reversed([*_inside(node, role, scope)])
    return found


def _inside(node: exp.Expr, role: int, scope: Scope) -> Roles:
    """The parts of an expression, each with its role."""
    if isinstance(node, exp.Window):
        named = _named_window(node, scope)
        if named is not None:
            yield from ((part, WINDOW if role & DIRECT else role) for part in _window_parts(named))
    if not role & DIRECT:
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
            return
        yield from ((part, role) for part in node.iter_expressions() if not isinstance(part, exp.Identifier))
        return
    special = _SPECIAL.get(type(node))
    if special is not None:
        yield from special(node, role)
    elif isinstance(node, exp.AggFunc):
        yield from _aggregate(node, role)
    else:
        yield from ((part, _deeper(role)) for part in node.iter_expressions() if not isinstance(part, exp.Identifier))


def _deeper(role: int) -> int:
    return TRANSFORMATION if role == IDENTITY else role


def _column(node: exp.Column, scope: Scope, role: int, place: Place) -> Flow:
    if isinstance(node.this, exp.Star):
        source = scope.source([part.name.lower() for part in node.parts[:-1]])
        return through(source.relation.everything(), _deeper(role)) if source is not None else {}
    try:
        column = scope.column(node.parts, place)
    except Unresolved as why:
        if not (isinstance(node.parent, exp.Func) and len(node.parts) == 1 and node.name.lower() in _UNITS):
            scope.reader.problem(node, str(why))
        return {}
    return through(column.flow, role) if column is not None else {}


def _by_position(node: exp.Parameter, scope: Scope) -> Flow:
    """Snowflake's ``$1``: the first column of the one table here."""
    place = node.name
    if scope.reader.dialect != "snowflake" or not place.isdigit() or len(scope.visible()) != 1:
        return {}
    relation = scope.visible()[0].relation
    columns = list(relation.columns.values())
    if relation.rests:
        scope.reader.problem(node, f"the columns are not known, so neither is which one ${place} is")
        return {}
    return dict(columns[int(place) - 1].flow) if 0 < int(place) <= len(columns) else {}


def _subquery(node: exp.Expr, scope: Scope, role: int) -> Flow:
    relation = scope.reader.query(node, scope)
    found = through(relation.rows, IDENTITY if role & DIRECT else role)
    if not isinstance(node.parent, exp.Exists):
        add(found, through(relation.everything(), role))
    return found


def _named_window(node: exp.Expr, scope: Scope) -> exp.Expr | None:
    name = node.args.get("alias")
    return scope.windows.get(name.name.lower()) if isinstance(name, exp.Expr) else None


def _window_parts(window: exp.Expr) -> Iterable[exp.Expr]:
    for part in (*(window.args.get("partition_by") or ()), window.args.get("order"), window.args.get("spec")):
        if isinstance(part, exp.Expr):
            yield part


def _same(node: exp.Expr, role: int) -> Roles:
    yield node.this, role


def _case(node: exp.Expr, role: int) -> Roles:
    if isinstance(node.this, exp.Expr):
        yield node.this, CONDITIONAL
    for branch in node.args.get("ifs") or ():
        yield branch, role
    if node.args.get("default") is not None:
        yield node.args["default"], _deeper(role)


def _if(node: exp.Expr, role: int) -> Roles:
    yield node.this, CONDITIONAL
    for word in ("true", "false"):
        if isinstance(node.args.get(word), exp.Expr):
            yield node.args[word], _deeper(role)


def _nullif(node: exp.Expr, role: int) -> Roles:
    yield node.this, _deeper(role)
    yield node.expression, CONDITIONAL


def _window(node: exp.Expr, role: int) -> Roles:
    yield node.this, _deeper(role)
    yield from ((part, WINDOW) for part in _window_parts(node))


def _filter(node: exp.Expr, role: int) -> Roles:
    yield node.this, role
    yield node.expression, FILTER


def _order(node: exp.Expr, role: int) -> Roles:
    if isinstance(node.this, exp.Expr):
        yield node.this, role
    yield from ((part, SORT) for part in node.expressions)


def _within_group(node: exp.Expr, role: int) -> Roles:
    yield node.this, role
    measured = isinstance(node.this, _ORDERED_SETS) or node.this.name.lower().startswith(("percentile", "quantile", "mode"))
    for part in node.expression.expressions:
        yield part, AGGREGATION if measured else SORT


def _count(node: exp.Expr, role: int) -> Roles:
    if not isinstance(node.this, exp.Star):
        yield from _aggregate(node, role)


def _aggregate(node: exp.Expr, role: int) -> Roles:
    inner = _deeper(role) if isinstance(node, _MOVES) else AGGREGATION
    yield from ((part, inner) for part in node.iter_expressions() if not isinstance(part, exp.Identifier))


def _anonymous(node: exp.Expr, role: int) -> Roles:
    inner = AGGREGATION if node.name.lower() in _UNTYPED_AGGREGATES else _deeper(role)
    yield from ((part, inner) for part in node.expressions)


def _nothing(_node: exp.Expr, _role: int) -> Roles:
    return ()


def _named_value(node: exp.Expr, role: int) -> Roles:
    yield node.expression, _deeper(role)


_SPECIAL: dict[type, Callable[[exp.Expr, int], Roles]] = {
    exp.Paren: _same,
    exp.Alias: _same,
    exp.Aliases: _same,
    exp.Case: _case,
    exp.If: _if,
    exp.Nullif: _nullif,
    exp.Window: _window,
    exp.Filter: _filter,
    exp.Order: _order,
    exp.WithinGroup: _within_group,
    exp.Count: _count,
    exp.Anonymous: _anonymous,
    exp.DataType: _nothing,
    exp.PropertyEQ: _named_value,
    exp.Kwarg: _named_value,
}
