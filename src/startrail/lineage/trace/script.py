"""A text from its first statement to its last: what each does, and what is left of it at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokens import Token

from startrail.lineage.trace import changes, queries
from startrail.lineage.trace.catalog import Catalog, Key, Schemas, Write
from startrail.lineage.trace.changes import Way
from startrail.lineage.trace.flows import Flow, influences
from startrail.lineage.trace.names import Names
from startrail.lineage.trace.plan import Fate, fates
from startrail.lineage.trace.relations import Column, Relation, Rest, collect
from startrail.lineage.trace.scope import Scope
from startrail.lineage.trace.statements import DEEP, Statement, note, statements
from startrail.lineage.trace.written import text_of
from startrail.model.lineage import EVERY, IDENTITY, NotAnalysed, Traced, TracedColumn, TracedTable

_QUIET = (
    exp.Use, exp.Set, exp.Commit, exp.Rollback, exp.Transaction, exp.Grant, exp.Revoke, exp.Comment, exp.Pragma,
    exp.Describe, exp.Show, exp.Analyze, exp.Semicolon, exp.Uncache, exp.Refresh, exp.Kill, exp.Attach, exp.Detach,
)  # fmt: skip
"""Statements that move no data between columns."""
_QUIET_COMMANDS = {
    "REFRESH", "EXPLAIN", "VACUUM", "SHOW", "GRANT", "REVOKE", "ANALYZE", "LOCK", "UNLOCK", "START", "OPTIMIZE", "MSCK", "RESET",
    "LIST", "COMMENT", "DEALLOCATE", "DISCARD", "CHECKPOINT", "REINDEX", "CLUSTER", "INSTALL", "LOAD", "FORCE",
    "EXPORT",
}  # fmt: skip


def trace(sql: str, dialect: str, schemas: Schemas | None = None) -> Traced:
    """What every table that the text writes, and every query in it, comes from. ``dialect`` is a name the parser knows."""
    return Script(sql, dialect, schemas or {}).traced()


class Script:
    """The reader and the book of one text."""

    def __init__(self, sql: str, dialect: str, schemas: Schemas) -> None:
        self._sql = sql
        self._parser = Dialect.get_or_raise(dialect)
        self.dialect = dialect
        self.names = Names(self._parser, dialect)
        self._catalog = Catalog(self.names, schemas)
        self._problems: dict[NotAnalysed, None] = {}
        self._number = 0
        self._tokens: Sequence[Token] = ()
        self._views: dict[str, set[str]] = {}

    def traced(self) -> Traced:
        found = list(statements(self._sql, self._parser))
        plan = fates([statement.tree for statement in found], self._catalog.key)
        for statement, fate in zip(found, plan, strict=True):
            self._number, self._tokens = statement.number, statement.tokens
            self._do(statement, fate)
        self._circles()
        return Traced(tuple(self._table(write) for write in self._catalog.writes), tuple(self._problems))

    # -- what the parts ask for ----------------------------------------------------------------------------
    def query(self, node: exp.Expr, parent: Scope | None) -> Relation:
        return queries.query(node, self, parent, self._effect)

    def table(self, node: exp.Table) -> Relation:
        return self._catalog.relation(node)

    def columns(self, table: exp.Expr) -> dict[str, str] | None:
        return self._catalog.columns(table)

    def text_of(self, node: exp.Expr) -> str:
        return text_of(node, self._sql, self._tokens, self.dialect)

    def problem(self, node: exp.Expr, reason: str) -> None:
        starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        first = min(starts, default=None)
        token = next((token for token in self._tokens if token.start == first), self._tokens[0] if self._tokens else None)
        self._problems[note(self._number, token, reason, self._sql)] = None

    def write(self, table: exp.Expr, way: Way, columns: dict[str, Column], rows: Flow, rests: Iterable[Rest] = ()) -> None:
        key = self._catalog.key(table)
        write = Write(key, columns, rows, tuple(rests))
        if key not in self._catalog.scratch:
            self._catalog.writes.append(write)
        elif way == "add":
            self._catalog.extend(key, write)
        elif EVERY in columns:
            for each in self._catalog.scratch[key].columns:
                self._catalog.change(key, Write(key, {each: Column(each, {})}, rows))
        else:
            self._catalog.change(key, write)

    # -- statements ----------------------------------------------------------------------------------------
    def _do(self, statement: Statement, fate: Fate) -> None:
        if statement.problem is not None:
            self._problems[statement.problem] = None
            return
        if statement.tree is None:
            return
        try:
            self._carry_out(statement.tree, fate)
        except RecursionError:
            self._whole(DEEP)
        except Exception as error:  # a defect of ours in one statement must not take the others with it
            self._whole(f"the analysis failed on it ({type(error).__name__}); this is a defect: please report it")

    def _carry_out(self, tree: exp.Expr, fate: Fate) -> None:
        into = tree.args.get("into") if isinstance(tree, exp.Select) else None
        if isinstance(into, exp.Expr) and isinstance(into.this, exp.Table):
            tree.set("into", None)
            self._make(into.this, (), self.query(tree, None), fate.scratch)
        elif isinstance(tree, exp.Query | exp.Values | exp.Pivot):
            self._result(self.query(tree, None))
        elif isinstance(tree, exp.Create | exp.Cache):
            self._create(tree, fate)
        elif isinstance(tree, exp.MultitableInserts):
            changes.insert_parts(tree, self, self._effect)
        elif isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
            self._effect(tree, None)
        elif isinstance(tree, exp.Copy):
            self._copy(tree)
        elif isinstance(tree, exp.Drop):
            for each in tree.args.get("tables") or ():
                self._catalog.drop(self._catalog.key(each))
        elif isinstance(tree, exp.TruncateTable):
            self._truncate(tree)
        elif isinstance(tree, exp.Declare):
            self._declare(tree)
        elif fate.renames:
            for old, new in fate.renames:
                self._catalog.rename(old, new)
        elif isinstance(tree, exp.Alter):
            self._alter(tree)
        elif not (isinstance(tree, _QUIET) or (isinstance(tree, exp.Command) and tree.name.upper() in _QUIET_COMMANDS)):
            self._whole("this kind of statement is not analysed")

    def _effect(self, node: exp.Expr, scope: Scope | None) -> Relation:
        return changes.change(node, self, scope, self._effect)

    def _whole(self, reason: str) -> None:
        self._problems[note(self._number, self._tokens[0] if self._tokens else None, reason, self._sql)] = None

    def _result(self, relation: Relation) -> None:
        self._catalog.writes.append(Write(None, relation.columns, relation.rows, relation.rests))

    def _create(self, tree: exp.Expr, fate: Fate) -> None:
        if isinstance(tree, exp.Create) and str(tree.args.get("kind")).upper() not in ("TABLE", "VIEW"):
            return
        schema = tree.this if isinstance(tree.this, exp.Schema) else None
        table = schema.this if schema is not None else tree.this
        query = tree.expression if isinstance(tree.expression, exp.Expr) else None
        parts = [*(schema.expressions if schema is not None else ())]
        names = [part.this if isinstance(part, exp.ColumnDef) else part for part in parts]
        names = [name for name in names if isinstance(name, exp.Identifier)]
        like = _like(tree, parts)
        if like is not None:
            self._make(
                table,
                names,
                self._catalog.relation(like) if tree.args.get("clone") else _empty(self._catalog.relation(like)),
                fate.scratch,
            )
        elif query is not None:
            relation = self.query(query, None)
            if names and relation.rests:
                self.problem(table, "its columns are filled by position from columns that are not known")
            self._make(table, names, relation, fate.scratch)
            self._note_view(tree, table, query)
            self._feed(tree, table)
        else:
            types = {self.names.column(part.this): part.args.get("kind") for part in parts if isinstance(part, exp.ColumnDef)}
            empty = {
                self.names.column(name): Column(name.name, {}, _type_text(types.get(self.names.column(name)), self.dialect))
                for name in names
            }
            self._define(self._catalog.key(table), Write(None, empty, {}, ()), fate.scratch)

    def _make(self, table: exp.Expr, names: Sequence[exp.Expr], relation: Relation, scratch: bool) -> None:
        key = self._catalog.key(table)
        relation = relation.renamed((self.names.column(name), name.name) for name in names)
        write = Write(key, collect(relation.columns.items()), relation.rows, relation.rests)
        self._define(key, write, scratch)
        if not scratch and (write.columns or write.rests):
            self._catalog.writes.append(write)

    def _define(self, key: Key, write: Write, scratch: bool) -> None:
        self._catalog.drop(key)
        if scratch:
            self._catalog.scratch[key] = Relation()
        self._catalog.define(key, write)

    def _feed(self, tree: exp.Expr, view: exp.Expr) -> None:
        """ClickHouse: a materialized view that writes into another table."""
        properties = tree.args.get("properties")
        for each in properties.expressions if isinstance(properties, exp.Expr) else ():
            if isinstance(each, exp.ToTableProperty):
                relation = self._catalog.relation(view)
                self.write(each.this, "add", dict(relation.columns), {}, relation.rests)

    def _truncate(self, tree: exp.Expr) -> None:
        for each in tree.expressions:
            key = self._catalog.key(each)
            if key in self._catalog.scratch:
                self._catalog.scratch[key] = _empty(self._catalog.scratch[key])

    def _declare(self, tree: exp.Expr) -> None:
        """T-SQL: a table variable is a scratch table."""
        for item in tree.expressions:
            kind = item.args.get("kind")
            if isinstance(kind, exp.Schema):
                columns = {
                    self.names.column(part.this): Column(part.this.name, {})
                    for part in kind.expressions
                    if isinstance(part, exp.ColumnDef)
                }
                for name in item.this if isinstance(item.this, list) else [item.this]:
                    self._define(self._catalog.key(name), Write(None, columns), True)

    def _alter(self, tree: exp.Expr) -> None:
        key = self._catalog.key(tree.this)
        for action in tree.args.get("actions") or ():
            if isinstance(action, exp.SwapTable) and isinstance(action.this, exp.Table):
                self._catalog.swap(key, self._catalog.key(action.this))
            elif isinstance(action, exp.RenameColumn):
                new = action.args["to"].this
                self._catalog.rename_column(key, self.names.column(action.this.this), self.names.column(new), new.name)
            elif isinstance(action, exp.ColumnDef):
                relation = self._catalog.relation_of(key)
                columns = {
                    **relation.columns,
                    self.names.column(action.this): Column(action.name, {(self._catalog.shown[key], action.name): IDENTITY}),
                }
                if key in self._catalog.scratch:
                    columns[self.names.column(action.this)] = Column(action.name, {})
                (self._catalog.scratch if key in self._catalog.scratch else self._catalog.made)[key] = Relation(
                    columns, relation.rows, relation.rests
                )

    def _copy(self, tree: exp.Expr) -> None:
        if isinstance(tree.this, exp.Query):
            self._result(self.query(tree.this, None))
        elif tree.args.get("kind"):
            self._whole("the columns of files are not known")

    # -- at the end ----------------------------------------------------------------------------------------
    def _note_view(self, tree: exp.Expr, table: exp.Expr, query: exp.Expr) -> None:
        if isinstance(tree, exp.Create) and str(tree.args.get("kind")).upper() == "VIEW":
            reads = {
                ".".join(self._catalog.key(each)) for each in query.find_all(exp.Table) if isinstance(each.this, exp.Identifier)
            }
            self._views[".".join(self._catalog.key(table))] = reads

    def _circles(self) -> None:
        done: set[str] = set()
        for start in self._views:
            path, name = [start], start
            while name not in done:
                following = next((each for each in sorted(self._views[name]) if each in self._views and each not in done), None)
                if following is None:
                    break
                if following in path:
                    circle = [*path[path.index(following) :], following]
                    reason = f"views read each other in a circle, so none of them can be used: {' -> '.join(circle)}"
                    self._problems[NotAnalysed(self._number, 1, 1, reason)] = None
                    break
                path.append(following)
                name = following
            done.update(path)

    def _table(self, write: Write) -> TracedTable:
        columns = [TracedColumn(column.name, influences(column.flow)) for column in write.columns.values()]
        columns += [TracedColumn(EVERY, influences(rest.every())) for rest in write.rests]
        name = self._catalog.shown[write.table] if write.table is not None else None
        return TracedTable(name, tuple(columns), influences(write.rows))


def _like(tree: exp.Expr, parts: Sequence[exp.Expr]) -> exp.Expr | None:
    """The table that CREATE TABLE ... LIKE or CLONE names."""
    clone = tree.args.get("clone")
    if isinstance(clone, exp.Expr) and isinstance(clone.this, exp.Table):
        return clone.this
    properties = tree.args.get("properties")
    every = [*parts, *(properties.expressions if isinstance(properties, exp.Expr) else ())]
    return next((part.this for part in every if isinstance(part, exp.LikeProperty)), None)


def _empty(relation: Relation) -> Relation:
    return Relation({key: column._replace(flow={}) for key, column in relation.columns.items()})


def _type_text(kind: object, dialect: str) -> str | None:
    return kind.sql(dialect) if isinstance(kind, exp.Expr) else None
