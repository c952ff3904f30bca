"""Between a rehearsed contract, which knows the rows that would be refused, and the dictionary, which knows the metrics.

A value is only told where the same way of computing it, with no row left out, gives the published value to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext

from startrail.base.errors import StartrailError
from startrail.capabilities.contracts.rehearse.one import Result
from startrail.capabilities.contracts.rehearse.total import History, MetricMove
from startrail.capabilities.metrics.definition import definition
from startrail.capabilities.metrics.period import Period
from startrail.capabilities.metrics.tables import Pinned, pin
from startrail.capabilities.metrics.value import Answer, evaluate
from startrail.capabilities.models.survey import survey
from startrail.capabilities.models.without import Gone, Without
from startrail.lineage.analyse import analyse
from startrail.model.metric import Metric
from startrail.wiring import Opened

_DAYS = ("date", "timestamp", "timestamptz")


def moved_metrics(opened: Opened, history: History, results: Sequence[Result]) -> tuple[MetricMove, ...]:
    """Of every metric that is made from the source; none where nothing would be refused. Reads only."""
    metrics = [opened.project.metrics[name] for name in history.affects if name in opened.project.metrics]
    table = opened.project.sources[history.source].into
    if not metrics or table is None or not (history.quarantined or history.held):
        return ()
    read = [result for result in results if result.unread is None and result.before.loaded]
    if any(result.held_after is None and result.compared.gone is None for result in read):
        return tuple(MetricMove(metric.name, not_measured="the rows that would be refused are too many") for metric in metrics)
    gone = [Gone(each.delivery, None if each.held_after is not None else each.compared.gone) for each in read]
    project, workspace, warehouse = opened.project, opened.workspace(), opened.ports.warehouse()
    surveyed = survey(project, opened.ports.ledger)
    without = Without(table, gone, project=project, survey=surveyed, workspace=workspace, warehouse=warehouse)
    days = _days(opened, history, table)
    return tuple(_move(opened, metric, days, without) for metric in metrics)


def _days(opened: Opened, history: History, table: str) -> Period | None:
    """From the first to the last day of the deliveries' rows, where rows have days of their own."""
    by = opened.project.sources[history.source].partition_by
    schema = opened.workspace().columns(table)
    column = schema.column(by) if schema is not None and by is not None else None
    if column is None or str(column.type) not in _DAYS:
        return None
    try:
        days = [date.fromisoformat(day.value) for day in history.days if day.value != "null"]
    except ValueError:
        return None  # so many days that the rest of them is one value
    return Period(f"{min(days)}..{max(days)}", min(days), max(days)) if days else None


def _move(opened: Opened, metric: Metric, days: Period | None, without: Without) -> MetricMove:
    period = days if _has_time(metric) else None
    name = period.name if period is not None else None
    warehouse = opened.ports.warehouse()
    try:
        reads = definition(metric).reads
        published = evaluate(metric, period, (), pin(reads, opened.workspace()), warehouse)
        again = evaluate(metric, period, (), Pinned(without.relations(reads, leave_out=False)), warehouse)
        if not published.exact:
            return MetricMove(metric.name, name, not_measured="it is floating point, so a difference may be rounding")
        if again.values != published.values:
            return MetricMove(metric.name, name, not_measured="its tables cannot be computed again as they are published")
        then = evaluate(metric, period, (), Pinned(without.relations(reads, leave_out=True)), warehouse)
    except StartrailError as error:
        return MetricMove(metric.name, name, not_measured=f"{error.message} ({error.code})")
    return _difference(published, then, name)


def _has_time(metric: Metric) -> bool:
    if metric.sql is None:
        return metric.agg_time_dimension is not None
    found = analyse(metric.sql, path=metric.span.file, first_line=metric.span.line)
    return bool({"start", "end"} & set(found.parameters))


def _difference(published: Answer, then: Answer, period: str | None) -> MetricMove:
    before, after = published.values[0].value, then.values[0].value
    change = None
    if _exact(before) and _exact(after):
        with localcontext() as context:
            context.prec = 100
            change = f"{Decimal(str(after)) - Decimal(str(before)):f}"
    return MetricMove(published.metric, period, published.unit, _text(before), _text(after), change)


def _exact(value: object) -> bool:
    return isinstance(value, int | Decimal)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
