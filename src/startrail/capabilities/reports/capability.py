"""Reports in a run: delivered once for every version of what they show, and once a day when they have a deadline."""

from __future__ import annotations

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.capabilities.reports.deadline import day_of
from startrail.capabilities.reports.deliver import deliver
from startrail.capabilities.reports.query import report_sql
from startrail.flow.capability import Phase
from startrail.flow.lease import LEASE_SECONDS
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.flow.workspace import table_version
from startrail.ledger.canonical import canonical_json
from startrail.model.report import Report
from startrail.model.step import Step, StepOutput
from startrail.model.table import WHOLE, TableName
from startrail.ports.memory import Memory
from startrail.ports.warehouse import Query

_CACHE = "report-tables-1"


class Reports:
    """The capability; one object per run."""

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "deliver":
            return []
        due: list[tuple[Report, Step, tuple[str, ...]]] = []
        for report in session.project.reports.values():
            tables = tables_of(report, session.ports.ledger)
            # The session's failures include the tables that a hold keeps back: a report never mixes old and new.
            ready = all(session.workspace.exists(table) for table in tables) and not _behind_failure(tables, session)
            if report.name in session.selection and ready:
                due.append((report, _step(report, tables, session), tables))
        known = session.ports.ledger.steps([step.key for _, step, _ in due])
        done = {key for key, record in known.items() if record.state == "published"}  # a failed one is tried again
        session.skipped += len(done)
        return [_task(report, step, tables, session) for report, step, tables in due if step.key not in done]


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


def _step(report: Report, tables: tuple[str, ...], session: Session) -> Step:
    code = fingerprint(canonical_json(msgspec.structs.replace(report, span=Span(""))))
    inputs = fingerprint([f"{table}={table_version(session.workspace.versions.get(table, {}))}" for table in tables])
    daily = report.deadline is not None or "{date}" in (report.file or "{date}")
    partition = day_of(report, session.ports.clock.now()).isoformat() if daily else WHOLE
    return Step("deliver", report.name, partition, code, inputs)


def _task(report: Report, step: Step, tables: tuple[str, ...], session: Session) -> Task:
    def work() -> StepOutput:
        ports = session.ports
        query = Query(report_sql(report), session.workspace.relations(*tables))
        model = session.project.models.get(report.model or "")
        output, event = deliver(
            report,
            query,
            warehouse=ports.warehouse(),
            writer=ports.writer(report),
            destination=ports.destination(report),
            clock=ports.clock,
            run=session.run,
            snapshots=_snapshots(tables, session),
            columns=model.columns if model is not None else {},
            confirm=lambda: ports.ledger.renew(session.lease, LEASE_SECONDS, ports.wall.now()),
        )
        session.emit_with(step, event)
        return output

    return Task(step, work, report.name)


def _snapshots(tables: tuple[str, ...], session: Session) -> dict[str, str]:
    states = {table: session.workspace.state(table) for table in tables if TableName.parse(table) in session.workspace.pointers}
    return {table: str(state.snapshot) for table, state in states.items() if state is not None}
