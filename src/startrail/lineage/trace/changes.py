"""Statements that write: which columns of which table get which flows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from sqlglot import exp

from startrail.lineage.trace.expressions import flow
from startrail.lineage.trace.flows import Flow, add, merged, through
from startrail.lineage.trace.queries import Effect, with_tables
from startrail.lineage.trace.relations import Column, Relation, Rest, collect
from startrail.lineage.trace.scope import Reader, Scope, Source
from startrail.lineage.trace.sources import put, put_from
from startrail.lineage.trace.stars import expand, is_star
from startrail.model.lineage import CONDITIONAL, EVERY, FILTER, JOIN

Way = Literal["add", "change"]


class Book(Reader, Protocol):
    """A reader that also keeps what statements write."""

    def write(self, table: exp.Expr, way: Way, columns: dict[str, Column], rows: Flow, rests: Iterable[Rest] = ()) -> None: ...

    def columns(self, table: exp.Expr) -> dict[str, str] | None:
        """Key -> name of a table's columns, when all are known."""
        ...


def change(node: exp.Expr, book: Book, parent: Scope | None, effect: Effect) -> Relation:
    """Carry out INSERT, UPDATE, DELETE or MERGE; returns what its RETURNING gives."""
    scope = Scope(book, parent)
    with_tables(node, scope, effect)
    if isinstance(node, exp.Insert):
        return insert(node, book, scope)
    if isinstance(node, exp.Update):
        return update(node, book, scope)
    if isinstance(node, exp.Delete):
        return delete(node, book, scope)
    assert isinstance(node, exp.Merge)
    return merge(node, book, scope)


# -- INSERT ------------------------------------------------------------------------------------------------
def insert(node: exp.Insert, book: Book, scope: Scope) -> Relation:
    """Rows of a query, by position or by name."""
    target, listed = _table_and_columns(node.this)
    if target is None:
        book.problem(node, "it writes into something that is not a table")
        return Relation()
    what = node.args.get("source") or node.expression
    if not isinstance(what, exp.Expr):
        return Relation()
    relation = book.query(what, scope) if not isinstance(what, exp.Table) else book.query(exp.select("*").from_(what), scope)
    listed = _less_fixed_partitions(target, node.args.get("partition"), listed, book)
    columns, rests = _matched(relation, target, listed, book, by_name=bool(node.args.get("by_name")))
    book.write(target, "add", columns, relation.rows, rests)
    _conflict(node.args.get("conflict"), target, columns, relation, scope, book)
    return _returned(node, target, book, scope, relation.rows)


def insert_parts(node: exp.MultitableInserts, book: Book, effect: Effect) -> None:
    """One query into several tables, with conditions on its rows; or one table into several queries."""
    scope = Scope(book)
    with_tables(node, scope, effect)
    source = node.args["source"]
    before: Flow = {}
    for part in node.expressions:
        conditional = isinstance(part, exp.ConditionalInsert)
        into = part.this if conditional else part
        if not conditional and isinstance(into.expression, exp.Select):
            into.expression.set("from_", exp.From(this=source.copy()))
            insert(into, book, scope)
            continue
        inner = Scope(book, scope)
        put(source if isinstance(source, exp.Table | exp.Subquery) else exp.Subquery(this=source.copy()), inner)
        condition = part.args.get("expression") if conditional else None
        rows = dict(inner.rows)
        if isinstance(condition, exp.Expr):
            found = flow(condition, inner, FILTER, "where")
            add(before, found)
            add(rows, found)
        elif conditional and part.args.get("else_"):
            add(rows, before)
        target, listed = _table_and_columns(into.this)
        if target is None:
            continue
        values = into.expression
        relation = Relation({}, rows) if isinstance(values, exp.Values) else inner.sources[0].relation
        if isinstance(values, exp.Values):
            items = values.expressions[0].expressions if values.expressions else []
            relation = Relation(
                collect(
                    (item.alias_or_name.lower(), Column(item.alias_or_name or book.text_of(item), flow(item, inner)))
                    for item in items
                ),
                rows,
            )
        columns, rests = _matched(relation, target, listed, book)
        book.write(target, "add", columns, rows, rests)


def _table_and_columns(node: exp.Expr | None) -> tuple[exp.Expr | None, list[exp.Expr] | None]:
    if isinstance(node, exp.Schema):
        return node.this, [part.this if isinstance(part, exp.ColumnDef) else part for part in node.expressions]
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier | exp.Parameter):
        return node, None
    return (node, None) if isinstance(node, exp.Parameter) else (None, None)


def _less_fixed_partitions(
    target: exp.Expr, partition: object, listed: list[exp.Expr] | None, book: Book
) -> list[exp.Expr] | None:
    """``PARTITION (day = '...')`` gives the value itself, so the query does not deliver that column."""
    partition = partition or target.args.get("partition")
    if listed is not None or not isinstance(partition, exp.Expr):
        return listed
    fixed = {book.names.column(part.this.this) for part in partition.expressions if isinstance(part, exp.EQ)}
    dynamic = [part.this for part in partition.expressions if isinstance(part, exp.Column)]
    known = book.columns(target)
    if known is None:
        return None
    last = {book.names.column(part) for part in dynamic}
    plain = [exp.to_identifier(name) for key, name in known.items() if key not in fixed and key not in last]
    return [*plain, *dynamic]


def _matched(
    relation: Relation, target: exp.Expr, listed: list[exp.Expr] | None, book: Book, *, by_name: bool = False
) -> tuple[dict[str, Column], tuple[Rest, ...]]:
    """The relation's columns under the names they get in the target."""
    known = book.columns(target)
    if by_name:
        names = known or {}
        return {
            key: column._replace(name=names.get(key, column.name)) for key, column in relation.columns.items()
        }, relation.rests
    places = [(book.names.column(part), part.name) for part in listed] if listed is not None else [*(known or {}).items()]
    if relation.rests:
        if listed is None and not places:
            return relation.columns, relation.rests
        book.problem(target, "its columns are filled by position from columns that are not known")
        return {EVERY: Column(EVERY, relation.everything())}, ()
    if not places:
        if any(column.flow for column in relation.columns.values()):
            book.problem(target, "its columns are not known; they are named as the query names them")
        return relation.columns, ()
    if listed is not None and len(listed) != len(relation.columns):
        book.problem(target, f"{len(listed)} columns are filled with {len(relation.columns)} values")
    return {
        key: column._replace(name=name) for (key, name), column in zip(places, relation.columns.values(), strict=False)
    }, ()  # fmt: skip


def _conflict(
    conflict: object, target: exp.Expr, columns: dict[str, Column], relation: Relation, scope: Scope, book: Book
) -> None:
    """ON CONFLICT DO UPDATE, ON DUPLICATE KEY UPDATE: the row that was to be inserted is called ``excluded``."""
    if not isinstance(conflict, exp.Expr) or not conflict.expressions:
        return
    inner = Scope(book, scope)
    own = Source(_called(target, book), book.table(target) if isinstance(target, exp.Table) else Relation())
    unknown = () if book.columns(target) is not None or relation.rests else (Rest(None, relation.everything()),)
    excluded = Relation(columns, {}, relation.rests or unknown)
    inner.sources = [own, Source(("excluded",), excluded, hidden=True), Source(("new",), excluded, hidden=True)]
    rows: Flow = dict(relation.rows)
    for part in conflict.args.get("conflict_keys") or ():
        name = part.this if isinstance(part, exp.Ordered) else part
        key = book.names.column(name.this if isinstance(name, exp.Column) else name)
        if key in columns:
            add(rows, through(columns[key].flow, JOIN))
    if isinstance(conflict.args.get("where"), exp.Expr):
        add(rows, flow(conflict.args["where"].this, inner, FILTER, "where"))
    changed: dict[str, Column] = {}
    for part in conflict.expressions:
        if isinstance(part, exp.EQ):
            value = part.expression.transform(_values_function)
            changed |= _assigned(part.this, value, inner, book)
    book.write(target, "change", changed, rows)


def _values_function(node: exp.Expr) -> exp.Expr:
    """MySQL's ``VALUES(a)`` in an update means the value that was to be inserted."""
    if isinstance(node, exp.Anonymous) and node.name.upper() == "VALUES" and len(node.expressions) == 1:
        inner = node.expressions[0]
        if not isinstance(inner, exp.Column | exp.Identifier):
            return node
        return exp.column(inner.this.copy() if isinstance(inner, exp.Column) else inner.copy(), table="excluded")
    return node


# -- UPDATE, DELETE ----------------------------------------------------------------------------------------
def update(node: exp.Update, book: Book, scope: Scope) -> Relation:
    """SET columns get their expressions; WHERE and joins decide about them."""
    from_ = node.args.get("from_")
    put_from(None, (), (), scope)
    if isinstance(from_, exp.Expr):
        put(from_.this, scope)
    target, own = _target(node.this, scope)
    if target is None:
        book.problem(node, "it changes something that is not a table")
        return Relation()
    rows = dict(scope.rows)
    if isinstance(node.args.get("where"), exp.Expr):
        add(rows, flow(node.args["where"].this, scope, FILTER, "where"))
    changes: dict[tuple[str, ...], tuple[exp.Expr, dict[str, Column]]] = {own: (target, {})}
    for part in node.expressions:
        if not isinstance(part, exp.EQ):
            continue
        where, table = own, target
        if isinstance(part.this, exp.Column) and part.this.table:
            where = (part.this.table.lower(),)
            table = _table_called(part.this.table.lower(), node, target)
        changes.setdefault(where if table is not target else own, (table, {}))[1].update(
            _assigned(part.this, part.expression, scope, book)
        )
    for table, columns in changes.values():
        if columns:
            book.write(table, "change", columns, rows)
    return _returned(node, target, book, scope, rows)


def delete(node: exp.Delete, book: Book, scope: Scope) -> Relation:
    """What decides about rows that go influences every column that stays."""
    for other in node.args.get("using") or ():
        put(other, scope)
    target, _ = _target(node.this, scope)
    rows = dict(scope.rows)
    if isinstance(node.args.get("where"), exp.Expr):
        add(rows, flow(node.args["where"].this, scope, FILTER, "where"))
    tables = [_table_called(each.name.lower(), node, each) for each in node.args.get("tables") or ()] or [target]
    for table in tables:
        if table is None:
            book.problem(node, "it deletes from something that is not a table")
        elif rows:
            book.write(table, "change", _every_column(table, book), rows)
    return _returned(node, target, book, scope, rows) if target is not None else Relation()


def _every_column(table: exp.Expr, book: Book) -> dict[str, Column]:
    known = book.columns(table)
    return {key: Column(name, {}) for key, name in known.items()} if known else {EVERY: Column(EVERY, {})}


def _target(node: exp.Expr, scope: Scope) -> tuple[exp.Expr | None, tuple[str, ...]]:
    """The table that is changed, put into the scope first; T-SQL may name it by its alias in FROM."""
    if not isinstance(node, exp.Table):
        return None, ()
    name = node.alias_or_name.lower()
    if not node.args.get("db") and not node.args.get("alias"):
        for table in _tables_beside(node):
            if table is not node and table.alias and table.alias.lower() == name:
                return table, (name,)
        if scope.source([name]) is not None:
            return node, (name,)
    before, scope.sources = scope.sources, []
    put(node, scope)
    scope.sources += before
    return _behind(node), (name,)


def _behind(node: exp.Table) -> exp.Expr:
    """T-SQL changes a table through a common table expression that shows it."""
    with_ = node.parent.args.get("with_") if node.parent is not None and not node.args.get("db") else None
    for cte in with_.expressions if isinstance(with_, exp.With) else ():
        from_ = cte.this.args.get("from_") if isinstance(cte.this, exp.Select) and not cte.this.args.get("joins") else None
        if cte.alias.lower() == node.name.lower() and isinstance(from_, exp.From) and isinstance(from_.this, exp.Table):
            return from_.this
    return node


def _tables_beside(node: exp.Table) -> Iterable[exp.Table]:
    statement = node.parent
    from_ = statement.args.get("from_") if statement is not None else None
    return from_.find_all(exp.Table) if isinstance(from_, exp.Expr) else ()


def _table_called(name: str, statement: exp.Expr, otherwise: exp.Expr) -> exp.Expr:
    """The table that a statement calls by this alias or name."""
    for table in statement.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and name == table.alias_or_name.lower() and table.arg_key != "tables":
            return table
    return otherwise


def _called(target: exp.Expr, book: Book) -> tuple[str, ...]:
    if target.alias:
        return (target.alias.lower(),)
    return tuple(book.names.part(part) for part in target.parts) if isinstance(target, exp.Table) else ()


def _assigned(left: exp.Expr, right: exp.Expr, scope: Scope, book: Book) -> dict[str, Column]:
    """``a = x`` or ``(a, b) = (SELECT x, y ...)``."""
    if not isinstance(left, exp.Tuple):
        name = _column_name(left)
        return {book.names.column(name): Column(name.name, flow(right, scope))}
    names = [_column_name(part) for part in left.expressions]
    if isinstance(right, exp.Query):
        relation = book.query(right, scope)
        flows = [merged([column.flow, relation.rows]) for column in relation.columns.values()]
    else:
        flows = [flow(part, scope) for part in right.expressions] if isinstance(right, exp.Tuple) else [flow(right, scope)]
    return {book.names.column(name): Column(name.name, each) for name, each in zip(names, flows, strict=False)}


def _column_name(node: exp.Expr) -> exp.Expr:
    """The column that an assignment changes, also when it names a field or an element of it."""
    while isinstance(node, exp.Dot | exp.Bracket | exp.Paren):
        node = node.this
    return (
        node.parts[1]
        if isinstance(node, exp.Column) and len(node.parts) > 2
        else node.this
        if isinstance(node, exp.Column)
        else node
    )


# -- MERGE -------------------------------------------------------------------------------------------------
def merge(node: exp.Merge, book: Book, scope: Scope) -> Relation:
    """Every WHEN writes its columns; ON joins, and the conditions of a kind decide one after the other."""
    put(node.this, scope)
    put(node.args["using"], scope)
    incoming = scope.sources[1]
    target = node.this
    rows: Flow = dict(incoming.relation.rows)
    if isinstance(node.args.get("on"), exp.Expr):
        add(rows, flow(node.args["on"], scope, JOIN, "where"))
    decided: dict[tuple[bool, bool], Flow] = {}
    for when in node.args["whens"].expressions:
        kind = bool(when.args.get("matched")), bool(when.args.get("source"))
        conditions = decided.setdefault(kind, {})
        then = when.args["then"]
        own = then.args.get("where")  # Oracle writes the condition behind the change
        for condition in (when.args.get("condition"), own.this if isinstance(own, exp.Where) else own):
            if isinstance(condition, exp.Expr):
                add(conditions, flow(condition, scope, CONDITIONAL, "where"))
        decides = merged([rows, conditions])
        if isinstance(then, exp.Update):
            columns, rests = _merge_update(then, incoming, scope, book)
            book.write(target, "change", columns, decides, rests)
        elif isinstance(then, exp.Insert):
            columns, rests = _merge_insert(then, target, incoming, scope, book)
            book.write(target, "change", columns, decides, rests)
        elif then.name.lower() == "delete":
            book.write(target, "change", _every_column(target, book), decides)
    return _returned(node, target, book, scope, rows)


def _merge_update(then: exp.Update, incoming: Source, scope: Scope, book: Book) -> tuple[dict[str, Column], tuple[Rest, ...]]:
    columns: dict[str, Column] = {}
    given = then.args.get("expressions")
    for part in given if isinstance(given, list) else [given]:
        if isinstance(part, exp.Expr) and is_star(part):
            return dict(incoming.relation.columns), incoming.relation.rests
        if isinstance(part, exp.EQ):
            columns |= _assigned(part.this, part.expression, scope, book)
    return columns, ()


def _merge_insert(
    then: exp.Insert, target: exp.Expr, incoming: Source, scope: Scope, book: Book
) -> tuple[dict[str, Column], tuple[Rest, ...]]:
    if isinstance(then.this, exp.Star):
        return dict(incoming.relation.columns), incoming.relation.rests
    if not isinstance(then.expression, exp.Expr):  # INSERT ROW
        return _matched(Relation(incoming.relation.columns, {}, incoming.relation.rests), target, None, book)
    values = then.expression.expressions if isinstance(then.expression, exp.Tuple) else [then.expression]
    listed = None
    if isinstance(then.this, exp.Tuple):
        listed = [_column_name(part) for part in then.this.expressions]
    given = collect(
        (value.alias_or_name.lower(), Column(value.alias_or_name or book.text_of(value), flow(value, scope))) for value in values
    )
    return _matched(Relation(given), target, listed, book)


def _returned(node: exp.Expr, target: exp.Expr, book: Book, scope: Scope, rows: Flow) -> Relation:
    """RETURNING sees the rows of the target, and of what stands beside it. It matters only where a query reads it."""
    returning = node.args.get("returning")
    if scope.parent is None or not isinstance(returning, exp.Expr) or not isinstance(target, exp.Table):
        return Relation()
    inner = Scope(book, scope)
    inner.sources = [
        Source(_called(target, book), book.table(target)),
        *(s for s in scope.sources if not s.called(_called(target, book))),
    ]
    columns: list[tuple[str, Column]] = []
    rests: list[Rest] = []
    for item in returning.expressions:
        if is_star(item):
            found = expand(item, inner)
            columns += found.columns
            rests += found.rests
        else:
            columns.append(
                (item.alias_or_name.lower(), Column(item.alias_or_name or book.text_of(item), flow(item.unalias(), inner)))
            )
    return Relation(collect(columns), dict(rows), tuple(rests))
