"""When a report will be there: what is left of its way, at its usual durations. A pure function; never a promise.

What a report is made from is a graph. Each name on it has the time that it usually takes, with its spread, and says what
is in its way. Then the report cannot be there before the longest way through the graph at its quickest, is expected after
the longest way at the usual durations, and should be there once everything has been done one after the other, slowly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

State = Literal["delivered", "delivered late", "on time", "at risk", "late", "not known"]


class Usual(msgspec.Struct, frozen=True):
    """How long something took, in seconds: a tenth of the times was shorter than ``low``, a tenth longer than ``high``;
    of fewer than ten times the shortest and the longest."""

    low: float
    middle: float
    high: float
    times: int


class Part(msgspec.Struct, frozen=True):
    """One name on the way to a report: a source, a model, or the report itself."""

    name: str
    parents: frozenset[str] = frozenset()
    done: bool = False
    spent: float = 0.0
    """Seconds of it that the run under way has behind it."""
    usual: Usual | None = None
    """None: it was never seen."""
    blocked: str | None = None
    """Why it cannot be done without a person."""
    waits: str | None = None
    """What it waits for that comes by itself, in words."""
    not_before: datetime | None = None
    """When that will be over."""
    comes_by: datetime | None = None
    """By when something that it needs is expected to come; it may come earlier."""


class Forecast(msgspec.Struct, frozen=True, tag_field="type", tag="forecast"):
    """``lower`` and ``upper``: not before, and most likely not after. None: not known, because of ``unknown``."""

    report: str
    state: State
    due: datetime
    delivered_at: datetime | None = None
    lower: datetime | None = None
    expected: datetime | None = None
    upper: datetime | None = None
    waits: tuple[str, ...] = ()
    """What it waits for."""
    unknown: tuple[str, ...] = ()
    """Names on the way that were never seen to take any time."""
    person: bool = False
    """True when nothing but a person can help."""


def usual(seconds: Iterable[float]) -> Usual | None:
    """The median of durations, with its spread; None of none."""
    found = sorted(max(0.0, each) for each in seconds)
    if not found:
        return None
    few = len(found) < 10
    low, high = (found[0], found[-1]) if few else (_quantile(found, 0.1), _quantile(found, 0.9))
    return Usual(low, _quantile(found, 0.5), high, len(found))


def _quantile(found: list[float], share: float) -> float:
    place = share * (len(found) - 1)
    below = int(place)
    above = min(below + 1, len(found) - 1)
    return found[below] + (found[above] - found[below]) * (place - below)


def forecast(
    report: str,
    parts: Mapping[str, Part],
    *,
    due: datetime,
    now: datetime,
    delivered_at: datetime | None = None,
    starts: datetime | None = None,
    running: bool = False,
) -> Forecast:
    """``parts`` has every name on the way, the report too. ``delivered_at``: when the report of this day was delivered.

    ``running``: a run is under way. ``starts``: when the next one begins by itself, as a schedule says; without either,
    the times are those of a run that begins now.
    """
    if delivered_at is not None:
        return Forecast(report, "delivered" if delivered_at <= due else "delivered late", due, delivered_at)
    way = _way(report, parts)
    left = [parts[name] for name in way if not parts[name].done]
    begin = now if running or starts is None else max(now, starts)
    lower, expected, upper = _ends(way, parts, begin)
    unknown = tuple(sorted(each.name for each in left if each.usual is None))
    blocked = tuple(f"{each.name}: {each.blocked}" for each in left if each.blocked)
    waiting = tuple(f"{each.name}: {each.waits}" for each in left if each.waits and not each.blocked)
    hopeless = now > due or lower > due
    by_itself = running or starts is not None
    state: State
    if now > due:
        state = "late"
    elif blocked or lower > due or (not unknown and upper > due):
        state = "at risk"
    else:
        state = "not known" if unknown else "on time"
    return Forecast(
        report, state, due, None,
        lower=None if blocked else lower,
        expected=None if blocked or unknown else expected,
        upper=None if blocked or unknown else upper,
        waits=blocked or waiting or (() if by_itself else ("a run",)),
        unknown=unknown,
        person=bool(blocked) or (hopeless and not by_itself),
    )  # fmt: skip


def _way(report: str, parts: Mapping[str, Part]) -> list[str]:
    """Every name that the report is made from and itself, each after what it is made from."""
    order: list[str] = []
    seen: set[str] = set()
    front = [(report, False)]
    while front:
        name, ready = front.pop()
        if ready:
            order.append(name)
        elif name not in seen and name in parts:
            seen.add(name)
            front.append((name, True))
            front += [(parent, False) for parent in sorted(parts[name].parents)]
    return order


def _ends(way: list[str], parts: Mapping[str, Part], begin: datetime) -> tuple[datetime, datetime, datetime]:
    """When the last of them ends: the longest way at its quickest and as usual; and all one after the other, slowly.

    What was never seen counts nothing here, so the first is a lower bound all the same.
    """
    quickest: dict[str, datetime] = {}
    as_usual: dict[str, datetime] = {}
    slowly, latest = begin, begin
    for name in way:
        part = parts[name]
        times = part.usual or Usual(0.0, 0.0, 0.0, 0)
        for ends, seconds, waits in (
            (quickest, times.low, [part.not_before]),
            (as_usual, times.middle, [part.not_before, part.comes_by]),
        ):
            ready = max((ends[parent] for parent in part.parents if parent in ends), default=begin)
            ends[name] = ready if part.done else max(ready, *(at or ready for at in waits)) + _left(seconds, part)
        if not part.done:
            slowly += _left(times.high, part)
            latest = max(latest, part.not_before or latest, part.comes_by or latest)
    last = way[-1]
    upper = max(slowly + (latest - begin), as_usual[last])
    return quickest[last], as_usual[last], upper


def _left(seconds: float, part: Part) -> timedelta:
    return timedelta(seconds=max(0.0, seconds - part.spent))
