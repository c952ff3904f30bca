"""What a metric's declaration means, whatever it looks like: its version, and the tables it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from startrail.base.ids import fingerprint
from startrail.ledger.canonical import canonical_json
from startrail.model.metric import Filter, Metric, Part, as_names
from startrail.ports.ledger import Ledger

_CACHE = "metric-1"
"""Raised when :class:`Definition` changes its meaning."""


class Definition(msgspec.Struct, frozen=True):
    """``version`` changes when the number may change: not with description, owner, status, dimensions, layout or case.

    ``reads``: the tables that are read, the source first.
    """

    version: str
    reads: tuple[str, ...]


def definitions(metrics: Iterable[Metric], ledger: Ledger) -> dict[str, Definition]:
    """Of each metric, by name. Texts are parsed once and remembered in the ledger's cache. Raises MetricSql, ModelError."""
    metrics = tuple(metrics)
    keys = {metric.name: fingerprint(canonical_json(metric)) for metric in metrics}
    known = ledger.cached(_CACHE, keys.values()) if keys else {}
    found: dict[str, Definition] = {}
    fresh: dict[str, bytes] = {}
    for metric in metrics:
        key = keys[metric.name]
        if key in known:
            found[metric.name] = msgspec.msgpack.decode(known[key], type=Definition)
        else:
            found[metric.name] = definition(metric)
            fresh[key] = msgspec.msgpack.encode(found[metric.name])
    if fresh:
        ledger.cache(_CACHE, fresh)
    return found


def tables_read(metrics: Iterable[Metric], ledger: Ledger) -> dict[str, tuple[str, ...]]:
    """The tables that each metric reads, by its name. Only plain SQL is parsed for it, and remembered."""
    metrics = tuple(metrics)
    plain = definitions([metric for metric in metrics if metric.sql is not None], ledger)
    return {metric.name: plain[metric.name].reads if metric.name in plain else metric.tables for metric in metrics}


def definition(metric: Metric) -> Definition:
    """Parse one metric. Raises MetricSql, MetricShape, ModelError."""
    if metric.sql is not None:
        from startrail.lineage.analyse import analyse

        analysis = analyse(metric.sql, path=metric.span.file, first_line=metric.span.line)
        zone = metric.agg_time_dimension.timezone if metric.agg_time_dimension else "UTC"
        return Definition(fingerprint("sql", analysis.fingerprint, zone), analysis.reads)
    from startrail.lineage.metric.slots import slots

    slots(metric)  # raises what is wrong with its texts
    return Definition(fingerprint(canonical_json(_meaning(metric))), metric.tables)


def _meaning(metric: Metric) -> dict[str, Any]:
    """Everything that the number depends on, texts in their normal form, in an order of its own."""
    from startrail.lineage.expressions import normal

    time, currency, dedup = metric.agg_time_dimension, metric.currency, metric.dedup
    found: dict[str, Any] = {
        "source": metric.source,
        "agg": metric.agg,
        "expr": normal(metric.expr) if metric.expr else None,
        "filters": _filters(metric.filters),
        "parts": [_part(part) for part in (metric.numerator, metric.denominator) if part is not None],
        "currency": currency,
        "joins": [
            [join.to, join.name, normal(join.on), join.type, join.on_fanout, [normal(text) for text in as_names(join.order_by)]]
            for join in metric.joins
        ],
        "dedup": [[normal(text) for text in as_names(names)] for names in (dedup.key, dedup.order_by)] if dedup else None,
    }
    if time is not None:
        columns = [normal(time.column), normal(time.arrival) if time.arrival else None]
        found["time"] = [*columns, time.timezone, time.bounds, time.stored or time.timezone, _days(time.late_cutoff)]
    return found


def _filters(filters: tuple[Filter, ...]) -> list[str]:
    from startrail.lineage.expressions import normal

    return sorted(normal(each.sql) for each in filters)


def _part(part: Part) -> Mapping[str, Any]:
    from startrail.lineage.expressions import normal

    return {"agg": part.agg, "expr": normal(part.expr) if part.expr else None, "filters": _filters(part.filters)}


def _days(text: str | None) -> int | None:
    from startrail.base.units import parse_days

    return None if text is None else parse_days(text)
