"""Reports in a run: delivered once for every version of what they show, and once a day when they have a deadline."""

from __future__ import annotations

import msgspec

from startrail.base.ids import fingerprint
from startrail.capabilities.reports.bringing import Due, due_of, tasks_of
from startrail.capabilities.reports.query import report_sql
from startrail.flow.capability import Phase
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.model.report import Report
from startrail.ports.memory import Memory

_CACHE = "report-tables-1"


class Reports:
    """The capability; one object per run."""

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "deliver":
            return []
        due: list[Due] = []
        for report in session.project.reports.values():
            tables = tables_of(report, session.ports.ledger)
            # The session's failures include the tables that a hold keeps back: a report never mixes old and new.
            ready = all(session.workspace.exists(table) for table in tables) and not _behind_failure(tables, session)
            if report.name in session.selection and ready:
                due.append(due_of(report, tables, session))
        known = session.ports.ledger.steps([step.key for each in due for step in each.steps])
        done = {key: record for key, record in known.items() if record.state == "published"}  # a failed one is tried again
        session.skipped += len(done)
        return [task for each in due for task in tasks_of(each, done, session)]


def tables_of(report: Report, ledger: Memory) -> tuple[str, ...]:
    """The tables that a report reads; a query's are parsed once and cached."""
    if report.model is not None:
        return (report.model,)
    sql = report_sql(report)
    key = fingerprint(sql)
    known = ledger.cached(_CACHE, [key])
    if key in known:
        return tuple(msgspec.json.decode(known[key], type=list[str]))
    from startrail.lineage.analyse import analyse  # imports the parser, which an unchanged project never needs

    tables = analyse(sql, path=report.span.file, first_line=report.span.line).reads
    ledger.cache(_CACHE, {key: msgspec.json.encode(tables)})
    return tables


def _behind_failure(tables: tuple[str, ...], session: Session) -> bool:
    """True when a table of the report failed or was held in this run; what is made from those has failed with them."""
    loads = {source.into: source.name for source in session.project.sources.values()}
    return any(table in session.failed or loads.get(table) in session.failed for table in tables)
