"""What a contract promises about a value that is of its type: enumeration, bounds, length, pattern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from startrail.base.regex import expression
from startrail.model.contract import Field
from startrail.model.drift import DriftKind
from startrail.model.exact import bound
from startrail.model.refusal import Refused


def broken(typed: Any, field: Field) -> Iterator[tuple[DriftKind, str]]:
    """Each promise that the typed value breaks, with what was promised."""
    if field.enum is not None and all(typed != bound(word, field) for word in field.enum):
        named = "one of " + ", ".join(field.enum[:20]) + (" …" if len(field.enum) > 20 else "")
        yield "new_value" if field.enum_open else "unknown_value", named
    if field.minimum is not None and typed < bound(field.minimum, field):
        yield "out_of_range", f"at least {field.minimum}"
    if field.maximum is not None and typed > bound(field.maximum, field):
        yield "out_of_range", f"at most {field.maximum}"
    if isinstance(typed, str | bytes | list | dict):
        if field.min_length is not None and len(typed) < field.min_length:
            yield "wrong_length", f"a length of at least {field.min_length}"
        if field.max_length is not None and len(typed) > field.max_length:
            yield "wrong_length", f"a length of at most {field.max_length}"
    if field.pattern is not None and isinstance(typed, str):
        yield from _unmatched(typed, field.pattern)


def refused(literal: str, field: Field, *, but_enum: bool = False) -> str | None:
    """What a literal of the contract should be and is not; None when it keeps every promise of the field."""
    try:
        typed = bound(literal, field)
    except Refused as problem:
        return problem.expected
    return next((expected for rule, expected in broken(typed, field) if not (but_enum and rule in _OF_ENUM)), None)


_OF_ENUM = ("unknown_value", "new_value")


def _unmatched(text: str, pattern: str) -> Iterator[tuple[DriftKind, str]]:
    found = expression(pattern).found_in(text)
    if found is None:
        yield "pattern_mismatch", f"text in which {pattern} can be looked for in bounded time"
    elif not found:
        yield "pattern_mismatch", f"text that matches {pattern}"
