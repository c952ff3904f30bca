"""The name under which a report is delivered: one plain name, never a path."""

from __future__ import annotations

from datetime import date

from startrail.base.text import printable
from startrail.capabilities.reports.errors import BadReportFile
from startrail.model.report import Report

_EXTENSIONS = {"csv": "csv", "parquet": "parquet", "xlsx": "xlsx", "html": "html"}
_LONGEST = 200
"""In bytes; file systems end at 255, and the hidden name of a half-written file is longer than the final one."""


def file_name(report: Report, day: date) -> str:
    """The report's file name on a day. Raises BadReportFile."""
    own = report.name.rpartition("/")[2]
    pattern = report.file if report.file is not None else f"{own}_{{date}}.{_EXTENSIONS[report.format]}"
    name = pattern.replace("{date}", day.isoformat())
    problem = _problem(name)
    if problem:
        raise BadReportFile(
            f"report '{report.name}' cannot be delivered as '{printable(name)}': {problem}",
            at=report.span,
            affects=f"report '{report.name}'",
            hint=f"write it as file: {own}_{{date}}.{_EXTENSIONS[report.format]}",
        )
    return name


def _problem(name: str) -> str | None:
    if not name.strip() or name in (".", ".."):
        return "it is no name"
    if "/" in name or "\\" in name:
        return "it is a path; the folder belongs into 'destination'"
    if name.startswith("."):
        return "it would be hidden"
    if "{" in name or "}" in name:
        return "only {date} is known between braces"
    if not name.isprintable():
        return "it holds characters that do not print"
    if len(name.encode(errors="replace")) > _LONGEST:
        return f"it is longer than {_LONGEST} bytes"
    return None
