"""Repairs of a source, read strictly: a step that could do nothing, or more than was meant, is refused."""

from __future__ import annotations

import re
from datetime import datetime

from startrail.base.span import Span
from startrail.base.text import printable
from startrail.model.repair import CastValue, Repairs, RepairStep, Where
from startrail.project import errors
from startrail.project.decode import decode
from startrail.project.forms import RepairsForm
from startrail.project.scalars import Problems
from startrail.project.yaml import Node

ACTIONS = ("set", "cast", "rename", "remove")
_PATH = re.compile(r"\$(\.[^.\[\]]+(\[([0-9]+)?\])*)+")


def read_repairs(node: Node, source: str, digest: str, problems: Problems) -> Repairs | None:
    """The repairs in a file; None when something is wrong with it, which is then in ``problems``."""
    form = decode(node, RepairsForm, problems, what=f"the repairs of {source}")
    if form is None:
        return None
    listed = node.find("steps")
    places = listed.value if listed is not None and isinstance(listed.value, list) else []
    before = len(problems)
    for step, place in zip(form.steps, places, strict=True):
        _check(step, place, problems)
    return None if len(problems) > before else Repairs(source, form.steps, node.at, digest)


def _check(step: RepairStep, place: Node, problems: Problems) -> None:
    actions = [word for word in ACTIONS if getattr(step, word) is not None]
    if len(actions) != 1:
        found = " and ".join(actions) or "none"
        _bad(f"a step does exactly one of {', '.join(ACTIONS)}; here {found}", place.at, "make a step of each", problems)
        return
    action = step.action
    if _PATH.fullmatch(action.path) is None:
        _bad_path(action.path, place.place(actions[0], "path"), problems)
    if isinstance(action, CastValue):
        _check_cast(action, place, problems)
    _check_where(step.where, place, problems)


def _check_cast(cast: CastValue, place: Node, problems: Problems) -> None:
    temporal = cast.to in ("date", "timestamp")
    if temporal != (cast.pattern is not None):
        message = f"a cast to {cast.to} {'needs a' if temporal else 'takes no'} pattern"
        _bad(message, place.place("cast"), "a pattern says how a date is written: '%d/%m/%Y'", problems)
    elif cast.pattern is not None:
        try:
            datetime.strptime("", cast.pattern)
        except (ValueError, re.error) as error:
            if "does not match" not in str(error):
                _bad(f"'pattern': {printable(str(error), 100)}", place.place("cast", "pattern"), "such as '%d/%m/%Y'", problems)
    if cast.rounding != "exact" and cast.to != "integer":
        _bad("only a cast to integer rounds", place.place("cast", "rounding"), "remove rounding", problems)


def _check_where(where: Where, place: Node, problems: Problems) -> None:
    at = place.place("where")
    if where == Where():
        _bad("'where' names nothing", at, "give rule and path, or delivery and ordinals", problems)
    if (where.delivery is None) != (not where.ordinals):
        _bad("'delivery' and 'ordinals' go together", at, "give both: numbers count in a delivery", problems)
    if where.path is not None and where.path != "$" and _PATH.fullmatch(where.path) is None:
        _bad_path(where.path, place.place("where", "path"), problems)


def _bad_path(path: str, at: Span, problems: Problems) -> None:
    _bad(f"'{printable(path, 60)}' is not a path", at, "write $.field, $.inner.field or $.list[].field", problems)


def _bad(message: str, at: Span, hint: str, problems: Problems) -> None:
    problems.append(errors.BadValue(message, at=at, hint=hint))
