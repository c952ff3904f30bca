"""Metrics to MetricFlow's manifest. What it has no word for and the number depends on is not exported, but named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from startrail.base.errors import StartrailError
from startrail.capabilities.metrics.exchange.losses import Exported, Loss, Unholdable, changes_number, described
from startrail.capabilities.metrics.exchange.metricflow_in import sealed
from startrail.capabilities.metrics.exchange.own import VENDOR, own_data
from startrail.lineage.metric.slots import Slots, slots
from startrail.lineage.metric.text import row_value
from startrail.model.metric import Metric, as_names

_AGGREGATIONS = {"avg": "average"}
_NAMES = re.compile(r"[^a-z0-9_]+")


def export_metricflow(metrics: Iterable[Metric]) -> Exported:
    """One semantic model per table; filters stand inside the measures' expressions."""
    models: dict[str, dict[str, Any]] = {}
    found: list[tuple[Metric, dict[str, Any]]] = []
    losses: list[Loss] = []
    for metric in metrics:
        try:
            changes_number(metric)
            if metric.joins:
                raise Unholdable("joins", "a measure there is over one table; put the join into a model")
            entry = _metric(metric, slots(metric), models)
        except Unholdable as error:
            losses.append(Loss(metric.name, error.what, error.why, left_out=True))
            continue
        except StartrailError as error:
            losses.append(Loss(metric.name, "SQL", error.message, left_out=True))
            continue
        losses += described(metric, "config.meta")
        found += [(metric, each) for each in entry]
    for metric, entry in found:
        if entry["name"] == _name(metric.name):
            entry["config"] = {"meta": {VENDOR.lower(): own_data(metric, sealed(entry, list(models.values())))}}
    manifest = {
        "semantic_models": list(models.values()),
        "metrics": [entry for _, entry in found],
        "project_configuration": {"time_spine_table_configurations": [], "time_spines": []},
        "saved_queries": [],
    }
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode() + "\n"
    return Exported(text, len({metric.name for metric, _ in found}), tuple(losses))


def _metric(metric: Metric, found: Slots, models: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    assert metric.source is not None
    name, model = _name(metric.name), _model(metric, models)
    if metric.agg != "ratio":
        _measure(model, metric, name, metric.agg, row_value(found))
        return [_simple(name, metric)]
    entries = []
    for word, part in zip(("numerator", "denominator"), found.parts, strict=True):
        _measure(model, metric, f"{name}_{word}", part.agg, row_value(found, part))
        entries.append(_simple(f"{name}_{word}", metric))
    params = _params() | {word: _input(f"{name}_{word}") for word in ("numerator", "denominator")}
    return [*entries, _entry(name, "ratio", params, metric)]


def _model(metric: Metric, models: dict[str, dict[str, Any]]) -> dict[str, Any]:
    source = metric.source or ""
    schema, _, alias = source.partition(".")
    model = models.setdefault(
        source,
        {
            "name": _name(source), "description": None, "defaults": None,
            "node_relation": {"alias": alias, "schema_name": schema, "database": None, "relation_name": source},
            "primary_entity": None, "entities": [], "measures": [], "dimensions": [],
        },
    )  # fmt: skip
    keys = as_names(metric.grain)
    if len(keys) == 1 and not model["entities"]:
        model["entities"].append({"name": keys[0], "type": "primary", "expr": keys[0]})
    elif not model["entities"]:
        model["primary_entity"] = f"{_name(source)}_row"
    time = metric.agg_time_dimension
    if time is not None:
        if "." in time.column:
            raise Unholdable("agg_time_dimension", "the time column there is one of the table itself")
        _dimension(model, time.column, time=True)
    for name in metric.dimensions:
        if "." not in name:
            _dimension(model, name, time=False)
    return model


def _dimension(model: dict[str, Any], name: str, *, time: bool) -> None:
    taken = {each["name"]: each for each in (*model["dimensions"], *model["entities"])}
    if name in taken:
        return
    params = {"time_granularity": "day", "validity_params": None} if time else None
    entry = {"name": name, "type": "time" if time else "categorical", "expr": name, "type_params": params, "is_partition": False}
    model["dimensions"].append(entry)


def _measure(model: dict[str, Any], metric: Metric, name: str, agg: str, expr: str) -> None:
    time = metric.agg_time_dimension
    prefix = f'"{metric.alias}".'
    if prefix in expr:
        expr = expr.replace(prefix, "")
    model["measures"].append({
        "name": name, "agg": _AGGREGATIONS.get(agg, agg), "description": None, "create_metric": False, "expr": expr,
        "agg_params": None, "non_additive_dimension": None, "agg_time_dimension": time.column if time is not None else None,
    })  # fmt: skip


def _simple(name: str, metric: Metric) -> dict[str, Any]:
    measure = {"name": name, "filter": None, "alias": None, "join_to_timespine": False, "fill_nulls_with": None}
    return _entry(name, "simple", _params() | {"measure": measure}, metric)


def _entry(name: str, kind: str, params: dict[str, Any], metric: Metric) -> dict[str, Any]:
    return {"name": name, "description": metric.description, "type": kind, "type_params": params, "filter": None, "label": None}


def _params() -> dict[str, Any]:
    return {
        "measure": None,
        "numerator": None,
        "denominator": None,
        "expr": None,
        "window": None,
        "grain_to_date": None,
        "metrics": [],
    }


def _input(name: str) -> dict[str, Any]:
    return {"name": name, "filter": None, "alias": None, "offset_window": None, "offset_to_grain": None}


def _name(text: str) -> str:
    """MetricFlow's names have no dots, and two underscores have a meaning of their own."""
    return re.sub(r"_{2,}", "_", _NAMES.sub("_", text.lower())).strip("_")
