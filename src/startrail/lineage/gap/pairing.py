"""Which piece of one text stands for which piece of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlglot import exp


class Pair(NamedTuple):
    """The same piece on both sides; None = a side has none."""

    a: exp.Expr | None
    b: exp.Expr | None


def same(a: Any, b: Any) -> bool:
    """Whether two pieces say the same; absent and empty are one."""
    return bool(a == b) or (not a and not b)


def alias_of(tree: exp.Expr | None) -> str:
    """What a table, a subquery, a join or a query of WITH is called."""
    if isinstance(tree, exp.Join | exp.From):
        tree = tree.this
    return "" if tree is None else (tree.alias or tree.name).lower()


def plainly(query: exp.Subquery) -> tuple[object, ...]:
    """What stands around a subquery."""
    return tuple((key, value) for key, value in sorted(query.args.items()) if key != "this" and value)


def asked(tree: exp.Expr) -> tuple[object, ...]:
    """The words of a join or a set operation."""
    return tuple(str(tree.args.get(key) or "").upper() for key in ("side", "kind", "method", "distinct", "by_name"))


def in_order(a: Sequence[exp.Expr], b: Sequence[exp.Expr]) -> list[Pair]:
    """Pairs by name in A's order; what only B has comes behind what it follows there."""

    def called(tree: exp.Expr) -> str:
        return alias_of(tree) if isinstance(tree, exp.Join | exp.CTE) else tree.alias_or_name.lower()

    theirs = {called(each): each for each in b}
    found = [Pair(each, theirs.get(called(each))) for each in a]
    known = {called(each) for each in a}
    before = -1
    for each in b:
        if called(each) in known:
            before = next(place for place, pair in enumerate(found) if pair.b is each)
            continue
        before += 1
        found.insert(before, Pair(None, each))
    return found


def with_alias(a: exp.Select, b: exp.Select) -> exp.Select:
    """B with its table called as A's, where that name is free."""
    one, two = (side.args.get("from_") for side in (a, b))
    if one is None or two is None or alias_of(one) == alias_of(two):
        return b
    taken = {alias_of(table) for table in b.find_all(exp.Table, exp.Subquery)}
    old, new = alias_of(two), alias_of(one)
    if new in taken or not old or not new:
        return b
    found = b.copy()
    for column in found.find_all(exp.Column):
        if column.table.lower() == old:
            column.set("table", exp.to_identifier(new, quoted=True))
    found.args["from_"].this.set("alias", exp.TableAlias(this=exp.to_identifier(new, quoted=True)))
    return found


def unprefixed(a: exp.Select, b: exp.Select) -> tuple[exp.Select, exp.Select]:
    """Where each reads one table only: its columns without its name in front, which many leave out."""
    if any(side.args.get("joins") or side.args.get("laterals") or side.args.get("from_") is None for side in (a, b)):
        return a, b
    found = a.copy(), b.copy()
    for side in found:
        name = alias_of(side.args["from_"])
        for column in list(side.find_all(exp.Column)):
            if column.table == name and not column.db and column.find_ancestor(exp.Select) is side:
                column.set("table", None)
    return found


def paired(a: Sequence[exp.Expr], b: Sequence[exp.Expr]) -> Iterator[tuple[list[exp.Expr], list[exp.Expr]]]:
    """Conditions in pairs: equal ones; those about the same columns; those that are alike but for the columns; the rest alone."""
    left, right = list(a), list(b)
    for one in a:
        if one in right:
            right.remove(one)
            left.remove(one)
            yield [one], [one]
    for one in list(left):
        alike = [each for each in right if outermost(one) and same(masked(one), masked(each))]
        if len(alike) == 1:
            left.remove(one)
            right.remove(alike[0])
            yield [one], alike
    ours, theirs = _grouped(left), _grouped(right)
    for key in (_columns, _shape):
        for mine in list(ours):
            alike = [[each for each in side if key(each) == key(mine)] for side in (ours, theirs)]
            if len(alike[0]) == len(alike[1]) == 1:
                yield mine, alike[1][0]
                ours.remove(mine)
                theirs.remove(alike[1][0])
    for mine in ours:
        for one in mine:
            yield [one], []
    for other in theirs:
        for two in other:
            yield [], [two]


def outermost(tree: exp.Expr) -> list[exp.Query]:
    """The queries in an expression that stand in no other query."""
    return [node for node in tree.walk(prune=lambda each: isinstance(each, exp.Query)) if isinstance(node, exp.Query)]


def masked(tree: exp.Expr) -> exp.Expr:
    """An expression with its queries left out."""
    found = exp.Paren(this=tree.copy())
    for query in outermost(found):
        query.replace(exp.Placeholder(this="query"))
    return found


def _grouped(each: Sequence[exp.Expr]) -> list[list[exp.Expr]]:
    """Conditions about the same columns together, as the two ends of a period."""
    found: dict[object, list[exp.Expr]] = {}
    for one in each:
        found.setdefault(_columns([one]), []).append(one)
    return list(found.values())


def _columns(each: Sequence[exp.Expr]) -> object:
    return frozenset(column.sql().lower() for tree in each for column in tree.find_all(exp.Column))


def _shape(each: Sequence[exp.Expr]) -> object:
    """The text with the columns left out."""
    return tuple(sorted(_blank(tree) for tree in each))


def _blank(tree: exp.Expr) -> str:
    hide: Callable[[exp.Expr], exp.Expr] = lambda node: exp.Placeholder(this="column") if isinstance(node, exp.Column) else node  # noqa: E731
    return tree.copy().transform(hide).sql()
