"""Suspicion: what no single row shows. It looks at a delivery beside the source's own past, and never changes data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

import msgspec

from startrail.model.contract import Contract
from startrail.model.delivery import Delivery
from startrail.model.names import alike
from startrail.model.source import HttpFeed, Source
from startrail.model.step import Dates, StepOutput
from startrail.ports.loader import Drift, LoadOutcome

ENOUGH = 5
"""Deliveries before a size or a unit can look wrong."""
_FAR = 5
_FEW_ROWS = 10
_STEADY = 3.0
"""Greatest by smallest past median of a column that can be said to have a unit."""
_FACTORS = (*(float(10**power) for power in range(1, 10)), 60.0, 3600.0, 1024.0, 1024.0**2)
_NEAR = 1.2
_SLACK = 3.0
"""Days by which a delivery may always be off."""
_STEPS = 3
"""Of the longest step between past deliveries, what is still no leap."""
_OFTEN = 0.1
_VALUES = ("wrong_type", "wrong_format", "inexact", "unknown_value", "out_of_range", "wrong_length", "pattern_mismatch")
_WITH_COMMA = re.compile(r'"?[+-]?[0-9.]*[0-9],[0-9]+"?', re.ASCII)
_WITH_POINT = re.compile(r'"?[+-]?[0-9,]*[0-9]\.[0-9]+"?', re.ASCII)


class Past(msgspec.Struct, frozen=True):
    """What an earlier delivery of the source was like."""

    rows: int
    medians: dict[str, float] = {}
    drift: frozenset[tuple[str, str]] = frozenset()
    """(kind, path) of what it showed."""
    ended: bool = True
    """Its last line had a line end."""
    stream: str = ""
    """See :func:`stream`."""
    dates: dict[str, Dates] = {}

    @staticmethod
    def of(outputs: Iterable[StepOutput]) -> tuple[Past, ...]:
        """Of the outputs of load steps, those that put rows into the table."""
        return tuple(
            Past(
                output.counts.rows_in,
                output.medians,
                frozenset((finding.kind, finding.path) for finding in output.drift),
                "unended" not in output.note,
                output.note.get("stream", ""),
                output.dates,
            )
            for output in outputs
            if output.held is None and output.counts is not None
        )


def stream(name: str) -> str:
    """What files of one kind have in common in their names: ``sales_2026-10-03_soho.csv`` -> ``sales_#-#-#_soho.csv``."""
    return re.sub(r"[0-9]+", "#", name, flags=re.ASCII)


def suspicions(
    outcome: LoadOutcome, contract: Contract, source: Source, delivery: Delivery, csv: bool, history: tuple[Past, ...]
) -> tuple[Drift, ...]:
    """Everything that looks wrong about the delivery as a whole."""
    like = tuple(past for past in history if past.stream == stream(delivery.name))
    found = list(_renamed(outcome, history))
    if outcome.unreadable is None:
        found += _separators(outcome, contract)
        found += _size(outcome, source, like)
        found += _units(outcome, like if len(like) >= ENOUGH else history)
        found += _dates(outcome, delivery, like if len(like) >= ENOUGH else history)
        if csv:
            found += _order(outcome, like) if not source.csv.header else ()
            found += _cut(outcome, like)
    return tuple(found)


def _renamed(outcome: LoadOutcome, history: tuple[Past, ...]) -> Iterator[Drift]:
    """A missing field, and a new one whose name is like it. Fields that are often missing are not suspected."""
    new = [_name(drift) for drift in outcome.drift if drift.kind == "new_field"]
    for drift in outcome.drift:
        nowhere = drift.kind == "defaulted" and drift.rows == outcome.rows_in
        if drift.kind not in ("missing_optional", "missing_required") and not nowhere:
            continue
        if any((drift.kind, drift.path) in past.drift for past in history):
            continue
        best = alike(_name(drift), new)
        if best is not None:
            yield Drift("renamed", drift.path, drift.rows, best)


def _separators(outcome: LoadOutcome, contract: Contract) -> Iterator[Drift]:
    """Numbers refused in no small part of the rows, and written with the other decimal separator."""
    for drift in outcome.drift:
        if drift.kind not in ("wrong_type", "wrong_format") or drift.rows < _OFTEN * outcome.rows_in:
            continue
        field = contract.field(_name(drift))
        if field is None or not re.match("decimal|float|double", str(field.type)):
            continue
        other = _WITH_COMMA if field.format.decimal_separator == "." else _WITH_POINT
        if other.fullmatch(drift.sample):
            yield Drift("decimal_comma", drift.path, drift.rows, drift.sample)


def _size(outcome: LoadOutcome, source: Source, history: tuple[Past, ...]) -> Iterator[Drift]:
    """Answers that only say what is new since the last time, and last pages, may be of any size."""
    if isinstance(source.feed, HttpFeed) and (source.feed.cursor or source.feed.page or source.feed.next):
        return
    sizes = [past.rows for past in history]
    if len(sizes) < ENOUGH or min(sizes) == 0:
        return
    usual = median(sizes)
    if outcome.rows_in == 0:
        yield Drift("empty", "$", 0, f"no rows, where {usual:,.0f} are usual")
    elif outcome.rows_in * _FAR < usual and outcome.rows_in * 2 < min(sizes):
        yield Drift("far_smaller", "$", outcome.rows_in, f"{outcome.rows_in:,} rows, where {usual:,.0f} are usual")


def _units(outcome: LoadOutcome, history: tuple[Past, ...]) -> Iterator[Drift]:
    """Columns whose median is now about a unit's factor of what it steadily was."""
    if outcome.rows_in < _FEW_ROWS:
        return
    for name, now in outcome.medians.items():
        past = _steady(name, history)
        if name.endswith(")") or past is None or now * past <= 0:
            continue
        ratio = now / past
        near = min(_FACTORS, key=lambda factor: abs(abs(math.log(ratio)) - math.log(factor)))
        if abs(abs(math.log(ratio)) - math.log(near)) < math.log(_NEAR):
            times = f"{near:g} times" if ratio > 1 else f"1/{near:g} of"
            yield Drift("unit_shift", f"$.{name}", outcome.rows_in, f"the median is {now:g}, about {times} the usual {past:g}")


def _steady(name: str, history: tuple[Past, ...]) -> float | None:
    """The usual median of a column that has had enough of them, all of one sign and about one size."""
    known = [past.medians[name] for past in history if name in past.medians]
    if len(known) < ENOUGH or min(known) * max(known) <= 0:
        return None
    least, greatest = sorted((abs(min(known)), abs(max(known))))
    return median(known) if greatest <= _STEADY * least else None


def landed_on(dates: dict[str, Dates], at: datetime) -> dict[str, Dates]:
    """The same, with the day on which the delivery came."""
    return {name: msgspec.structs.replace(found, landed=_day(at)) for name, found in dates.items()}


def _dates(outcome: LoadOutcome, delivery: Delivery, history: tuple[Past, ...]) -> Iterator[Drift]:
    """Dates that could be read with day and month the other way round in every row, and beside the source's past should
    be."""
    for name, turned in outcome.turned.items():
        now = outcome.dates[name]
        past = [each.dates[name] for each in history if name in each.dates]
        if len(past) >= ENOUGH and _belongs(now, turned, _day(delivery.landed_at), past):
            told = f"as declared about {_shown(now)}, with day and month turned about {_shown(turned)}, where the past ended"
            yield Drift("date_order", f"$.{name}", outcome.rows_in, told, whole=True)


def _belongs(now: Dates, turned: Dates, landed: float, past: list[Dates]) -> bool:
    """Whether only the turned dates fit. Where deliveries always come at one age, the age decides, however long the source
    was silent; else where the past lies: declared far from it, turned beside it."""
    ages = sorted(each.landed - each.middle for each in past)
    spread = max(_SLACK, *(each.high - each.low for each in past))
    if ages[-1] - ages[0] <= 2 * _SLACK:
        return _outside(landed - now.middle, ages) > 2 * spread and _outside(landed - turned.middle, ages) <= spread
    middles = sorted(each.middle for each in past)
    step = max(after - before for before, after in pairwise(middles))
    slack = max(spread, _STEPS * step)
    return _outside(now.middle, middles) > 2 * slack and _outside(turned.middle, middles) <= slack


def _outside(days: float, known: list[float]) -> float:
    """How far it lies from the known ones, which are in order; 0 among them."""
    return max(known[0] - days, days - known[-1], 0.0)


def _day(at: datetime) -> float:
    return float((at.date() - date(1970, 1, 1)).days)


def _shown(dates: Dates) -> str:
    return (date(1970, 1, 1) + timedelta(days=round(dates.middle))).isoformat()


def _order(outcome: LoadOutcome, history: tuple[Past, ...]) -> Iterator[Drift]:
    """In a file without header: two columns that each look as the other one did. Wrong values in two columns say so too."""
    refused = [d for d in outcome.drift if d.kind in _VALUES and 2 * d.rows >= outcome.rows_in > 1]
    if len(refused) > 1:
        yield Drift("column_order", "$", outcome.rows_in, " and ".join(sorted(_name(drift) for drift in refused)[:3]))
        return
    usual = {name: past for name in outcome.medians if (past := _steady(name, history)) is not None}
    names = sorted(usual)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            if one.endswith(")") == other.endswith(")") and _swapped(outcome.medians, usual, one, other):
                yield Drift("column_order", "$", outcome.rows_in, f"{one} and {other}")


def _swapped(now: dict[str, float], usual: dict[str, float], one: str, other: str) -> bool:
    if _far(usual[one], usual[other]) < 2.0:
        return False
    return _far(now[one], usual[other]) < _NEAR and _far(now[other], usual[one]) < _NEAR


def _far(a: float, b: float) -> float:
    """How many times the greater is of the smaller; infinite across zero."""
    return max(a / b, b / a) if a * b > 0 else math.inf


def _cut(outcome: LoadOutcome, history: tuple[Past, ...]) -> Iterator[Drift]:
    """No line end after the last row, where earlier files had one: the last value may be half a value."""
    if outcome.unended and len(history) >= ENOUGH and all(past.ended for past in history):
        yield Drift("truncated", "$", 1, "no line end after the last row, where every earlier file has one")


def _name(drift: Drift) -> str:
    return drift.path.removeprefix("$.")
