"""Metrics to Apache Ossie. What it has no word for and the number depends on is not exported, but named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from startrail.base.errors import StartrailError
from startrail.capabilities.metrics.exchange.losses import Exported, Loss, Unholdable, changes_number, described
from startrail.capabilities.metrics.exchange.ossie_form import DIALECT, VERSION
from startrail.capabilities.metrics.exchange.ossie_in import sealed
from startrail.capabilities.metrics.exchange.own import VENDOR, own_data
from startrail.lineage.expressions import columns
from startrail.lineage.metric.slots import Slots, slots, used_columns
from startrail.lineage.metric.text import aggregate_text, pairs
from startrail.model.metric import Metric, as_names


def export_ossie(metrics: Iterable[Metric], name: str) -> Exported:
    """A JSON document (which is YAML too) with one semantic model: a dataset per table, filters inside the expressions."""
    building = _Building()
    entries: list[dict[str, Any]] = []
    losses: list[Loss] = []
    for metric in metrics:
        try:
            changes_number(metric)
            entries.append(building.metric(metric, slots(metric)))
        except Unholdable as error:
            losses.append(Loss(metric.name, error.what, error.why, left_out=True))
            continue
        except StartrailError as error:
            losses.append(Loss(metric.name, "SQL", error.message, left_out=True))
            continue
        losses += _lost(metric)
    if not entries:
        return Exported("", 0, tuple(losses))
    model: dict[str, Any] = {"name": name, "datasets": [building.dataset(each) for each in building.tables]}
    if building.relationships:
        model["relationships"] = list(building.relationships.values())
    model["metrics"] = entries
    document = {"version": VERSION, "dialects": [DIALECT], "vendors": [VENDOR], "semantic_model": [model]}
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    return Exported(text, len(entries), tuple(losses))


def _lost(metric: Metric) -> list[Loss]:
    found = described(metric, "custom_extensions")
    words = (("agg_time_dimension", metric.agg_time_dimension), ("owner", metric.owner), ("unit", metric.unit))
    return found + [Loss(metric.name, word, "kept only in custom_extensions") for word, value in words if value is not None]


class _Building:
    """Datasets and relationships gathered over all metrics. A dataset is called like its table's alias."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        """Dataset -> its source, key, columns, and which of these are times and dimensions."""
        self.relationships: dict[str, dict[str, Any]] = {}

    def metric(self, metric: Metric, found: Slots) -> dict[str, Any]:
        assert metric.source is not None
        joined = [(join, pairs(found, place)) for place, join in enumerate(metric.joins)]
        for join, equal in joined:
            if equal is None:
                raise Unholdable("joins", f"the condition of the join with {join.to} is more than equal columns")
            if len({pair.alias for pair in equal}) != 1:
                raise Unholdable("joins", f"the join with {join.to} depends on several tables")
        for name, table in [(metric.alias, metric.source), *((join.name, join.to) for join in metric.joins)]:
            known = self.tables.setdefault(name, {"source": table, "key": (), "columns": {}, "times": set(), "dimensions": set()})
            if known["source"] != table:
                raise Unholdable("source", f"'{name}' is {known['source']} in another metric")
        self._note(metric, found)
        for join, equal in joined:
            assert equal is not None
            self._relate(join.name, equal)
        text = aggregate_text(found)
        entry: dict[str, Any] = {"name": metric.name, "expression": _expression(text)}
        if metric.description:
            entry["description"] = metric.description
        data = json.dumps(own_data(metric, sealed(metric.name, text)), ensure_ascii=False, sort_keys=True)
        return entry | {"custom_extensions": [{"vendor_name": VENDOR, "data": data}]}

    def _note(self, metric: Metric, found: Slots) -> None:
        names = {alias.lower(): alias for alias in self.tables}
        for alias, used in used_columns(found).items():
            self.tables[names[alias]]["columns"] |= dict.fromkeys(used)
        for tree in found.dimensions.values():
            for used in columns([tree]):
                self.tables[names[used.alias]]["columns"][used.column] = None
                self.tables[names[used.alias]]["dimensions"].add(used.column)
        if found.time is not None:
            for used in columns([found.time]):
                self.tables[names[used.alias]]["times"].add(used.column)
        own = self.tables[metric.alias]
        own["key"] = own["key"] or as_names(metric.grain)

    def _relate(self, name: str, equal: tuple[Any, ...]) -> None:
        source = next(alias for alias in self.tables if alias.lower() == equal[0].alias)
        entry = {
            "name": f"{source}_to_{name}", "from": source, "to": name,
            "from_columns": [pair.column for pair in equal], "to_columns": [pair.joined for pair in equal],
        }  # fmt: skip
        if self.relationships.setdefault(entry["name"], entry) != entry:
            raise Unholdable("joins", f"another metric joins {name} with {source} by other columns")

    def dataset(self, name: str) -> dict[str, Any]:
        known = self.tables[name]
        found: dict[str, Any] = {"name": name, "source": known["source"]}
        if known["key"]:
            found["primary_key"] = list(known["key"])
        fields = []
        for column in sorted(known["columns"]):
            field: dict[str, Any] = {"name": column, "expression": _expression(column)}
            if column in known["times"] or column in known["dimensions"]:
                field["dimension"] = {"is_time": column in known["times"]}
            fields.append(field)
        return found | {"fields": fields}


def _expression(text: str) -> dict[str, Any]:
    return {"dialects": [{"dialect": DIALECT, "expression": text}]}
