"""Tasks: steps with the work that does them, run in parallel as far as their order allows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from startrail.base.crash import crash_point
from startrail.base.errors import StartrailError
from startrail.flow.events import StepBlocked, StepFailed, StepFinished, StepRetried, StepStarted
from startrail.flow.order import Order
from startrail.flow.session import Session, to_facts
from startrail.model.step import Step, StepOutput, StepRecord, StepState

_BACKOFF_SECONDS = (0.5, 2.0, 8.0, 30.0)


@dataclass(frozen=True)
class Task:
    """One step to do. ``after`` holds the keys of tasks that must be done before it, in the same phase.

    ``owner`` is the source, model or report it belongs to. ``record`` False: the step leaves no record of its own.
    """

    step: Step
    work: Callable[[], StepOutput]
    owner: str
    after: frozenset[str] = frozenset()
    record: bool = True
    reason: str = ""


@dataclass
class Outcome:
    """What became of the tasks of a phase: keys of each kind, and the errors by owner."""

    done: dict[str, StepOutput] = field(default_factory=dict)
    failed: dict[str, StartrailError] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    """Check steps that are done and found something of severity error."""
    blocked: set[str] = field(default_factory=set)

    def stops(self, key: str) -> bool:
        """True when nothing may be built on this step."""
        return key in self.failed or key in self.rejected or key in self.blocked


def execute(tasks: list[Task], session: Session) -> Outcome:
    """Run all tasks; a failed one blocks only what comes after it.

    A defect (an exception that is not a StartrailError) is raised once the running tasks have ended.
    """
    outcome = Outcome()
    known = {task.step.key: task for task in tasks}
    order = Order({key: task.after for key, task in known.items()})
    running: dict[Future[StepOutput], Task] = {}
    parallel = max(1, session.profile.limits.parallel)
    with ThreadPoolExecutor(parallel, thread_name_prefix="step") as pool:
        while order.ready or running:
            while order.ready and len(running) < parallel:
                task = known[order.ready.popleft()]
                running[pool.submit(_do, task, session)] = task
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                task = running.pop(future)
                _settle(task, future, outcome, session)
                if outcome.stops(task.step.key):
                    for key in order.failed(task.step.key):
                        _block(known[key], outcome, session)
                else:
                    order.ended(task.step.key)
    return outcome


def _block(task: Task, outcome: Outcome, session: Session) -> None:
    outcome.blocked.add(task.step.key)
    session.failed.add(task.owner)
    session.emit(StepBlocked(subject=task.step.subject, kind=task.step.kind, partition=task.step.partition))


def _settle(task: Task, future: Future[StepOutput], outcome: Outcome, session: Session) -> None:
    step = task.step
    try:
        output = future.result()
        outcome.done[step.key] = output
        if _state(step, output) == "failed":
            outcome.rejected.add(step.key)
            session.failed.add(task.owner)
    except StartrailError as error:
        outcome.failed[step.key] = error
        session.failed.add(task.owner)
        session.emit(StepFailed(subject=step.subject, kind=step.kind, partition=step.partition, error=str(error)))


def _do(task: Task, session: Session) -> StepOutput:
    """One task with its retries; runs in a worker thread."""
    step, clock = task.step, session.ports.clock
    session.emit(StepStarted(subject=step.subject, kind=step.kind, partition=step.partition))
    for attempt in range(1, session.profile.limits.retries + 2):
        started = clock.now()
        try:
            _enter(step)
            output = task.work()
            _leave(step)
        except StartrailError as error:
            session.facts_of(step)  # what a failed attempt found does not count
            if error.transient and attempt <= session.profile.limits.retries:
                session.emit(
                    StepRetried(subject=step.subject, kind=step.kind, partition=step.partition, attempt=attempt, error=str(error))
                )
                clock.sleep(_BACKOFF_SECONDS[min(attempt - 1, len(_BACKOFF_SECONDS) - 1)])
                continue
            if task.record:
                record = StepRecord(step.key, step, "failed", session.run, started, clock.now(), attempt, None, str(error))
                session.ports.ledger.record_step(record, session.lease)
            raise
        ended = clock.now()
        if task.record:
            record = StepRecord(step.key, step, _state(step, output), session.run, started, ended, attempt, output)
            rows = None if output.view is not None else output.rows
            seconds = (ended - started).total_seconds()
            finished = StepFinished(subject=step.subject, kind=step.kind, partition=step.partition, rows=rows, seconds=seconds)
            session.ports.ledger.record_step(record, session.lease, (*session.facts_of(step), *to_facts(finished)))
            crash_point("after delivery recorded" if step.kind in ("send", "deliver") else "after step recorded")
            session.show(finished)
        return output
    raise AssertionError("unreachable: the last attempt returns or raises")


def _state(step: Step, output: StepOutput) -> StepState:
    if step.kind in ("send", "deliver", "measure"):
        return "published"
    if output.held is not None:
        return "held"
    if any(not check.passed and check.severity == "error" for check in output.checks):
        return "failed"
    return "staged"


def _enter(step: Step) -> None:
    if step.kind in ("load", "build"):
        crash_point("before stage")
    elif step.kind in ("check", "bridge"):
        crash_point("before check")


def _leave(step: Step) -> None:
    if step.kind in ("load", "build"):
        crash_point("after stage")
    elif step.kind in ("check", "bridge"):
        crash_point("after check")
