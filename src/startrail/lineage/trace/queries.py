"""What a query returns: its columns with their flows, and what decides about its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from startrail.lineage.trace.expressions import flow
from startrail.lineage.trace.flows import Flow, add, merged, through
from startrail.lineage.trace.names import loose
from startrail.lineage.trace.pivots import pivoted
from startrail.lineage.trace.relations import Column, Relation, Rest, collect
from startrail.lineage.trace.scope import Reader, Scope, Source
from startrail.lineage.trace.sources import put, put_from, values
from startrail.lineage.trace.stars import Expanded, expand, fields, is_star
from startrail.model.lineage import FILTER, GROUP_BY, JOIN, SORT, TRANSFORMATION, WINDOW

_ROUNDS = 30
"""A recursive table's flows only grow, and each round adds one more step of the recursion."""

Effect = Callable[[exp.Expr, Scope], Relation]
"""Carries out a statement inside WITH that changes a table, and gives what it returns."""


def query(node: exp.Expr, reader: Reader, parent: Scope | None, effect: Effect) -> Relation:
    """The relation of any query: SELECT, set operation, VALUES, a bare table, PIVOT."""
    scope = Scope(reader, parent)
    _with(node, scope, effect)
    if isinstance(node, exp.Select):
        return select(node, scope)
    if isinstance(node, exp.SetOperation):
        return _ordered(_set_operation(node, scope, effect), node, scope)
    if isinstance(node, exp.Subquery):
        return _ordered(_bare(node.this, scope, effect), node, scope)
    return _bare(node, scope, effect)


def _bare(node: exp.Expr, scope: Scope, effect: Effect) -> Relation:
    if isinstance(node, exp.Values):
        return values(node, scope)
    if isinstance(node, exp.Pivot):
        inner = Scope(scope.reader, scope)
        put(node.this, inner)
        return pivoted(inner.sources[0].relation, node, scope)
    if isinstance(node, exp.Table):
        inner = Scope(scope.reader, scope)
        put(node, inner)
        everything = expand(exp.Star(), inner)
        return Relation(collect(everything.columns), inner.rows, tuple(everything.rests))
    if isinstance(node, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        return effect(node, scope)
    if isinstance(node, exp.Query):
        return query(node, scope.reader, scope, effect)
    return Relation({"value": Column("value", flow(node, scope))})


# -- WITH --------------------------------------------------------------------------------------------------
def _with(node: exp.Expr, scope: Scope, effect: Effect) -> None:
    with_ = node.args.get("with_")
    if not isinstance(with_, exp.With):
        return
    for cte in with_.expressions:
        key = scope.reader.names.part(cte.args["alias"].this)
        if cte.args.get("scalar"):
            scope.aliases[key] = Column(cte.alias, flow(cte.this, scope))
        elif with_.args.get("recursive") and isinstance(cte.this, exp.SetOperation) and _mentions(cte.this, key, scope):
            scope.ctes[key] = _recursive(cte, key, scope, effect)
        else:
            scope.ctes[key] = _named(_bare(cte.this, scope, effect), cte, scope)


def with_tables(node: exp.Expr, scope: Scope, effect: Effect) -> None:
    """Define the common table expressions that a statement begins with."""
    _with(node, scope, effect)


def _mentions(node: exp.Expr, key: str, scope: Scope) -> bool:
    return any(
        isinstance(table.this, exp.Identifier) and not table.args.get("db") and scope.reader.names.part(table.this) == key
        for table in node.find_all(exp.Table)
    )


def _recursive(cte: exp.Expr, key: str, scope: Scope, effect: Effect) -> Relation:
    """From the part that does not recur, round by round, until nothing is added."""
    anchor = cte.this
    while isinstance(anchor, exp.SetOperation):
        anchor = anchor.this
    found = _named(_bare(anchor, scope, effect), cte, scope)
    for _ in range(_ROUNDS):
        scope.ctes[key] = found
        more = _named(_bare(cte.this, scope, effect), cte, scope)
        if _shape(more) == _shape(found):
            break
        found = more
    return found


def _shape(relation: Relation) -> tuple[object, ...]:
    return [(key, column.flow) for key, column in relation.columns.items()], relation.rows, relation.rests


def _named(relation: Relation, cte: exp.Expr, scope: Scope) -> Relation:
    names = cte.args["alias"].args.get("columns") or ()
    if names and relation.rests:
        scope.reader.problem(cte.args["alias"].this, f"the columns of '{cte.alias}' are renamed by position and not known")
    return relation.renamed((scope.reader.names.column(name), name.name) for name in names)


# -- SELECT ------------------------------------------------------------------------------------------------
def select(node: exp.Select, scope: Scope) -> Relation:
    """One SELECT block in a scope that already knows its WITH."""
    args = node.args
    put_from(args.get("from_"), args.get("joins") or (), args.get("laterals") or (), scope)
    scope.windows = {window.this.name.lower(): window for window in args.get("windows") or ()}
    _match(args.get("match"), scope)
    columns, rests, outputs = _projections(node, scope)
    rows = scope.rows
    for word, role in (("where", FILTER), ("prewhere", FILTER)):
        if isinstance(args.get(word), exp.Expr):
            add(rows, flow(args[word].this, scope, role, "where"))
    connect = args.get("connect")
    if isinstance(connect, exp.Expr):
        add(rows, flow(connect.args["connect"], scope, JOIN, "where"))
        if isinstance(connect.args.get("start"), exp.Expr):
            add(rows, flow(connect.args["start"], scope, FILTER, "where"))
    if isinstance(args.get("group"), exp.Expr):
        add(rows, _grouped(args["group"], node, outputs, scope))
    for word in ("having", "qualify"):
        if isinstance(args.get(word), exp.Expr):
            add(rows, flow(args[word].this, scope, FILTER, "group"))
    _distinct(args.get("distinct"), columns, rests, scope)
    _sorted(node, outputs, scope)
    return Relation(collect(columns), rows, tuple(rests))


def _projections(node: exp.Select, scope: Scope) -> tuple[list[tuple[str, Column]], list[Rest], list[Flow | None]]:
    """Columns and rests of the SELECT list, and the flow of each written item for GROUP BY 1."""
    columns: list[tuple[str, Column]] = []
    rests: list[Rest] = []
    outputs: list[Flow | None] = []
    for item in node.expressions:
        if is_star(item) or _spreads(item, scope):
            found = expand(item, scope) if is_star(item) else _spread(item, scope)
            columns += found.columns
            rests += found.rests
            outputs += [column.flow for _, column in found.columns]
            continue
        for key, column in _each_of(item, scope) if item.find(exp.Columns) else _columns_of(item, scope):
            columns.append((key, column))
            outputs.append(column.flow)
            if isinstance(item, exp.Alias | exp.Aliases):
                scope.aliases.setdefault(key, column)
    dropped = {
        scope.reader.names.column(part.this if isinstance(part, exp.Column) else part) for part in node.args.get("exclude") or ()
    }
    if dropped:
        columns = [(key, column) for key, column in columns if key not in dropped]
        rests = [rest._replace(without=rest.without | dropped) for rest in rests]
    return columns, rests, outputs


def _each_of(item: exp.Expr, scope: Scope) -> Iterator[tuple[str, Column]]:
    """DuckDB's ``min(COLUMNS(*))``: the expression once for every column."""
    every = item.find(exp.Columns)
    assert every is not None
    for key, column in expand(every, scope).columns:
        one = item.copy()
        inner = one.find(exp.Columns)
        assert inner is not None
        inner.replace(exp.column(exp.to_identifier(column.name, quoted=True)))
        name = one.unalias().sql(scope.reader.dialect, identify=False).replace('"', "").lower()
        yield f"{key}\0", Column(one.alias or name, flow(one, scope))


def _columns_of(item: exp.Expr, scope: Scope) -> Iterator[tuple[str, Column]]:
    names = scope.reader.names
    if isinstance(item, exp.Aliases):
        every = flow(item.this, scope, TRANSFORMATION)
        for name in item.expressions:
            yield names.column(name), Column(name.name, every)
    elif isinstance(item, exp.QueryTransform):
        every = through(merged(flow(part, scope) for part in item.expressions), TRANSFORMATION)
        schema = item.args.get("schema")
        for name in schema.expressions if isinstance(schema, exp.Expr) else ():
            part = name.this if isinstance(name, exp.ColumnDef) else name
            yield names.column(part), Column(part.name, every)
    elif isinstance(item, exp.Alias):
        yield names.column(item.args["alias"]), Column(item.alias, flow(item.this, scope), _type(item.this, scope))
    elif isinstance(item, exp.Column):
        yield names.column(item.this), Column(item.name, flow(item, scope), _type(item, scope))
    else:
        shown = scope.reader.text_of(item)
        yield loose(_implied(item, scope) or shown), Column(_implied(item, scope) or shown, flow(item, scope))


def _implied(item: exp.Expr, scope: Scope) -> str | None:
    """The name that an expression without alias has: a field its own, in PostgreSQL a cast the column's."""
    if isinstance(item, exp.Dot) and isinstance(item.expression, exp.Identifier):
        return item.expression.name
    if isinstance(item, exp.Cast) and scope.reader.dialect in ("postgres", "redshift", "materialize", "risingwave"):
        return item.this.name if isinstance(item.this, exp.Column) else None
    return None


def _type(node: exp.Expr, scope: Scope) -> str | None:
    """The declared type of a column that passes unchanged, for stars on structs."""
    if not isinstance(node, exp.Column) or len(node.parts) > 2:
        return None
    key = scope.reader.names.column(node.this)
    for source in scope.visible():
        if not node.table or source.called([node.table.lower()]):
            column = source.relation.known(key)
            if column is not None:
                return column.type
    return None


def _spreads(item: exp.Expr, scope: Scope) -> bool:
    """DuckDB's ``unnest(struct)`` in a SELECT list makes one column per field, when the type says so."""
    return (
        isinstance(item, exp.Explode)
        and scope.reader.dialect == "duckdb"
        and (_type(item.this, scope) or "").upper().startswith("STRUCT")
    )


def _spread(item: exp.Expr, scope: Scope) -> Expanded:
    return fields(Column("", flow(item.this, scope), _type(item.this, scope)), scope)


def _grouped(group: exp.Expr, node: exp.Select, outputs: list[Flow | None], scope: Scope) -> Flow:
    if group.args.get("all"):
        return merged(
            through(flow(item, scope), GROUP_BY) for item in node.expressions if not is_star(item) and not _aggregates(item)
        )
    parts = [*group.expressions]
    for word in ("cube", "rollup", "grouping_sets"):
        found = group.args.get(word) or ()
        parts += [part for part in found if isinstance(part, exp.Expr)] if isinstance(found, list) else []
    return merged(_by_place(part, outputs, GROUP_BY) or flow(part, scope, GROUP_BY, "group") for part in parts)


def _aggregates(item: exp.Expr) -> bool:
    """Whether an item of the SELECT list aggregates the group: not one inside a subquery, nor one over a window."""
    walk = item.walk(prune=lambda node: isinstance(node, exp.Query))
    return any(isinstance(node, exp.AggFunc) and not isinstance(node.parent, exp.Window) for node in walk)


def _by_place(part: exp.Expr, outputs: list[Flow | None], role: int) -> Flow | None:
    """``GROUP BY 1``: the first item of the SELECT list."""
    if isinstance(part, exp.Literal) and not part.is_string and part.name.isdigit() and 0 < int(part.name) <= len(outputs):
        return through(outputs[int(part.name) - 1] or {}, role)
    return None


def _distinct(distinct: object, columns: list[tuple[str, Column]], rests: list[Rest], scope: Scope) -> None:
    if not isinstance(distinct, exp.Expr):
        return
    on = distinct.args.get("on")
    if isinstance(on, exp.Expr):
        add(scope.rows, flow(on, scope, GROUP_BY, "order"))
        return
    for _, column in columns:
        add(scope.rows, through(column.flow, GROUP_BY))
    for rest in rests:
        add(scope.rows, through(rest.every(), GROUP_BY))


def _sorted(node: exp.Expr, outputs: list[Flow | None], scope: Scope) -> None:
    """ORDER BY and its kin, and what LIMIT is computed from."""
    for word in ("order", "sort", "cluster", "distribute"):
        clause = node.args.get(word)
        for part in clause.expressions if isinstance(clause, exp.Expr) else ():
            what = part.this if isinstance(part, exp.Ordered) else part
            if isinstance(what, exp.Var) and what.name.upper() == "ALL":
                add(scope.rows, through(merged(each or {} for each in outputs), SORT))
            else:
                add(scope.rows, _by_place(what, outputs, SORT) or flow(what, scope, SORT, "order"))
    for word in ("limit", "offset", "fetch"):
        clause = node.args.get(word)
        if isinstance(clause, exp.Expr):
            for part in clause.iter_expressions():
                add(scope.rows, flow(part, scope, FILTER, "order"))


def _match(match: object, scope: Scope) -> None:
    """MATCH_RECOGNIZE: its measures stand beside the partition's columns."""
    if not isinstance(match, exp.Expr):
        return
    inner = Scope(scope.reader, scope.parent, sources=scope.sources)
    rows: Flow = {}
    for part in (*(match.args.get("partition_by") or ()), match.args.get("order")):
        if isinstance(part, exp.Expr):
            add(rows, flow(part, inner, WINDOW))
    for define in match.args.get("define") or ():
        add(rows, flow(define.this, inner, FILTER))
    measures = {}
    for measure in match.args.get("measures") or ():
        alias = measure.this
        measures[scope.reader.names.column(alias.args["alias"])] = Column(alias.alias, flow(alias.this, inner, TRANSFORMATION))
    add(scope.rows, rows)
    scope.sources.append(Source((), Relation(measures)))


# -- set operations ----------------------------------------------------------------------------------------
def _set_operation(node: exp.SetOperation, scope: Scope, effect: Effect) -> Relation:
    """Left to right without recursion on the left, because a UNION may have a thousand parts."""
    chain: list[exp.SetOperation] = []
    first: exp.Expr = node
    while isinstance(first, exp.SetOperation) and (first is node or not first.args.get("with_")):
        chain.append(first)
        first = first.this
    found = _bare(first, scope, effect)
    for operation in reversed(chain):
        found = _combined(operation, found, _bare(operation.expression, scope, effect), scope)
    return found


def _combined(node: exp.SetOperation, left: Relation, right: Relation, scope: Scope) -> Relation:
    rows = merged([left.rows, right.rows])
    columns = dict(left.columns)
    rests = left.rests
    if isinstance(node, exp.Except):
        add(rows, through(left.everything(), FILTER))
        add(rows, through(right.everything(), FILTER))
    else:
        columns, rests = _side_by_side(node, left, right, scope)
        if isinstance(node, exp.Intersect):
            add(rows, through(left.everything(), FILTER))
            add(rows, through(right.everything(), FILTER))
    if node.args.get("distinct"):
        for column in columns.values():
            add(rows, through(column.flow, GROUP_BY))
        for rest in rests:
            add(rows, through(rest.every(), GROUP_BY))
    return Relation(columns, rows, rests)


def _side_by_side(
    node: exp.SetOperation, left: Relation, right: Relation, scope: Scope
) -> tuple[dict[str, Column], tuple[Rest, ...]]:
    if node.args.get("by_name"):
        columns = dict(left.columns)
        for key, column in right.columns.items():
            before = columns.get(key)
            columns[key] = column if before is None else before._replace(flow=merged([before.flow, column.flow]))
        return columns, (*left.rests, *right.rests)
    if left.rests or right.rests:
        if not (left.rests and right.rests and not left.columns and not right.columns):
            scope.reader.problem(node.expression, "the two sides are matched by position, and not all of their columns are known")
        every = right.everything() if left.columns and not right.columns else {}
        known = {key: column._replace(flow=merged([column.flow, every])) for key, column in left.columns.items()}
        return known or dict(right.columns), (*left.rests, *(right.rests if left.rests else ()))
    if len(left.columns) != len(right.columns):
        scope.reader.problem(node.expression, f"the sides have {len(left.columns)} and {len(right.columns)} columns")
    pairs = zip(left.columns.items(), [*right.columns.values(), *([None] * len(left.columns))], strict=False)
    return {
        key: column._replace(flow=merged([column.flow, other.flow if other is not None else {}]))
        for (key, column), other in pairs
    }, ()


def _ordered(relation: Relation, node: exp.Expr, scope: Scope) -> Relation:
    """ORDER BY and LIMIT after a set operation or parentheses see the columns of the result."""
    if not any(node.args.get(word) for word in ("order", "limit", "offset", "fetch")):
        return relation
    inner = Scope(scope.reader, scope.parent)
    inner.aliases = dict(relation.columns)
    inner.sources = [Source((), relation)]
    _sorted(node, [column.flow for column in relation.columns.values()], inner)
    return Relation(relation.columns, merged([relation.rows, inner.rows]), relation.rests)
