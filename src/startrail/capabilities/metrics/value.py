"""The value of a metric over a period, exact, with the trail that leads back to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from startrail.base.text import did_you_mean, printable
from startrail.capabilities.metrics.definition import definition
from startrail.capabilities.metrics.errors import (
    AmbiguousRate,
    BadPeriod,
    FanOut,
    MissingRate,
    NotNumbers,
    UnknownDimension,
)
from startrail.capabilities.metrics.numbers import Number, is_float, number, quotient
from startrail.capabilities.metrics.period import Period
from startrail.capabilities.metrics.tables import Pinned
from startrail.lineage.metric.query import Compiled, fanout_query, grain_query, missing_query, value_query, with_guard
from startrail.lineage.metric.slots import Slots, check_columns, slots
from startrail.lineage.metric.time import Window
from startrail.model.metric import TIME_GRAINS, Metric, MetricInput
from startrail.model.table import TableSchema
from startrail.model.types import DataType, StructOf
from startrail.ports.warehouse import Query, Rows, Warehouse

Scalar = str | int | float | bool | Decimal | date | datetime | None


class Value(msgspec.Struct, frozen=True):
    """One number. ``by`` are the values of what it was split by, in the order that was asked for."""

    value: Number | date | datetime | str | None
    by: tuple[Scalar, ...] = ()
    numerator: Number | None = None
    denominator: Number | None = None
    """Of a ratio, an average and a median: the value is their quotient, exact unless ``rounded``."""
    rows: int | None = None
    """How many rows count."""
    nulls: int = 0
    """How many of these have no value and add nothing."""
    skipped: int = 0
    """How many are left out because they have no rate."""
    rounded: bool = False
    """The quotient has no end and was cut after 12 decimal places."""


class Answer(msgspec.Struct, frozen=True):
    """The values of a metric, and all that is needed to get them again."""

    metric: str
    definition: str
    """Version of the definition."""
    period: Period | None
    timezone: str | None
    by: tuple[str, ...]
    values: tuple[Value, ...]
    inputs: tuple[MetricInput, ...]
    exact: bool = True
    """False when a column or an operation is floating point."""
    unit: str | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know, such as rows that repeat the grain."""


def evaluate(
    metric: Metric, period: Period | None, by: Sequence[str], pinned: Pinned, warehouse: Warehouse, *, grain: bool = True
) -> Answer:  # fmt: skip
    """Compute. Without a split it is one statement, and one more that counts rows which repeat the ``grain``, if that is
    wanted. Raises the errors of this room, MetricSql, MetricColumn, MetricShape, and what the warehouse raises."""
    if metric.sql is not None:
        return _plain(metric, period, by, pinned, warehouse)
    found, kinds = prepared(metric, period, by, pinned, warehouse)
    window = Window(period.start, period.end) if period is not None else None
    query, guard = value_query(found, window, by, kinds), fanout_query(found, window, kinds)
    if guard is not None and not by:
        query = with_guard(query, guard)
    elif guard is not None:
        _refuse_fanout(metric, _fetch(metric, guard, pinned, warehouse).rows[0])
    rows = _fetch(metric, query, pinned, warehouse)
    end = len(by) + len(query.measures)
    if guard is not None and not by:
        _refuse_fanout(metric, rows.rows[0][end:])
    notes = _grain_notes(found, window, kinds, pinned, warehouse) if grain else []
    measured = [dict(zip(query.measures, row[len(by) : end], strict=True)) for row in rows.rows]
    values = tuple(_value(metric, row[: len(by)], each) for row, each in zip(rows.rows, measured, strict=True))
    ambiguous = sum(_count(each, "ambiguous_rates") for each in measured)
    _check_rates(found, values, ambiguous, window, kinds, pinned, warehouse)
    exact = not any(is_float(column.type) for column in rows.schema.columns[len(by) :])
    if not exact:
        notes.append("a column or an operation is floating point, so the value is approximate")
    return _answer(metric, period, by, values, pinned, exact, notes)


def compiled(metric: Metric, period: Period | None, by: Sequence[str], pinned: Pinned, warehouse: Warehouse) -> str:
    """The SELECT that gives the value, with the period's bounds in it: it runs as it stands."""
    if metric.sql is not None:
        return metric.sql.strip()
    found, kinds = prepared(metric, period, by, pinned, warehouse)
    window = Window(period.start, period.end) if period is not None else None
    return value_query(found, window, by, kinds).shown


def prepared(
    metric: Metric, period: Period | None, by: Sequence[str], pinned: Pinned, warehouse: Warehouse
) -> tuple[Slots, dict[str, str]]:
    """The slots, held against the columns there are, and the types of the columns of time. Raises as :func:`evaluate`."""
    found = slots(metric)
    schemas = {metric.alias.lower(): pinned.schema(metric.source or "", warehouse)}
    schemas |= {join.name.lower(): pinned.schema(join.to, warehouse) for join in metric.joins}
    check_columns(found, {alias: schema.names() for alias, schema in schemas.items()})
    _check_rate_columns(metric, pinned, warehouse)
    if period is not None and metric.agg_time_dimension is None:
        raise BadPeriod(f"{metric.name} has no time column, so it has no periods", at=metric.span, hint="leave --period out")
    for name in by:
        _check_dimension(metric, name)
    return found, _moments(metric, schemas)


def _refuse_fanout(metric: Metric, surplus: Sequence[object]) -> None:
    """``surplus``: how many rows each join adds that may add none."""
    strict = [join for join in metric.joins if join.on_fanout == "fail"]
    for join, more in zip(strict, surplus, strict=True):
        if more:
            raise FanOut(
                f"the join of {metric.name} with {join.to} adds {int(str(more)):,} {'row' if more == 1 else 'rows'}",
                at=metric.span,
                affects=f"metric {metric.name}; no value is given",
                hint="mend the table or the condition, or declare on_fanout: dedup (with order_by) or allow",
            )


def _grain_notes(
    found: Slots, window: Window | None, kinds: dict[str, str], pinned: Pinned, warehouse: Warehouse
) -> list[str]:  # fmt: skip
    metric, query = found.metric, grain_query(found, window, kinds)
    repeated = _fetch(metric, query, pinned, warehouse).rows[0][0] if query is not None else None
    if not repeated:
        return []
    return [f"{int(repeated):,} rows of {metric.source} repeat its grain; they count again unless dedup is declared"]


def _check_rates(
    found: Slots, values: tuple[Value, ...], ambiguous: int, window: Window | None, kinds: dict[str, str], pinned: Pinned,
    warehouse: Warehouse,
) -> None:  # fmt: skip
    metric, currency = found.metric, found.metric.currency
    if currency is None:
        return
    missing = sum(value.skipped for value in values)
    if not ambiguous and (not missing or currency.on_missing == "skip"):
        return
    samples = _fetch(metric, missing_query(found, window, kinds), pinned, warehouse).rows
    shown = "; ".join(f"{printable(str(row[0]))} on {row[1]} ({row[2]:,} rows)" for row in samples)
    affects = f"metric {metric.name}; no value is given"
    if ambiguous:
        message = f"{currency.rates} has several rates for one day: {shown}"
        raise AmbiguousRate(message, at=metric.span, affects=affects, hint="mend the rates, or name their column 'to'")
    raise MissingRate(
        f"{missing:,} {'row has' if missing == 1 else 'rows have'} no rate in {currency.rates}: {shown}",
        at=metric.span,
        affects=affects,
        hint="load the rates, or declare on_missing: skip to leave such rows out and count them",
    )


def _value(metric: Metric, groups: Sequence[object], measured: Mapping[str, object]) -> Value:
    by = tuple(_scalar(item) for item in groups)
    total, skipped = _count(measured, "rows"), _count(measured, "missing_rates")
    nulls = max(0, total - _count(measured, "counted") - skipped)
    found = measured.get("value")
    if "denominator" in measured:
        top, bottom = number(measured["numerator"], metric), number(measured["denominator"], metric)
        if metric.agg == "ratio":
            top, bottom = top or 0, bottom or 0
        value, rounded = quotient(top, bottom)
        return Value(value, by, top, bottom, total, nulls, skipped, rounded)
    if metric.agg in ("min", "max"):
        return Value(_scalar(found), by, rows=total, nulls=nulls, skipped=skipped)
    return Value(number(found, metric) if found is not None else 0, by, rows=total, nulls=nulls, skipped=skipped)


def _count(measured: Mapping[str, object], name: str) -> int:
    found = measured.get(name, 0)
    assert isinstance(found, int)
    return found


def _plain(metric: Metric, period: Period | None, by: Sequence[str], pinned: Pinned, warehouse: Warehouse) -> Answer:
    if by:
        raise UnknownDimension(f"{metric.name} is plain SQL and cannot be split", at=metric.span, hint="leave --by out")
    sql = metric.sql or ""
    parameters = {"start": period.start, "end": period.end} if period is not None else {}
    if period is None and _has_parameters(metric):
        raise BadPeriod(f"the SQL of {metric.name} needs a period", at=metric.span, hint="add --period 2026-10")
    rows = warehouse.fetch(Query(sql, pinned.relations, parameters, metric.span.file, metric.span.line), 2)
    if len(rows.rows) != 1 or len(rows.schema.columns) != 1:
        raise NotNumbers(
            f"the SQL of {metric.name} gives {'more than one row' if len(rows.rows) > 1 else f'{len(rows.rows)} rows'} "
            f"of {len(rows.schema.columns)} columns",
            at=metric.span,
            affects=f"metric {metric.name}",
            hint="write one SELECT of one aggregate without GROUP BY",
        )
    found = rows.rows[0][0]
    exact = not is_float(rows.schema.columns[0].type)
    notes = [] if exact else ["the SQL gives a floating point number, so the value is approximate"]
    value = Value(number(found, metric) if found is not None else None)
    return _answer(metric, period, (), (value,), pinned, exact, notes)


def _has_parameters(metric: Metric) -> bool:
    from startrail.lineage.analyse import analyse

    found = analyse(metric.sql or "", path=metric.span.file, first_line=metric.span.line)
    return bool({"start", "end"} & set(found.parameters))


def _answer(
    metric: Metric, period: Period | None, by: Sequence[str], values: tuple[Value, ...], pinned: Pinned, exact: bool,
    notes: list[str],
) -> Answer:  # fmt: skip
    time = metric.agg_time_dimension
    return Answer(
        metric=metric.name,
        definition=definition(metric).version,
        period=period,
        timezone=time.timezone if time is not None else "UTC" if metric.sql is not None and period is not None else None,
        by=tuple(by),
        values=values,
        inputs=pinned.inputs,
        exact=exact,
        unit=metric.unit,
        notes=tuple(notes),
    )


def _check_dimension(metric: Metric, name: str) -> None:
    if name in metric.dimensions or (name in TIME_GRAINS and metric.agg_time_dimension is not None):
        return
    known = (*metric.dimensions, *(TIME_GRAINS if metric.agg_time_dimension is not None else ()))
    raise UnknownDimension(
        f"{metric.name} cannot be split by '{printable(name, 60)}'",
        at=metric.span,
        hint=did_you_mean(name, known, "declare it under dimensions"),
    )


def _moments(metric: Metric, schemas: dict[str, TableSchema]) -> dict[str, str]:
    """The types of the columns of time: date, timestamp or timestamptz."""
    time = metric.agg_time_dimension
    found: dict[str, str] = {}
    for key, text in (("time", time.column if time else None), ("arrival", time.arrival if time else None)):
        if text is None:
            continue
        kind = str(_type_of(text, metric, schemas))
        if kind not in ("date", "timestamp", "timestamptz"):
            raise NotNumbers(
                f"{metric.name} takes its time from '{printable(text, 60)}', which is a {kind}",
                at=metric.span,
                affects=f"metric {metric.name}",
                hint="name a date or timestamp column, or cast it in a model",
            )
        found[key] = kind
    return found


def _type_of(text: str, metric: Metric, schemas: dict[str, TableSchema]) -> DataType | None:
    parts = [part.strip('"').lower() for part in text.split(".")]
    if len(parts) > 1 and parts[0] in schemas:
        schema, parts = schemas[parts[0]], parts[1:]
    else:
        schema = schemas[metric.alias.lower()]
    kind: DataType | None = next((column.type for column in schema.columns if column.name.lower() == parts[0]), None)
    for part in parts[1:]:
        fields = kind.fields if isinstance(kind, StructOf) else ()
        kind = next((inner for name, inner in fields if name.lower() == part), None)
    return kind


def _check_rate_columns(metric: Metric, pinned: Pinned, warehouse: Warehouse) -> None:
    from startrail.lineage.metric.errors import MetricColumn

    if metric.currency is None:
        return
    names = metric.currency.columns
    there = {name.lower() for name in pinned.schema(metric.currency.rates, warehouse).names()}
    for name in (names.currency, names.to, names.date, names.rate):
        if name is not None and name.lower() not in there:
            raise MetricColumn(
                f"{metric.name} reads rates from '{printable(name, 60)}', which {metric.currency.rates} does not have",
                at=metric.span,
                affects=f"metric {metric.name}",
                hint=did_you_mean(name, there, "name its columns under currency: {columns: ...}"),
            )


def _fetch(metric: Metric, query: Compiled, pinned: Pinned, warehouse: Warehouse) -> Rows:
    bound = dict(query.bound)
    return warehouse.fetch(Query(query.sql, pinned.relations, bound, metric.span.file, metric.span.line))


def _scalar(item: object) -> Scalar:
    return item if isinstance(item, str | int | float | bool | Decimal | date | datetime) or item is None else str(item)
