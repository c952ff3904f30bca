"""Why two numbers differ whose slots cannot be told apart: their texts mixed place by place, over the tables that both read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from startrail.base.errors import ModelError
from startrail.capabilities.metrics.period import Period, parse_period
from startrail.capabilities.metrics.tables import Pinned, pin
from startrail.capabilities.metrics.value import evaluate, prepared
from startrail.capabilities.why.errors import NoGap
from startrail.capabilities.why.gap import Gap
from startrail.capabilities.why.recompute import Number, Recomputed, recompute, write_texts
from startrail.lineage.gap.causes import align
from startrail.lineage.gap.inline import inlined, read_by, text_of
from startrail.lineage.gap.texts import Text, merged
from startrail.lineage.metric.time import Window
from startrail.model.metric import Metric
from startrail.ports.warehouse import Warehouse
from startrail.wiring import Opened
from startrail.wiring.metrics import pinned
from startrail.wiring.values import exact_value, places_of


def otherwise(refusal: ModelError, mix: Callable[[], Recomputed], *, check: bool = False, evidence: Path | None = None) -> Gap:
    """The gap by mixed texts, after its slots were refused. Raises the refusal with what else was tried; OSError."""
    try:
        found = mix()
    except NoGap:
        raise
    except ModelError as second:
        if second.message == refusal.message:
            raise refusal from None
        raise type(refusal)(
            f"{refusal.message}; nor can the texts be mixed: {second.message}",
            at=refusal.at, affects=refusal.affects, hint=refusal.hint,
        ) from None  # fmt: skip
    return _proven(found, check=check, evidence=evidence)


def mixed_or_none(mix: Callable[[], Recomputed], *, check: bool = False, evidence: Path | None = None) -> Gap | None:
    """The gap by mixed texts; None when it is refused, because slots may tell something. Raises OSError."""
    try:
        found = mix()
    except ModelError:
        return None
    return _proven(found, check=check, evidence=evidence)


def _proven(found: Recomputed, *, check: bool, evidence: Path | None) -> Gap:
    """Every mixture was a query of its own, and both ends were held against the two numbers."""
    if evidence is not None:
        write_texts(found, evidence)
    return msgspec.structs.replace(found.gap, verified=len(found.texts.causes)) if check else found.gap


def gap_of_project(opened: Opened, a: Metric, b: Metric, period: str | None) -> Recomputed:
    """The gap between two metrics of a project, as their tables are now. Raises what :func:`gap_of_texts` raises."""
    if a.sql is None and b.sql is None and a.agg != b.agg:
        align(a, b)  # refuses: a sum and an average are two questions, whatever their texts share
    models = {name.lower(): model.sql for name, model in opened.project.models.items() if model.kind != "script"}
    read = pinned(opened, a, None, b)
    below = [set(_below([each.name for each in pinned(opened, side, None).relations], models)) for side in (a, b)]
    workspace = opened.workspace()
    everything = dict.fromkeys([*(each.name for each in read.relations), *sorted(below[0] | below[1])])
    return gap_of_texts(
        a,
        b,
        parse_period(period) if period is not None else None,
        pin(everything, workspace),
        opened.ports.warehouse(),
        models,
        frozenset(below[0] & below[1]),
    )


def gap_of_texts(
    a: Metric, b: Metric, period: Period | None, read: Pinned, warehouse: Warehouse,
    models: Mapping[str, str] | None = None, shared: frozenset[str] = frozenset(),
) -> Recomputed:  # fmt: skip
    """Every mixture of the two texts, run. ``models``: SQL of what is no table of both; ``shared``: what both read.

    Raises OpaqueSql, NotComparable, NotReproduced, NoGap, and what the metrics and the warehouse raise.
    """
    numbers, trees, sides, versions = [], [], [], []
    bound = {"start": period.start, "end": period.end} if period is not None else {}
    for metric in (a, b):
        answer = evaluate(metric, period, (), read, warehouse)
        numbers.append(Number(metric.name, exact_value(metric, answer), places_of(answer), metric.unit))
        versions.append(answer.definition)
        side = Text(_text(metric, period, read, warehouse), metric.name, metric.span)
        sides.append(side)
        trees.append(inlined(side, models or {}, shared, bound))
    found = merged(trees[0], trees[1], sides[0], sides[1])
    name = period.name if period is not None else None
    mixed = recompute(found, numbers[0], numbers[1], read.relations, warehouse, name)
    told = msgspec.structs.replace(mixed.gap, definitions=(versions[0], versions[1]), inputs=read.inputs)
    return mixed._replace(gap=told)


def _text(metric: Metric, period: Period | None, read: Pinned, warehouse: Warehouse) -> str:
    if metric.sql is not None:
        return metric.sql
    timed = period if metric.agg_time_dimension is not None else None
    found, kinds = prepared(metric, timed, (), read, warehouse)
    return text_of(found, Window(timed.start, timed.end) if timed is not None else None, kinds)


def _below(names: list[str], models: Mapping[str, str]) -> set[str]:
    """Tables, and all that the models behind them read."""
    found: set[str] = set()
    waiting = [name.lower() for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += read_by(models[name]) if name in models else ()
    return found
