"""What a translation could not keep, item by item."""

from __future__ import annotations

import msgspec

from startrail.base.text import printable
from startrail.model.metric import Metric


class Loss(msgspec.Struct, frozen=True):
    """One thing that did not survive, of the metric ``metric``. ``left_out``: the whole metric is not in the result,
    because its number would be another one there."""

    metric: str
    what: str
    why: str
    left_out: bool = False

    def __str__(self) -> str:
        end = "; the metric is left out" if self.left_out else ""
        return f"{printable(self.metric, 80)}  {printable(self.what, 60)}: {self.why}{end}"


class Imported(msgspec.Struct, frozen=True):
    """Another format's metrics as ours."""

    metrics: tuple[Metric, ...]
    losses: tuple[Loss, ...] = ()


class Exported(msgspec.Struct, frozen=True):
    """Our metrics in another format."""

    text: str
    metrics: int
    losses: tuple[Loss, ...] = ()


class Unholdable(Exception):
    """The metric cannot be in the other format without becoming another number."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(why)
        self.what = what
        self.why = why


def changes_number(metric: Metric) -> None:
    """Raise Unholdable for what no exchange format can say and the number depends on."""
    time, currency, dedup = metric.agg_time_dimension, metric.currency, metric.dedup
    if metric.sql is not None:
        raise Unholdable("sql", "plain SQL has no place there")
    if currency is not None:
        raise Unholdable("currency", "conversion by day has no place there")
    if dedup is not None:
        raise Unholdable("dedup", "the choice of one row per key has no place there")
    if time is not None and time.bounds != "[)":
        raise Unholdable("bounds", f"periods there are [), not {time.bounds}")
    if time is not None and time.late_cutoff is not None:
        raise Unholdable("late_cutoff", "a cutoff for late rows has no place there")
    for join in metric.joins:
        if join.type == "inner":
            raise Unholdable("joins", f"the inner join with {join.to} loses rows, and joins there keep them")
        if join.on_fanout != "fail":
            raise Unholdable("joins", f"the join with {join.to} multiplies or chooses rows, and joins there find one")


def described(metric: Metric, own_place: str) -> list[Loss]:
    """What has no place of its own and does not change the number; ``own_place`` is where our extension keeps it."""
    kept = f"kept only in {own_place}"
    found = []
    time = metric.agg_time_dimension
    if time is not None and time.timezone != "UTC":
        found.append(Loss(metric.name, "timezone", f"days are those of {time.timezone} here, of the session there; {kept}"))
    for word, value in (("bridges", metric.bridges), ("record", metric.record)):
        if value:
            found.append(Loss(metric.name, word, kept))
    return found
