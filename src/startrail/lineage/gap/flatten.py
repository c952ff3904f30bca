"""Subqueries in FROM that can be taken away: plain projections, and sums that are summed again."""

from __future__ import annotations

from sqlglot import exp

from startrail.lineage.expressions import conjuncts
from startrail.lineage.gap.pullup import pulled_up


def flattened(select: exp.Select) -> exp.Select:
    """The same SELECT over the tables themselves, as far as that is exact; what is left says the rest."""
    found = _without_with(select)
    for _ in range(10):
        found = _one_group(found)
        found = pulled_up(found) if found.args.get("joins") else found
        outer = _once(found)
        if outer is None:
            return found
        found = outer
    return found


def _without_with(select: exp.Select) -> exp.Select:
    """Queries of WITH that are read once, in the place where they are read."""
    found = select.copy()
    given = found.args.get("with_")
    if given is None or given.args.get("recursive"):
        return found
    for cte in reversed(list(given.expressions)):
        name = cte.alias.lower()
        readers = [table for table in found.find_all(exp.Table) if not table.db and table.name.lower() == name]
        columns = cte.args["alias"].args.get("columns") if cte.args.get("alias") is not None else None
        if len(readers) > 1 or columns or any(reader.find_ancestor(exp.CTE) is cte for reader in readers):
            return select.copy()
        for reader in readers:
            alias = exp.TableAlias(this=exp.to_identifier(reader.alias or reader.name))
            reader.replace(exp.Subquery(this=cte.this.copy(), alias=alias))
        cte.pop()
    found.set("with_", None)
    return found


def _once(outer: exp.Select) -> exp.Select | None:
    place = outer.args.get("from_") or outer.args.get("from")
    if not isinstance(place, exp.From) or not isinstance(place.this, exp.Subquery) or outer.args.get("joins"):
        return None
    inner = place.this.this
    if not isinstance(inner, exp.Select) or any(
        inner.args.get(key) for key in ("having", "distinct", "limit", "qualify", "with_")
    ):
        return None
    given = {each.alias_or_name.lower(): each.unalias() for each in inner.expressions}
    if list(given) == ["*"] and isinstance(inner.expressions[0], exp.Star) and not any(inner.expressions[0].args.values()):
        return _same_columns(outer, inner)
    if any(isinstance(each, exp.Star) or name in ("", "*") for name, each in given.items()):
        return None
    if next(inner.find_all(exp.Window), None) is not None:
        return None
    if inner.args.get("group"):
        return _regrouped(outer, inner, given)
    if any(next(each.find_all(exp.AggFunc), None) is not None for each in given.values()):
        return None
    return _over(outer, inner, outer.expressions, given)


def _same_columns(outer: exp.Select, inner: exp.Select) -> exp.Select | None:
    """``select *`` of one table, without groups: the outer's columns are the table's."""
    if inner.args.get("joins") or inner.args.get("group"):
        return None
    names = {column.name.lower() for each in outer.expressions for column in each.find_all(exp.Column)}
    where = outer.args.get("where")
    names |= {column.name.lower() for column in where.find_all(exp.Column)} if where is not None else set()
    return _over(outer, inner, outer.expressions, {name: exp.column(name) for name in names})


def _regrouped(outer: exp.Select, inner: exp.Select, given: dict[str, exp.Expr]) -> exp.Select | None:
    """``sum`` over groups that are sums or counts; conditions only on what is grouped by."""
    aggregated = {name for name, each in given.items() if next(each.find_all(exp.AggFunc), None) is not None}
    where = outer.args.get("where")
    if where is not None and any(column.name.lower() in aggregated for column in where.find_all(exp.Column)):
        return None
    if len(outer.expressions) != 1:
        return None
    top = outer.expressions[0].unalias()
    if isinstance(top, exp.Column) and top.name.lower() in aggregated and _is_one(outer, inner, given):
        return _over(outer, inner, [given[top.name.lower()]], {name: given[name] for name in given if name not in aggregated})
    if not isinstance(top, exp.Sum) or not isinstance(top.this, exp.Column):
        return None
    part = given.get(top.this.name.lower())
    if not isinstance(part, exp.Sum | exp.Count) or isinstance(part.this, exp.Distinct):
        return None
    return _over(outer, inner, [part], {name: each for name, each in given.items() if name not in aggregated})


def _one_group(select: exp.Select) -> exp.Select:
    """Without GROUP BY where WHERE leaves one group: each of its columns equals a constant."""
    group = select.args.get("group")
    if group is None or not _plain_groups(group) or len(select.expressions) != 1:
        return select
    if any(column.find(exp.AggFunc) for column in group.expressions) or select.args.get("having"):
        return select
    if not {each.sql().lower() for each in group.expressions} <= _constants(select):
        return select
    found = select.copy()
    found.set("group", None)
    return found


def _is_one(outer: exp.Select, inner: exp.Select, given: dict[str, exp.Expr]) -> bool:
    """Whether the conditions outside leave one group of those inside."""
    group = inner.args["group"]
    if not _plain_groups(group):
        return False
    called = {each.sql().lower(): name for name, each in given.items()}
    pinned = {name.rpartition(".")[2].strip('"') for name in _constants(outer)}
    return all(called.get(each.sql().lower(), "") in pinned for each in group.expressions)


def _plain_groups(group: exp.Expr) -> bool:
    return not any(value for key, value in group.args.items() if key != "expressions") and all(
        isinstance(each, exp.Column) for each in group.expressions
    )


def _constants(select: exp.Select) -> set[str]:
    """The columns that WHERE sets equal to a constant."""
    where = select.args.get("where")
    found = set()
    for part in conjuncts(where.this) if isinstance(where, exp.Where) else []:
        sides = [part.this, part.expression] if isinstance(part, exp.EQ) else []
        for one, two in (sides, sides[::-1]) if sides else ():
            if isinstance(one, exp.Column) and isinstance(two, exp.Literal):
                found.add(one.sql().lower())
    return found


def _over(outer: exp.Select, inner: exp.Select, shown: list[exp.Expr], given: dict[str, exp.Expr]) -> exp.Select | None:
    """The outer's projections and conditions over the inner's tables."""
    unknown: list[str] = []

    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            found = given.get(node.name.lower())
            if found is None:
                unknown.append(node.name)
                return node
            return exp.paren(found.copy()) if not isinstance(found, exp.Column) else found.copy()
        return node

    own = outer.expressions is shown
    flat = inner.copy()
    flat.set("group", None)
    flat.set("order", None)
    flat.set("expressions", [each.copy().transform(replace) if own else each.copy() for each in shown])
    where = outer.args.get("where")
    if where is not None:
        flat = flat.where(where.this.copy().transform(replace))
    return None if unknown else flat
