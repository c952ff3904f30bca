"""PIVOT and UNPIVOT: rows that become columns, and columns that become rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from startrail.lineage.trace.expressions import flow
from startrail.lineage.trace.flows import Flow, add, merged, through
from startrail.lineage.trace.relations import Column, Relation, Rest, collect
from startrail.lineage.trace.scope import Scope, Source
from startrail.lineage.trace.stars import expand, is_star
from startrail.model.lineage import CONDITIONAL, EVERY, FILTER, GROUP_BY, IDENTITY


def pivoted(relation: Relation, node: exp.Expr, scope: Scope) -> Relation:
    """The relation after a PIVOT or UNPIVOT clause, or DuckDB's statement of that name."""
    inner = Scope(scope.reader, scope, sources=[Source((), relation)])
    alias = node.args.get("alias")
    result = _unpivot(relation, node, inner) if node.args.get("unpivot") else _pivot(relation, node, inner)
    names = alias.args.get("columns") if isinstance(alias, exp.Expr) else None
    return result.renamed((scope.reader.names.column(name), name.name) for name in names or ())


def _pivot(relation: Relation, node: exp.Expr, scope: Scope) -> Relation:
    """One column per value of ON and aggregate; what is left groups the rows."""
    statement = bool(node.args.get("using"))
    aggregates = node.args["using"] if statement else node.expressions
    fields = node.expressions if statement or not node.args.get("fields") else node.args["fields"]
    if not statement and not node.args.get("fields"):
        aggregates = []
    switches = merged(flow(_switch(field), scope, CONDITIONAL) for field in fields)
    used = _mentioned([*aggregates, *map(_switch, fields)], scope)
    group = node.args.get("group")
    if isinstance(group, exp.Expr):
        left = [(_key(part, scope), Column(part.alias_or_name, flow(part, scope))) for part in group.expressions]
        rests: tuple[Rest, ...] = ()
    else:
        left = [(key, column) for key, column in relation.columns.items() if key not in used]
        rests = tuple(rest._replace(without=rest.without | used) for rest in relation.rests)
    names = _names(node, fields, aggregates, statement)
    values = [_with(flow(aggregate, scope), switches) for aggregate in aggregates] or [switches]
    made = [(_key_of(name, scope), Column(name, values[place % len(values)])) for place, name in enumerate(names)]
    unknown = () if names else (Rest(None, merged(values)),)
    rows = dict(relation.rows)
    add(rows, merged(through(column.flow, GROUP_BY) for _, column in left))
    for rest in rests:
        add(rows, through(rest.every(), GROUP_BY))
    return Relation(collect([*left, *made]), rows, (*rests, *unknown))


def _switch(field: exp.Expr) -> exp.Expr:
    return field.this if isinstance(field, exp.In) else field


def _names(node: exp.Expr, fields: Sequence[exp.Expr], aggregates: Sequence[exp.Expr], statement: bool) -> list[str]:
    """The new columns, values outside and aggregates inside; none when the values are not written down."""
    given = node.args.get("columns")
    if given:
        return [name.name for name in given]
    if len(fields) != 1 or not isinstance(fields[0], exp.In) or not fields[0].expressions:
        return []
    if any(not isinstance(value, exp.Literal | exp.PivotAlias | exp.Alias) for value in fields[0].expressions):
        return []
    values = [value.alias_or_name for value in fields[0].expressions]
    if not statement or len(aggregates) == 1:
        alias = aggregates[0].alias if aggregates else ""
        return [f"{value}_{alias}" if alias else value for value in values]
    return [f"{value}_{each.alias or each.sql('duckdb').lower()}" for value in values for each in aggregates]


def _unpivot(relation: Relation, node: exp.Expr, scope: Scope) -> Relation:
    """Listed columns become a column of names and columns of values; a row of nothing but NULL is left out."""
    into = node.args.get("into")
    if isinstance(into, exp.Expr):
        name_parts, value_parts = ([into.this] if isinstance(into.this, exp.Expr) else []), into.expressions
        listed = node.expressions
    else:
        fields = [field for field in node.args.get("fields") or () if isinstance(field, exp.In)]
        name_parts = [field.this for field in fields]
        value_parts = [
            part for each in node.expressions for part in (each.expressions if isinstance(each, exp.Tuple) else [each])
        ]
        listed = [part for field in fields for part in field.expressions]
    groups = [_group(part, scope) for part in listed]
    if isinstance(node.args.get("into"), exp.Expr):
        groups = [[one] for group in groups for one in group]
    used = {key for group in groups for key, _ in group}
    values: list[Flow] = [
        merged(group[place][1].flow for group in groups if place < len(group)) for place in range(max(1, len(value_parts)))
    ]
    made = [(_key(part, scope), Column(part.name or "name", {})) for part in name_parts] or [("name", Column("name", {}))]
    shown = value_parts or [exp.to_identifier("value")]
    made += [(_key(part, scope), Column(part.name, values[place])) for place, part in enumerate(shown)]
    rows = dict(relation.rows)
    if not node.args.get("include_nulls"):
        add(rows, through(merged(values), FILTER))
    left = [(key, column) for key, column in relation.columns.items() if key not in used]
    rests = tuple(rest._replace(without=rest.without | used) for rest in relation.rests)
    return Relation(collect([*left, *made]), rows, rests)


def _group(part: exp.Expr, scope: Scope) -> list[tuple[str, Column]]:
    """The columns that stand side by side in one row of the result."""
    if isinstance(part, exp.PivotAlias | exp.Alias):
        part = part.this
    if is_star(part):
        found = expand(part, scope)
        return found.columns + [(EVERY, Column(EVERY, rest.every())) for rest in found.rests]
    parts = part.expressions if isinstance(part, exp.Tuple) else [part]
    return [(_key(each, scope), Column(each.name, flow(each, scope, IDENTITY))) for each in parts]


def _mentioned(nodes: Iterable[exp.Expr], scope: Scope) -> frozenset[str]:
    return frozenset(_key(column, scope) for node in nodes for column in node.find_all(exp.Column) if column.name)


def _key(node: exp.Expr, scope: Scope) -> str:
    name = node.args.get("alias") if isinstance(node, exp.Alias) else node.this if isinstance(node, exp.Column) else node
    return scope.reader.names.column(name) if isinstance(name, exp.Expr) else node.alias_or_name.lower()


def _key_of(name: str, scope: Scope) -> str:
    return scope.reader.names.column(exp.to_identifier(name.strip("'\""), quoted=False))


def _with(first: Flow, second: Flow) -> Flow:
    found = dict(first)
    add(found, second)
    return found
