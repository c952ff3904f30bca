"""From values to pixels: round ticks, and labels with as many digits as they need."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from startrail.adapters.report.html.markup import short_day
from startrail.adapters.report.rows import text


class Scale(msgspec.Struct, frozen=True):
    """A straight line from [low, high] to [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Any) -> float:
        share = (float(value) - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, most: int = 6) -> list[Decimal]:
    """Round values (1, 2, 2.5 or 5 times a power of ten apart) from at or below ``low`` to at or above ``high``."""
    if not high > low:
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    power = Decimal(10) ** math.floor(math.log10((high - low) / most))
    step = next(
        factor * power for factor in map(Decimal, ("1", "2", "2.5", "5", "10")) if float(factor * power) * most >= high - low
    )
    first, last = math.floor(low / float(step)), math.ceil(high / float(step))
    return [step * number for number in range(first, last + 1)]


def tick_label(value: Decimal) -> str:
    """Grouped, without superfluous zeros, with a real minus sign."""
    size = abs(value)
    for floor, mark in ((10**9, " bn"), (10**6, " m")):
        if size >= floor * 10:
            return tick_label(value / floor) + mark
    label = f"{value.normalize():,f}"
    return label.replace("-", "\u2212")


def position(x: Any) -> float | None:
    """Where a value stands on a continuous axis; None for a value that is only a name."""
    if isinstance(x, datetime):
        return (x.replace(tzinfo=None) - datetime(1970, 1, 1) - (x.utcoffset() or timedelta())).total_seconds()
    if isinstance(x, date):
        return float(x.toordinal())
    if isinstance(x, int | float | Decimal) and not isinstance(x, bool):
        return float(x)
    return None


def x_label(x: Any) -> str:
    """Short, for under the axis."""
    if isinstance(x, datetime):
        return f"{short_day(x)} {x:%H:%M}" if (x.hour or x.minute) else short_day(x)
    if isinstance(x, date):
        return short_day(x)
    label = text(x)
    return label if len(label) <= 16 else label[:15] + "…"
