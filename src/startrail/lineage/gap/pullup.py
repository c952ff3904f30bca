"""Subqueries beside joins that only project and filter one table: the table instead, conditions where they belong."""

from __future__ import annotations

from sqlglot import exp

from startrail.lineage.expressions import conjuncts

_MORE = ("with_", "joins", "group", "having", "distinct", "limit", "offset", "qualify", "laterals", "pivots", "sample", "order")


def pulled_up(select: exp.Select) -> exp.Select:
    """The same SELECT, as far as that is exact; what is left stays a subquery."""
    found = select.copy()
    for place in [found.args.get("from_"), *(found.args.get("joins") or ())]:
        if isinstance(place, exp.From | exp.Join) and isinstance(place.this, exp.Subquery):
            _pull(found, place)
    return found


def _pull(outer: exp.Select, place: exp.From | exp.Join) -> None:
    derived = place.this
    inner, alias = derived.this, derived.alias.lower()
    left = isinstance(place, exp.Join) and str(place.args.get("side") or "").upper() == "LEFT"
    if not alias or not isinstance(inner, exp.Select) or any(inner.args.get(key) for key in _MORE):
        return
    table = inner.args["from_"].this if inner.args.get("from_") is not None else None
    if not isinstance(table, exp.Table) or not table.db or next(inner.find_all(exp.AggFunc, exp.Window), None) is not None:
        return
    if sum(1 for _ in inner.find_all(exp.Query)) > 1 or derived.args["alias"].args.get("columns"):
        return
    if isinstance(place, exp.Join) and (place.args.get("using") or str(place.args.get("side") or "").upper() not in ("", "LEFT")):
        return
    given = _given(inner, alias)
    if given is None or (left and any(not isinstance(each, exp.Column) for each in given.values())):
        return  # what is computed may be something where the join found nothing
    uses = [column for column in outer.find_all(exp.Column) if column.find_ancestor(exp.Subquery) is not derived]
    star = not given
    if any((not column.table and (star or column.name.lower() in given)) for column in uses):
        return
    mine = [column for column in uses if column.table.lower() == alias]
    if not star and any(column.name.lower() not in given for column in mine):
        return
    for column in mine if not star else ():
        what = given[column.name.lower()].copy()
        column.replace(what if isinstance(what, exp.Column) else exp.paren(what))
    plain = table.copy()
    plain.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    place.set("this", plain)
    where = inner.args.get("where")
    parts = [_called(part, alias) for part in conjuncts(where.this)] if isinstance(where, exp.Where) else []
    if parts and left and isinstance(place, exp.Join):
        place.set("on", exp.and_(place.args["on"].copy(), *parts, copy=False))
    elif parts:
        outer.where(*parts, copy=False)


def _given(inner: exp.Select, alias: str) -> dict[str, exp.Expr] | None:
    """What each column of the subquery is, over its table; empty for a star; None when it is more than that."""
    if len(inner.expressions) == 1 and isinstance(inner.expressions[0], exp.Star):
        return {} if not any(inner.expressions[0].args.values()) else None
    found = {each.alias_or_name.lower(): _called(each.unalias(), alias) for each in inner.expressions}
    return None if any(name in ("", "*") for name in found) else found


def _called(tree: exp.Expr, alias: str) -> exp.Expr:
    """Columns of the one table under the subquery's name."""
    found = tree.copy()
    for column in found.find_all(exp.Column):
        column.set("table", exp.to_identifier(alias))
    return found
