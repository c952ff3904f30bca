"""When a metric's row happened: on the wall clock of the metric's zone, inside a period, and arrived in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlglot import exp

from startrail.base.units import parse_days
from startrail.lineage.metric.slots import Slots

_MARGIN = timedelta(days=2)
"""Zones differ from UTC by less; within it, files are left out by their bounds, and the exact condition decides."""


class Window(NamedTuple):
    """A period as wall times of the metric's zone: from the beginning of its first day to before ``end``."""

    start: datetime
    end: datetime


def local_time(slots: Slots, kinds: Mapping[str, str]) -> exp.Expr:
    """The row's moment on the wall clock of the metric's zone: a ``timestamp``, or the ``date`` that the column holds."""
    assert slots.time is not None
    return _local(slots, slots.time, kinds.get("time", "timestamp"))


def in_window(slots: Slots, kinds: Mapping[str, str]) -> exp.Expr:
    """The condition that the row is in the period, on the parameters ``$start`` and ``$end``."""
    time = slots.metric.agg_time_dimension
    assert time is not None
    assert slots.time is not None
    local = local_time(slots, kinds)
    lower, upper = exp.Placeholder(this="start"), exp.Placeholder(this="end")
    low: exp.Expr = exp.GTE(this=local, expression=lower) if time.bounds[0] == "[" else exp.GT(this=local, expression=lower)
    high: exp.Expr = (
        exp.LTE(this=local.copy(), expression=upper) if time.bounds[1] == "]" else exp.LT(this=local.copy(), expression=upper)
    )
    return exp.and_(low, high)


def in_time(slots: Slots, kinds: Mapping[str, str]) -> exp.Expr | None:
    """The condition that the row arrived in time; None when there is no cutoff."""
    time = slots.metric.agg_time_dimension
    if time is None or time.late_cutoff is None or slots.arrival is None:
        return None
    arrived = exp.cast(_local(slots, slots.arrival, kinds.get("arrival", "timestamp")), "date")
    own = exp.cast(local_time(slots, kinds), "date")
    return exp.LTE(this=arrived, expression=exp.Add(this=own, expression=exp.Literal.number(parse_days(time.late_cutoff))))


def prefilter(slots: Slots, kinds: Mapping[str, str]) -> list[exp.Expr]:
    """Bounds on the bare column, wide enough for every zone, by which an engine can leave files out."""
    assert slots.time is not None
    if isinstance(local_time(slots, kinds), exp.Column):
        return []
    low, high = exp.Placeholder(this="not_before"), exp.Placeholder(this="not_after")
    if kinds.get("time") == "timestamptz":
        low, high = (exp.cast(each, "timestamptz") for each in (low, high))
    return [exp.GTE(this=slots.time.copy(), expression=low), exp.LT(this=slots.time.copy(), expression=high)]


def in_window_quickly(slots: Slots, window: Window, kinds: Mapping[str, str]) -> exp.Expr:
    """:func:`in_window`, whose wall clock is only looked at near the period's edges: zones are dear. Its parameters are those
    of :func:`in_window` and :func:`prefilter`."""
    exact, local = in_window(slots, kinds), local_time(slots, kinds)
    near = prefilter(slots, kinds)
    if not near:
        return exact
    assert slots.time is not None
    kind = "timestamptz" if kinds.get("time") == "timestamptz" else "timestamp"
    first = _moment(window.start + _MARGIN)
    last = _moment(window.end - _MARGIN - timedelta(days=1))
    sure = exp.and_(
        exp.GTE(this=slots.time.copy(), expression=exp.cast(first, kind)),
        exp.LT(this=slots.time.copy(), expression=exp.cast(last, kind)),
    )
    clock = exp.Case(ifs=[exp.If(this=sure, true=first.copy()), exp.If(this=exp.and_(*near), true=local)])
    return exact.transform(lambda node: clock.copy() if node == local else node)


def parameters(slots: Slots, window: Window | None, kinds: Mapping[str, str]) -> dict[str, date | datetime]:
    time = slots.metric.agg_time_dimension
    if window is None or time is None:
        return {}
    end = window.end - timedelta(days=1) if time.bounds[1] == "]" else window.end
    found: dict[str, date | datetime] = {"start": window.start, "end": end}
    if kinds.get("time") == "date":
        return {"start": window.start.date(), "end": end.date()}
    if prefilter(slots, kinds):
        found |= {"not_before": window.start - _MARGIN, "not_after": window.end + _MARGIN}
    return found


def _local(slots: Slots, moment: exp.Expr, kind: str) -> exp.Expr:
    time = slots.metric.agg_time_dimension
    assert time is not None
    if kind == "date":
        return moment.copy()
    if kind == "timestamptz":
        return _zoned(time.timezone, moment.copy())
    if time.stored is None or time.stored == time.timezone:
        return moment.copy()
    return _zoned(time.timezone, _zoned(time.stored, moment.copy()))


def _moment(moment: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(moment.strftime("%Y-%m-%d %H:%M:%S")), "timestamp")


def _zoned(zone: str, moment: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="timezone", expressions=[exp.Literal.string(zone), moment])
