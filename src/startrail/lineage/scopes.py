"""Which names in FROM are tables of the project, and which statement makes which."""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp

from startrail.base.text import printable
from startrail.lineage.errors import ReadsOutside
from startrail.lineage.syntax import Text, Tree

_SAFE_FUNCTIONS = {
    "generate_series", "generateseries", "range", "unnest", "explode", "json_each", "json_tree", "repeat", "repeat_row",
    "generate_subscripts", "values",
}  # fmt: skip


class Read(NamedTuple):
    """One place where a statement names a table."""

    name: str
    node: exp.Table
    statement: int


class Written(NamedTuple):
    """What a script needs and leaves."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    reads_own: tuple[str, ...]


def tables(tree: Tree, text: Text) -> tuple[Read, ...]:
    """Every place that names a table, in the order of the text. Raises ReadsOutside."""
    found: list[Read] = []
    for index, statement in enumerate(tree.statements):
        for node in statement.find_all(exp.Table, bfs=False):
            if isinstance(node.this, exp.Identifier):
                name = _name(node, text)
                if node.args.get("db") is not None or name not in _ctes(node):
                    found.append(Read(name, node, index))
            elif not isinstance(node.parent, exp.UserDefinedFunction):
                _safe_function(node.this, text)
        for lateral in statement.find_all(exp.Lateral):
            _safe_function(lateral.this, text)
    return tuple(found)


def written(tree: Tree, reads: tuple[Read, ...]) -> Written:
    """Follow a script's statements in order, with what each reads, makes and drops.

    What it creates without a namespace is scratch, like a temporary table.
    """
    made: set[str] = set()
    local: set[str] = set()
    needs: dict[str, None] = {}
    changed: dict[str, None] = {}
    own: set[str] = set()
    for index, statement in enumerate(tree.statements):
        target = _target(statement)
        named = [read.name for read in reads if read.statement == index and read.node is not target]
        needs |= dict.fromkeys(name for name in named if name not in made | local)
        if target is None:
            continue
        name = _plain_name(target)
        if isinstance(statement, exp.Drop):
            for gone in statement.args.get("tables") or ():
                _forget(_plain_name(gone), made, local, changed)
        elif isinstance(statement, exp.Create) and (_temporary(statement) or "." not in name):
            local.add(name)
        elif isinstance(statement, exp.Create) and not statement.args.get("exists"):
            made.add(name)
            changed[name] = None
        elif name not in local:
            changed[name] = None
            if name not in made:
                own.add(name)
    own |= {name for name in needs if name in changed}
    return Written(
        reads=tuple(name for name in needs if name not in changed),
        writes=tuple(changed),
        reads_own=tuple(name for name in changed if name in own),
    )


def _name(node: exp.Table, text: Text) -> str:
    if node.args.get("catalog") is not None:
        raise ReadsOutside(
            f"'{printable(_plain_name(node))}' is in another database",
            at=text.at(node),
            hint="name tables as namespace.name",
        )
    if node.args.get("db") is None and not node.name.replace("_", "").replace("$", "").isalnum():
        raise ReadsOutside(
            f"'{printable(node.name)}' is a file, not a table",
            at=text.at(node),
            hint="declare a source for the file, and read the table it loads into",
        )
    return _plain_name(node)


def _plain_name(node: exp.Expression) -> str:
    table = node if isinstance(node, exp.Table) else node.find(exp.Table)
    if table is None:
        return node.name.lower()
    return ".".join(part.name.lower() for part in table.parts)


def _safe_function(function: exp.Expression, text: Text) -> None:
    if not isinstance(function, exp.Func):
        return
    name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
    if name not in _SAFE_FUNCTIONS:
        raise ReadsOutside(
            f"the table function {printable(name)} reads outside the project",
            at=text.at(function),
            hint="declare a source for the data, and read the table it loads into",
        )


def _ctes(node: exp.Expression) -> set[str]:
    """Names that WITH clauses define where the node stands. A CTE sees those before it; a recursive one itself too."""
    visible: set[str] = set()
    inside: exp.Expr = node
    within: exp.Expr | None = None
    while (outer := inside.parent) is not None:
        if isinstance(inside, exp.CTE):
            within = inside
        with_ = outer.args.get("with_")
        if isinstance(with_, exp.With):
            if inside is with_:
                defined = with_.expressions
                end = len(defined) if with_.args.get("recursive") else next(i for i, cte in enumerate(defined) if cte is within)
                visible |= {cte.alias.lower() for cte in defined[:end]}
            else:
                visible |= {cte.alias.lower() for cte in with_.expressions}
        inside = outer
    return visible


def _target(statement: exp.Expression) -> exp.Expression | None:
    """The table a statement makes or changes."""
    if isinstance(statement, exp.Drop):
        gone = statement.args.get("tables") or ()
        return gone[0] if gone else None
    if isinstance(statement, exp.TruncateTable):
        return statement.expressions[0] if statement.expressions else None
    if isinstance(statement, exp.Create) and str(statement.args.get("kind")).upper() not in ("TABLE", "VIEW"):
        return None
    if isinstance(statement, exp.Create | exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.Alter):
        target = statement.this
        return target.this if isinstance(target, exp.Schema) else target
    return None


def _temporary(create: exp.Create) -> bool:
    properties = create.args.get("properties")
    return properties is not None and any(isinstance(item, exp.TemporaryProperty) for item in properties.expressions)


def _forget(name: str, made: set[str], local: set[str], changed: dict[str, None]) -> None:
    made.discard(name)
    local.discard(name)
    changed.pop(name, None)
