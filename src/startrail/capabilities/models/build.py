"""Building one partition of one model: query the run's view of its inputs, stage the rows."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import msgspec

from startrail.base.text import did_you_mean
from startrail.base.time import partition_bounds
from startrail.capabilities.models.errors import MissingColumn, OutsidePartition
from startrail.flow.session import Session
from startrail.model.analysis import Analysis
from startrail.model.model import Model
from startrail.model.step import Step, StepOutput
from startrail.model.table import WHOLE, Relation, TableChange, TableName, TableSchema
from startrail.model.types import parse_type
from startrail.ports.warehouse import Query, Target


def build_view(model: Model, analysis: Analysis, session: Session) -> StepOutput:
    """A view is its text: ask the engine whether it binds, and publish the text."""
    query = Query(model.sql, session.workspace.relations(*analysis.reads), path=model.path, first_line=model.sql_line)
    _require(model, session.ports.warehouse().describe(query))
    return StepOutput(view=model.sql, reads=analysis.reads)


def build_part(model: Model, analysis: Analysis, step: Step, session: Session) -> StepOutput:
    """Stage one partition, or the whole of an unpartitioned table."""
    warehouse, workspace = session.ports.warehouse(), session.workspace
    bound = parameters(model, step, session)
    query = Query(model.sql, workspace.relations(*analysis.reads), bound, model.path, model.sql_line)
    table = TableName.parse(model.name)
    name = f"{step.key}-{secrets.token_hex(3)}"

    def target(described: TableSchema) -> Target:
        schema = workspace.schema(model.name, _require(model, described))
        return Target(schema, f"tables/{table.namespace}/{table.name}/data", name, step.partition)

    staged = warehouse.stage(query, target)
    rows = sum(file.rows for file in staged.files)
    if model.kind == "partition" and staged.files:
        _inside(model, step, Relation(model.name, staged.schema, staged.files), session)
    change = TableChange(table, staged.schema, staged.files, replaces(model, step, session), (step.key,))
    return StepOutput(changes=(change,), rows=rows)


def replaces(model: Model, step: Step, session: Session) -> tuple[str, ...] | None:
    """The part a build replaces; everything when the table was not partitioned this way before."""
    if model.kind != "partition":
        return None
    state = session.workspace.state(model.name)
    if state is not None and any(file.part == WHOLE for file in state.files):
        return None
    return (step.partition,)


def parameters(model: Model, step: Step, session: Session) -> dict[str, Any]:
    """The bound values of ``$start``, ``$end``, ``$partition`` and ``$env``; without partitions, all of time."""
    values: dict[str, Any] = {"env": session.project.name, "partition": step.partition}
    start, end = datetime.min, datetime.max
    if model.kind == "partition":
        start, end = partition_bounds(step.partition, model.partition_grain)
    return values | {"start": start, "end": end}


def _require(model: Model, described: TableSchema) -> TableSchema:
    """The described schema with the header's promises in it. Raises MissingColumn."""
    names = set(described.names())
    named = [*model.columns, *model.grain, *([model.partition_by] if model.partition_by else [])]
    for name in named:
        if name not in names:
            raise MissingColumn(
                f"the header of '{model.name}' names column '{name}', which its SELECT does not produce",
                at=model.span,
                affects=f"model '{model.name}'",
                hint=did_you_mean(name, names),
            )
    columns = []
    for column in described.columns:
        promise = model.columns.get(column.name)
        if promise is not None:
            kind = parse_type(promise.type) if promise.type else column.type
            column = msgspec.structs.replace(column, type=kind, doc=promise.description)
        columns.append(column)
    return TableSchema(tuple(columns))


def _inside(model: Model, step: Step, staged: Relation, session: Session) -> None:
    """Every staged row lies in the partition. Raises OutsidePartition."""
    assert model.partition_by is not None
    start, end = partition_bounds(step.partition, model.partition_grain)
    warehouse = session.ports.warehouse()
    column, table = warehouse.quote(model.partition_by), warehouse.quote(model.name)
    sql = f"select count(*), min({column})::varchar from {table} where ({column} >= $start and {column} < $end) is not true"
    found = warehouse.fetch(Query(sql, (staged,), {"start": start, "end": end}))
    outside, example = found.rows[0]
    if outside:
        raise OutsidePartition(
            f"{outside} rows built for partition {step.partition} of '{model.name}' lie outside it (for example {example})",
            at=model.span,
            affects=f"model '{model.name}' and what reads it",
            hint=f"confine the SELECT: {model.partition_by} >= $start and {model.partition_by} < $end",
        )
