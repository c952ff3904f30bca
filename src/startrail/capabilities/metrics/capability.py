"""Metrics in a run: those that are recorded get a value for every version of what they read, as a fact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from startrail.base.errors import ModelError
from startrail.base.ids import fingerprint
from startrail.base.time import zone
from startrail.capabilities.metrics.definition import Definition, definition, definitions
from startrail.capabilities.metrics.period import Period, period_around
from startrail.flow.capability import Phase, Planned
from startrail.flow.events import MetricValued
from startrail.flow.session import Session
from startrail.flow.tasks import Task
from startrail.flow.workspace import behind, table_version
from startrail.model.metric import Metric
from startrail.model.project import Project
from startrail.model.step import Step, StepOutput
from startrail.ports.ledger import Ledger

if TYPE_CHECKING:  # it brings the parser, which a run with nothing new never needs
    from startrail.capabilities.metrics.value import Answer


class Metrics:
    """The capability; one object per run."""

    def tasks(self, phase: Phase, session: Session) -> list[Task]:
        if phase != "deliver":
            return []
        wanted = [metric for metric in session.project.metrics.values() if recorded(metric) and metric.name in session.selection]
        if not wanted:
            return []
        due: list[tuple[Metric, Period, Step]] = []
        for metric in wanted:
            for period in periods(metric, session.ports.clock.now()):
                try:
                    step = _step_or_none(metric, period, session)
                except ModelError as error:  # the step fails with it, and nothing else does
                    step = Step("measure", metric.name, period.name, fingerprint(str(error)))
                if step is not None:
                    due.append((metric, period, step))
        known = session.ports.ledger.steps([step.key for _, _, step in due])
        done = {key for key, record in known.items() if record.state == "published"}
        session.skipped += len(done)
        return [_task(metric, period, step, session) for metric, period, step in due if step.key not in done]


def plan_metrics(project: Project, ledger: Ledger, now: datetime) -> list[Planned]:
    """Values that a run would record now; reads only. What a run builds first may make it more."""
    wanted = [metric for metric in project.metrics.values() if recorded(metric)]
    if not wanted:
        return []
    visible, found = ledger.visible(), definitions(wanted, ledger)
    versions = visible.versions
    views = {name: record.output.reads for name, record in visible.views.items() if record.output is not None}
    planned: list[Planned] = []
    for metric in wanted:
        known = found[metric.name]
        if not all(table in versions for table in known.reads):
            continue
        tables = behind(known.reads, views)
        steps = [_step(metric, period, known, tables, versions) for period in periods(metric, now)]
        done = {key for key, record in ledger.steps([step.key for step in steps]).items() if record.state == "published"}
        newest = ledger.history(kind="measure", subject=metric.name, limit=1)
        edited = bool(newest) and newest[0].step.code != known.version
        for step in steps:
            if step.key not in done:
                if edited:
                    planned.append(Planned(step, "changed", "the metric was edited since"))
                elif newest:
                    planned.append(Planned(step, "stale", "not recorded for the data as it is now"))
                else:
                    planned.append(Planned(step, "missing", "never recorded"))
    return planned


def recorded(metric: Metric) -> bool:
    """Whether runs record the metric's value."""
    return metric.record is not None or bool(metric.bridges)


def periods(metric: Metric, now: datetime) -> Iterator[Period]:
    """The last whole period and the running one, in the metric's zone."""
    time = metric.agg_time_dimension
    today = now.astimezone(zone(time.timezone if time is not None else "UTC")).date()
    grain: Literal["day", "week", "month"] = metric.record or "month"
    running = period_around(today, grain)
    yield period_around(running.first - timedelta(days=1), grain)
    yield running


def _step_or_none(metric: Metric, period: Period, session: Session) -> Step | None:
    """None while a table is not there, or failed or is held in this run: a value never mixes old and new."""
    found = definitions([metric], session.ports.ledger)[metric.name]
    loads = {source.into: source.name for source in session.project.sources.values()}
    tables = session.workspace.behind(*found.reads)
    ready = all(session.workspace.exists(table) for table in found.reads)
    if not ready or any(table in session.failed or loads.get(table) in session.failed for table in tables):
        return None
    return _step(metric, period, found, tables, session.workspace.versions)


def _step(
    metric: Metric, period: Period, found: Definition, tables: tuple[str, ...], versions: dict[str, dict[str, str]]
) -> Step:
    """``tables``: what is read, also behind views; a view's own version is only its text."""
    inputs = fingerprint([f"{table}={table_version(versions.get(table, {}))}" for table in tables])
    return Step("measure", metric.name, period.name, found.version, inputs)


def _task(metric: Metric, period: Period, step: Step, session: Session) -> Task:
    def work() -> StepOutput:
        from startrail.capabilities.metrics.tables import pin
        from startrail.capabilities.metrics.value import evaluate

        pinned = pin(definition(metric).reads, session.workspace)
        event = valued(evaluate(metric, period, (), pinned, session.ports.warehouse()))
        session.emit_with(step, event)
        return StepOutput(rows=event.rows or 0, note={"value": event.value or "", "metric": metric.name})

    return Task(step, work, metric.name)


def valued(answer: Answer) -> MetricValued:
    """The fact of an answer that is not split."""
    (value,) = answer.values
    return MetricValued(
        subject=answer.metric,
        metric=answer.metric,
        period=answer.period.name if answer.period is not None else None,
        timezone=answer.timezone,
        definition=answer.definition,
        value=_text(value.value),
        unit=answer.unit,
        numerator=_text(value.numerator),
        denominator=_text(value.denominator),
        rows=value.rows,
        nulls=value.nulls,
        skipped=value.skipped,
        exact=answer.exact,
        inputs=answer.inputs,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
