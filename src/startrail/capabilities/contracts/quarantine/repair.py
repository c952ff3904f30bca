"""Repairs applied: a refused record, the violations it shows, and the declared steps give the record to judge again.

Only what the steps name is changed; numbers keep the text they were written in. A record that is not JSON, or says a
key twice, cannot be mended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from startrail.capabilities.contracts.exact import JsonNumber
from startrail.capabilities.contracts.records import Unreadable, dump, parse
from startrail.model.repair import CastValue, RemoveField, RenameField, Repairs, RepairStep, SetValue, Where
from startrail.ports.loader import Violation

_INDEX = re.compile(r"\[[0-9]+\]")
_PART = re.compile(r"\.([^.\[\]]+)|\[([0-9]*)\]")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_ROUNDING = {"down": ROUND_FLOOR, "up": ROUND_CEILING, "half_up": ROUND_HALF_UP}
_MOST_DIGITS = 60
KEEP = object()
"""The value stays as it is."""


class RepairMender:
    """A Mender: the repairs of one source, for the records of one delivery."""

    def __init__(self, repairs: Repairs, delivery: str) -> None:
        self._steps = [step for step in repairs.steps if step.where.delivery in (None, delivery)]

    def __call__(self, ordinal: int, raw: bytes, violations: tuple[Violation, ...]) -> bytes | None:
        found = [(step, matching) for step in self._steps if (matching := _matching(step.where, ordinal, violations)) is not None]
        if not found:
            return None
        try:
            tree = parse(raw)
            if not isinstance(tree, dict):
                return None
            changed = [_apply(step, tree, matching) for step, matching in found]
            return dump(tree).encode() if any(changed) else None
        except (Unreadable, UnicodeEncodeError, RecursionError):
            return None


def _matching(where: Where, ordinal: int, violations: tuple[Violation, ...]) -> list[str] | None:
    """Paths of the violations that the step is for; None when it is not for this record."""
    if where.ordinals and ordinal not in where.ordinals:
        return None
    if where.rule is None and where.path is None and where.got is None:
        return []
    paths = [
        violation.path
        for violation in violations
        if where.rule in (None, violation.rule)
        and where.got in (None, violation.got)
        and where.path in (None, violation.path, _INDEX.sub("[]", violation.path))
    ]
    return paths or None


def _apply(step: RepairStep, tree: dict[str, Any], violated: list[str]) -> bool:
    """True when the record is another one now."""
    action = step.action
    done = False
    for path in _concrete(action.path, violated):
        for holder, key in list(_places(tree, _parts(path))):
            done |= _act(action, holder, key)
    return done


def _concrete(path: str, violated: list[str]) -> list[str]:
    """The path with the items that the violations name in the place of ``[]``; as it is where they say nothing of it."""
    if "[]" not in path:
        return [path]
    count = path.count("[]")
    prefix = path[: path.rindex("[]") + 2]
    found: dict[str, None] = {}
    for each in violated:
        indexes = _INDEX.findall(each)
        if len(indexes) >= count and _INDEX.sub("[]", each).startswith(prefix):
            replacements = iter(indexes)
            found[re.sub(r"\[\]", lambda _, given=replacements: next(given), path)] = None
    return list(found) or [path]


def _parts(path: str) -> list[str | int | None]:
    """Names and indexes; None for every item."""
    return [name or (int(index) if index else None) for name, index in _PART.findall(path)]


def _places(tree: Any, parts: list[str | int | None]) -> Iterator[tuple[Any, Any]]:
    """Containers and keys that the path leads to; the last key of an object need not be there."""
    head, rest = parts[0], parts[1:]
    if isinstance(head, str):
        keys: list[Any] = [head] if isinstance(tree, dict) and (not rest or head in tree) else []
    else:
        size = len(tree) if isinstance(tree, list) else 0
        keys = [index for index in range(size) if head in (None, index)]
    for key in keys:
        if rest:
            yield from _places(tree[key], rest)
        else:
            yield tree, key


def _act(action: SetValue | CastValue | RenameField | RemoveField, holder: Any, key: Any) -> bool:
    there = isinstance(holder, list) or key in holder
    match action:
        case SetValue(value=value):
            holder[key] = parse(msgspec.json.encode(value))
            return True
        case CastValue() if there:
            value = cast_value(holder[key], action)
            if value is KEEP:
                return False
            holder[key] = value
            return True
        case RenameField(to=to) if there and isinstance(holder, dict) and to not in holder:
            holder[to] = holder.pop(key)
            return True
        case RemoveField() if there and isinstance(holder, dict):
            del holder[key]
            return True
    return False


def cast_value(value: Any, cast: CastValue) -> Any:
    """The value in the other form, or :data:`KEEP` when it cannot be written so."""
    if value is None or isinstance(value, (dict, list)):
        return KEEP
    text = ("true" if value else "false") if isinstance(value, bool) else str.__str__(value)
    match cast.to:
        case "text":
            return text
        case "number":
            return JsonNumber(text.strip()) if _NUMBER.fullmatch(text.strip()) else KEEP
        case "integer":
            return _whole(text.strip(), cast.rounding)
        case "boolean":
            return _WORDS.get(text.strip().lower(), KEEP)
        case "date" | "timestamp":
            try:
                found = datetime.strptime(text.strip(), cast.pattern or "")
            except ValueError:
                return KEEP
            return found.date().isoformat() if cast.to == "date" else found.isoformat()


def _whole(text: str, rounding: str) -> Any:
    if _NUMBER.fullmatch(text) is None:
        return KEEP
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        return KEEP
    if rounding == "exact" and number != number.to_integral_value():
        return KEEP
    return JsonNumber(f"{number.to_integral_value(_ROUNDING.get(rounding)):f}")
