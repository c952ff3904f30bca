"""The SQL of a report: always ordered to the last row, so that equal data makes equal files."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from startrail.base.text import did_you_mean
from startrail.capabilities.reports.errors import UnknownReportColumn
from startrail.model.report import Report
from startrail.model.table import TableName, TableSchema
from startrail.ports.warehouse import Query


def report_sql(report: Report) -> str:
    """What the report shows, before ordering: its query, or all of its model."""
    if report.query is not None:
        return report.query.rstrip().rstrip(";")
    table = TableName.parse(report.model or "")
    return f"select * from {_quoted(table.namespace)}.{_quoted(table.name)}"


def ordered(query: Query, report: Report, schema: TableSchema) -> Query:
    """The query with its rows in one definite order: by ``order_by``, then by every other column.

    An entry of ``order_by`` is a column, or a column and ``desc``. Nulls come last. Raises UnknownReportColumn.
    """
    terms: dict[str, str] = {}
    for entry in report.order_by:
        name, direction = _term(entry)
        require_column(report, name, schema.names(), "orders by")
        terms.setdefault(name, direction)
    for name in schema.names():
        terms.setdefault(name, "asc")
    order = ", ".join(f"{_quoted(name)} {direction} nulls last" for name, direction in terms.items())
    # A line of its own for the inner text, which may end in a comment.
    return msgspec.structs.replace(query, sql=f"select * from (\n{query.sql}\n) as report order by {order}")


def require_column(report: Report, name: str, known: Iterable[str], does: str) -> None:
    """Raise UnknownReportColumn unless the rows have the column."""
    names = tuple(known)
    if name not in names:
        raise UnknownReportColumn(
            f"report '{report.name}' {does} column '{name}', which its rows do not have",
            at=report.span,
            affects=f"report '{report.name}'",
            hint=did_you_mean(name, names),
        )


def _term(entry: str) -> tuple[str, str]:
    name, _, direction = entry.strip().rpartition(" ")
    if name and direction.lower() in ("asc", "desc"):
        return name.strip(), direction.lower()
    return entry.strip(), "asc"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
