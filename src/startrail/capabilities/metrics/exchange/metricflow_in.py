"""MetricFlow's manifest to metrics: simple metrics and ratios whole, the others named with the reason."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.capabilities.metrics.exchange.errors import NotAManifest
from startrail.capabilities.metrics.exchange.losses import Imported, Loss, Unholdable
from startrail.capabilities.metrics.exchange.metricflow_form import (
    Aggregation,
    Entity,
    ForeignMetric,
    Input,
    Manifest,
    Measure,
    SemanticModel,
    as_input,
    templates,
)
from startrail.capabilities.metrics.exchange.own import VENDOR, from_own
from startrail.lineage.metric.slots import slots
from startrail.lineage.metric.text import column_of
from startrail.model import metric as ours
from startrail.project.values import table_name

_MARK = re.compile(r"\{\{\s*(\w+)\(\s*'([^']+)'\s*(?:,[^)]*)?\)\s*(?:\.\w+\([^)]*\)\s*)?\}\}")
_AGGREGATIONS: dict[str, ours.Aggregation] = {
    "sum": "sum", "count": "count", "count_distinct": "count_distinct", "average": "avg", "min": "min", "max": "max",
    "median": "median",
}  # fmt: skip
_TYPES = {"derived": "an expression over other metrics", "cumulative": "a running total", "conversion": "a conversion"}


def import_metricflow(text: bytes, file: str, prefix: str = "") -> Imported:
    """Every metric of the manifest that can be one of ours. Raises NotAManifest."""
    try:
        plain: Any = msgspec.json.decode(text)
        manifest = msgspec.convert(plain, Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotAManifest(
            f"{file} is no MetricFlow manifest: {error}", hint="give dbt's target/semantic_manifest.json"
        ) from None
    reading = _Reading(manifest, file, prefix)
    metrics: list[ours.Metric] = []
    for foreign, written in zip(manifest.metrics, plain["metrics"], strict=True):
        if reading.is_side(foreign, written):
            continue
        own = _own(foreign, written, plain["semantic_models"])
        try:
            metrics.append(own if own is not None else reading.metric(foreign))
        except Unholdable as error:
            reading.losses.append(Loss(foreign.name, error.what, error.why, left_out=True))
        except StartrailError as error:
            reading.losses.append(Loss(foreign.name, "SQL", error.message, left_out=True))
    return Imported(tuple(metrics), tuple(reading.losses))


def _own(foreign: ForeignMetric, written: Any, models: list[Any]) -> ours.Metric | None:
    meta = foreign.config.meta if foreign.config is not None else {}
    if VENDOR.lower() not in meta:
        return None
    return from_own(meta[VENDOR.lower()], sealed(written, models))


def sealed(metric: Any, models: list[Any]) -> Any:
    """What the manifest itself says about a metric: without our own extension, with the measures it may mean."""
    bare = {key: value for key, value in metric.items() if key not in ("config", "description")}
    names = {bare["type_params"].get("measure", {}).get("name")} if bare.get("type") == "simple" else set()
    if bare.get("type") == "ratio":
        names = {f"{side}" for side in (f"{bare['name']}_numerator", f"{bare['name']}_denominator")}
    measures = [measure for model in models for measure in model.get("measures", ()) if measure.get("name") in names]
    return [bare, measures]


class _Reading:
    def __init__(self, manifest: Manifest, file: str, prefix: str) -> None:
        self.file = file
        self.prefix = prefix
        self.metrics = {metric.name: metric for metric in manifest.metrics}
        self.models = {model.name: model for model in manifest.semantic_models}
        self.measures = {measure.name: (model, measure) for model in manifest.semantic_models for measure in model.measures}
        self.losses: list[Loss] = []

    def is_side(self, foreign: ForeignMetric, written: Any) -> bool:
        """Whether a metric is one that our export made for a side of a ratio of ours."""
        whole = self.metrics.get(re.sub(r"_(numerator|denominator)$", "", foreign.name))
        meta = whole.config.meta if whole is not None and whole.config is not None else {}
        return whole is not foreign and VENDOR.lower() in meta and "config" not in written

    def metric(self, foreign: ForeignMetric) -> ours.Metric:
        """Raises Unholdable, MetricSql."""
        if foreign.type == "simple":
            found = self._simple(foreign, [])
        elif foreign.type == "ratio":
            found = self._ratio(foreign)
        else:
            raise Unholdable(foreign.type, f"{_TYPES.get(foreign.type, 'a metric of this type')} has no place here")
        slots(found)  # raises what cannot be read
        self._note(foreign, found)
        return found

    def _note(self, foreign: ForeignMetric, found: ours.Metric) -> None:
        if foreign.label is not None and foreign.label != foreign.name:
            self.losses.append(Loss(foreign.name, "label", f"'{foreign.label}' has no place here"))
        time = found.agg_time_dimension
        if time is not None:
            why = f"MetricFlow names none: UTC is written; set the zone whose days count for {time.column}"
            self.losses.append(Loss(foreign.name, "timezone", why))
        params = foreign.type_params
        measure = as_input(params.measure)
        if params.join_to_timespine or (measure is not None and measure.join_to_timespine):
            self.losses.append(Loss(foreign.name, "join_to_timespine", "periods without rows are not listed here"))

    def _simple(self, foreign: ForeignMetric, extra: list[str]) -> ours.Metric:
        params = foreign.type_params
        if params.metric_aggregation_params is not None:
            given = params.metric_aggregation_params
            model, measure = self._model(given.semantic_model), _measure(given)
            texts = [*templates(foreign.filter), *extra]
        else:
            name = as_input(params.measure)
            if name is None or name.name not in self.measures:
                raise Unholdable("measure", "the manifest does not have the measure it names")
            model, measure = self.measures[name.name]
            texts = [*templates(foreign.filter), *templates(name.filter), *extra]
        if measure.non_additive_dimension is not None:
            raise Unholdable("non_additive_dimension", "a semi-additive measure has no place here")
        agg, expr = _aggregate(measure)
        joins: dict[str, ours.Join] = {}
        filters = tuple(
            ours.Filter(f"filter_{place}", self._condition(text, model, joins)) for place, text in enumerate(texts, start=1)
        )
        return ours.Metric(
            name=self._name(foreign.name),
            description=foreign.description or None,
            source=_table(model),
            grain=_key(model),
            agg=agg,
            expr=expr,
            agg_time_dimension=_time(model, measure),
            filters=filters,
            joins=tuple(joins.values()),
            dimensions=_dimensions(model),
            span=Span(self.file),
        )

    def _ratio(self, foreign: ForeignMetric) -> ours.Metric:
        sides = [as_input(side) for side in (foreign.type_params.numerator, foreign.type_params.denominator)]
        found = [self._side(side) for side in sides]
        over, under = found
        if (over.source, over.agg_time_dimension) != (under.source, under.agg_time_dimension):
            raise Unholdable("ratio", "its two sides are over different tables or times")
        joins = {join.name: join for join in (*over.joins, *under.joins)}
        if any(joins[join.name] != join for join in over.joins):
            raise Unholdable("ratio", "its two sides join different tables under one name")
        model = next(model for model in self.models.values() if _table(model) == over.source)
        filters = tuple(
            ours.Filter(f"filter_{place}", self._condition(text, model, joins))
            for place, text in enumerate(templates(foreign.filter), start=1)
        )
        return msgspec.structs.replace(
            over,
            name=self._name(foreign.name),
            description=foreign.description or None,
            agg="ratio",
            expr=None,
            numerator=_part(over),
            denominator=_part(under),
            filters=filters,
            joins=tuple(joins.values()),
        )

    def _side(self, side: Input | None) -> ours.Metric:
        if side is None or side.name not in self.metrics or self.metrics[side.name].type != "simple":
            raise Unholdable("ratio", "a side of it is no simple metric")
        if side.offset_window is not None or side.offset_to_grain is not None:
            raise Unholdable("offset", "a side shifted in time has no place here")
        found = self._simple(self.metrics[side.name], templates(side.filter))
        if found.agg not in ("sum", "count", "count_distinct"):
            raise Unholdable("ratio", f"a side of it is {found.agg}, and sides here are sums and counts")
        return found

    def _condition(self, template: str, model: SemanticModel, joins: dict[str, ours.Join]) -> str:
        def replace(match: re.Match[str]) -> str:
            return self._reference(match[1], match[2], model, joins)

        found = _MARK.sub(replace, template)
        if "{{" in found or "{%" in found:
            raise Unholdable("filter", f"this mark is not known: {' '.join(template.split())[:80]}")
        return found

    def _reference(self, kind: str, name: str, model: SemanticModel, joins: dict[str, ours.Join]) -> str:
        """``Dimension('order__status')`` as an expression over the source, or over a table that is joined for it."""
        *path, last = name.split("__")
        if kind == "TimeDimension" or kind == "Dimension":
            own = {entity.name for entity in model.entities if entity.type in ("primary", "unique")} | {model.primary_entity}
            if not path or (len(path) == 1 and path[0] in own):
                return _expression(model, last)
            if len(path) == 1:
                return self._joined(path[0], last, model, joins)
        if kind == "Entity" and not path:
            return _of_entity(_entity(model, last))
        raise Unholdable("filter", f"{kind}('{name}') cannot be found from {model.name} in one step")

    def _joined(self, entity: str, dimension: str, model: SemanticModel, joins: dict[str, ours.Join]) -> str:
        key = _entity(model, entity)
        for other in self.models.values():
            for there in other.entities:
                if there.name == entity and there.type in ("primary", "unique") and other.name != model.name:
                    column, mine, theirs = (
                        column_of(_expression(other, dimension)), column_of(_of_entity(key)), column_of(_of_entity(there))
                    )  # fmt: skip
                    if column is None or mine is None or theirs is None:
                        raise Unholdable("filter", f"{entity}__{dimension} is not a plain column")
                    table = _table(other)
                    alias = table.rpartition(".")[2]
                    source = _table(model).rpartition(".")[2]
                    joins[alias] = ours.Join(table, f"{source}.{mine} = {alias}.{theirs}")
                    return f"{alias}.{column}"
        raise Unholdable("filter", f"no semantic model has the entity {entity} as its key")

    def _model(self, name: str) -> SemanticModel:
        if name not in self.models:
            raise Unholdable("semantic_model", f"the manifest has no semantic model '{name}'")
        return self.models[name]

    def _name(self, name: str) -> str:
        return f"{self.prefix}.{name}" if self.prefix else name


def _measure(given: Aggregation) -> Measure:
    return Measure(
        given.semantic_model, given.agg, given.expr, given.agg_time_dimension, given.agg_params, given.non_additive_dimension
    )


def _aggregate(measure: Measure) -> tuple[ours.Aggregation, str | None]:
    expr = measure.expr if measure.expr is not None else measure.name
    if measure.agg == "sum_boolean":
        return "sum", f"case when {expr} then 1 else 0 end"
    if measure.agg == "percentile":
        params = measure.agg_params
        if params is not None and params.percentile == 0.5 and not params.use_discrete_percentile:
            return "median", expr
        raise Unholdable("percentile", "only the median has a place here")
    if measure.agg not in _AGGREGATIONS:
        raise Unholdable("agg", f"'{measure.agg}' is not known here")
    agg = _AGGREGATIONS[measure.agg]
    return agg, None if agg == "count" and expr.strip() in ("1", "*") else expr


def _table(model: SemanticModel) -> str:
    relation = model.node_relation
    name = f"{relation.schema_name or ''}.{relation.alias}".lower()
    try:
        table_name(name)
    except ValueError:
        raise Unholdable("node_relation", f"'{name}' cannot be the name of a table here") from None
    return name


def _time(model: SemanticModel, measure: Measure) -> ours.TimeDimension | None:
    default = model.defaults.agg_time_dimension if model.defaults is not None else None
    name = measure.agg_time_dimension or default
    if name is None:
        return None
    column = column_of(_expression(model, name))
    if column is None:
        raise Unholdable("agg_time_dimension", f"'{name}' is computed; put it into a column of a model")
    return ours.TimeDimension(column)


def _expression(model: SemanticModel, name: str) -> str:
    for dimension in model.dimensions:
        if dimension.name == name:
            expr = dimension.expr or dimension.name
            return expr if column_of(expr) is not None else f"({expr})"
    raise Unholdable("dimension", f"semantic model {model.name} has no dimension '{name}'")


def _entity(model: SemanticModel, name: str) -> Entity:
    for entity in model.entities:
        if entity.name == name:
            return entity
    raise Unholdable("entity", f"semantic model {model.name} has no entity '{name}'")


def _of_entity(entity: Entity) -> str:
    return entity.expr or entity.name


def _key(model: SemanticModel) -> tuple[str, ...]:
    keys = [column_of(_of_entity(entity)) for entity in model.entities if entity.type == "primary"]
    return tuple(key for key in keys if key is not None)


def _dimensions(model: SemanticModel) -> tuple[str, ...]:
    found = (column_of(each.expr or each.name) for each in model.dimensions if each.type == "categorical")
    return tuple(dict.fromkeys(name for name in found if name is not None and name not in ours.TIME_GRAINS))


def _part(side: ours.Metric) -> ours.Part:
    assert side.agg == "sum" or side.agg == "count" or side.agg == "count_distinct"
    return ours.Part(side.agg, side.expr, side.filters)
