"""Patterns of names as of one day: ``sales_{date:%Y%m%d}_{store}.csv`` means other names tomorrow.

They are written as those of feeds are (``model/pattern.py``); a field with a date format stands for the day.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from startrail.model.pattern import name_pattern

_FIELD = re.compile(r"\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_]*(?::([^{}]+))?\}", re.ASCII)
_FIXED = re.compile(r"(?:\{\{|\}\}|[^{}*?\[])*")
_WILD = re.compile(r"[*?\[]")


class NamesOfDay(msgspec.Struct, frozen=True):
    """A pattern as of one day. ``shown``: for people, fields without a date left as they are written."""

    shown: str
    prefix: str
    """What every such name begins with."""
    pattern: str

    def matches(self, name: str) -> bool:
        return name_pattern(self.pattern).matches(name)


def expand(pattern: str, day: datetime) -> NamesOfDay:
    """The names that ``pattern`` means on a day, a naive wall time. Raises ValueError with a sentence."""
    name_pattern(pattern)  # whatever is wrong with it is told of the pattern as it is written
    dated = _FIELD.sub(lambda match: match[0] if match[1] is None else _WILD.sub(r"[\g<0>]", day.strftime(match[1])), pattern)
    start = _FIXED.match(dated)
    return NamesOfDay(_unescaped(dated), _unescaped(start[0] if start is not None else ""), dated)


def is_dated(pattern: str) -> bool:
    """Whether the day stands in the name. For a pattern that :func:`expand` takes."""
    return any(match[1] is not None for match in _FIELD.finditer(pattern))


def _unescaped(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")
