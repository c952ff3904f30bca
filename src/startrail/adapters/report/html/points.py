"""What a chart draws: the values of each series in order, or the reason why there is no chart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from startrail.adapters.report.rows import text
from startrail.model.report import Chart

MOST_SERIES = 8
MOST_X = {"bar": 60, "line": 1500}
_MOST_POINTS = 300_000


class Series(msgspec.Struct, frozen=True):
    """``values`` by x; an x without a value is missing."""

    name: str
    values: dict[Any, Any]


class Points(msgspec.Struct, frozen=True):
    """``notes`` say in sentences what was left out. Without series there is nothing to draw."""

    xs: tuple[Any, ...] = ()
    series: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()


def collect(rows: Iterable[tuple[Any, ...]], chart: Chart) -> Points:
    """Points of (x, y) or (x, y, series) rows. Two rows for one point are not added up: nobody said they may be."""
    found: dict[str, dict[Any, Any]] = {}
    count = 0
    for x, y, *name in rows:
        if x is None or y is None or not math.isfinite(y):
            continue
        label = "no value" if name and name[0] is None else text(name[0]) if name else chart.y
        values = found.setdefault(label, {})
        if x in values:
            where = f"{chart.x} {text(x)}" + (f" and {chart.series} {label}" if chart.series else "")
            return Points(notes=(f"There is no chart: several rows have {where}, and a chart shows one.",))
        values[x] = y
        count += 1
        if count > _MOST_POINTS:
            return Points(notes=(f"There is no chart: it would have more than {_MOST_POINTS:,} points.",))
    if not found:
        return Points(notes=("There is no chart: no row has a value to draw.",))
    return _within_limits(found, chart)


def _within_limits(found: dict[str, dict[Any, Any]], chart: Chart) -> Points:
    notes: list[str] = []
    names = sorted(found)
    if len(names) > MOST_SERIES:
        names = sorted(sorted(names, key=lambda name: -sum(abs(y) for y in found[name].values()))[:MOST_SERIES])
        notes.append(f"The chart shows the {MOST_SERIES} greatest of {len(found)} values of {chart.series}.")
    xs = _in_order(x for name in names for x in found[name])
    most = MOST_X[chart.kind]
    if len(xs) > most:
        notes.append(f"The chart shows the last {most:,} of {len(xs):,} values of {chart.x}.")
        xs = xs[-most:]
    return Points(tuple(xs), tuple(Series(name, found[name]) for name in names), tuple(notes))


def _in_order(xs: Iterable[Any]) -> list[Any]:
    """Times and numbers in theirs, anything else in the order of the rows."""
    different = list(dict.fromkeys(xs))
    return different if any(isinstance(x, str | bytes | list | dict) for x in different) else sorted(different)
