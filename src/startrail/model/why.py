"""Differences between two metrics: the slots in which their definitions differ, each a candidate cause of the gap."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from startrail.model.metric import Filter, Join, Metric, TimeDimension

DATA = "data"
"""The slot of the rows themselves: another table, or the same one at another time."""
TIME_SLOTS = ("time_column", "timezone", "bounds", "late_cutoff")

SLOT_WORDS = (DATA, *TIME_SLOTS, "filter", "dedup", "join", "expr", "numerator", "denominator", "currency")
"""Every slot by its word; ``filter`` and ``join`` may be followed by the name of one."""


class Cause(msgspec.Struct, frozen=True):
    """Slots that are swapped together, and what both sides say there; None = the side says nothing."""

    name: str
    slots: tuple[str, ...]
    a: str | None = None
    b: str | None = None


class Slot(msgspec.Struct, frozen=True):
    """One place where two definitions may differ: a filter's conjunct or a join has one of its own."""

    name: str
    a: Filter | Join | None = None
    b: Filter | Join | None = None


class Aligned(msgspec.Struct, frozen=True):
    """Two metrics brought to one form: filters as conjuncts, the joins in one order.

    ``a`` and ``b`` give the numbers that the metrics as declared give. ``filters`` and ``joins`` say where they differ.
    """

    a: Metric
    b: Metric
    common: tuple[Filter, ...]
    """Conjuncts that both have."""
    filters: tuple[Slot, ...]
    joins: tuple[Slot, ...]
    """Every join of either side, in the order in which they are joined; equal ones on both sides."""

    def mixed(self, chosen: Collection[str]) -> Metric:
        """Side A's definition with the chosen slots of side B."""
        a, b = self.a, self.b

        def of(slot: str) -> Metric:
            return b if slot in chosen else a

        sides = [(slot.b if slot.name in chosen else slot.a) for slot in (*self.filters, *self.joins)]
        return msgspec.structs.replace(
            a,
            source=of(DATA).source,
            expr=of("expr").expr,
            numerator=of("numerator").numerator,
            denominator=of("denominator").denominator,
            agg_time_dimension=self._time(chosen),
            filters=(*self.common, *(side for side in sides if isinstance(side, Filter))),
            joins=tuple(side for side in sides if isinstance(side, Join)),
            currency=of("currency").currency,
            dedup=of("dedup").dedup,
        )

    def _time(self, chosen: Collection[str]) -> TimeDimension | None:
        a, b = self.a.agg_time_dimension, self.b.agg_time_dimension
        if a is None or b is None:
            return b if "time_column" in chosen else a
        column, zone, bounds, late = ((b if slot in chosen else a) for slot in TIME_SLOTS)
        return TimeDimension(
            column=column.column,
            timezone=zone.timezone,
            bounds=bounds.bounds,
            stored=column.stored or column.timezone,
            late_cutoff=late.late_cutoff,
            arrival=late.arrival,
        )
