"""A metric's aggregate as one text, for formats that hold no more, and such a text as a metric's pieces."""

from __future__ import annotations

from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.lineage.expressions import DIALECT, columns, conjuncts, written
from startrail.lineage.metric.errors import MetricSql
from startrail.lineage.metric.slots import PartSlots, Slots

_AGGREGATES: dict[str, type[exp.AggFunc]] = {"sum": exp.Sum, "avg": exp.Avg, "min": exp.Min, "max": exp.Max, "median": exp.Median}


class Aggregated(NamedTuple):
    """``sum`` of an expression over rows that fulfil a condition; ``expr`` None = rows are counted."""

    agg: str
    expr: str | None
    condition: str | None = None


class Pair(NamedTuple):
    """A column of an earlier table that a join compares with one of the joined table."""

    alias: str
    column: str
    joined: str


def row_value(slots: Slots, part: PartSlots | None = None) -> str:
    """The value of a row as one expression that is NULL for rows that do not count; of a ratio, of one of its parts."""
    value = part.value if part is not None else slots.value
    conditions = [tree for _, tree in (*slots.filters, *(part.filters if part is not None else ()))]
    return written(_conditional(value if value is not None else exp.Literal.number(1), conditions))


def aggregate_text(slots: Slots, dialect: str = "") -> str:
    """The metric as one expression over aggregates, its filters inside, as in ``SUM(CASE WHEN ... THEN ... END)``."""
    conditions = [tree for _, tree in slots.filters]
    if slots.metric.agg != "ratio":
        return _text(_aggregate(slots.metric.agg, slots.value, conditions), dialect)
    over, under = (_aggregate(part.agg, part.value, [*conditions, *(tree for _, tree in part.filters)]) for part in slots.parts)
    zero = exp.Literal.number(0)
    return _text(exp.Div(this=over, expression=exp.Nullif(this=under, expression=zero)), dialect)


def read_aggregate(sql: str, dialect: str, *, what: str, at: Span) -> tuple[Aggregated, ...]:
    """One aggregate, or two of which the first is divided by the second. Raises MetricSql for anything else."""
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect or None)
    except (ParseError, TokenError, RecursionError):
        raise _unread(sql, what, at, "cannot be parsed") from None
    tree = tree.unnest()
    if isinstance(tree, exp.Div):
        under = tree.expression.unnest()
        if isinstance(under, exp.Nullif):
            under = under.this.unnest()
        return _one(tree.this.unnest(), sql, what, at), _one(under, sql, what, at)
    return (_one(tree, sql, what, at),)


def pairs(slots: Slots, place: int) -> tuple[Pair, ...] | None:
    """The columns by whose equality a join joins; None when its condition says more than that."""
    name = slots.metric.joins[place].name.lower()
    found = []
    for each in conjuncts(slots.joins[place]):
        sides = (each.this, each.expression) if isinstance(each, exp.EQ) else ()
        if len(sides) != 2 or not all(isinstance(side, exp.Column) for side in sides):
            return None
        (one,), (two,) = (columns([side]) for side in sides)
        mine, other = (one, two) if one.alias == name else (two, one)
        if mine.alias != name or other.alias == name:
            return None
        found.append(Pair(other.alias, other.column, mine.column))
    return tuple(found)


class Renaming(NamedTuple):
    """``columns``: (table, name) -> the expression it stands for. ``tables``: what other tables are called here.
    ``default``: the table of bare names."""

    columns: dict[tuple[str, str], str]
    tables: dict[str, str]
    default: str


def replaced(sql: str, names: Renaming, dialect: str, *, what: str, at: Span) -> str:
    """The text in other names. Raises MetricSql."""
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect or None)
    except (ParseError, TokenError, RecursionError):
        raise _unread(sql, what, at, "cannot be parsed") from None

    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            table = (node.table or names.default).lower()
            text = names.columns.get((table, node.name.lower()))
            if text is not None:
                inner = sqlglot.parse_one(text, dialect=DIALECT)
                return inner if isinstance(inner, exp.Column | exp.Func | exp.Literal) else exp.paren(inner)
            if node.table and table in names.tables:
                return exp.column(node.name, names.tables[table])
        return node

    return tree.transform(replace).sql(dialect=DIALECT, comments=False)


def tables_named(sql: str, dialect: str, *, what: str, at: Span) -> tuple[str, ...]:
    """The tables that its columns name, in order. Raises MetricSql."""
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect or None)
    except (ParseError, TokenError, RecursionError):
        raise _unread(sql, what, at, "cannot be parsed") from None
    return tuple(dict.fromkeys(node.table for node in tree.find_all(exp.Column) if node.table))


def column_of(text: str) -> str | None:
    """The name, when a text is one bare column."""
    try:
        tree = sqlglot.parse_one(text, dialect=DIALECT)
    except (ParseError, TokenError, RecursionError):
        return None
    return tree.name if isinstance(tree, exp.Column) and not tree.table else None


def _aggregate(agg: str, value: exp.Expr | None, conditions: list[exp.Expr]) -> exp.Expr:
    if agg == "count_distinct":
        assert value is not None
        return exp.Count(this=exp.Distinct(expressions=[_conditional(value, conditions)]))
    if agg == "count":
        if value is None and not conditions:
            return exp.Count(this=exp.Star())
        return exp.Count(this=_conditional(value if value is not None else exp.Literal.number(1), conditions))
    assert value is not None
    return _AGGREGATES[agg](this=_conditional(value, conditions))


def _conditional(value: exp.Expr, conditions: list[exp.Expr]) -> exp.Expr:
    if not conditions:
        return value.copy()
    return exp.Case(ifs=[exp.If(this=exp.and_(*(tree.copy() for tree in conditions)), true=value.copy())])


def _text(tree: exp.Expr, dialect: str) -> str:
    """Identifiers are quoted only where they must be: other tools fold case as they do."""
    plain = tree.copy()
    for name in plain.find_all(exp.Identifier):
        name.set("quoted", not (name.name.isidentifier() and name.name.islower() and name.name.isascii()))
    return plain.sql(dialect=dialect or None, comments=False)


def _one(tree: exp.Expr, sql: str, what: str, at: Span) -> Aggregated:
    if isinstance(tree, exp.Filter):
        inner = _one(tree.this, sql, what, at)
        if inner.condition is not None:
            raise _unread(sql, what, at, "has two conditions")
        return Aggregated(inner.agg, inner.expr, _duck(tree.expression.this))
    if isinstance(tree, exp.Count):
        distinct = isinstance(tree.this, exp.Distinct)
        value = tree.this.expressions[0] if distinct else tree.this
        if tree.expressions or (distinct and len(tree.this.expressions) != 1):
            raise _unread(sql, what, at, "counts several expressions")
        if isinstance(value, exp.Star) or (isinstance(value, exp.Literal) and not distinct):
            return Aggregated("count", None)
        return _split("count_distinct" if distinct else "count", value)
    for word, kind in _AGGREGATES.items():
        if type(tree) is kind:
            return _split(word, tree.this)
    raise _unread(sql, what, at, "is not one aggregate, nor one divided by another")


def _split(agg: str, value: exp.Expr) -> Aggregated:
    """``CASE WHEN c THEN x END`` is x where c; the other way round it would be the same."""
    if isinstance(value, exp.Case) and value.this is None and len(value.args["ifs"]) == 1 and value.args.get("default") is None:
        only = value.args["ifs"][0]
        found = only.args["true"]
        counted = agg == "count" and isinstance(found, exp.Literal)
        return Aggregated(agg, None if counted else _duck(found), _duck(only.this))
    return Aggregated(agg, _duck(value))


def _duck(tree: exp.Expr) -> str:
    return tree.sql(dialect=DIALECT, comments=False)


def _unread(sql: str, what: str, at: Span, why: str) -> MetricSql:
    return MetricSql(f"{what} {why}: {printable(' '.join(sql.split()), 120)}", at=at, hint="declare it by hand")
