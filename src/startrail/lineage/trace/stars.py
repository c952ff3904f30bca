"""What a star stands for: columns, and the rest of tables whose columns are not known."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlglot import exp
from sqlglot.errors import SqlglotError

from startrail.lineage.trace.expressions import flow
from startrail.lineage.trace.flows import through
from startrail.lineage.trace.relations import Column, Rest
from startrail.lineage.trace.scope import Scope, Unresolved
from startrail.model.lineage import TRANSFORMATION


class Expanded(NamedTuple):
    """Columns with their keys, in order, and the rests."""

    columns: list[tuple[str, Column]]
    rests: list[Rest]


def is_star(node: exp.Expr) -> bool:
    """Whether a projection stands for any number of columns."""
    return isinstance(node, exp.Star | exp.Columns) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def expand(node: exp.Expr, scope: Scope) -> Expanded:
    """The columns of ``*``, ``t.*``, ``struct.*`` or ``COLUMNS('...')``, with EXCEPT, REPLACE and RENAME done."""
    if isinstance(node, exp.Columns):
        return _columns_function(node, scope)
    star = node.this if isinstance(node, exp.Column) else node
    found = _all(scope) if isinstance(node, exp.Star) else _of(node, scope)
    return _changed(found, star, scope)


def _all(scope: Scope) -> Expanded:
    """Every source in order; a column that USING merged stands once, at its first place."""
    columns: list[tuple[str, Column]] = []
    rests: list[Rest] = []
    merged = dict(scope.merged)
    for source in scope.visible():
        for key, column in source.relation.columns.items():
            if key in scope.merged:
                if key in merged:
                    columns.append((key, merged.pop(key)))
            else:
                columns.append((key, column))
        for rest in source.relation.rests:
            columns += merged.items()
            merged = {}
            rests.append(rest._replace(without=rest.without | scope.merged.keys()))
    return Expanded(columns, rests)


def _of(node: exp.Expr, scope: Scope) -> Expanded:
    parts = node.parts[:-1]  # type: ignore[missing-attribute]
    keys = [part.name.lower() for part in parts]
    inside: Scope | None = scope
    while inside is not None:
        source = inside.source(keys)
        if source is not None:
            return Expanded([*source.relation.columns.items()], [*source.relation.rests])
        inside = inside.parent
    try:
        column = scope.column(parts)
    except Unresolved as why:
        scope.reader.problem(node, str(why))
        return Expanded([], [])
    if column is None:
        scope.reader.problem(node, f"there is no table '{'.'.join(part.name for part in parts)}' here")
        return Expanded([], [])
    return fields(column, scope)


def fields(column: Column, scope: Scope) -> Expanded:
    """The fields of a struct column, from its declared type; else a rest."""
    inner = through(column.flow, TRANSFORMATION)
    names = _field_names(column.type, scope.reader.dialect)
    if names is None:
        return Expanded([], [Rest(None, inner)])
    return Expanded([(name.lower(), Column(name, inner)) for name in names], [])


def _field_names(declared: str | None, dialect: str) -> list[str] | None:
    if declared is None or not re.match(r"\s*(struct|row|record|array)\b", declared, re.IGNORECASE):
        return None
    try:
        kind = exp.DataType.build(declared, dialect=dialect)
    except SqlglotError:
        return None
    while kind.this == exp.DataType.Type.ARRAY and kind.expressions and isinstance(kind.expressions[0], exp.DataType):
        kind = kind.expressions[0]
    names = [part.name for part in kind.expressions if isinstance(part, exp.ColumnDef)]
    return names or None


def _changed(found: Expanded, star: exp.Expr, scope: Scope) -> Expanded:
    names = scope.reader.names
    dropped = {names.column(each) for each in _parts(star, "except_")}
    replaced = {names.column(each.args["alias"]): each for each in _parts(star, "replace") if isinstance(each, exp.Alias)}
    renamed = {names.column(each.this): each.args["alias"] for each in _parts(star, "rename") if isinstance(each, exp.Alias)}
    pattern = star.args.get("ilike") or star.args.get("like")
    if not (dropped or replaced or renamed or pattern):
        return found
    columns: list[tuple[str, Column]] = []
    for key, column in found.columns:
        if key in dropped or (pattern is not None and not _like(column.name, pattern.name)):
            continue
        if key in replaced:
            column = column._replace(flow=flow(replaced[key].this, scope), type=None)
        if key in renamed:
            key, column = names.column(renamed[key]), column._replace(name=renamed[key].name)
        columns.append((key, column))
    known = {key for key, _ in found.columns}
    if found.rests:
        columns += [(key, Column(node.alias, flow(node.this, scope))) for key, node in replaced.items() if key not in known]
        if len(found.rests) == 1:
            columns += [
                (names.column(alias), found.rests[0].column(_name_in(star, key))._replace(name=alias.name))
                for key, alias in renamed.items()
                if key not in known
            ]
    gone = dropped | replaced.keys() | renamed.keys()
    return Expanded(columns, [rest._replace(without=rest.without | gone) for rest in found.rests])


def _parts(star: exp.Expr, word: str) -> list[exp.Expr]:
    return [
        part.this if isinstance(part, exp.Column) else part for part in star.args.get(word) or () if isinstance(part, exp.Expr)
    ]


def _name_in(star: exp.Expr, key: str) -> str:
    return next((each.this.name for each in _parts(star, "rename") if each.this.name.lower() == key.lower()), key)


def _like(name: str, pattern: str) -> bool:
    expression = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, name, re.IGNORECASE | re.DOTALL) is not None


def _columns_function(node: exp.Columns, scope: Scope) -> Expanded:
    inner = node.this
    if isinstance(inner, exp.Star):
        return _changed(_all(scope), inner, scope)
    found = _all(scope)
    if isinstance(inner, exp.Literal) and inner.is_string:
        try:
            wanted = re.compile(inner.name)
        except re.error:
            return found
        return Expanded([(key, column) for key, column in found.columns if wanted.search(column.name)], found.rests)
    scope.reader.problem(node, "which columns COLUMNS picks is computed; all of them are taken")
    return found
