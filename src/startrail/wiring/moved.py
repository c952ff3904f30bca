"""Between a rehearsed contract, which knows the rows that would be refused, and the dictionary, which knows the metrics.

A value is only told where the same way of computing it, with no row left out, gives the published value to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import NamedTuple

import msgspec

from startrail.base.errors import StartrailError
from startrail.capabilities.contracts.rehearse.one import Result
from startrail.capabilities.contracts.rehearse.total import History, MetricMove
from startrail.capabilities.metrics.definition import definition
from startrail.capabilities.metrics.period import Period
from startrail.capabilities.metrics.tables import Pinned, pin
from startrail.capabilities.metrics.value import Answer, evaluate
from startrail.capabilities.models.survey import survey
from startrail.capabilities.models.without import Gone, Without
from startrail.flow.workspace import Workspace
from startrail.lineage.analyse import analyse
from startrail.model.metric import Metric
from startrail.ports.warehouse import Warehouse
from startrail.wiring import Opened

_ADDED_UP = ("sum", "count")
_DAYS = ("date", "timestamp", "timestamptz")


class NotMeasured(Exception):
    """Why a value is not told."""


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
    if (reason := _not_these(without, history)) is not None:
        return tuple(MetricMove(metric.name, not_measured=reason) for metric in metrics)
    tables = _Tables(workspace, warehouse, without)
    days = _days(opened, history, table)
    return tuple(_move(metric, days if _has_time(metric) else None, tables) for metric in metrics)


def _not_these(without: Without, history: History) -> str | None:
    """Why the rows to leave out are not those that were counted, if so: a run may have replaced them since."""
    try:
        rows = without.rows()
    except StartrailError as error:
        return f"{error.message} ({error.code})"
    counted = history.quarantined + history.held
    return None if rows == counted else f"the table has {rows:,} of the {counted:,} rows that would be refused; plan again"


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


class _Tables(NamedTuple):
    workspace: Workspace
    warehouse: Warehouse
    without: Without

    def now(self, metric: Metric, period: Period | None) -> Answer:
        """As published. Raises NotMeasured where computing its tables again gives something else."""
        reads = definition(metric).reads
        published = evaluate(metric, period, (), pin(reads, self.workspace), self.warehouse)
        if not published.exact:
            raise NotMeasured("it is floating point, so a difference may be rounding")
        again = evaluate(metric, period, (), Pinned(self.without.relations(reads, leave_out=False)), self.warehouse)
        if again.values != published.values:
            raise NotMeasured("its tables cannot be computed again as they are published")
        return published

    def then(self, metric: Metric, period: Period | None) -> Answer:
        """Without the rows."""
        relations = self.without.relations(definition(metric).reads, leave_out=True)
        return evaluate(metric, period, (), Pinned(relations), self.warehouse)


def _move(metric: Metric, period: Period | None, tables: _Tables) -> MetricMove:
    name = period.name if period is not None else None
    try:
        found = _difference(tables.now(metric, period), tables.then(metric, period), name)
        if period is None or metric.sql is not None or metric.agg not in _ADDED_UP:
            return found
        ever = _difference(tables.now(metric, None), tables.then(metric, None), None)
    except NotMeasured as error:
        return MetricMove(metric.name, name, not_measured=str(error))
    except StartrailError as error:
        return MetricMove(metric.name, name, not_measured=f"{error.message} ({error.code})")
    beyond = _minus(ever.change, found.change)
    return msgspec.structs.replace(found, beyond=beyond if beyond is not None and Decimal(beyond) else None)


def _has_time(metric: Metric) -> bool:
    if metric.sql is None:
        return metric.agg_time_dimension is not None
    found = analyse(metric.sql, path=metric.span.file, first_line=metric.span.line)
    return bool({"start", "end"} & set(found.parameters))


def _difference(published: Answer, then: Answer, period: str | None) -> MetricMove:
    before, after = published.values[0].value, then.values[0].value
    change = _minus(str(after), str(before)) if _exact(before) and _exact(after) else None
    return MetricMove(published.metric, period, published.unit, _text(before), _text(after), change)


def _minus(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return None
    with localcontext() as context:
        context.prec = 100
        return f"{Decimal(one) - Decimal(other):f}"


def _exact(value: object) -> bool:
    return isinstance(value, int | Decimal)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
