"""Which tables of a script are scratch, and which change their name: known only when all of it has been looked over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

Key = tuple[str, ...]
_RENAME = re.compile(r"\s*table\s+(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_NAME = r'(?:[\w$]+|"[^"]+"|`[^`]+`)'
_ONE = re.compile(rf"({_NAME}(?:\.{_NAME})*)\s+to\s+({_NAME}(?:\.{_NAME})*)", re.IGNORECASE)


@dataclass
class Fate:
    """What becomes of the table that a statement makes; the renames that it does."""

    scratch: bool = False
    renames: list[tuple[Key, Key]] = field(default_factory=list)


def fates(trees: Sequence[exp.Expr | None], key: Callable[[exp.Expr], Key]) -> list[Fate]:
    """One per statement. A table that is made and dropped or replaced again is scratch, like a temporary one."""
    found = [Fate() for _ in trees]
    alive: dict[Key, int] = {}
    for number, tree in enumerate(trees):
        made = _made(tree)
        if made is not None:
            found[number].scratch = _temporary(tree, made)
            if tree is not None and tree.args.get("replace") and key(made) in alive:
                found[alive[key(made)]].scratch = True
            alive[key(made)] = number
        elif isinstance(tree, exp.Drop) and str(tree.args.get("kind")).upper() in ("TABLE", "VIEW"):
            for each in tree.args.get("tables") or ():
                if key(each) in alive:
                    found[alive.pop(key(each))].scratch = True
        for old, new in _whole_names(_renames(tree)):
            pair = (key(old), _beside(key(old), key(new)))
            found[number].renames.append(pair)
            if pair[0] in alive:
                alive[pair[1]] = alive.pop(pair[0])
            if len(pair[1]) != len(key(new)):
                key(_beside_table(old, new))  # so that it is known how the whole name is written
    return found


def _whole_names(pairs: Iterable[tuple[exp.Expr, exp.Expr]]) -> Iterable[tuple[exp.Expr, exp.Expr]]:
    """Only those in which both are names."""
    return [
        (old, new)
        for old, new in pairs
        if all(isinstance(each, exp.Table) and isinstance(each.this, exp.Identifier) for each in (old, new))
    ]


def _made(tree: exp.Expr | None) -> exp.Expr | None:
    if isinstance(tree, exp.Create) and str(tree.args.get("kind")).upper() in ("TABLE", "VIEW"):
        return tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(tree, exp.Cache):
        return tree.this
    into = tree.args.get("into") if isinstance(tree, exp.Select) else None
    return into.this if isinstance(into, exp.Expr) and isinstance(into.this, exp.Table) else None


def _temporary(tree: exp.Expr | None, table: exp.Expr) -> bool:
    if isinstance(tree, exp.Cache):
        return True
    if isinstance(tree, exp.Select):
        return bool(tree.args["into"].args.get("temporary")) or bool(table.this.args.get("temporary"))
    properties = tree.args.get("properties") if tree is not None else None
    listed = properties.expressions if isinstance(properties, exp.Expr) else ()
    return any(isinstance(each, exp.TemporaryProperty) for each in listed) or bool(table.this.args.get("temporary"))


def _renames(tree: exp.Expr | None) -> Iterable[tuple[exp.Expr, exp.Expr]]:
    if isinstance(tree, exp.Alter):
        for action in tree.args.get("actions") or ():
            if isinstance(action, exp.AlterRename):
                yield tree.this, action.this
    elif isinstance(tree, exp.Command) and tree.name.upper() == "RENAME":
        text = _RENAME.match(
            str(tree.args["expression"].name if isinstance(tree.args["expression"], exp.Expr) else tree.args["expression"])
        )
        for old, new in _ONE.findall(text["rest"]) if text is not None else ():
            yield exp.to_table(old.replace("`", '"')), exp.to_table(new.replace("`", '"'))
    elif isinstance(tree, exp.Execute) and tree.this.name.lower() == "sp_rename" and len(tree.expressions) == 2:
        yield exp.to_table(tree.expressions[0].name), exp.to_table(tree.expressions[1].name)


def _beside(old: Key, new: Key) -> Key:
    """A bare new name stays in the schema of the old one."""
    return (*old[: len(old) - 1], *new) if len(new) == 1 else new


def _beside_table(old: exp.Expr, new: exp.Expr) -> exp.Table:
    return exp.Table(this=new.this, db=old.args.get("db"), catalog=old.args.get("catalog"))
