"""The parts of MetricFlow's ``semantic_manifest.json`` that metrics need. Other keys are passed over."""

from __future__ import annotations

from typing import Any

import msgspec


class Relation(msgspec.Struct):
    """Where a semantic model's rows are."""

    alias: str
    schema_name: str | None = None
    database: str | None = None


class Entity(msgspec.Struct):
    """A key of the rows: their own (``primary``, ``unique``), or another model's (``foreign``)."""

    name: str
    type: str
    expr: str | None = None


class Dimension(msgspec.Struct):
    """A column, or an expression, to split and filter by."""

    name: str
    type: str
    expr: str | None = None


class NonAdditive(msgspec.Struct):
    """Marks a measure that must not be added up over a dimension."""

    name: str = ""


class AggParams(msgspec.Struct):
    """For percentiles."""

    percentile: float | None = None
    use_discrete_percentile: bool = False


class Measure(msgspec.Struct):
    """An aggregate over the rows of a semantic model."""

    name: str
    agg: str
    expr: str | None = None
    agg_time_dimension: str | None = None
    agg_params: AggParams | None = None
    non_additive_dimension: NonAdditive | None = None


class Defaults(msgspec.Struct):
    """What its measures have when they say nothing."""

    agg_time_dimension: str | None = None


class SemanticModel(msgspec.Struct):
    """A table with its keys, dimensions and measures."""

    name: str
    node_relation: Relation
    defaults: Defaults | None = None
    entities: list[Entity] = []
    measures: list[Measure] = []
    dimensions: list[Dimension] = []
    primary_entity: str | None = None


class WhereFilter(msgspec.Struct):
    """A condition with marks such as ``{{ Dimension('order__status') }}``."""

    where_sql_template: str


class WhereFilters(msgspec.Struct):
    """Conditions that all must be true."""

    where_filters: list[WhereFilter] = []


Filter = str | list[str] | WhereFilters | None


class Input(msgspec.Struct):
    """A measure or metric that a metric is made of."""

    name: str
    filter: Filter = None
    alias: str | None = None
    offset_window: Any = None
    offset_to_grain: Any = None
    fill_nulls_with: int | None = None
    join_to_timespine: bool = False


class Aggregation(msgspec.Struct):
    """The aggregate of a metric that has no measure."""

    semantic_model: str
    agg: str
    expr: str | None = None
    agg_time_dimension: str | None = None
    agg_params: AggParams | None = None
    non_additive_dimension: NonAdditive | None = None


class TypeParams(msgspec.Struct):
    """What a metric is made of, by its type."""

    measure: Input | str | None = None
    numerator: Input | str | None = None
    denominator: Input | str | None = None
    metric_aggregation_params: Aggregation | None = None
    fill_nulls_with: int | None = None
    join_to_timespine: bool = False


class Config(msgspec.Struct):
    """Free data."""

    meta: dict[str, Any] = {}


class ForeignMetric(msgspec.Struct):
    """A metric of the manifest."""

    name: str
    type: str
    type_params: TypeParams
    description: str | None = None
    filter: Filter = None
    label: str | None = None
    config: Config | None = None


class Manifest(msgspec.Struct):
    """The whole file."""

    semantic_models: list[SemanticModel]
    metrics: list[ForeignMetric]


def as_input(value: Input | str | None) -> Input | None:
    """A name alone stands for an input of that name."""
    return Input(value) if isinstance(value, str) else value


def templates(value: Filter) -> list[str]:
    """The texts of a filter, in whichever way it is written."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, list) else [each.where_sql_template for each in value.where_filters]
