"""After a refusal of ``why``: both numbers by a key that both sides have, or which key is missing."""

from __future__ import annotations

from pathlib import Path

import msgspec

from startrail.base.errors import ModelError
from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.keyed import Keyed, keyed
from startrail.lineage.metric.time import Window
from startrail.model.metric import Metric, as_names
from startrail.ports.warehouse import Warehouse
from startrail.wiring import Opened
from startrail.wiring.metrics import pinned
from startrail.wiring.why import asked, side


class NoKey(msgspec.Struct, frozen=True):
    """Why there is no comparison by key."""

    reason: str


def by_key(
    opened: Opened, a: str | None, b: str | None, period: str | None, plain: tuple[Path | None, Path | None] = (None, None)
) -> Keyed | NoKey:  # fmt: skip
    """Both metrics by the grain of one that the other's table has too. Raises what finding the metrics raises."""
    one, two = asked(opened, a, b, plain)
    if one is None or two is None:
        return NoKey("there is one metric only")
    span = parse_period(period) if period is not None else None
    warehouse = opened.ports.warehouse()
    try:
        read = pinned(opened, one, None, two)
        left, right = (side(each, span, read, warehouse) for each in (one, two))
        key = common_key(left.metric, right.metric, tuple(opened.project.metrics.values()), read, warehouse)
        if isinstance(key, NoKey):
            return key
        window = Window(span.start, span.end) if span is not None else None
        return keyed(left, right, key, window, warehouse, span.name if span is not None else None)
    except ModelError as error:
        return NoKey(error.message)


def common_key(a: Metric, b: Metric, others: tuple[Metric, ...], read: Pinned, warehouse: Warehouse) -> tuple[str, ...] | NoKey:
    """The declared grain of either, or of another metric of their tables, whose columns both tables have."""
    grains = [as_names(each.grain) for each in (a, b) if each.grain]
    grains += [as_names(each.grain) for each in others if each.grain and each.source in (a.source, b.source)]
    if not grains:
        named = f"{a.source}" if a.source == b.source else f"{a.source} or {b.source}"
        return NoKey(f"no metric of {named} declares a grain: the columns of which one row has one value each")
    columns = {
        table: {name.lower() for name in read.schema(table, warehouse).names()} for table in (a.source or "", b.source or "")
    }
    for grain in grains:
        if all(name.lower() in there for there in columns.values() for name in grain):
            return grain
    table, missing = next((table, name) for table, there in columns.items() for name in grains[0] if name.lower() not in there)
    return NoKey(f"{table} has no column {missing}, which the rows of the other are told apart by")
