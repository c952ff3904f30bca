"""One delivery, rehearsed: what it came to, and what it would come to."""

from __future__ import annotations

from datetime import datetime

import msgspec

from startrail.base.errors import StartrailError
from startrail.capabilities.contracts.drift.evolve import settled
from startrail.capabilities.contracts.judge import RecordJudge
from startrail.capabilities.contracts.load import raw_schema, task_of, weighed
from startrail.capabilities.contracts.named import fielded, told_elsewhere
from startrail.capabilities.contracts.quarantine.repair import RepairMender
from startrail.capabilities.contracts.rehearse.part import part_contract
from startrail.capabilities.contracts.suspect import Past
from startrail.model.contract import Contract
from startrail.model.delivery import Counts, Delivery
from startrail.model.drift import DriftKind
from startrail.model.repair import Repairs
from startrail.model.source import Source
from startrail.ports.loader import LoadOutcome, Progress, Redo
from startrail.ports.rehearsal import Before, Compared, Look, Part, RehearsalTask, Rehearsed, Rehearser

_MISSING = ("missing_required", "missing_optional")


class Job(msgspec.Struct, frozen=True):
    """One delivery to rehearse. ``key`` covers everything that its result depends on."""

    key: str
    delivery: Delivery
    source: Source
    contract: Contract
    before: Before
    counts: Counts
    look: Look
    held: str | None = None
    part: Part | None = None
    past: tuple[Past, ...] = ()
    repairs: Repairs | None = None
    discarded: tuple[int, ...] = ()
    taken: tuple[str, ...] = ()
    """Fields of ``contract`` that nobody declared, and that are columns all the same."""
    acknowledged: tuple[tuple[DriftKind, str], ...] = ()
    """Drift that a person lets in."""


class Result(msgspec.Struct, frozen=True):
    """``before`` and ``after``: where the rows are, and where they would be; ``held_after``: why it would be held."""

    delivery: str
    name: str
    landed_at: datetime
    before: Counts
    after: Counts
    held_before: str | None = None
    held_after: str | None = None
    missing: tuple[str, ...] = ()
    """Fields of which no record has a value, or none of those that are loaded."""
    compared: Compared = Compared()
    part: bool = False
    unread: str | None = None
    """Why it could not be read again."""


def rehearse(job: Job, rehearser: Rehearser, progress: Progress) -> Result:
    """Read it again; writes nothing. A delivery whose bytes cannot be had says so in its result."""
    taken, acknowledged = frozenset(job.taken), frozenset(job.acknowledged)
    schema = raw_schema(job.contract)
    task, judge = task_of(job.delivery, job.source, job.contract, schema, _redo(job), taken=taken, acknowledged=acknowledged)
    name_says = fielded(job.contract, job.source, job.delivery)
    if name_says.held is not None:
        return _result(job, Counts(job.counts.rows_in, held=job.counts.rows_in), held_after=name_says.held)
    part = RecordJudge(name_says.contract if job.part is None else part_contract(name_says.contract, job.part))
    try:
        found = rehearser.rehearse(RehearsalTask(task, job.before, job.look, job.part), judge, part, progress)
    except StartrailError as error:
        return _result(job, job.counts, unread=f"{error.code} {error.message}")
    found = msgspec.structs.replace(found, outcome=told_elsewhere(settled(found.outcome, taken), task.named))
    verdict = weighed(found.outcome, job.delivery, job.source, job.contract, job.past, acknowledged)
    held = None if verdict.action == "load" else verdict.reason or "held"
    return _seen(job, found, held)


def _seen(job: Job, found: Rehearsed, held: str | None) -> Result:
    outcome = found.outcome
    missing = {drift.path.removeprefix("$.") for drift in outcome.drift if drift.kind in _MISSING}
    missing |= {
        broken.path.removeprefix("$.")
        for broken in found.compared.rules
        if broken.rule == "null_in_required" and broken.rows == job.counts.loaded
    }
    after = _counts(outcome, held)
    return _result(job, after, held_after=held, missing=tuple(sorted(missing)), compared=found.compared, part=found.part)


def _counts(outcome: LoadOutcome, held: str | None) -> Counts:
    if held is not None:
        rows = max(outcome.rows_in, 1)
        return Counts(rows_in=rows, held=rows)
    loaded = sum(file.rows for file in outcome.files)
    return Counts(outcome.rows_in, loaded, 0 if outcome.rejected is None else outcome.rejected.rows, 0, outcome.discarded)


def _result(job: Job, after: Counts, **more: object) -> Result:
    delivery = job.delivery
    return Result(delivery.id, delivery.name, delivery.landed_at, job.counts, after, job.held, **more)  # type: ignore[arg-type]


def _redo(job: Job) -> Redo | None:
    if job.repairs is None and not job.discarded:
        return None
    mend = None if job.repairs is None else RepairMender(job.repairs, job.delivery.id)
    return Redo(mend, frozenset(job.discarded))
