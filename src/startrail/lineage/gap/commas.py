"""Tables that a text lists with commas, as the joins that its WHERE makes of them."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from startrail.lineage.expressions import conjuncts


def with_joins(select: exp.Select, owner: Callable[[exp.Column], str | None]) -> exp.Select | None:
    """The same SELECT with an INNER JOIN ... ON for each listed table; the equalities between columns leave WHERE for it.

    ``owner``: what the table of a column is called; None = not known. None when a table is not compared with the others.
    Inner joins may stand in any order, so a table comes when one that it is compared with is there.
    """
    joins = list(select.args.get("joins") or ())
    count = next((place for place, join in enumerate(joins) if not _listed(join)), len(joins))
    if not count:
        return select
    listed, rest = joins[:count], joins[count:]
    where = select.args.get("where")
    parts = conjuncts(where.this) if isinstance(where, exp.Where) else []
    there = {_alias(select.args["from_"].this)}
    made: list[exp.Expr] = []
    while listed:
        found = next(((join, links) for join in listed if (links := _links(parts, _alias(join.this), there, owner))), None)
        if found is None:
            return None
        join, links = found
        listed.remove(join)
        parts = [part for part in parts if not any(part is link for link in links)]
        there.add(_alias(join.this))
        made.append(exp.Join(this=join.this.copy(), kind="INNER", on=exp.and_(*(link.copy() for link in links), copy=False)))
    whole = select.copy()
    whole.set("joins", [*made, *(join.copy() for join in rest)])
    whole.set("where", exp.Where(this=exp.and_(*(part.copy() for part in parts), copy=False)) if parts else None)
    return whole


def _listed(join: exp.Expr) -> bool:
    """Whether a join is a comma, or CROSS JOIN."""
    words = [str(join.args.get(key) or "").upper() for key in ("side", "method", "kind")]
    return words in (["", "", ""], ["", "", "CROSS"]) and not join.args.get("on") and not join.args.get("using")


def _links(parts: list[exp.Expr], alias: str, there: set[str], owner: Callable[[exp.Column], str | None]) -> list[exp.Expr]:
    """The equalities between a column of one table and a column of those that are there."""
    found: list[exp.Expr] = []
    for part in parts:
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Column) and isinstance(part.expression, exp.Column):
            one, two = owner(part.this), owner(part.expression)
            if (one == alias and two in there) or (two == alias and one in there):
                found.append(part)
    return found


def _alias(table: exp.Expr) -> str:
    return (table.alias or table.name).lower()
