"""Two SELECTs of one build side by side: every place where they differ can be swapped, and each mixture is a text of its own.

Nothing is assumed of the build: subqueries, groups of groups, set operations and windows may stand in it. A mixture is valued by
running it, so that no reading of the SQL can make a number wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.lineage.expressions import DIALECT, conjuncts, moving
from startrail.lineage.gap.errors import NotComparable, OpaqueSql
from startrail.lineage.gap.pairing import (
    Pair,
    alias_of,
    asked,
    in_order,
    masked,
    outermost,
    paired,
    plainly,
    same,
    unprefixed,
    with_alias,
)
from startrail.model.why import Cause

MOST_CAUSES = 5
"""More places than these are put together: every coalition is a query."""

Build = Callable[[Collection[int]], Any]
"""The piece of a mixture, from the places that are as on side B."""

_LOOSE = (
    exp.RowNumber, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead, exp.AnyValue, exp.First, exp.Last,
    exp.ArgMax, exp.ArgMin, exp.Ntile,
)  # fmt: skip
"""What takes one of the rows that tie: which one may change from query to query."""
_LOOSE_NAMES = {"arbitrary", "first", "last", "mode", "arg_max", "arg_min", "max_by", "min_by", "any_value", "list", "string_agg"}


class Text(NamedTuple):
    """One side: its SQL, what it is called, and where it stands."""

    sql: str
    name: str
    at: Span = Span("")


class Texts(NamedTuple):
    """The places in which two texts differ, and the text of every mixture of them."""

    causes: tuple[Cause, ...]
    build: Build

    def sql(self, chosen: Collection[int], *, pretty: bool = False) -> str:
        """Side A's text with the chosen places of side B."""
        tree: exp.Expr = self.build(frozenset(chosen))
        return tree.sql(dialect=DIALECT, comments=False, pretty=pretty)

    def together(self, groups: Sequence[Sequence[int]]) -> Texts:
        """Places that can only be swapped together as one cause."""
        build = self.build
        causes = tuple(_joined([self.causes[place] for place in group]) for group in groups)
        return Texts(causes, lambda chosen: build({place for group in chosen for place in groups[group]}))


def texts(a: Text, b: Text) -> Texts:
    """Raises OpaqueSql for a text that gives another number each time, NotComparable for two that are built differently."""
    return merged(query_of(a), query_of(b), a, b)


def merged(one: exp.Query, two: exp.Query, a: Text, b: Text) -> Texts:
    """The same of texts that are parsed. Raises as :func:`texts`."""
    for tree, side in ((one, a), (two, b)):
        _check(tree, side)
    merge = _Merge(a, b)
    build = merge.node(one, two, "")
    found = Texts(tuple(merge.causes), build)
    if len(found.causes) <= MOST_CAUSES:
        return found
    kept = [[place] for place in range(MOST_CAUSES - 1)]
    return found.together([*kept, list(range(MOST_CAUSES - 1, len(found.causes)))])


def query_of(side: Text) -> exp.Query:
    """The one query of a text. Raises OpaqueSql."""
    try:
        trees = [tree for tree in sqlglot.parse(side.sql, dialect=DIALECT) if tree is not None]
    except (ParseError, TokenError, RecursionError):
        raise _opaque(side, "it cannot be parsed") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise _opaque(side, "it is not one SELECT")
    for name in trees[0].find_all(exp.Identifier):  # the engine does not tell them apart by case or quotes
        name.set("this", name.name.lower())
        name.set("quoted", True)
    for table in trees[0].find_all(exp.Table):
        if not table.args.get("alias"):
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
    return trees[0]


def _check(tree: exp.Query, side: Text) -> None:
    for node in tree.walk():
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, _LOOSE) or name in _LOOSE_NAMES:
            words = name or node.sql_name().lower() if isinstance(node, exp.Func) else type(node).__name__
            raise _opaque(side, f"it takes one of the rows that tie ({printable(words, 40)})")
        if moving(node):
            raise _opaque(side, f"it gives another answer each time ({printable(node.sql(dialect=DIALECT), 40)})")
        if isinstance(node, exp.Select) and (node.args.get("limit") or node.args.get("offset")):
            raise _opaque(side, "it has LIMIT, which takes some of the rows that tie")
        if isinstance(node, exp.TableSample) or (isinstance(node, exp.Distinct) and node.args.get("on")):
            raise _opaque(side, "it takes some of its rows")


class _Merge:
    def __init__(self, a: Text, b: Text) -> None:
        self.a, self.b = a, b
        self.causes: list[Cause] = []

    def swap(self, a: exp.Expr | None, b: exp.Expr | None, name: str) -> Build:
        """One place; None = the side has nothing there."""
        place = len(self.causes)
        taken, wanted, number = {cause.name for cause in self.causes}, name, 1
        while wanted in taken:
            number += 1
            wanted = f"{name} {number}"
        self.causes.append(Cause(wanted, (f"text {place}",), _said(a), _said(b)))
        return lambda chosen: _copy(b if place in chosen else a)

    def node(self, a: exp.Expr, b: exp.Expr, where: str) -> Build:
        """Two queries, or what stands in FROM."""
        if same(a, b):
            return lambda _: a.copy()
        if isinstance(a, exp.Select) and isinstance(b, exp.Select):
            return self.select(a, b, where)
        if isinstance(a, exp.Subquery) and isinstance(b, exp.Subquery) and plainly(a) == plainly(b):
            inner = self.node(a.this, b.this, f"{alias_of(a)}: " if alias_of(a) else where)
            return lambda chosen: _with(a, {"this": inner(chosen)})
        if isinstance(a, exp.SetOperation) and type(a) is type(b) and asked(a) == asked(b):
            left, right = self.node(a.this, b.this, where), self.node(a.expression, b.expression, where)
            given = self.ctes(a, b)
            return lambda chosen: _with(a, {"this": left(chosen), "expression": right(chosen), "with_": given(chosen)})
        if not where:
            raise self.refused("they are built differently")
        return self.swap(
            a, b, f"{where}query" if isinstance(a, exp.Query) and not isinstance(a, exp.Subquery) else f"{where}table"
        )

    def select(self, a: exp.Select, b: exp.Select, where: str) -> Build:
        a, b = unprefixed(a, with_alias(a, b))
        builds: dict[str, Build] = {"with_": self.ctes(a, b)}
        for key in dict.fromkeys([*a.args, *b.args]):
            one, two = a.args.get(key), b.args.get(key)
            if key == "with_" or same(one, two) or (not one and not two):
                continue
            if key in ("where", "having", "qualify"):
                builds[key] = self.condition(one, two, where, {"where": exp.Where, "having": exp.Having}.get(key, exp.Qualify))
            elif key == "expressions":
                builds[key] = self.projections(a, b, where)
            elif key == "joins":
                builds[key] = self.joins(a, b, where)
            elif key == "from_" and one is not None and two is not None:
                builds[key] = self.source(one, two, where)
            elif key in ("group", "distinct"):
                builds[key] = self.swap(one, two, f"{where}{'group by' if key == 'group' else 'distinct'}")
            elif key != "order":
                raise self.refused(f"only one of them has {key.strip('_').replace('_', ' ')}, or another one")
        return lambda chosen: _with(a, {key: build(chosen) for key, build in builds.items()})

    def ctes(self, a: exp.Expr, b: exp.Expr) -> Build:
        """WITH: queries of one name are compared; one that only one side has changes nothing where nobody reads it."""
        one, two = a.args.get("with_"), b.args.get("with_")
        if one is None and two is None:
            return lambda _: None
        if one is not None and two is not None and bool(one.args.get("recursive")) != bool(two.args.get("recursive")):
            raise self.refused("only one of them is recursive")
        found: list[Build] = []
        for pair in in_order(one.expressions if one else [], two.expressions if two else []):
            if pair.a is None or pair.b is None or same(pair.a, pair.b):
                only = pair.a or pair.b
                found.append(lambda _, only=only: _copy(only))
                continue
            inner = self.node(pair.a.this, pair.b.this, f"{alias_of(pair.a)}: ")
            found.append(lambda chosen, pair=pair, inner=inner: _with(pair.a, {"this": inner(chosen)}))
        return lambda chosen: _with(one or two, {"expressions": [build(chosen) for build in found]})

    def source(self, a: exp.Expr, b: exp.Expr, where: str) -> Build:
        inner = self.node(a.this, b.this, where or "source: ")
        return lambda chosen: _with(a, {"this": inner(chosen)})

    def joins(self, a: exp.Select, b: exp.Select, where: str) -> Build:
        builds: list[Build] = []
        for pair in in_order(a.args.get("joins") or [], b.args.get("joins") or []):
            name = f"{where}join {alias_of(pair.a or pair.b)}"
            if pair.a is None or pair.b is None:
                builds.append(self.swap(pair.a, pair.b, name))
            elif same(pair.a, pair.b):
                builds.append(lambda _, pair=pair: _copy(pair.a))
            elif pair.a.args.get("on") is None or pair.b.args.get("on") is None:
                builds.append(self.swap(pair.a, pair.b, name))
            else:
                builds.append(self.join(pair.a, pair.b, name))
        return lambda chosen: [each for each in (build(chosen) for build in builds) if each is not None]

    def join(self, a: exp.Expr, b: exp.Expr, name: str) -> Build:
        inner = self.node(a.this, b.this, f"{name}: ")
        condition = self.condition(a.args["on"], b.args["on"], f"{name}: ", None)
        kind = (lambda _: a) if asked(a) == asked(b) else self.swap(_bare_join(a), _bare_join(b), name)
        shape = {"side", "kind", "method"}

        def build(chosen: Collection[int]) -> exp.Expr:
            chosen_kind = {key: kind(chosen).args.get(key) for key in shape}
            return _with(a, {**chosen_kind, "this": inner(chosen), "on": condition(chosen)})

        return build

    def projections(self, a: exp.Select, b: exp.Select, where: str) -> Build:
        """By name in subqueries, by place where both have as many."""
        names = [[each.alias_or_name.lower() for each in side.expressions] for side in (a, b)]
        if sorted(names[0]) != sorted(names[1]) and len(names[0]) == len(names[1]):
            pairs = [Pair(one, two) for one, two in zip(a.expressions, b.expressions, strict=True)]
        elif where or sorted(names[0]) == sorted(names[1]):
            pairs = in_order(a.expressions, b.expressions)
        else:
            raise self.refused("they give different columns")
        builds: list[Build] = [self.expression(pair.a, pair.b, f"{where}{_called(pair)}") for pair in pairs]
        return lambda chosen: [each for each in (build(chosen) for build in builds) if each is not None]

    def condition(self, a: exp.Expr | None, b: exp.Expr | None, where: str, wrap: type[exp.Expr] | None) -> Build:
        """What AND joins, piece by piece: common ones, pairs about the same columns, and those of one side."""
        sides = [conjuncts(side.this if wrap is not None else side) if side is not None else [] for side in (a, b)]
        builds: list[Build] = []
        for mine, theirs in paired(*sides):
            one, two = (exp.and_(*(each.copy() for each in side), copy=False) if side else None for side in (mine, theirs))
            builds.append(self.expression(one, two, f"{where}condition"))

        def build(chosen: Collection[int]) -> exp.Expr | None:
            found = [each for each in (build(chosen) for build in builds) if each is not None]
            if not found:
                return None if wrap is not None else exp.true()
            whole = exp.and_(*found, copy=False)
            return whole if wrap is None else wrap(this=whole)

        return build

    def expression(self, a: exp.Expr | None, b: exp.Expr | None, name: str) -> Build:
        """One expression: as a whole, but for the queries in it when the rest is the same."""
        if same(a, b):
            return lambda _: _copy(a)
        if a is None or b is None:
            return self.swap(a, b, name)
        queries = [outermost(side) for side in (a, b)]
        if not queries[0] or len(queries[0]) != len(queries[1]) or not same(masked(a), masked(b)):
            return self.swap(a, b, name)
        inner = [self.node(one, two, f"{_within(name)}subquery: ") for one, two in zip(*queries, strict=True)]

        def build(chosen: Collection[int]) -> exp.Expr:
            found = exp.Paren(this=a.copy())
            for place, build in zip(outermost(found), inner, strict=True):
                place.replace(build(chosen))
            return found.this

        return build

    def refused(self, reason: str) -> NotComparable:
        return NotComparable(
            f"the texts of {self.a.name} and {self.b.name} cannot be mixed: {reason}",
            at=self.b.at,
            affects="no line of the gap is given",
            hint="write both in one build, or declare them as metrics with source and expr",
        )


def _opaque(side: Text, reason: str) -> OpaqueSql:
    return OpaqueSql(
        f"the SQL of {side.name} cannot be mixed with another: {reason}",
        at=side.at,
        affects="no line of the gap is given",
        hint="put what ties in order in a model, and select from that",
    )


def _joined(each: Sequence[Cause]) -> Cause:
    if len(each) == 1:
        return each[0]
    sides = ("; ".join(text for text in texts if text) or None for texts in ([c.a for c in each], [c.b for c in each]))
    name = " + ".join(cause.name for cause in each) if len(each) < 4 else f"{len(each)} places"
    return Cause(name, tuple(slot for cause in each for slot in cause.slots), *sides)


def _called(pair: Pair) -> str:
    either = pair.a or pair.b
    return f"column {either.alias_or_name}" if either is not None and either.alias_or_name else "expression"


def _bare_join(join: exp.Expr) -> exp.Expr:
    return exp.Join(this=join.this.copy(), side=join.args.get("side"), kind=join.args.get("kind"), method=join.args.get("method"))


def _said(tree: exp.Expr | None) -> str | None:
    """A piece as a person would write it."""
    if tree is None:
        return None
    plain = tree.copy()
    for name in plain.find_all(exp.Identifier):
        name.set("quoted", not name.name.isidentifier())
    for table in plain.find_all(exp.Table):
        if table.alias == table.name:
            table.set("alias", None)
    return plain.sql(dialect=DIALECT, comments=False)


def _copy(tree: exp.Expr | None) -> exp.Expr | None:
    return None if tree is None else tree.copy()


def _with(tree: exp.Expr | None, pieces: dict[str, Any]) -> exp.Expr:
    assert tree is not None
    found = tree.copy()
    for key, piece in pieces.items():
        found.set(key, piece)
    return found


def _within(name: str) -> str:
    """The part of a place's name that says where it is."""
    before, colon, _ = name.rpartition(": ")
    return f"{before}{colon}"
