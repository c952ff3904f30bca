"""A metric as one text over the tables that two definitions share: the models between them stand in it as subqueries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from startrail.lineage.expressions import DIALECT, conjuncts
from startrail.lineage.gap.errors import OpaqueSql
from startrail.lineage.gap.texts import Text, query_of
from startrail.lineage.metric.query import value_query, with_values
from startrail.lineage.metric.slots import Slots
from startrail.lineage.metric.time import Window

_DEEPEST = 20


def text_of(found: Slots, window: Window | None, kinds: Mapping[str, str]) -> str:
    """The SELECT of a declared metric's number, or of its numerator and denominator."""
    compiled = value_query(found, window if found.time is not None else None, (), kinds)
    tree = with_values(compiled.tree, compiled.bound)
    wanted = [each for each in tree.expressions if each.alias in ("value", "numerator", "denominator")]
    tree.set("expressions", wanted)
    return tree.sql(dialect=DIALECT, comments=False)


def inlined(
    text: Text, models: Mapping[str, str], kept: Collection[str], bound: Mapping[str, date | datetime] | None = None
) -> exp.Query:  # fmt: skip
    """The text with every model in it, but those of ``kept``, as a subquery, and the period's bounds in their places.

    Raises OpaqueSql.
    """
    tree = query_of(text)
    if bound:
        placed = with_values(tree, bound)
        assert isinstance(placed, exp.Query)
        tree = placed
    for _ in range(_DEEPEST):
        places = [table for table in tree.find_all(exp.Table) if _name(table) in models and _name(table) not in kept]
        if not places:
            return tree
        for table in places:
            inner = whole(models[_name(table)], text)
            alias = exp.TableAlias(this=exp.to_identifier((table.alias or table.name).lower(), quoted=True))
            table.replace(exp.Subquery(this=inner, alias=alias))
    raise _opaque(text, "its models stand too deep on each other")


def whole(sql: str, text: Text) -> exp.Query:
    """A model's query over all its partitions. Raises OpaqueSql when a partition's bounds stand elsewhere than in WHERE."""
    try:
        tree = query_of(Text(sql, text.name, text.at))
    except (ParseError, TokenError):
        raise _opaque(text, "a model cannot be parsed") from None
    for where in list(tree.find_all(exp.Where)):
        rest = [part for part in conjuncts(where.this) if next(part.find_all(exp.Placeholder, exp.Parameter), None) is None]
        if rest:
            where.set("this", exp.and_(*(part.copy() for part in rest), copy=False))
        else:
            where.pop()
    if next(tree.find_all(exp.Placeholder, exp.Parameter), None) is not None:
        raise _opaque(text, "a model uses its partition's bounds outside of WHERE")
    return tree


def read_by(sql: str) -> tuple[str, ...]:
    """The tables that a query names in full."""
    try:
        trees = sqlglot.parse(sql, dialect=DIALECT)
    except (ParseError, TokenError, RecursionError):
        return ()
    return tuple(dict.fromkeys(_name(table) for tree in trees if tree for table in tree.find_all(exp.Table) if table.db))


def _name(table: exp.Table) -> str:
    return f"{table.db}.{table.name}".lower()


def _opaque(text: Text, reason: str) -> OpaqueSql:
    return OpaqueSql(
        f"the models behind {text.name} cannot be put into one text: {reason}",
        at=text.at,
        affects="no line of the gap is given",
        hint="compare over tables that both read",
    )
