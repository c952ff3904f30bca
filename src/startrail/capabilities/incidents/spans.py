"""Figures of instants, lengths of time and counts, as reports write them."""

from __future__ import annotations

from datetime import timedelta

from startrail.model.star import Figure
from startrail.model.step import Fact


def instant(fact: Fact | None) -> Figure:
    """When a fact happened."""
    return Figure(None) if fact is None else Figure(f"{fact.at:%Y-%m-%d %H:%M:%S} UTC", (fact.seq,))


def between(first: Fact | None, then: Fact | None) -> Figure:
    """The time from one fact to another."""
    if first is None or then is None:
        return Figure(None)
    return Figure(span(then.at - first.at), (first.seq, then.seq))


def count(number: int, word: str, facts: tuple[int, ...]) -> Figure:
    """``3 rows``."""
    return Figure(f"{number:,} {word}" + ("" if number == 1 else "s"), facts) if facts else Figure(None)


def span(time: timedelta) -> str:
    """In the two greatest units, seconds rounded down: ``2 h 5 min``."""
    seconds = max(0, int(time.total_seconds()))
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for size, word in units:
        if seconds >= size or (size == 1 and not parts):
            parts.append(f"{seconds // size} {word}")
            seconds %= size
    return " ".join(parts[:2])
