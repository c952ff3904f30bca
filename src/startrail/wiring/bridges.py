"""Bridges: gaps between metrics that may have known causes only."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from startrail.base.errors import StartrailError
from startrail.capabilities.metrics.capability import periods
from startrail.capabilities.metrics.dictionary import find
from startrail.capabilities.why.gap import Gap, Line
from startrail.model.metric import Bridge, Metric
from startrail.wiring import Opened
from startrail.wiring.why import why


class Bridged(msgspec.Struct, frozen=True):
    """One bridge in one period."""

    metric: str
    to: str
    period: str
    holds: bool
    gap: Decimal | None = None
    new: dict[str, Decimal] = {}
    """Causes that the bridge does not name, and what they carry."""
    refused: str | None = None
    """Why nothing could be attributed; then it does not hold."""


def bridged(opened: Opened, names: Iterable[str] = (), period: str | None = None) -> list[Bridged]:
    """The bridges of these metrics, or of all; without a period, in the last whole one and the running one."""
    metrics = opened.project.metrics
    chosen = [find(name, metrics) for name in names] or list(metrics.values())
    found = []
    for metric in chosen:
        whens = [period] if period is not None else [each.name for each in periods(metric, opened.ports.clock.now())]
        found += [_judge(opened, metric, bridge, when) for bridge in metric.bridges for when in whens]
    return found


def new_causes(gap: Gap, bridge: Bridge) -> list[Line]:
    """The lines whose cause the bridge does not name: by slot, as ``expr``, ``filter no_test``, or ``filter`` for all of them."""
    known = {cause.strip() for cause in bridge.causes}

    def is_known(line: Line) -> bool:
        return bool(line.slots) and all(slot in known or slot.partition(" ")[0] in known for slot in line.slots)

    return [line for line in gap.lines if line.amount and not is_known(line)]


def _judge(opened: Opened, metric: Metric, bridge: Bridge, period: str) -> Bridged:
    try:
        gap = why(opened, metric.name, bridge.to, period)
    except StartrailError as error:
        return Bridged(metric.name, bridge.to, period, holds=False, refused=f"{error.code} {error.message}")
    new = new_causes(gap, bridge)
    beyond = sum((abs(line.amount) for line in new), Decimal(0)) + abs(gap.unexplained)
    holds = beyond <= Decimal(str(bridge.max_unexplained))
    return Bridged(metric.name, bridge.to, period, holds, gap.gap, {line.cause: line.amount for line in new})
