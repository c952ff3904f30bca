"""Readers of text that stands for something else (``model/quantities.py``). Each raises ValueError with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from startrail.base.time import zone
from startrail.base.units import parse_days, parse_duration, parse_share, parse_size
from startrail.model.pattern import name_pattern
from startrail.model.table import TableName
from startrail.model.types import parse_type


def table_name(text: str) -> TableName:
    """``raw.orders``: two identifiers of lower-case letters, digits and underscores."""
    name = TableName.parse(text)
    if not (is_identifier(name.namespace) and is_identifier(name.name)):
        raise ValueError(f"'{text}' is not a table name; use lower-case letters, digits and underscores")
    return name


def is_identifier(text: str) -> bool:
    """Lower-case ASCII letters, digits and underscores, not starting with a digit."""
    return re.fullmatch(r"[a-z_][a-z0-9_]*", text) is not None


def wall_time(text: str) -> tuple[int, int]:
    """``"09:00"`` -> (9, 0)."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text, re.ASCII)
    if match is None:
        raise ValueError(f"'{text}' is not a time of day; write it as 09:00")
    return int(match[1]), int(match[2])


_CRON_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")),
    ("day of week", 0, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
)


def cron(text: str) -> str:
    """A cron expression of five fields; everything accepted here is accepted by the scheduler."""
    parts = text.upper().split()
    if len(parts) != 5:
        raise ValueError(f"'{text}' is not a cron expression of five fields: minute hour day month weekday")
    values: list[set[int]] = []
    for part, (field, low, high, names) in zip(parts, _CRON_FIELDS, strict=True):
        terms = [_cron_term(term, field, low, high, names) for term in part.split(",")]
        if not all(terms):
            raise ValueError(f"'{text}' is not a cron expression: '{part}' cannot be a {field}")
        values.append(set().union(*terms))
    if (parts[2].startswith("*") or parts[4].startswith("*")) and min(values[2]) > max(_LONGEST[month] for month in values[3]):
        raise ValueError(f"'{text}' is never due: no such day in that month")
    return text


_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _cron_term(term: str, field: str, low: int, high: int, names: tuple[str, ...]) -> set[int]:
    """The numbers a term stands for; ``{low}`` for a last or nth day; empty when it is wrong."""
    if field == "day of month" and term in ("L", "LW"):
        return {low}
    if field == "day of week" and re.fullmatch(r"[0-7]L|([0-7]|" + "|".join(names) + ")#[1-5]", term):
        return {low}
    match = re.fullmatch(r"(?:\*|(\d{1,2}|[A-Z]{3})(?:-(\d{1,2}|[A-Z]{3}))?)(?:/(\d{1,2}))?", term, re.ASCII)
    if match is None:
        return set()
    step = int(match[3]) if match[3] is not None else 1
    first = low if match[1] is None else _cron_number(match[1], low, names)
    last = _cron_number(match[2], low, names) if match[2] is not None else (high if match[1] is None or match[3] else first)
    if step == 0 or not low <= first <= last <= high:
        return set()
    return set(range(first, last + 1, step))


def _cron_number(word: str, low: int, names: tuple[str, ...]) -> int:
    if word.isdigit():
        return int(word)
    return names.index(word) + low if word in names else -1


def url(text: str) -> str:
    """An http(s) address. A password in it is the business of :func:`secret_in`."""
    try:
        parts = urlsplit(text)
        ok = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        ok = False
    if not ok:
        raise ValueError(f"'{text}' is not an http or https address")
    return text


READERS: dict[str, Callable[[str], object]] = {
    "duration": parse_duration,
    "days": parse_days,
    "size": parse_size,
    "share": parse_share,
    "zone": zone,
    "cron": cron,
    "wall time": wall_time,
    "type": parse_type,
    "table": table_name,
    "url": url,
    "pattern": name_pattern,
}
"""By the name that ``Meta(extra={"reads": ...})`` gives."""


_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*|keyring:\S.*")
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api[-_]?key", re.IGNORECASE)


def is_reference(text: str) -> bool:
    """Whether the text names a secret (``env:NAME``, ``file:PATH``, ``keyring:NAME``) rather than being one."""
    return _REFERENCE.fullmatch(text) is not None


def secret_in(reads: str, text: str, name: str = "") -> str | None:
    """What is wrong with text where a secret may stand, as a sentence that does not repeat it; None when nothing is.

    ``reads`` is one of ``secret``, ``dsn``, ``url`` and ``header``; ``name`` is the header's.
    """
    if is_reference(text) or (reads == "header" and is_reference(text.rpartition(" ")[2])):  # "Bearer env:TOKEN"
        return None
    if reads == "secret":
        return "this must be a reference, not the secret itself"
    if reads == "header" and _SECRET_HEADER.search(name):
        return f"header '{name}' carries a secret; it must be a reference"
    if reads == "dsn" and re.search(r"\bpassword\s*=", text, re.IGNORECASE):
        return "a password stands in the connection string"
    if reads in ("dsn", "url") and re.search(r"://[^/@\s]*:[^/@\s]*@", text):
        return "a password stands in the address"
    return None
