"""What stands in FROM: tables, subqueries, functions, unnested values; and how joins put them together."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from startrail.lineage.trace.expressions import flow
from startrail.lineage.trace.flows import Flow, add, merged, through
from startrail.lineage.trace.names import loose
from startrail.lineage.trace.pivots import pivoted
from startrail.lineage.trace.relations import Column, Relation, Rest, SeveralRests, collect
from startrail.lineage.trace.scope import Scope, Source
from startrail.lineage.trace.stars import fields
from startrail.model.lineage import IDENTITY, JOIN, TRANSFORMATION

_SEES_SIBLINGS = ("duckdb",)
"""Dialects in which a subquery in FROM may name what stands before it without saying LATERAL."""


def put_from(node: exp.Expr | None, joins: Iterable[exp.Expr], laterals: Iterable[exp.Expr], scope: Scope) -> None:
    """Fill the scope with what FROM, its joins and its lateral views name."""
    if node is not None:
        put(node.this if isinstance(node, exp.From) else node, scope)
    for join in joins:
        _join(join, scope)
    for lateral in laterals:
        put(lateral, scope)


def put(node: exp.Expr, scope: Scope) -> None:
    """Add one item, and what is joined to it."""
    while isinstance(node, exp.Final | exp.Paren):
        node = node.this
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery) and not _alias(node):
        put(node.this, scope)  # nothing but parentheses around joined tables
        _hanging(node, scope)
        return
    relation = _pivots(_relation(node, scope), node, scope)
    add(scope.rows, relation.rows)
    scope.sources.append(Source(_name(node, scope), relation))
    _hanging(node, scope)


def _hanging(node: exp.Expr, scope: Scope) -> None:
    for join in node.args.get("joins") or ():
        _join(join, scope)
    for lateral in node.args.get("laterals") or ():
        put(lateral, scope)


def _relation(node: exp.Expr, scope: Scope) -> Relation:
    if isinstance(node, exp.Table):
        if isinstance(node.this, exp.Identifier | exp.Parameter):
            return _renamed(_table(node, scope), node, scope)
        return _function(node.this, node, scope)
    if isinstance(node, exp.Values):
        return _renamed(values(node, scope), node, scope)
    if isinstance(node, exp.Unnest):
        return _unnest(node, scope)
    if isinstance(node, exp.Lateral):
        inner = node.this
        if isinstance(inner, exp.Query):
            return _renamed(scope.reader.query(inner, scope), node, scope)
        return _unnest(inner, scope, node) if isinstance(inner, exp.Unnest) else _function(inner, node, scope)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Values | exp.Pivot):
        return _renamed(_joined(node.this, scope), node, scope)
    if isinstance(node, exp.Query):
        return _renamed(scope.reader.query(node, _around(scope)), node, scope)
    if isinstance(node, exp.TableFromRows):
        return _function(node.this, node, scope)
    if isinstance(node, exp.Alias | exp.Column):
        return _array_join(node, scope)
    if isinstance(node, exp.Pivot):
        return pivoted(_relation(node.this, scope), node, scope)
    return _function(node, node, scope)


def _joined(node: exp.Expr, scope: Scope) -> Relation:
    """Parentheses with an alias around joined tables: one relation with the columns of all."""
    inner = Scope(scope.reader, scope, weak=True)
    put(node, inner)
    columns = [item for source in inner.visible() for item in source.relation.columns.items()]
    rests = tuple(rest for source in inner.visible() for rest in source.relation.rests)
    return Relation(collect(columns), inner.rows, rests)


def _around(scope: Scope) -> Scope | None:
    """What a subquery in FROM sees outside of itself."""
    if scope.reader.dialect in _SEES_SIBLINGS:
        return Scope(scope.reader, scope, weak=True)
    return Scope(scope.reader, scope.parent, scope.weak, scope.ctes)


def _table(node: exp.Table, scope: Scope) -> Relation:
    if not node.args.get("db"):
        known = scope.cte(scope.reader.names.part(node.this))
        if known is not None:
            return known
    return scope.reader.table(node)


def values(node: exp.Expr, scope: Scope) -> Relation:
    """VALUES: each column is what stands at its place in any row."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in node.expressions]
    width = max((len(row) for row in rows), default=0)
    flows = [merged(flow(row[place], scope) for row in rows if place < len(row)) for place in range(width)]
    return Relation({f"col{place}": Column(f"col{place}", each) for place, each in enumerate(flows)})


def _unnest(node: exp.Expr, scope: Scope, around: exp.Expr | None = None) -> Relation:
    """Elements of arrays. Their number decides how often the other columns appear: a join."""
    inner = [_element(part, scope) for part in node.expressions]
    alias = _alias(around) or _alias(node)
    names = [*(alias.args.get("columns") or ())] if alias is not None else []
    every = merged(each.flow for each in inner)
    columns: list[tuple[str, Column]] = []
    for place, name in enumerate(names):
        column = inner[place] if len(names) <= len(inner) else Column("", every)
        columns.append((scope.reader.names.column(name), column._replace(name=name.name)))
    if not names:
        shown = alias.name if alias is not None and alias.name else "unnest"
        columns = [(shown.lower(), column._replace(name=shown)) for column in inner]
    offset = node.args.get("offset")
    if isinstance(offset, exp.Expr):
        columns.append((scope.reader.names.column(offset), Column(offset.name, every)))
    rests = [] if names else [rest for column in inner for rest in fields(column, scope).rests]
    inside = [] if names else [item for column in inner for item in fields(column, scope).columns]
    return Relation(collect([*columns, *inside]), through(every, JOIN), tuple(rests))


def _element(node: exp.Expr, scope: Scope) -> Column:
    declared = None
    if isinstance(node, exp.Column):
        column = scope.source([node.table.lower()]) if node.table else None
        known = column.relation.known(scope.reader.names.column(node.this)) if column is not None else None
        declared = known.type if known is not None else None
    return Column("", flow(node, scope, TRANSFORMATION), declared)


def _function(function: exp.Expr, node: exp.Expr, scope: Scope) -> Relation:
    """A table function: every column it makes depends on every argument."""
    every = through(flow(function, scope), TRANSFORMATION)
    rows = through(every, JOIN)
    alias = _alias(node)
    names = [*(alias.args.get("columns") or ())] if alias is not None else []
    names = names or [part.this for part in function.expressions if isinstance(part, exp.OpenJSONColumnDef | exp.ColumnDef)]
    if names:
        parts = [name.this if isinstance(name, exp.ColumnDef) else name for name in names]
        return Relation(collect((scope.reader.names.column(part), Column(part.name, every)) for part in parts), rows)
    if isinstance(node, exp.Table) and alias is not None and alias.name:
        key = scope.reader.names.column(alias.this)
        return Relation({key: Column(alias.name, every)}, rows, (Rest(None, every, frozenset([key])),))
    return Relation({}, rows, (Rest(None, every),))


def _array_join(node: exp.Expr, scope: Scope) -> Relation:
    """ClickHouse's ARRAY JOIN: the elements under the name of the array, or an alias."""
    every = flow(node, scope, TRANSFORMATION)
    key = scope.reader.names.column(node.args["alias"] if isinstance(node, exp.Alias) else node.this)
    return Relation({key: Column(node.alias_or_name, every)}, through(every, JOIN))


def _renamed(relation: Relation, node: exp.Expr, scope: Scope) -> Relation:
    alias = _alias(node)
    names = (alias.args.get("columns") or ()) if alias is not None else ()
    parts = [name.this if isinstance(name, exp.ColumnDef) else name for name in names]
    if parts and relation.rests:
        scope.reader.problem(node, f"the columns of '{alias.name if alias else ''}' are renamed by position and not known")
    return relation.renamed((scope.reader.names.column(part), part.name) for part in parts)


def _pivots(relation: Relation, node: exp.Expr, scope: Scope) -> Relation:
    for pivot in node.args.get("pivots") or ():
        relation = pivoted(relation, pivot, scope)
    return relation


def _name(node: exp.Expr, scope: Scope) -> tuple[str, ...]:
    pivots = node.args.get("pivots") or ()
    alias = _alias(pivots[-1]) if pivots else None
    alias = alias or _alias(node)
    if alias is not None and alias.name:
        return (loose(scope.reader.names.part(alias.this)),)
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier | exp.Parameter):
        return tuple(loose(scope.reader.names.part(part)) for part in node.parts)
    return ()


def _alias(node: exp.Expr | None) -> exp.Expr | None:
    alias = node.args.get("alias") if node is not None else None
    return alias if isinstance(alias, exp.TableAlias) else None


# -- joins -------------------------------------------------------------------------------------------------
def _join(join: exp.Expr, scope: Scope) -> None:
    if join.args.get("kind") == "ARRAY":
        for item in [join.this, *(join.expressions or ())]:
            put(item, scope)
        return
    before = len(scope.sources)
    put(join.this, scope)
    right = scope.sources[before:]
    using = [*(join.args.get("using") or ())]
    if str(join.args.get("method") or "").upper() == "NATURAL":
        using = _shared(join, right, scope)
    for name in using:
        _merge(name, join, right, scope)
    on = join.args.get("on")
    if isinstance(on, exp.Expr):
        add(scope.rows, flow(on, scope, JOIN, "where"))
    condition = join.args.get("match_condition")
    if isinstance(condition, exp.Expr):
        add(scope.rows, flow(condition, scope, JOIN, "where"))
    kind, side = (str(join.args.get(word) or "").upper() for word in ("kind", "side"))
    if kind in ("SEMI", "ANTI"):
        gone = right if side != "RIGHT" else scope.sources[:before]
        for source in gone:
            source.hidden = True


def _shared(join: exp.Expr, right: list[Source], scope: Scope) -> list[exp.Expr]:
    """The columns that a NATURAL JOIN compares: those of the same name, which must be known."""
    left = [source for source in scope.visible() if source not in right]
    if any(source.relation.rests for source in scope.visible()):
        scope.reader.problem(join.this, "a NATURAL JOIN compares columns of the same name, and the columns are not known")
        return []
    keys = {key for source in left for key in source.relation.columns}
    return [
        exp.to_identifier(column.name)
        for source in right
        for key, column in source.relation.columns.items()
        if key in keys
    ]  # fmt: skip


def _merge(name: exp.Expr, join: exp.Expr, right: list[Source], scope: Scope) -> None:
    """One column of USING: whose value it shows depends on the side that is kept whole."""
    key = scope.reader.names.column(name)
    left = scope.merged.get(key) or _side(name, [source for source in scope.visible() if source not in right], scope)
    other = _side(name, right, scope)
    if left is None or other is None:
        scope.reader.problem(name, f"'{name.name}' in USING cannot be told to belong to one table on each side")
        return
    both: Flow = through(left.flow, JOIN)
    add(both, through(other.flow, JOIN))
    add(scope.rows, both)
    side = str(join.args.get("side") or "").upper()
    if side == "FULL":
        shown = merged([through(left.flow, TRANSFORMATION), through(other.flow, TRANSFORMATION)])
    else:
        shown = through(other.flow if side == "RIGHT" else left.flow, IDENTITY)
    scope.merged[key] = Column(left.name, shown)
    for source in scope.sources:
        source.joined |= {key}


def _side(name: exp.Expr, sources: list[Source], scope: Scope) -> Column | None:
    key = scope.reader.names.column(name)
    known = [column for source in sources if (column := source.relation.known(key)) is not None]
    if known:
        return known[0]
    try:
        possible = [column for source in sources if (column := source.relation.get(key, name.name)) is not None]
    except SeveralRests:
        return None
    return possible[0] if len(possible) == 1 else None
