"""Which columns of each table a text uses. Too many is safe, too few is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from startrail.lineage.scopes import Read
from startrail.lineage.syntax import Tree
from startrail.lineage.windows import joins, sources

OPEN = ("*",)


def used(tree: Tree, reads: tuple[Read, ...], wanted: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Per table of ``wanted``, its used columns in alphabetical order, or ``("*",)``."""
    uses = _Uses(reads)
    for statement in tree.statements:
        for node in statement.walk():
            uses.note(node)
    return {table: OPEN if "*" in uses.columns[table] else tuple(sorted(uses.columns[table])) for table in wanted}


class _Uses:
    def __init__(self, reads: tuple[Read, ...]) -> None:
        self.names = {id(read.node): read.name for read in reads}
        self.columns: dict[str, set[str]] = {read.name: set() for read in reads}
        for read in reads:
            if not _plain_source(read.node):
                self.columns[read.name].add("*")

    def note(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Column):
            self._column(node)
        elif isinstance(node, exp.Columns) or (isinstance(node, exp.Star) and isinstance(node.parent, exp.Select)):
            self._open(node)
        elif isinstance(node, exp.Join):
            self._join(node)

    def _column(self, column: exp.Column) -> None:
        parts = [part.name.lower() for part in column.parts]
        star = isinstance(column.this, exp.Star)
        for select in _selects(column):
            by_alias = {source.alias_or_name.lower(): source for source in sources(select)}
            for place, part in enumerate(parts):
                source = by_alias.get(part)
                if source is None:
                    continue
                if place + 1 < len(parts) or star:
                    self._add(source, "*" if star else parts[place + 1])
                else:
                    self._add(source, "*")  # the whole row, or a column of the same name
                if place == 0 and len(parts) > 1:
                    return
                break
            for source in by_alias.values():
                self._add(source, parts[0])

    def _join(self, join: exp.Join) -> None:
        select = join.find_ancestor(exp.Select)
        if select is None:
            return
        names = {part.name.lower() for part in join.args.get("using") or ()}
        if str(join.args.get("method") or "").upper() == "NATURAL":
            names = {"*"}
        for source in sources(select):
            for name in names:
                self._add(source, name)

    def _open(self, node: exp.Expr) -> None:
        select = node.find_ancestor(exp.Select)
        for source in sources(select) if select is not None else ():
            self._add(source, "*")

    def _add(self, source: exp.Expression, column: str) -> None:
        table = self.names.get(id(source))
        if table is not None:
            self.columns[table].add(column)


def _plain_source(table: exp.Table) -> bool:
    """A table of which only named columns are seen: in a SELECT's FROM, not pivoted, its columns not renamed."""
    select = table.find_ancestor(exp.Select)
    alias = table.args.get("alias")
    renamed = alias is not None and alias.args.get("columns")
    if select is None or table.args.get("pivots") or renamed:
        return False
    return any(source is table for source in sources(select)) and all(
        join.args.get("method") != "POSITIONAL" for join in joins(select)
    )


def _selects(node: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs whose columns a name may mean, from the inside out."""
    select = node.find_ancestor(exp.Select)
    while select is not None:
        yield select
        select = select.find_ancestor(exp.Select)
