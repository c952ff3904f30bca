"""Delivering one report: query, write, show in one stroke, and say how long before its deadline."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from startrail.base.crash import crash_point
from startrail.base.time import to_text
from startrail.capabilities.reports.deadline import day_of, deadline_of, minutes_early, zone_of
from startrail.capabilities.reports.errors import UnknownReportColumn
from startrail.capabilities.reports.filename import file_name
from startrail.capabilities.reports.query import ordered, require_column
from startrail.flow.events import Delivered
from startrail.model.model import ModelColumn
from startrail.model.report import Report
from startrail.model.step import StepOutput
from startrail.model.table import TableSchema
from startrail.model.types import DataType, Decimal, Primitive
from startrail.ports.clock import Clock
from startrail.ports.report import About, Destination, ReportColumn, Writer
from startrail.ports.warehouse import Query, Warehouse


def deliver(
    report: Report,
    query: Query,
    *,
    warehouse: Warehouse,
    writer: Writer,
    destination: Destination,
    clock: Clock,
    run: str,
    snapshots: Mapping[str, str] | None = None,
    columns: Mapping[str, ModelColumn] | None = None,
    confirm: Callable[[], object] = lambda: None,
) -> tuple[StepOutput, Delivered]:
    """Write the rows of ``query`` (``report_sql(report)`` over the published tables) and deliver the file.

    Doing it again replaces the file by an equal one. ``snapshots`` and ``columns`` (the promises of the model's
    header) are shown where the format has room. ``confirm`` is called when the file is written and not yet shown, and
    stops the delivery by raising. The output's ``note`` holds the file's ``sha256`` and ``bytes``.
    Raises ReportError, and what the warehouse raises.
    """
    crash_point("before delivery")
    made_at = clock.now()
    name = file_name(report, day_of(report, made_at))
    schema = warehouse.describe(query)
    _require_chart(report, schema)
    due_at = deadline_of(report, made_at)
    about = About(
        title=report.title or report.name,
        columns=_columns(schema, columns or {}),
        made_at=made_at,
        day=day_of(report, made_at),
        run=run,
        timezone=zone_of(report).key,
        due=due_at,
        description=report.description,
        owner=report.owner,
        chart=report.chart,
        snapshots=dict(snapshots or {}),
    )
    rows, note = 0, {}

    def write(path: Path) -> None:
        nonlocal rows, note
        rows = writer.write(staged, about, path)
        note = {"sha256": _sha256(path), "bytes": str(path.stat().st_size)}
        confirm()

    with tempfile.TemporaryDirectory(prefix="startrail-report-") as folder:
        staged = Path(folder) / "rows.parquet"
        warehouse.export(ordered(query, report, schema), staged, "parquet")
        path = destination.deliver(name, write)
    crash_point("after delivery written")
    event = Delivered(
        subject=report.name,
        report=report.name,
        path=path,
        rows=rows,
        minutes_early=None if due_at is None else minutes_early(due_at, clock.now()),
        deadline=None if due_at is None else to_text(due_at),
    )
    return StepOutput(rows=rows, report=path, note=note), event


def _columns(schema: TableSchema, promised: Mapping[str, ModelColumn]) -> tuple[ReportColumn, ...]:
    return tuple(
        ReportColumn(column.name, column.type, found.unit, found.description or column.doc)
        for column in schema.columns
        for found in (promised.get(column.name, ModelColumn()),)
    )


def _require_chart(report: Report, schema: TableSchema) -> None:
    chart = report.chart
    if chart is None:
        return
    for name in (chart.x, chart.y, chart.series):
        if name is not None:
            require_column(report, name, schema.names(), "draws")
    column = schema.column(chart.y)
    if column is not None and not _is_number(column.type):
        raise UnknownReportColumn(
            f"report '{report.name}' draws '{chart.y}', which is {column.type} and not a number",
            at=report.span,
            affects=f"report '{report.name}'",
            hint="take a column of numbers as 'y' of the chart",
        )


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, Decimal) or (isinstance(kind, Primitive) and kind.name in ("int", "long", "float", "double"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
