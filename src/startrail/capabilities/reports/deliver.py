"""Delivering one report: query, write once, show at each place in one stroke, and say how long before its deadline."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from threading import RLock
from weakref import finalize

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


class Making:
    """A report's file, made when its first place asks for it, and the same for all others. Safe to share between threads.

    ``snapshots`` and ``columns`` (the promises of the model's header) are shown where the format has room. ``keep``: several
    places will ask, so the file is kept aside until nobody needs this object any more.
    """

    def __init__(
        self,
        report: Report,
        query: Query,
        *,
        warehouse: Callable[[], Warehouse],
        writer: Callable[[], Writer],
        clock: Clock,
        run: str,
        snapshots: Mapping[str, str] | None = None,
        columns: Mapping[str, ModelColumn] | None = None,
        keep: bool = False,
    ) -> None:
        self.report = report
        self.rows, self.note = 0, dict[str, str]()
        self._query, self._warehouse, self._writer, self._clock, self._run = query, warehouse, writer, clock, run
        self._snapshots, self._columns, self._keep = dict(snapshots or {}), columns or {}, keep
        self._kept: Path | None = None
        self._made_at: datetime | None = None
        self._lock = RLock()

    @property
    def made_at(self) -> datetime:
        with self._lock:
            self._made_at = self._made_at or self._clock.now()
            return self._made_at

    @property
    def day(self) -> date:
        return day_of(self.report, self.made_at)

    @property
    def name(self) -> str:
        """Of the file. Raises BadReportFile."""
        return file_name(self.report, self.day)

    def require(self) -> None:
        """Raise UnknownReportColumn, and what the warehouse raises, before anything is touched."""
        with self._lock:
            _require_chart(self.report, self._schema)
            ordered(self._query, self.report, self._schema)

    def write(self, path: Path) -> None:
        """Make the file ``path``."""
        if not self._keep:
            self._make(path)
            return
        with self._lock:
            if self._kept is None:
                folder = Path(tempfile.mkdtemp(prefix="startrail-report-"))
                finalize(self, shutil.rmtree, folder, ignore_errors=True)
                self._make(folder / "kept")
                self._kept = folder / "kept"
        shutil.copyfile(self._kept, path)

    @cached_property
    def _schema(self) -> TableSchema:
        return self._warehouse().describe(self._query)

    def _make(self, path: Path) -> None:
        report = self.report
        about = About(
            title=report.title or report.name,
            columns=_columns(self._schema, self._columns),
            made_at=self.made_at,
            day=self.day,
            run=self._run,
            timezone=zone_of(report).key,
            due=deadline_of(report, self.made_at),
            description=report.description,
            owner=report.owner,
            chart=report.chart,
            snapshots=self._snapshots,
        )
        with tempfile.TemporaryDirectory(prefix="startrail-report-") as folder:
            staged = Path(folder) / "rows.parquet"
            self._warehouse().export(ordered(self._query, report, self._schema), staged, "parquet")
            self.rows = self._writer().write(staged, about, path)
        self.note = {"sha256": _sha256(path), "bytes": str(path.stat().st_size)}


def bring(making: Making, destination: Destination, confirm: Callable[[], object] = lambda: None) -> StepOutput:
    """Deliver the file to one place; doing it again replaces the file by an equal one.

    ``confirm`` is called when the file is written and not yet shown, and stops the delivery by raising. The output's
    ``note`` holds the file's ``sha256`` and ``bytes``. Raises ReportError, and what the warehouse raises.
    """
    crash_point("before delivery")
    making.require()

    def write(path: Path) -> None:
        making.write(path)
        confirm()

    path = destination.deliver(making.name, write)
    crash_point("after delivery written")
    return StepOutput(rows=making.rows, report=path, note=making.note)


def delivered(making: Making, path: str, rows: int, clock: Clock) -> Delivered:
    """The event that the report is where it must be, now."""
    report, now = making.report, clock.now()
    due_at = deadline_of(report, making.made_at)
    return Delivered(
        subject=report.name,
        report=report.name,
        path=path,
        rows=rows,
        minutes_early=None if due_at is None else minutes_early(due_at, now),
        deadline=None if due_at is None else to_text(due_at),
    )


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
