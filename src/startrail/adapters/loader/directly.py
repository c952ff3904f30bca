"""A file with typed columns, from file to file without records."""

from __future__ import annotations

from startrail.adapters.loader.attempt import Attempt, Staged
from startrail.adapters.loader.parquet.direct import direct


def directly(attempt: Attempt) -> Staged:
    """What the conditions keep out is left over for the judge. Raises NotTaken."""
    plan = direct(attempt.engine, attempt.path, attempt.task, attempt.queries.unique_keys())
    attempt.shaped(plan.shape)
    attempt.rows_in = plan.rows
    attempt.taken = dict.fromkeys(plan.shape.absent, plan.rows)
    for name in plan.shape.unknown if plan.rows else ():
        attempt.aside.keep(name, plan.rows, plan.samples[name])
    attempt.advance(attempt.path.stat().st_size)
    files = attempt.engine.copy(attempt.queries.made(plan.query), "direct", attempt.task.schema)
    return Staged(files, distinct=plan.repeated is not None, wanted=plan.repeated or frozenset())
