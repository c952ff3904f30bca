"""Patterns of file names: which files a source means, and what their names say.

``*`` and ``?`` stay within a folder, ``**`` crosses them, ``[abc]`` is one of these. ``{store}`` is text of which the name
says what the store is; ``{date:%Y%m%d}`` is a date, written as the strptime pattern says. A brace itself is written twice.
A name that begins with a dot is matched only by a pattern part that does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Literal

import msgspec

from startrail.base.text import printable

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[{}]|\[!?+\]?+[^\]]*\]|\*+|.", re.DOTALL)
_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}", re.ASCII)
_WIDTHS = {
    "Y": r"[0-9]{4}", "y": r"[0-9]{2}", "m": r"[0-9]{2}", "d": r"[0-9]{2}", "H": r"[0-9]{2}", "M": r"[0-9]{2}",
    "S": r"[0-9]{2}", "j": r"[0-9]{3}", "b": r"[A-Za-z]{3}", "G": r"[0-9]{4}", "V": r"[0-9]{2}", "u": r"[1-7]", "%": "%",
}  # fmt: skip
_DATES = (
    frozenset("Ymd"),
    frozenset("ymd"),
    frozenset("Ybd"),
    frozenset("ybd"),
    frozenset("Yj"),
    frozenset("yj"),
    frozenset("GVu"),
)
_REST, _FOLDERS = ".*", "(?:[^/]+/)*"
"""What ``**`` stands for, at the end and before."""
_LONGEST = 500
"""Letters of a name that are read; longer ones are shortened where they are listed."""


class Piece(msgspec.Struct, frozen=True):
    """``text`` is what stands there, as a regular expression; ``field`` the field that it gives, with its ``format``."""

    text: str
    kind: Literal["fixed", "any", "field"]
    field: str = ""
    format: str | None = None


class Named(msgspec.Struct, frozen=True):
    """What a name says. ``problem``: why it says nothing that is certain, as the end of a sentence about it."""

    fields: dict[str, str] = {}
    problem: str | None = None


class NamePattern:
    """One pattern. Raises ValueError, with a sentence, for what is none."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        parts = [_pieces(part) for part in pattern.strip("/").split("/")]
        names = [piece.field for part in parts for piece in part if piece.field]
        self.fields = tuple(names)
        """In the order in which they stand."""
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the field {{{twice[0]}}} stands twice in '{printable(pattern, 80)}'")
        self.recursive = len(parts) > 1 or "**" in pattern
        """Whether files below the first level can match."""
        self._pieces = _in_a_row(parts)
        try:
            self._regex = re.compile(_regex(parts), re.DOTALL)
        except re.error as error:
            raise ValueError(f"'{printable(pattern, 80)}' is not a pattern") from error

    def matches(self, path: str) -> bool:
        """Whether a ``/``-separated relative path is of this form; a field may then still be wrongly written."""
        return self._regex.fullmatch(path) is not None

    def read(self, path: str) -> Named:
        """The fields of a path that matches. Dates and times come in ISO form, other text as it is written."""
        if not self.fields:
            return Named()
        if len(path) > _LONGEST:
            return Named(problem=f"is longer than the {_LONGEST} letters that are read")
        found = _readings(tuple(self._pieces), path)
        if not found:
            return Named(problem=f"does not say {self._wanted()} in the form of '{self.pattern}'")
        if len(found) > 1:
            one, other = (dict(zip(self.fields, each, strict=True)) for each in found[:2])
            name = next(name for name in self.fields if one[name] != other[name])
            both = " or ".join(sorted(f"'{printable(each[name], 40)}'" for each in (one, other)))
            return Named(problem=f"can be read in two ways: {{{name}}} may be {both}")
        formats = [piece.format for piece in self._pieces if piece.kind == "field"]
        given: dict[str, str] = {}
        for name, text, format in zip(self.fields, found[0], formats, strict=True):
            value = text if format is None else _time(text, format)
            if value is None:
                return Named(problem=f"says '{printable(text, 40)}' for {{{name}}}, which is no {format}")
            given[name] = value
        return Named(given)

    def _wanted(self) -> str:
        return ", ".join(f"{{{name}}}" for name in self.fields)


@lru_cache(maxsize=1024)
def name_pattern(pattern: str) -> NamePattern:
    """The pattern, read once. Raises ValueError."""
    return NamePattern(pattern)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a path is of this form, as a function. Raises ValueError."""
    return name_pattern(pattern).matches


def is_recursive(pattern: str) -> bool:
    """Whether files below the first level can match."""
    return "/" in pattern.strip("/") or "**" in pattern


# -- a pattern taken apart -----------------------------------------------------------------------------
def _pieces(part: str) -> list[Piece]:
    if part == "**":
        return [Piece("", "any")]
    found: list[Piece] = []
    for text in _PIECE.findall(part):
        if text in ("{{", "}}"):
            found.append(Piece(re.escape(text[0]), "fixed"))
        elif text[0] == "{" or text == "}":
            found.append(_field(text, part))
        elif text[0] == "*":
            found.append(Piece("[^/]*", "any"))
        elif text == "?":
            found.append(Piece("[^/]", "fixed"))
        elif text[0] == "[" and len(text) > 1:
            inner = re.sub(r"([\\\[\]^&~|])", r"\\\1", text[1:-1])
            found.append(Piece(f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]", "fixed"))
        else:
            found.append(Piece(re.escape(text), "fixed"))
    return found


def _field(text: str, part: str) -> Piece:
    match = _FIELD.fullmatch(text)
    if match is None:
        raise ValueError(
            f"'{printable(text, 60)}' in '{printable(part, 60)}' is no field such as {{store}} or {{date:%Y%m%d}}; "
            "a brace itself is written twice"
        )
    name, format = match.groups()
    if format is None:
        return Piece("[^/]+", "field", name)
    width, at = "", 0
    while at < len(format):
        if format[at] != "%":
            width, at = width + re.escape(format[at]), at + 1
            continue
        sign = format[at + 1 : at + 2]
        if sign not in _WIDTHS or not sign:
            known = " ".join(f"%{each}" for each in _WIDTHS)
            raise ValueError(f"'%{printable(sign, 4)}' of {{{name}}} cannot be read from a name; {known} can")
        width, at = width + _WIDTHS[sign], at + 2
    try:
        datetime.strptime(datetime(2024, 2, 29, 12, 30, 59).strftime(format), format)
    except (ValueError, re.error) as error:
        raise ValueError(f"'{printable(format, 60)}' of {{{name}}} cannot be read: {printable(str(error), 100)}") from error
    return Piece(width, "field", name, format)


def _regex(parts: list[list[Piece]]) -> str:
    """What a path of this form looks like. A field is any text here: one that is wrongly written is told, not passed over."""
    regex = ""
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part == [Piece("", "any")]:
            regex += r"(?:[^./][^/]*/)*" + (r"[^./][^/]*" if last else "")
            continue
        hidden = bool(part) and part[0].text == re.escape(".") and part[0].kind == "fixed"
        regex += ("" if hidden else r"(?!\.)") + _matching(part) + ("" if last else "/")
    return regex


def _matching(part: list[Piece]) -> str:
    """Between any texts the first place that fits is as good as every later one, so none is tried again: names come from
    others, and must not be able to keep us busy."""
    runs = [""]
    for piece in part:
        if piece.kind == "fixed":
            runs[-1] += piece.text
        elif len(runs) == 1 or runs[-1]:
            runs.append("")
    if len(runs) == 1:
        return runs[0]
    return runs[0] + "".join(f"(?>[^/]*?{run})" for run in runs[1:-1]) + "[^/]*" + runs[-1]


def _in_a_row(parts: list[list[Piece]]) -> list[Piece]:
    """All pieces, with those between folders; neighbours that are fixed become one."""
    row: list[Piece] = []
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part == [Piece("", "any")]:
            row.append(Piece(_REST if last else _FOLDERS, "any"))
        else:
            row += part if last else [*part, Piece("/", "fixed")]
    joined: list[Piece] = []
    for piece in row:
        if piece.kind == "fixed" and joined and joined[-1].kind == "fixed":
            joined[-1] = Piece(joined[-1].text + piece.text, "fixed")
        else:
            joined.append(piece)
    return joined


# -- a name read ---------------------------------------------------------------------------------------
def _readings(pieces: tuple[Piece, ...], path: str) -> list[tuple[str, ...]]:
    """What the fields may be: nothing, the one reading there is, or two of several."""
    compiled = [re.compile(piece.text, re.DOTALL) for piece in pieces]
    known: dict[tuple[int, int], tuple[tuple[str, ...], ...]] = {}

    def ends(index: int, start: int) -> Iterator[int]:
        piece = pieces[index]
        if piece.kind == "fixed" or piece.format is not None:
            match = compiled[index].match(path, start)
            if match is not None:
                yield match.end()
            return
        if piece.text == _FOLDERS:
            yield start
            yield from (at + 1 for at in range(start, len(path)) if path[at] == "/" and at > start and path[at - 1] != "/")
            return
        stop = len(path) if piece.text == _REST else path.find("/", start)
        yield from range(start + (piece.kind == "field"), (len(path) if stop < 0 else stop) + 1)

    def after(index: int, start: int) -> tuple[tuple[str, ...], ...]:
        if index == len(pieces):
            return ((),) if start == len(path) else ()
        if (index, start) not in known:
            found: dict[tuple[str, ...], None] = {}
            for end in ends(index, start):
                own = (path[start:end],) if pieces[index].kind == "field" else ()
                found |= dict.fromkeys((*own, *rest) for rest in after(index + 1, end))
                if len(found) > 1:
                    break
            known[index, start] = tuple(found)[:2]
        return known[index, start]

    return list(after(0, 0))


def _time(text: str, format: str) -> str | None:
    """In ISO form where the format tells the whole date, else as it is written; None when there is no such time."""
    try:
        found = datetime.strptime(text, format)
    except ValueError:
        return None
    signs = frozenset(re.findall(r"%(.)", format.replace("%%", "")))
    clock = signs & frozenset("HMS")
    if not any(signs - clock == each for each in _DATES) or clock not in (frozenset(), {"H"}, {"H", "M"}, {"H", "M", "S"}):
        return text
    return found.isoformat() if clock else found.date().isoformat()
