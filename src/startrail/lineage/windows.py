"""Which column of a table a model confines to ``[$start, $end)``, wherever it reads the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from startrail.lineage.scopes import Read

_PLAIN_KINDS = ("", "INNER", "CROSS", "OUTER")
_INSTANTS = {exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ,
             exp.DataType.Type.TIMESTAMPNTZ, exp.DataType.Type.DATETIME}  # fmt: skip

_RESHAPING = ("distinct", "group", "having", "qualify", "limit", "offset", "sample", "laterals", "windows", "pivots")
"""Clauses through which a row decides what becomes of another."""


class _Bound(NamedTuple):
    qualifier: str
    column: str
    lower: bool
    by_day: bool


def confined(reads: tuple[Read, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The column per table, and the tables for which it holds only for days and longer. Doubt means no window."""
    candidates: dict[str, dict[str, bool]] = {}
    for read in reads:
        here = _windows_at(read.node)
        before = candidates.get(read.name)
        if before is None:
            candidates[read.name] = here
        else:
            candidates[read.name] = {column: before[column] or by_day for column, by_day in here.items() if column in before}
    windows = {table: next(iter(columns)) for table, columns in candidates.items() if columns}
    return windows, tuple(table for table, column in windows.items() if candidates[table][column])


def passed(statement: exp.Expression, reads: tuple[Read, ...]) -> dict[str, tuple[str, str]]:
    """Output columns of a plain SELECT that are a column of a table read in this one place: output -> (table, column).

    A window on such an output is a window on the table, so a view may stand between a model and its input.
    """
    if not isinstance(statement, exp.Select) or any(statement.args.get(word) for word in _RESHAPING):
        return {}
    if any(part.find(exp.AggFunc, exp.Window) for part in statement.expressions) or not all(
        _plain(join) for join in joins(statement)
    ):
        return {}
    once = {read.name for read in reads if [other.name for other in reads].count(read.name) == 1}
    direct = {
        read.node.alias_or_name.lower(): read for read in reads if any(source is read.node for source in sources(statement))
    }
    alone = len(sources(statement)) == 1
    found: dict[str, tuple[str, str]] = {}
    for output in statement.expressions:
        column = output.unalias()
        if not isinstance(column, exp.Column) or not isinstance(column.this, exp.Identifier):
            continue
        qualifier = [part.name.lower() for part in column.parts[:-1]]
        read = direct.get(qualifier[0] if len(qualifier) == 1 else next(iter(direct), "") if alone and not qualifier else "")
        if read is not None and read.name in once and _sees_all(read.node):
            found[output.alias_or_name.lower()] = (read.name, column.name.lower())
    return found


def sources(select: exp.Select) -> list[exp.Expression]:
    """What FROM and JOIN name, in order, without looking into parentheses."""
    from_ = select.args.get("from_")
    found: list[exp.Expression] = [from_.this] if from_ is not None else []
    found += [join.this for join in joins(select)]
    return found


def joins(select: exp.Select) -> list[exp.Join]:
    """All joins of a SELECT; those of a FROM that stands first hang on its table."""
    from_ = select.args.get("from_")
    hanging = [] if from_ is None else from_.this.args.get("joins") or []
    return [*hanging, *(select.args.get("joins") or [])]


def _windows_at(table: exp.Table) -> dict[str, bool]:
    """Columns confined at this place, each with whether only by day."""
    select = table.find_ancestor(exp.Select)
    if select is None or not _sees_all(table) or select.args.get("sample"):
        return {}
    all_sources = sources(select)
    if not any(source is table for source in all_sources) or not all(_plain(join) for join in joins(select)):
        return {}
    names = {table.alias_or_name.lower()} | ({""} if len(all_sources) == 1 and not select.args.get("laterals") else set())
    bounds = [bound for condition in _conditions(select, table) for bound in _bounds(condition) if bound.qualifier in names]
    lower = {bound.column: bound.by_day for bound in bounds if bound.lower}
    upper = {bound.column: bound.by_day for bound in bounds if not bound.lower}
    return {column: by_day or upper[column] for column, by_day in lower.items() if column in upper}


def _sees_all(table: exp.Table) -> bool:
    """A table whose rows and column names arrive as they are."""
    alias = table.args.get("alias")
    renamed = alias is not None and alias.args.get("columns")
    return not (table.args.get("pivots") or table.args.get("sample") or renamed)


def _plain(join: exp.Join) -> bool:
    """A join in which a row outside the window cannot decide what becomes of a row inside."""
    return not join.args.get("method") and str(join.args.get("kind") or "").upper() in _PLAIN_KINDS


def _conditions(select: exp.Select, table: exp.Table) -> Iterator[exp.Expression]:
    """Conditions that every used row of the table fulfils: WHERE, ON of an inner join, ON of its own left join."""
    where = select.args.get("where")
    if where is not None:
        yield where.this
    for join in joins(select):
        on = join.args.get("on")
        side = str(join.args.get("side") or "").upper()
        if on is not None and (side == "" or (side == "LEFT" and join.this is table)):
            yield on


def _bounds(condition: exp.Expression) -> Iterator[_Bound]:
    if isinstance(condition, exp.Paren):
        yield from _bounds(condition.this)
    elif isinstance(condition, exp.And):
        yield from _bounds(condition.this)
        yield from _bounds(condition.expression)
    elif isinstance(condition, exp.GTE):
        yield from _bound(condition.this, condition.expression, "start")
    elif isinstance(condition, exp.LT):
        yield from _bound(condition.this, condition.expression, "end")
    elif isinstance(condition, exp.LTE):
        yield from _bound(condition.expression, condition.this, "start")
    elif isinstance(condition, exp.GT):
        yield from _bound(condition.expression, condition.this, "end")


def _bound(left: exp.Expression, right: exp.Expression, parameter: str) -> Iterator[_Bound]:
    column, column_by_day = _uncast(left)
    value, value_by_day = _uncast(right)
    if isinstance(column, exp.Column) and isinstance(value, exp.Placeholder) and value.name.lower() == parameter:
        parts = [part.name.lower() for part in column.parts]
        if isinstance(column.this, exp.Identifier) and len(parts) <= 2:
            qualifier = parts[0] if len(parts) == 2 else ""
            yield _Bound(qualifier, parts[-1], parameter == "start", column_by_day or value_by_day)


def _uncast(node: exp.Expression) -> tuple[exp.Expression, bool]:
    """Without parentheses and casts to a date or time, which keep the order; and whether a cast cuts to the day."""
    by_day = False
    while isinstance(node, exp.Paren | exp.Cast):
        if isinstance(node, exp.Cast):
            if node.to.this not in _INSTANTS:
                break
            by_day = by_day or node.to.this == exp.DataType.Type.DATE
        node = node.this
    return node, by_day
