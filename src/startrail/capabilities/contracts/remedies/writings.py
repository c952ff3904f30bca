"""How texts are written: the one pattern that reads them all as dates or times, and the form they have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from startrail.capabilities.contracts.exact import Refused, scalar
from startrail.model.contract import Field, Format

_DATES = ("%Y{0}%m{0}%d", "%Y{0}%d{0}%m", "%d{0}%m{0}%Y", "%m{0}%d{0}%Y")
_MARKS = ("/", ".", "-", "")
_TIMES = ("%H:%M:%S", "%H:%M", "%H%M%S", "%I:%M %p", "%I:%M:%S %p")
_BETWEEN = (" ", "T", ", ")
_RUN = re.compile(r"[A-Z]+|[a-z]+|[0-9]+|.", re.DOTALL)
_SPECIAL = frozenset("\\.^$*+?{}[]|()")
_MOST_SHAPES = 3


def only_pattern(texts: Sequence[str], field: Field) -> str | None:
    """The strptime pattern under which the field takes every text, when there is exactly one among the usual ones."""
    if not texts:
        return None
    found = [pattern for pattern in _patterns(str(field.type)) if all(_reads(text, field, pattern) for text in texts)]
    return found[0] if len(found) == 1 else None


def shape_of(texts: Sequence[str]) -> str | None:
    """A regular expression of the texts' form: runs of capitals, small letters and digits by their lengths, all else as
    it stands. None when there are no texts, or too many forms."""
    if not texts or any(len(text) > 60 for text in texts):
        return None
    forms: dict[tuple[str, ...], list[list[str]]] = {}
    for text in texts:
        runs = _RUN.findall(text)
        forms.setdefault(tuple(map(_class, runs)), []).append(runs)
    if len(forms) > _MOST_SHAPES:
        return None
    shapes = [
        "".join(_repeated(kind, lengths) for kind, lengths in zip(form, _lengths(runs), strict=True))
        for form, runs in forms.items()
    ]
    return shapes[0] if len(shapes) == 1 else "(?:" + "|".join(shapes) + ")"


def _patterns(kind: str) -> Iterable[str]:
    dates = [date.format(mark) for date in _DATES for mark in _MARKS]
    if kind == "date":
        return [date for date in dates if date != "%Y-%m-%d"]
    if kind == "time":
        return _TIMES[1:]
    if kind not in ("timestamp", "timestamptz"):
        return ()
    zones = ("", "%z", " %z") if kind == "timestamptz" else ("",)
    return [f"{date}{between}{time}{zone}" for date in dates for between in _BETWEEN for time in _TIMES for zone in zones]


def _reads(text: str, field: Field, pattern: str) -> bool:
    form = Format(pattern, field.format.timezone)
    try:
        scalar(text, msgspec.structs.replace(field, format=form))
    except Refused:
        return False
    return True


def _class(run: str) -> str:
    if run[0].isascii() and run[0].isalnum():
        return "[0-9]" if run[0].isdecimal() else "[A-Z]" if run[0].isupper() else "[a-z]"
    return f"\\{run}" if run in _SPECIAL else run


def _lengths(all_runs: list[list[str]]) -> list[set[int]]:
    return [{len(run) for run in place} for place in zip(*all_runs, strict=True)]


def _repeated(kind: str, lengths: set[int]) -> str:
    if not kind.startswith("["):
        return kind
    least, most = min(lengths), max(lengths)
    if (least, most) == (1, 1):
        return kind
    return kind + (f"{{{least}}}" if least == most else f"{{{least},{most}}}")
