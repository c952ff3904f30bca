"""What metrics amount to, and the gaps between them."""

from __future__ import annotations

from startrail.flow.events.event import Event
from startrail.model.metric import MetricInput


class MetricValued(Event, frozen=True, tag="metric_valued"):
    """A metric has this value over this period, by this definition, from these versions of its tables."""

    fact = "metric.valued"
    metric: str
    period: str | None
    timezone: str | None
    definition: str
    value: str | None
    """The number as text, so that no digit is lost; None when there is none, as an average of no rows."""
    unit: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    rows: int | None = None
    nulls: int = 0
    skipped: int = 0
    exact: bool = True
    inputs: tuple[MetricInput, ...] = ()


class BridgeChecked(Event, frozen=True, tag="bridge_checked"):
    """The gap between two metrics over a period was held against the causes that it may have."""

    fact = "bridge.checked"
    metric: str
    to: str
    period: str
    holds: bool
    severity: str
    value: str | None = None
    """Of ``metric``, as text, so that no digit is lost; this and the next two are None without a number on either side."""
    value_to: str | None = None
    gap: str | None = None
    unit: str | None = None
    causes: dict[str, str] = {}
    """What each cause carries; with ``unexplained`` they sum to the gap."""
    new: tuple[str, ...] = ()
    """Those of them that the bridge does not name."""
    unexplained: str | None = None
    refused: str | None = None
    """Why nothing could be attributed; then the bridge does not hold."""
    message: str | None = None
    """What is wrong with one that does not hold, in words."""
