"""Why a value is not taken, and how a value is shown to people."""

from __future__ import annotations

from startrail.base.text import printable
from startrail.model.drift import DriftKind


class JsonNumber(str):
    """The text of a JSON number, kept as written until it is converted."""

    __slots__ = ()


class Refused(Exception):
    """Why a value cannot be taken."""

    def __init__(self, rule: DriftKind, expected: str) -> None:
        self.rule: DriftKind = rule
        self.expected = expected


def show(value: object) -> str:
    """A value for people: bounded, with control characters escaped."""
    if isinstance(value, JsonNumber):
        return printable(str.__str__(value), 120)
    if isinstance(value, str):
        return printable(f'"{value[:200]}"', 120)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else printable(str(value), 120)
