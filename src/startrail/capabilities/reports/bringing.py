"""The steps of delivering a report: one per place, and of several places one more, which ends when all that count are done.

A report of one place is one step of kind ``deliver``. Of several, each place is a step of kind ``send`` that is done, fails
and is tried again by itself, and the step ``deliver`` after them says that the report is where it must be.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.span import Span
from startrail.capabilities.reports.deadline import day_of
from startrail.capabilities.reports.deliver import Making, bring, delivered
from startrail.capabilities.reports.query import report_sql
from startrail.flow.events import Sent
from startrail.flow.lease import LEASE_SECONDS
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.flow.workspace import table_version
from startrail.ledger.canonical import canonical_json
from startrail.model.destination import Place
from startrail.model.report import Report
from startrail.model.step import Step, StepOutput, StepRecord
from startrail.model.table import WHOLE, TableName
from startrail.ports.report import Parcel
from startrail.ports.warehouse import Query

_MOST_PATHS = 3


class Due(msgspec.Struct, frozen=True):
    """A report that a run has to see to. ``sends`` is empty when there is one place, which ``step`` itself serves."""

    report: Report
    tables: tuple[str, ...]
    step: Step
    sends: tuple[tuple[Place, Step], ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*(step for _, step in self.sends), self.step)


def due_of(report: Report, tables: tuple[str, ...], session: Session) -> Due:
    """The steps of a report, as its declaration, its tables and the day are now."""
    inputs = fingerprint([f"{table}={table_version(session.workspace.versions.get(table, {}))}" for table in tables])
    daily = report.deadline is not None or "{date}" in (report.file or "{date}")
    partition = day_of(report, session.ports.clock.now()).isoformat() if daily else WHOLE
    places = report.places()

    def code(place: Place) -> str:
        return fingerprint(_itself(report), canonical_json(place.what()))

    if len(places) == 1:
        return Due(report, tables, Step("deliver", report.name, partition, code(places[0]), inputs))
    named = "" if partition == WHOLE else f"{partition} "
    sends = tuple((place, Step("send", report.name, named + place.label, code(place), inputs)) for place in places)
    counting = fingerprint([step.key for place, step in sends if place.destination.counts])
    return Due(report, tables, Step("deliver", report.name, partition, counting, inputs), sends)


def tasks_of(due: Due, done: Mapping[str, StepRecord], session: Session) -> list[Task]:
    """What is left to do of it; ``done`` has the steps that are."""
    making = _making(due, session)
    if not due.sends:
        [place] = due.report.places()
        return [] if due.step.key in done else [_only(due, place, making, session)]
    outputs = {key: record.output for key, record in done.items() if record.output is not None}
    left = [(place, step) for place, step in due.sends if step.key not in done]
    tasks = [_send(due, place, step, making, outputs, session) for place, step in left]
    if due.step.key in done:
        return tasks
    after = frozenset(step.key for place, step in left if place.destination.counts)
    return [*tasks, Task(due.step, lambda: _arrived(due, making, outputs, session), due.report.name, after)]


def _making(due: Due, session: Session) -> Making:
    report, tables, ports = due.report, due.tables, session.ports
    model = session.project.models.get(report.model or "")
    return Making(
        report,
        Query(report_sql(report), session.workspace.relations(*tables)),
        warehouse=ports.warehouse,
        writer=lambda: ports.writer(report),
        clock=ports.clock,
        run=session.run,
        snapshots=_snapshots(tables, session),
        columns=model.columns if model is not None else {},
        keep=bool(due.sends),
    )


def _only(due: Due, place: Place, making: Making, session: Session) -> Task:
    def work() -> StepOutput:
        output = _brought(due, place, due.step, making, session)
        session.emit_with(due.step, delivered(making, output.report or "", output.rows, session.ports.clock))
        return output

    return Task(due.step, work, due.report.name)


def _send(due: Due, place: Place, step: Step, making: Making, outputs: dict[str, StepOutput], session: Session) -> Task:
    def work() -> StepOutput:
        output = _brought(due, place, step, making, session)
        outputs[step.key] = output
        name = due.report.name
        session.emit_with(step, Sent(subject=name, report=name, place=place.label, path=output.report or "", rows=output.rows))
        return output

    return Task(step, work, due.report.name)


def _brought(due: Due, place: Place, step: Step, making: Making, session: Session) -> StepOutput:
    ports = session.ports
    # Of the same rows for several recipients, one key: to a mail program it is one message.
    day, alike = step.partition.removesuffix(place.label), canonical_json(Place(place.destination).what())
    key = fingerprint(due.report.name, day, _itself(due.report), alike, step.inputs)
    destination = ports.destination(due.report, place, Parcel(key, making.day, making.made_at))
    return bring(making, destination, lambda: ports.ledger.renew(session.lease, LEASE_SECONDS, ports.wall.now()))


def _itself(report: Report) -> str:
    """The report without its places: another recipient more is no news to those who have it."""
    bare = msgspec.structs.replace(report, span=Span(""), destination=None, destinations=(), recipients=())
    return fingerprint(canonical_json(bare))


def _arrived(due: Due, making: Making, outputs: Mapping[str, StepOutput], session: Session) -> StepOutput:
    """The report is at every place that counts."""
    found = [outputs[step.key] for place, step in due.sends if place.destination.counts]
    paths = [output.report or "" for output in found]
    more = len(paths) - _MOST_PATHS
    path = ", ".join(paths[:_MOST_PATHS]) + (f" and {more} more" if more > 0 else "")
    session.emit_with(due.step, delivered(making, path, found[0].rows, session.ports.clock))
    return StepOutput(rows=found[0].rows, report=path, note=found[0].note)


def _snapshots(tables: tuple[str, ...], session: Session) -> dict[str, str]:
    states = {table: session.workspace.state(table) for table in tables if TableName.parse(table) in session.workspace.pointers}
    return {table: str(state.snapshot) for table, state in states.items() if state is not None}
