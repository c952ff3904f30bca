"""The slots of a metric that is plain SQL, read from its text: one SELECT of one aggregate over a table and its joins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.lineage.expressions import DIALECT, conjuncts
from startrail.lineage.gap.commas import with_joins
from startrail.lineage.gap.errors import OpaqueSql
from startrail.lineage.gap.flatten import flattened
from startrail.lineage.metric.errors import MetricSql
from startrail.lineage.metric.text import Aggregated, read_aggregate
from startrail.model.metric import Filter, Join, Metric, Part, TimeDimension

_REFUSED = {
    "with_": "a WITH clause", "group": "GROUP BY", "having": "HAVING", "distinct": "DISTINCT", "limit": "LIMIT",
    "offset": "OFFSET", "qualify": "QUALIFY", "windows": "WINDOW", "laterals": "LATERAL", "pivots": "PIVOT", "sample": "a sample",
}  # fmt: skip


class Days(NamedTuple):
    """A period: its first day and its last."""

    first: date
    last: date


def metric_of(sql: str, name: str, columns: Mapping[str, tuple[str, ...]], days: Days | None, at: Span) -> Metric:
    """The metric that a text means, without a dimension. ``columns``: of each table. Raises OpaqueSql."""
    return _Reading(sql, name, columns, days, at).metric()


class _Reading:
    def __init__(self, sql: str, name: str, columns: Mapping[str, tuple[str, ...]], days: Days | None, at: Span) -> None:
        self.sql, self.name, self.days, self.at = sql, name, days, at
        self.known = {table.lower(): {each.lower() for each in names} for table, names in columns.items()}
        self.aliases: dict[str, str] = {}
        """What a table is called in the text -> its full name; the source first."""

    def metric(self) -> Metric:
        select = self._select()
        source = self._table(select.args.get("from_") or select.args.get("from"))
        joins = tuple(self._join(join) for join in select.args.get("joins") or ())
        where = select.args.get("where")
        parts = conjuncts(where.this) if isinstance(where, exp.Where) else []
        time, parts = self._period(parts)
        filters = [Filter(f"condition {place}", self._text(part)) for place, part in enumerate(parts, 1)]
        self._no_period([*parts, select.expressions[0]])
        aggregate = self._qualified(select.expressions[0].unalias()).sql(dialect=DIALECT, comments=False)
        try:
            found = read_aggregate(aggregate, DIALECT, what=f"the SQL of {self.name}", at=self.at)
        except MetricSql as error:
            raise OpaqueSql(error.message, at=self.at, affects=self._affects(), hint=self._hint()) from None
        base = Metric(self.name, source=source, joins=joins, agg_time_dimension=time, filters=tuple(filters), span=self.at)
        if len(found) == 2:
            return msgspec.structs.replace(base, agg="ratio", numerator=self._part(found[0]), denominator=self._part(found[1]))
        (one,) = found
        if one.condition is not None:
            own = tuple(
                Filter(f"case {place}", part.sql(dialect=DIALECT, comments=False))
                for place, part in enumerate(conjuncts(sqlglot.parse_one(one.condition, dialect=DIALECT)), 1)
            )
            base = msgspec.structs.replace(base, filters=(*base.filters, *own))
        return msgspec.structs.replace(base, agg=one.agg, expr=one.expr)

    # -- the statement -----------------------------------------------------------------------------

    def _select(self) -> exp.Select:
        try:
            trees = [tree for tree in sqlglot.parse(self.sql, dialect=DIALECT) if tree is not None]
        except (ParseError, TokenError, RecursionError):
            raise self._opaque("it cannot be parsed") from None
        if len(trees) != 1 or not isinstance(trees[0], exp.Select):
            raise self._opaque("it is not one SELECT")
        select = flattened(trees[0])
        for key, words in _REFUSED.items():
            if select.args.get(key):
                raise self._opaque(f"it has {words}")
        if len(select.expressions) != 1:
            raise self._opaque(f"it gives {len(select.expressions)} columns")
        if next(select.find_all(exp.Window), None) is not None:
            raise self._opaque("it has a window function")
        if sum(1 for _ in select.find_all(exp.Query)) > 1:
            raise self._opaque("it has a subquery")
        if not any(key in select.args for key in ("from_", "from")) or not select.args.get("joins"):
            return select
        tables = {(node.alias or node.name).lower(): f"{node.db}.{node.name}".lower() for node in select.find_all(exp.Table)}
        joined = with_joins(select, lambda column: _owner_of(column, tables, self.known))
        if joined is None:
            raise self._opaque("a table in it is compared with no other by an equality of columns")
        return joined

    def _table(self, place: object) -> str:
        table = place.this if isinstance(place, exp.From | exp.Join) else None
        if not isinstance(table, exp.Table) or not table.db:
            raise self._opaque("it does not select from a table by its full name")
        full = f"{table.db}.{table.name}"
        alias = (table.alias or table.name).lower()
        if alias in self.aliases:
            raise self._opaque(f"two tables are called '{printable(alias, 40)}'")
        self.aliases[alias] = full
        return full

    def _join(self, join: exp.Join) -> Join:
        side, kind, method = (str(join.args.get(key) or "").upper() for key in ("side", "kind", "method"))
        condition = join.args.get("on")
        if method or side not in ("", "LEFT") or kind not in ("", "INNER", "OUTER") or condition is None:
            raise self._opaque("a join is neither LEFT nor INNER JOIN ... ON")
        to = self._table(join)
        alias = list(self.aliases)[-1]
        how: Literal["left", "inner"] = "left" if side == "LEFT" else "inner"
        return Join(to, self._text(condition), type=how, alias=alias, cardinality="many_to_many", on_fanout="allow")

    def _text(self, tree: exp.Expr) -> str:
        return self._qualified(tree).sql(dialect=DIALECT, comments=False)

    def _qualified(self, tree: exp.Expr) -> exp.Expr:
        """Columns of the source bare, those of joined tables with their alias in front."""
        found = tree.copy()
        source = next(iter(self.aliases))
        for column in list(found.find_all(exp.Column)):
            owner = column.table.lower() or self._owner(column.name)
            if owner not in self.aliases:
                raise self._opaque(f"'{printable(column.sql(), 60)}' is of no table in it")
            column.set("table", None if owner == source else exp.to_identifier(owner, quoted=True))
        return found

    def _owner(self, name: str) -> str:
        owners = [alias for alias, table in self.aliases.items() if name.lower() in self.known.get(table.lower(), ())]
        if len(owners) != 1:
            raise self._opaque(f"'{printable(name, 60)}' is a column of {len(owners)} of its tables")
        return owners[0]

    def _part(self, found: Aggregated) -> Part:
        if found.agg not in ("sum", "count", "count_distinct"):
            raise self._opaque(f"it divides a {found.agg}")
        filters = () if found.condition is None else (Filter("case", found.condition),)
        agg: Literal["sum", "count", "count_distinct"] = (
            "sum" if found.agg == "sum" else "count" if found.agg == "count" else "count_distinct"
        )
        return Part(agg, found.expr, filters)

    # -- the period --------------------------------------------------------------------------------

    def _period(self, parts: list[exp.Expr]) -> tuple[TimeDimension | None, list[exp.Expr]]:
        """The two conditions that make the period, if there are just two, and the others."""
        bounds = [_bound(part, self.days) for part in _unfolded(parts)]
        lower = [bound for bound in bounds if bound is not None and bound.lower]
        upper = [bound for bound in bounds if bound is not None and not bound.lower]
        if self.days is None or len(lower) != 1 or len(upper) != 1 or lower[0].moment != upper[0].moment:
            return None, parts
        low, high = lower[0], upper[0]
        column = self._text(high.column)
        left: Literal["[", "("] = "[" if low.included else "("
        right: Literal[")", "]"] = "]" if high.included else ")"
        whole: Literal["[)", "[]", "(]", "()"] = (
            "[)" if (left, right) == ("[", ")") else "[]" if (left, right) == ("[", "]") else "()"
        )
        if (left, right) == ("(", "]"):
            whole = "(]"
        rest = [part for part, bound in zip(_unfolded(parts), bounds, strict=True) if bound is None]
        return TimeDimension(column, timezone=high.zone, bounds=whole), rest

    def _no_period(self, trees: list[exp.Expr]) -> None:
        for tree in trees:
            for mark in (*tree.find_all(exp.Placeholder), *tree.find_all(exp.Parameter)):
                raise self._opaque(
                    f"'{printable(mark.sql(dialect=DIALECT), 40)}' does not stand in column >= $start and column < $end"
                )

    def _opaque(self, reason: str) -> OpaqueSql:
        return OpaqueSql(
            f"the slots of {self.name} cannot be read from its SQL: {reason}",
            at=self.at,
            affects=self._affects(),
            hint=self._hint(),
        )

    def _affects(self) -> str:
        return "no line of the gap is given"

    def _hint(self) -> str:
        return "write one SELECT of one aggregate over one table and its joins, or declare the metric with source and expr"


def _owner_of(column: exp.Column, tables: Mapping[str, str], known: Mapping[str, set[str]]) -> str | None:
    """What the table of a column is called; None when it is not known, or not the only one."""
    if column.table:
        return column.table.lower()
    owners = [alias for alias, table in tables.items() if column.name.lower() in known.get(table, ())]
    return owners[0] if len(owners) == 1 else None


class _Bound(NamedTuple):
    column: exp.Expr
    zone: str
    moment: str
    lower: bool
    included: bool


def _unfolded(parts: list[exp.Expr]) -> list[exp.Expr]:
    """BETWEEN as its two comparisons."""
    found: list[exp.Expr] = []
    for part in parts:
        if isinstance(part, exp.Between) and not part.args.get("symmetric"):
            low, high = part.args["low"], part.args["high"]
            found += [
                exp.GTE(this=part.this.copy(), expression=low.copy()),
                exp.LTE(this=part.this.copy(), expression=high.copy()),
            ]
        else:
            found.append(part)
    return found


def _bound(part: exp.Expr, days: Days | None) -> _Bound | None:
    """A comparison of a moment with the period's begin or end."""
    if days is None or not isinstance(part, exp.GTE | exp.GT | exp.LT | exp.LTE):
        return None
    lower = isinstance(part, exp.GTE | exp.GT)
    edge = _edge(part.expression, days)
    moment = _moment(part.this)
    if edge is None or moment is None:
        return None
    column, zone, whole_days = moment
    text = f"{column.sql()} in {zone}"
    if lower:
        return _Bound(column, zone, text, True, isinstance(part, exp.GTE)) if edge == "first" else None
    if edge == "after":
        return _Bound(column, zone, text, False, False) if isinstance(part, exp.LT) else None
    if edge == "last" and isinstance(part, exp.LTE):
        return _Bound(column, zone, text, False, not whole_days)
    return None


def _moment(tree: exp.Expr) -> tuple[exp.Expr, str, bool] | None:
    """A column, the zone of its wall time, and whether it is cut to days."""
    tree = tree.unnest()
    if isinstance(tree, exp.Cast) and tree.to.this == exp.DataType.Type.DATE:
        inner = _moment(tree.this)
        return None if inner is None else (inner[0], inner[1], True)
    if isinstance(tree, exp.AtTimeZone) and isinstance(tree.args.get("zone"), exp.Literal):
        inner = _moment(tree.this)
        return None if inner is None else (inner[0], tree.args["zone"].name, inner[2])
    if isinstance(tree, exp.Anonymous) and tree.name.lower() == "timezone" and len(tree.expressions) == 2:
        inner = _moment(tree.expressions[1])
        return None if inner is None else (inner[0], tree.expressions[0].name, inner[2])
    return (tree, "UTC", False) if isinstance(tree, exp.Column) else None


def _edge(tree: exp.Expr, days: Days) -> Literal["first", "last", "after"] | None:
    """Which edge of the period a value is: its first day, its last, or the day after."""
    tree = tree.unnest()
    if isinstance(tree, exp.Placeholder | exp.Parameter):
        name = tree.name.lower()
        return "first" if name == "start" else "after" if name == "end" else None
    literal = tree.this if isinstance(tree, exp.Cast) else tree
    if not isinstance(literal, exp.Literal) or not literal.is_string:
        return None
    try:
        moment = datetime.fromisoformat(literal.name)
    except ValueError:
        return None
    for edge, day in (("first", days.first), ("last", days.last), ("after", days.last + timedelta(days=1))):
        if moment == datetime(day.year, day.month, day.day):
            return edge  # type: ignore[return-value]  (one of the three words above)
    return None
