"""Apache Ossie to metrics: one aggregate, or one divided by another, over a dataset and those it refers to."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.capabilities.metrics.exchange.errors import NotAManifest
from startrail.capabilities.metrics.exchange.losses import Imported, Loss, Unholdable
from startrail.capabilities.metrics.exchange.ossie_form import (
    DIALECT,
    Dataset,
    Document,
    Expression,
    Field,
    OssieMetric,
    Relationship,
    SemanticModel,
)
from startrail.capabilities.metrics.exchange.own import VENDOR, from_own
from startrail.lineage.metric.slots import slots
from startrail.lineage.metric.text import Aggregated, Renaming, column_of, read_aggregate, replaced, tables_named
from startrail.model import metric as ours
from startrail.project.values import table_name
from startrail.project.yaml import Node, read_yaml

_DIALECTS = {"ANSI_SQL": "", "SNOWFLAKE": "snowflake", "DATABRICKS": "databricks", "BIGQUERY": "bigquery"}
_TIMES = ("Date", "DateTime", "DateTimeTz")


def import_ossie(text: bytes, file: str, prefix: str = "") -> Imported:
    """Every metric of the document that can be one of ours. Raises NotAManifest."""
    try:
        plain = json.loads(text) if text.lstrip().startswith(b"{") else _values(read_yaml(text, file))
        document = msgspec.convert(plain, Document)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise NotAManifest(f"{file} is no Apache Ossie document: {error}", hint="it has version and semantic_model") from None
    metrics: list[ours.Metric] = []
    losses: list[Loss] = []
    for model in document.semantic_model:
        reading = _Reading(model, file, prefix, losses)
        for foreign in model.metrics:
            own = _own(foreign)
            try:
                metrics.append(own if own is not None else reading.metric(foreign))
            except Unholdable as error:
                losses.append(Loss(foreign.name, error.what, error.why, left_out=True))
            except StartrailError as error:
                losses.append(Loss(foreign.name, "expression", error.message, left_out=True))
    return Imported(tuple(metrics), tuple(losses))


def sealed(name: str, expression: str) -> Any:
    """What the document itself says about a metric."""
    return [name, expression]


def _values(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _values(child) for key, child in node.value.items()}
    return [_values(child) for child in node.value] if isinstance(node.value, list) else node.value


def _own(foreign: OssieMetric) -> ours.Metric | None:
    for extension in foreign.custom_extensions:
        if extension.vendor_name == VENDOR:
            try:
                data = json.loads(extension.data)
            except ValueError:
                return None
            return from_own(data, sealed(foreign.name, _text(foreign.expression)[0]))
    return None


def _text(expression: Expression) -> tuple[str, str]:
    """The text and our name of its dialect; ANSI before others. Raises Unholdable."""
    by_dialect = {each.dialect: each.expression for each in expression.dialects}
    for word in (DIALECT, *_DIALECTS):
        if word in by_dialect:
            return by_dialect[word], _DIALECTS[word]
    raise Unholdable(
        "expression", f"it is only in {', '.join(sorted(by_dialect)) or 'no dialect'}, which is not SQL that is read here"
    )


class _Reading:
    def __init__(self, model: SemanticModel, file: str, prefix: str, losses: list[Loss]) -> None:
        self.datasets = {dataset.name.lower(): dataset for dataset in model.datasets}
        self.relationships = model.relationships
        self.file, self.prefix, self.losses = file, prefix, losses

    def metric(self, foreign: OssieMetric) -> ours.Metric:
        """Raises Unholdable, MetricSql."""
        text, dialect = _text(foreign.expression)
        what, at = f"the expression of {foreign.name}", Span(self.file)
        named = [name.lower() for name in tables_named(text, dialect, what=what, at=at)]
        source = self._source(named)
        aliases = {source.name.lower(): _table(source).rpartition(".")[2]}
        joins: dict[str, ours.Join] = {}
        for name in dict.fromkeys(named):
            if name != source.name.lower():
                joins[name] = self._join(source, self._dataset(name))
                aliases[name] = joins[name].name
        names = Renaming(self._columns(aliases, source), aliases, source.name)
        plain = replaced(text, names, dialect, what=what, at=at)
        parts = read_aggregate(plain, "duckdb", what=what, at=at)
        found = ours.Metric(
            name=f"{self.prefix}.{foreign.name}" if self.prefix else foreign.name,
            description=foreign.description,
            source=_table(source),
            grain=tuple(source.primary_key),
            agg_time_dimension=self._time(foreign.name, source),
            joins=tuple(joins.values()),
            dimensions=_dimensions(source),
            span=Span(self.file),
        )
        found = _ratio(found, *parts) if len(parts) == 2 else _single(found, parts[0])
        slots(found)  # raises what cannot be read
        return found

    def _source(self, named: list[str]) -> Dataset:
        """The dataset from which all others that are named can be found in one step."""
        if not named:
            if len(self.datasets) == 1:
                return next(iter(self.datasets.values()))
            raise Unholdable("expression", "it does not say which dataset its columns are of")
        for name in dict.fromkeys(named):
            if all(other == name or self._relationship(name, other) is not None for other in named):
                return self._dataset(name)
        raise Unholdable("relationships", f"no dataset refers to all of {', '.join(dict.fromkeys(named))}")

    def _dataset(self, name: str) -> Dataset:
        if name not in self.datasets:
            raise Unholdable("expression", f"there is no dataset '{name}'")
        return self.datasets[name]

    def _relationship(self, source: str, target: str) -> Relationship | None:
        found = [each for each in self.relationships if (each.from_.lower(), each.to.lower()) == (source, target)]
        return found[0] if len(found) == 1 else None

    def _join(self, source: Dataset, target: Dataset) -> ours.Join:
        found = self._relationship(source.name.lower(), target.name.lower())
        assert found is not None
        table, mine = _table(target), _table(source).rpartition(".")[2]
        alias = table.rpartition(".")[2]
        equal = (f"{mine}.{one} = {alias}.{two}" for one, two in zip(found.from_columns, found.to_columns, strict=True))
        return ours.Join(table, " and ".join(equal))

    def _columns(self, aliases: dict[str, str], source: Dataset) -> dict[tuple[str, str], str]:
        """(dataset, field) -> what it stands for, in our words."""
        found: dict[tuple[str, str], str] = {}
        for name, alias in aliases.items():
            for field in self._dataset(name).fields:
                text, dialect = _text(field.expression)
                column = column_of(text)
                if column is not None:
                    found[name, field.name.lower()] = column if name == source.name.lower() else f"{alias}.{column}"
                elif name == source.name.lower():
                    at = Span(self.file)
                    found[name, field.name.lower()] = replaced(
                        text, Renaming({}, {}, ""), dialect, what=f"field {field.name}", at=at
                    )
                else:
                    found[name, field.name.lower()] = f"{alias}.{field.name}"
        return found

    def _time(self, metric: str, source: Dataset) -> ours.TimeDimension | None:
        times = [field for field in source.fields if _is_time(field)]
        columns = [column for column in (column_of(_text(field.expression)[0]) for field in times) if column is not None]
        if len(columns) == 1:
            why = f"Ossie does not say it: the only time field, {columns[0]}, is taken, in UTC"
            self.losses.append(Loss(metric, "agg_time_dimension", why))
            return ours.TimeDimension(columns[0])
        reason = f"it may be one of {', '.join(columns)}" if columns else "the dataset has no time field"
        self.losses.append(Loss(metric, "agg_time_dimension", f"Ossie does not say it, and {reason}: the metric has no periods"))
        return None


def _is_time(field: Field) -> bool:
    marked = field.dimension.is_time if field.dimension is not None else None
    return field.datatype in _TIMES if marked is None else marked


def _dimensions(source: Dataset) -> tuple[str, ...]:
    fields = (field for field in source.fields if field.dimension is not None and not _is_time(field))
    found = (column_of(_text(field.expression)[0]) for field in fields)
    return tuple(dict.fromkeys(name for name in found if name is not None and name not in ours.TIME_GRAINS))


def _table(dataset: Dataset) -> str:
    name = ".".join(part.strip('"`') for part in dataset.source.split(".")[-2:]).lower()
    try:
        table_name(name)
    except ValueError:
        raise Unholdable("source", f"'{dataset.source[:60]}' is no schema.table") from None
    return name


def _single(metric: ours.Metric, part: Aggregated) -> ours.Metric:
    filters = (ours.Filter("condition", part.condition),) if part.condition else ()
    agg: Any = part.agg
    return msgspec.structs.replace(metric, agg=agg, expr=part.expr, filters=filters)


def _ratio(metric: ours.Metric, over: Aggregated, under: Aggregated) -> ours.Metric:
    sides = []
    for part in (over, under):
        agg: Any = part.agg
        if agg not in ("sum", "count", "count_distinct"):
            raise Unholdable("expression", f"a side of the ratio is {agg}, and sides here are sums and counts")
        sides.append(ours.Part(agg, part.expr, (ours.Filter("condition", part.condition),) if part.condition else ()))
    return msgspec.structs.replace(metric, agg="ratio", numerator=sides[0], denominator=sides[1])
