"""Text for people: near misses, and data made safe to print."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_LONGEST_NAME = 200


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person most likely meant, or None."""
    import difflib  # only on the way to an error message

    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint: the near miss, or the list of what there is when it is short, or ``otherwise``."""
    names = sorted(known)
    best = near_miss(word, names)
    if best is not None:
        return f"did you mean '{best}'?"
    if names and len(names) <= 12:
        return "known: " + ", ".join(names)
    return otherwise


def printable(text: str, limit: int = 200) -> str:
    """Data shown on a terminal: control characters escaped, length bounded."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown = "".join(
        c if c.isprintable() and unicodedata.category(c) != "Cf" else c.encode("unicode_escape").decode() for c in text[:limit]
    )
    return shown + ("…" if len(text) > limit else "")


def safe_name(path: str) -> str:
    """One printable line for a file's name: other characters and backslashes escaped, long ones cut and told apart."""
    import hashlib  # only where files are listed

    shown = printable(path.replace("\\", "\\\\"), limit=len(path) * 2 + 1)
    if len(shown) <= _LONGEST_NAME:
        return shown
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{shown[: _LONGEST_NAME - 17]}…{digest}"
