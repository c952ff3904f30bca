"""A metric moved down one model: the same rows, said over the table that the model selects from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from startrail.lineage.expressions import DIALECT, conjuncts
from startrail.lineage.gap.causes import mapped
from startrail.lineage.gap.flatten import flattened
from startrail.model.metric import Filter, Join, Metric, as_names

_REFUSED = ("with_", "group", "having", "distinct", "limit", "offset", "qualify", "laterals", "pivots", "sample")


def moved_down(metric: Metric, model_sql: str, columns: Sequence[str]) -> Metric | None:
    """The metric over the table that its source's model projects, filters and joins, with the model's conditions as filters.

    ``columns``: those of the model. None when the model does more than that: groups, windows, sets.
    """
    select = _select(model_sql)
    if select is None or metric.joins or metric.dedup is not None:
        return None
    place = select.args.get("from_") or select.args.get("from")
    table = place.this if isinstance(place, exp.From) else None
    if not isinstance(table, exp.Table) or not table.db:
        return None
    alias = (table.alias or table.name).lower()
    joins = _joins(select, alias, table.name.lower())
    given = _given(select, columns, alias) if joins is not None else None
    if given is None or joins is None or (joins and not _all_named(select)):
        return None
    unknown: list[str] = []

    def text(sql: str) -> str:
        def replace(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column):
                return node
            found = given.get(node.name.lower())
            if found is None:
                unknown.append(node.name)
                return node
            return found.copy() if isinstance(found, exp.Column) else exp.paren(found.copy())

        return sqlglot.parse_one(sql, dialect=DIALECT).transform(replace).sql(dialect=DIALECT, comments=False)

    found = mapped(metric, text)
    where = select.args.get("where")
    parts = conjuncts(where.this) if isinstance(where, exp.Where) else []
    own = [_bare(part, alias) for part in parts if not _is_partition(part)]
    filters = [Filter(f"{metric.alias} {place}", part.sql(dialect=DIALECT, comments=False)) for place, part in enumerate(own, 1)]
    time = found.agg_time_dimension
    if unknown or (time is not None and not _is_column(time.column)):
        return None
    return msgspec.structs.replace(
        found,
        source=f"{table.db}.{table.name}",
        filters=(*found.filters, *filters),
        joins=joins,
        grain=tuple(text(name) for name in as_names(metric.grain))
        if all(name in given for name in as_names(metric.grain))
        else (),
        dimensions=tuple(name for name in metric.dimensions if _same(given.get(name.lower()), name)),
    )


def _select(sql: str) -> exp.Select | None:
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]
    except (ParseError, TokenError, RecursionError):
        return None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        return None
    select = flattened(trees[0])
    plain = not any(select.args.get(key) for key in _REFUSED) and sum(1 for _ in select.find_all(exp.Query)) == 1
    return select if plain and next(select.find_all(exp.AggFunc, exp.Window), None) is None else None


def _joins(select: exp.Select, alias: str, source: str) -> tuple[Join, ...] | None:
    """The model's joins by ON, each of which may add rows as it does in the model; None when one is of another kind."""
    found: list[Join] = []
    for join in select.args.get("joins") or ():
        table, condition = join.this, join.args.get("on")
        words = [str(join.args.get(key) or "").upper() for key in ("side", "kind", "method")]
        name = (table.alias or table.name).lower() if isinstance(table, exp.Table) else ""
        if condition is None or not name or not table.db or name in (alias, source, *(each.name for each in found)):
            return None
        if words not in (["LEFT", "", ""], ["LEFT", "OUTER", ""], ["", "", ""], ["", "INNER", ""]):
            return None
        on = _bare(condition, alias).sql(dialect=DIALECT, comments=False)
        how: Literal["left", "inner"] = "left" if words[0] == "LEFT" else "inner"
        found.append(Join(f"{table.db}.{table.name}", on, type=how, alias=name, cardinality="many_to_many", on_fanout="allow"))
    return tuple(found)


def _all_named(select: exp.Select) -> bool:
    """Whether every column says its table; a star of joined tables says none."""
    return all(column.table and not isinstance(column.this, exp.Star) for column in select.find_all(exp.Column)) and not any(
        isinstance(each, exp.Star) for each in select.expressions
    )


def _given(select: exp.Select, columns: Sequence[str], alias: str) -> Mapping[str, exp.Expr] | None:
    """What each column of the model is, over its table."""
    found: dict[str, exp.Expr] = {}
    for each in select.expressions:
        if isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star)):
            star = each if isinstance(each, exp.Star) else each.this
            if any(star.args.get(key) for key in ("except_", "except", "replace", "rename")):
                return None
            found |= {name.lower(): exp.column(name, quoted=True) for name in columns if name.lower() not in found}
            continue
        found[each.alias_or_name.lower()] = _bare(each.unalias(), alias)
    return found


def _bare(tree: exp.Expr, alias: str) -> exp.Expr:
    """Columns without the alias in front; a struct's field looks the same as ``alias.column``, so only the alias goes."""
    found = tree.copy()
    for column in found.find_all(exp.Column):
        if column.table.lower() == alias:
            column.set("table", None)
    return found


def _is_partition(part: exp.Expr) -> bool:
    """Whether a condition confines the model to its partition, of which all are there."""
    return next(part.find_all(exp.Placeholder, exp.Parameter), None) is not None


def _is_column(text: str) -> bool:
    return isinstance(sqlglot.parse_one(text, dialect=DIALECT), exp.Column)


def _same(tree: exp.Expr | None, name: str) -> bool:
    return isinstance(tree, exp.Column) and not tree.table and tree.name.lower() == name.lower()
