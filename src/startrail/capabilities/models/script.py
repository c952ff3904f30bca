"""Scripts: existing SQL of several statements, run on scratch tables; what it leaves is staged like any table."""

from __future__ import annotations

import secrets

from startrail.base.errors import ModelError
from startrail.capabilities.models.build import parameters
from startrail.flow.session import Session
from startrail.model.analysis import Analysis
from startrail.model.model import Model
from startrail.model.step import Step, StepOutput
from startrail.model.table import TableChange, TableName, TableSchema
from startrail.ports.warehouse import Script, Target


class WritesNothing(ModelError):
    """A script leaves no table.

    Let it create or fill a table under ``namespace.name`` (a table without namespace is scratch), or declare ``writes``.
    """

    code = "ST445"


def build_script(model: Model, analysis: Analysis, step: Step, session: Session) -> StepOutput:
    """Run the script over the run's view of its inputs, and stage each table it leaves as a whole."""
    creates = analysis.writes
    if not creates:
        raise WritesNothing(
            f"script '{model.name}' leaves no table",
            at=model.span,
            hint="create a table as namespace.name, or declare 'writes' in the header",
        )
    work = session.workspace
    own = tuple(name for name in analysis.reads_own if work.exists(name))
    script = Script(
        model.sql,
        work.relations(*analysis.reads, *own),
        creates,
        parameters(model, step, session),
        model.path,
        model.sql_line,
    )
    name = f"{step.key}-{secrets.token_hex(3)}"

    def target(table: str, described: TableSchema) -> Target:
        parsed = TableName.parse(table)
        return Target(work.schema(table, described), f"tables/{parsed.namespace}/{parsed.name}/data", name, step.partition)

    staged = session.ports.warehouse().run_script(script, target)
    changes = tuple(
        TableChange(TableName.parse(table), result.schema, result.files, None, (step.key,)) for table, result in staged.items()
    )
    return StepOutput(changes=changes, rows=sum(file.rows for change in changes for file in change.files))
