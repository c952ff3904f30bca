"""Why two numbers of an opened project differ."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec

from startrail.capabilities.metrics.dictionary import find
from startrail.capabilities.metrics.errors import NotNumbers
from startrail.capabilities.metrics.period import Period, parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.metrics.value import Answer, Value, evaluate, prepared
from startrail.capabilities.why.errors import NothingToCompare
from startrail.capabilities.why.evidence import verify, write_evidence
from startrail.capabilities.why.explain import Side, play, report
from startrail.capabilities.why.gap import Gap
from startrail.lineage.metric_time import Window
from startrail.model.metric import Metric
from startrail.ports.warehouse import Warehouse
from startrail.wiring import Opened
from startrail.wiring.metrics import pinned


def why(
    opened: Opened, a: str, b: str | None, period: str | None, at: str | None = None, vs: str | None = None,
    *, check: bool = False, evidence: Path | None = None,
) -> Gap:  # fmt: skip
    """The gap from metric ``a`` to metric ``b``; ``at`` and ``vs`` are the moments that their tables are read as of.

    ``check``: independent queries must agree. ``evidence``: a folder for SQL and rows. Raises OSError for it.
    """
    if b is None and at == vs:
        raise NothingToCompare(f"'{a}' is compared with nothing", hint=f"startrail why {a} OTHER, or --at INSTANT --vs INSTANT")
    span = parse_period(period) if period is not None else None
    metrics = opened.project.metrics
    one, two = find(a, metrics), find(b or a, metrics)
    warehouse = opened.ports.warehouse()
    left = side(one, span, pinned(opened, one, at), warehouse, at)
    right = side(two, span, pinned(opened, two, vs), warehouse, vs)
    return gap_between(left, right, span, warehouse, check=check, evidence=evidence)


def gap_between(
    a: Side, b: Side, period: Period | None, warehouse: Warehouse, *, check: bool = False, evidence: Path | None = None
) -> Gap:
    """The gap between two sides."""
    window = Window(period.start, period.end) if period is not None else None
    game = play(a, b, window, warehouse)
    found = report(game, a, b, period.name if period is not None else None)
    if check:
        found = msgspec.structs.replace(found, verified=verify(game, a, b, window, warehouse))
    if evidence is not None:
        write_evidence(game, found, a, b, window, warehouse, evidence)
    return found


def side(metric: Metric, period: Period | None, read: Pinned, warehouse: Warehouse, moment: str | None = None) -> Side:
    """A metric with its own number, computed by its own query. Raises what its value raises."""
    answer = evaluate(metric, period, (), read, warehouse)
    _, kinds = prepared(metric, period, (), read, warehouse)
    label = f"{metric.name} at {moment}" if moment is not None else metric.name
    old = {each.table: each.snapshot for each in read.inputs if moment is not None and each.snapshot is not None}
    return Side(metric, exact_value(metric, answer), read.relations, kinds, label, answer.exact, old)


def exact_value(metric: Metric, answer: Answer) -> Fraction | None:
    """The number without rounding. Raises NotNumbers."""
    (value,) = answer.values
    if metric.agg in ("avg", "median", "ratio") and metric.sql is None:
        return _quotient(value)
    if value.value is None:
        return None
    if not isinstance(value.value, int | float | Decimal):
        raise NotNumbers(f"{metric.name} is no number, so it has no gap", at=metric.span, hint="compare numbers")
    return _fraction(value.value)


def _quotient(value: Value) -> Fraction | None:
    if value.numerator is None or not value.denominator:
        return None
    return _fraction(value.numerator) / _fraction(value.denominator)


def _fraction(number: float | Decimal) -> Fraction:
    return Fraction(Decimal(repr(number))) if isinstance(number, float) else Fraction(number)
