"""The events themselves: a run or a step begins, and ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from startrail.adapters.openlineage import facets
from startrail.adapters.openlineage.facets import Facet
from startrail.adapters.openlineage.names import Name, Names
from startrail.base.time import to_text
from startrail.lineage.atlas import Atlas
from startrail.lineage.formats import PRODUCER, column_lineage
from startrail.model.project import Project
from startrail.model.step import Step, StepOutput
from startrail.model.table import DataFile

Begins, Ends = Literal["START"], Literal["COMPLETE", "FAIL", "ABORT"]
TOLD = ("load", "build", "check", "bridge", "deliver", "measure")
"""Kinds of steps that are jobs."""

_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_LONGEST_MESSAGE = 10_000


class Thing(msgspec.Struct, frozen=True):
    """A job: what happens again and again."""

    namespace: str
    name: str
    facets: dict[str, Facet] = {}


class Happening(msgspec.Struct, frozen=True, rename="camel"):
    """A run of a job."""

    run_id: str
    facets: dict[str, Facet] = {}


class Dataset(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A table, source or report, as input or output."""

    namespace: str
    name: str
    facets: dict[str, Facet] = {}
    input_facets: dict[str, Facet] = {}
    output_facets: dict[str, Facet] = {}


class RunEvent(msgspec.Struct, frozen=True, rename={"event_type": "eventType", "event_time": "eventTime", "schema": "schemaURL"}):
    """One event of the core model."""

    event_type: Begins | Ends
    event_time: str
    run: Happening
    job: Thing
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()
    producer: str = PRODUCER
    schema: str = _SCHEMA


Reads = Callable[[str, str], tuple[str, ...]]
"""The tables that the step of a kind and subject reads."""


class Teller:
    """Makes the events of one project. ``atlas`` and ``reads`` are asked at the end of steps only."""

    def __init__(self, project: Project, names: Names, atlas: Callable[[], Atlas | None], reads: Reads, dialect: str) -> None:
        self._project, self._names = project, names
        self._atlas, self._reads, self._dialect = atlas, reads, dialect

    def run_begins(self, run: str, at: str) -> RunEvent:
        return self._run("START", run, at)

    def run_ends(self, kind: Ends, run: str, at: datetime, message: str = "") -> RunEvent:
        return self._run(kind, run, to_text(at), message)

    def step_begins(self, run: str, kind: str, subject: str, partition: str, at: datetime) -> RunEvent:
        return self._step("START", run, self._names.step_id(run, kind, subject, partition), (kind, subject), at)

    def step_ends(
        self, how: Ends, run: str, step: Step, at: datetime, output: StepOutput | None = None, message: str = ""
    ) -> RunEvent:
        """``output``: what the step left. Without a message, one is made of it when the step failed."""
        told = message or (_trouble(output) if output is not None and how != "COMPLETE" else "")
        identity = self._names.step_id(run, step.kind, step.subject, step.partition)
        event = self._step(how, run, identity, (step.kind, step.subject), at, told)
        inputs, outputs = self._inputs(step, output), self._outputs(step, output) if output is not None else ()
        return msgspec.structs.replace(event, inputs=inputs, outputs=outputs)

    def cut_short(self, start: RunEvent, how: Ends, at: datetime, message: str) -> RunEvent:
        """The end of what was begun, and left no record of its end."""
        found = {**start.run.facets} | ({"errorMessage": facets.error_message(message)} if message else {})
        happening = msgspec.structs.replace(start.run, facets=found)
        return msgspec.structs.replace(start, event_type=how, event_time=to_text(at), run=happening)

    # -- the two kinds of jobs -------------------------------------------------------------------------
    def _run(self, kind: Begins | Ends, run: str, at: str, message: str = "") -> RunEvent:
        found = {"errorMessage": facets.error_message(message[:_LONGEST_MESSAGE])} if message else {}
        job = Thing(*self._names.run_job(), {"jobType": facets.job_type("RUN")})
        return RunEvent(kind, at, Happening(str(self._names.run_id(run)), found), job)

    def _step(self, how: Begins | Ends, run: str, id: UUID, job: Name, at: datetime, message: str = "") -> RunEvent:
        kind, subject = job
        found = {"parent": facets.parent(self._names.run_id(run), self._names.run_job())}
        if message:
            found["errorMessage"] = facets.error_message(message[:_LONGEST_MESSAGE])
        about = {"jobType": facets.job_type(kind.upper())}
        model = self._project.models.get(subject) if kind == "build" else None
        if model is not None:
            about["sql"] = facets.sql(model.sql, self._dialect)
        return RunEvent(how, to_text(at), Happening(str(id), found), Thing(*self._names.step_job(kind, subject), about))

    # -- datasets --------------------------------------------------------------------------------------
    def _inputs(self, step: Step, output: StepOutput | None) -> tuple[Dataset, ...]:
        if step.kind == "load":
            return (self._loaded(step.subject, output),)
        if step.kind == "check":
            return (self._checked(step.subject, output),)
        if step.kind == "bridge":
            return self._bridged(step.subject, output)
        return tuple(self._dataset(table) for table in self._reads(step.kind, step.subject))

    def _loaded(self, source: str, output: StepOutput | None) -> Dataset:
        found: dict[str, Facet] = {}
        declared = self._project.sources.get(source)
        if output is not None and output.counts is not None:
            found["dataQualityMetrics"] = facets.delivery_metrics(output)
        if output is not None and declared is not None and declared.contract is not None:
            found["dataQualityAssertions"] = facets.contract_assertion(output, declared.contract)
        return self._dataset(f"source:{source}", inputs=found)

    def _checked(self, model: str, output: StepOutput | None) -> Dataset:
        declared = self._project.models.get(model)
        if output is None or not output.checks:
            return self._dataset(model)
        checks = declared.checks if declared is not None else ()
        return self._dataset(model, inputs={"dataQualityAssertions": facets.check_assertions(output.checks, checks)})

    def _bridged(self, metric: str, output: StepOutput | None) -> tuple[Dataset, ...]:
        """The tables of both metrics; what was found is said of the metric's own, the first."""
        found = {"dataQualityAssertions": facets.check_assertions(output.checks, ())} if output is not None else {}
        tables = self._reads("bridge", metric)
        return tuple(self._dataset(table, inputs=found if not place else {}) for place, table in enumerate(tables))

    def _outputs(self, step: Step, output: StepOutput) -> tuple[Dataset, ...]:
        if step.kind == "deliver":
            return (self._dataset(f"report:{step.subject}", outputs=_written(output.rows, ())),)
        if output.view is not None:
            return (self._dataset(step.subject, outputs={}),)
        found = []
        for change in output.changes:
            rows = sum(file.rows for file in change.files)
            made = self._dataset(str(change.table), outputs=_written(rows, change.files))
            found.append(msgspec.structs.replace(made, facets={**made.facets, "schema": facets.schema(change.schema)}))
        return tuple(found)

    def _dataset(self, name: str, *, inputs: dict[str, Facet] | None = None, outputs: dict[str, Facet] | None = None) -> Dataset:
        """With what is known of it: its name in SQL, its columns, and, of an output, where they come from."""
        found: dict[str, Facet] = {}
        link = self._names.symlink(name)
        if link is not None:
            found["symlinks"] = facets.symlinks(link)
        return Dataset(
            *self._names.dataset(name), found | self._drawn(name, lineage=outputs is not None), inputs or {}, outputs or {}
        )

    def _drawn(self, name: str, *, lineage: bool) -> dict[str, Any]:
        atlas = self._atlas()
        found: dict[str, Any] = {}
        if atlas is None:
            return found
        node, table = atlas.nodes.get(name), atlas.tables.get(name)
        if node is not None and node.columns and "*" not in node.columns:
            found["schema"] = facets.schema_of_names(node.columns)
        if lineage and table is not None:
            found["columnLineage"] = column_lineage(table, self._names.dataset)
        return found


def _written(rows: int, files: tuple[DataFile, ...]) -> dict[str, Facet]:
    size, count = (sum(file.size for file in files), len(files)) if files else (None, None)
    return {"outputStatistics": facets.output_statistics(rows, size, count)}


def _trouble(output: StepOutput) -> str:
    failed = [check for check in output.checks if not check.passed and check.severity == "error"]
    return output.held or "; ".join(f"{check.check} {check.message or f'{check.failing} failing'}" for check in failed)
