"""Text from data made harmless wherever it is shown: no markup, no mention, no link, no escape, nothing invisible.

Messages go to mail, chat, terminals and pagers, which read HTML, Markdown, ``@everyone`` or ``<!channel>`` in them.
What could mean something to any of them is broken visibly; letters and figures stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_REPLACED = {"@": "(at)", "<": "\u2039", ">": "\u203a", "`": "'", "\t": " "}
"""Angle brackets become single angle quotation marks."""
_BROKEN = (
    (re.compile(r"\](?=[(\[:])"), "] "),  # Markdown links, also by reference
    (re.compile(r"&(?=[#\w])"), "& "),  # HTML entities
    (re.compile(r":(?=//)"), ": "),  # addresses, which many programs make links of
    (re.compile(r"(?i)\bwww\.(?=\S)"), "www. "),
    (re.compile(r"\|(?=\|)"), "| "),  # hidden text
)
_MOST_MARKS = 4
"""Combining marks on one letter; more only serve to paint over other lines."""


def neutral(text: str, limit: int = 2_000, *, lines: bool = True) -> str:
    """At most ``limit`` characters, with ``…`` where text was cut. Without ``lines`` it is one line.

    Doing it twice changes nothing more.
    """
    text = text[: 2 * limit].replace("\r\n", "\n")
    cut = "…" if text.endswith("…") else ""  # ours, or as good as ours: elsewhere it could be turned back into dots
    text = text.removesuffix(cut)
    shown = "".join(map(_harmless, text if lines else text.replace("\n", " ")))
    shown = _few_marks(shown)
    for pattern, instead in _BROKEN:
        shown = pattern.sub(instead, shown)
    shown = shown.strip() + cut
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


@lru_cache(maxsize=4_096)
def _harmless(letter: str) -> str:
    if letter == "\n" or (letter in _PLAIN and letter not in _REPLACED):
        return letter
    if letter in _REPLACED:
        return _REPLACED[letter]
    category = unicodedata.category(letter)
    if category == "Zs":
        return " "
    if not letter.isprintable() or category in ("Cf", "Cs", "Co", "Cn"):
        return letter.encode("unicode_escape").decode()
    plain = unicodedata.normalize("NFKC", letter)
    if any(each in _SPECIAL for each in plain):  # full-width and small forms, which some receivers turn back
        return "".join(_REPLACED.get(each, each) for each in plain if each in _PLAIN)
    return letter


_PLAIN = frozenset(map(chr, range(32, 127)))
_SPECIAL = frozenset("@<>`[]()&:/|#!*_~.\\")


def _few_marks(text: str) -> str:
    kept, marks = [], 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)
