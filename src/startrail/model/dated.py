"""Names of files in which the day stands: ``sales_{date:%Y%m%d}_{store}.csv``, expanded for one day."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

_PIECES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|\[!?\]?[^\]/]*\]|\*\*/|\*+|\?|[^{}\[*?]+|.", re.DOTALL)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?::(.*))?", re.DOTALL)
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("YymdjHMGV")


class Named(msgspec.Struct, frozen=True):
    """A pattern as of one day. ``shown``: for people, fields without a date left as they are written."""

    shown: str
    prefix: str
    """What every such name begins with."""
    regex: str

    def matches(self, name: str) -> bool:
        return re.fullmatch(self.regex, name, re.DOTALL) is not None


def expand(pattern: str, day: datetime) -> Named:
    """The names that ``pattern`` means on a day, a naive wall time. Raises ValueError with a sentence.

    ``*``, ``?`` and ``[abc]`` stay within a folder, ``**/`` crosses them; ``{{`` and ``}}`` stand for a brace.
    """
    shown = prefix = regex = ""
    literal = True
    for match in _PIECES.finditer(pattern):
        piece = match[0]
        text = _literal(piece, match[1], pattern, day)
        if text is not None:
            shown, regex = shown + text, regex + re.escape(text)
            prefix += text if literal else ""
            continue
        shown, regex, literal = shown + piece, regex + _wild(piece), False
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"'{pattern}' is not a pattern of names") from error
    return Named(shown, prefix, regex)


def is_dated(pattern: str) -> bool:
    """Whether the day stands in the name. For a pattern that :func:`expand` takes."""
    return any(match[1] is not None and ":" in match[1] for match in _PIECES.finditer(pattern))


def _literal(piece: str, field: str | None, pattern: str, day: datetime) -> str | None:
    """The text that a piece stands for; None when it stands for several."""
    if piece in ("{{", "}}"):
        return piece[0]
    if field is not None:
        return _field(field, pattern, day)
    if piece in "{}":
        raise ValueError(f"a brace in '{pattern}' opens or closes no field; write {{{{ or }}}} for a brace in a name")
    return None if piece[0] in "*?" or (piece[0] == "[" and len(piece) > 1) else piece


def _field(field: str, pattern: str, day: datetime) -> str | None:
    match = _FIELD.fullmatch(field)
    if match is None:
        raise ValueError(f"'{{{field}}}' in '{pattern}' is not a field; write {{store}} or {{date:%Y%m%d}}")
    form = match[1]
    if form is None:
        return None
    found = _DIRECTIVE.findall(form)
    wrong = next((each for each in found if each not in _DIRECTIVES), None)
    if wrong is not None or not found:
        what = f"'%{wrong}' in" if wrong is not None else "no part of a date in"
        raise ValueError(f"{what} '{{{field}}}'; use %Y %y %m %d %j %H %M %G %V")
    return day.strftime(form)


def _wild(piece: str) -> str:
    if piece == "**/":
        return "(?:[^/]+/)*"
    if piece[0] == "[":
        inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", piece[1:-1])
        return f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]"
    return "[^/]" if piece == "?" else "[^/]*" if piece[0] == "*" else "[^/]+"
