"""Tasks: order, blocking behind a failure, retries of what may pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from startrail.base.errors import ModelError, SourceError, StartrailError
from startrail.flow.events import Event, StepBlocked, StepFailed, StepRetried
from startrail.flow.session import Session
from startrail.flow.tasks import Task, execute
from startrail.model.step import CheckResult, Step, StepOutput


class Broken(ModelError):
    """Broken for good."""


class Passing(SourceError):
    """Broken for a while."""

    transient = True


def task(name: str, work: Callable[[], StepOutput] = StepOutput, after: tuple[Task, ...] = ()) -> Task:
    return Task(Step("build", name), work, name, frozenset(each.step.key for each in after))


def fails(error: StartrailError) -> Callable[[], StepOutput]:
    def work() -> StepOutput:
        raise error

    return work


def test_a_task_runs_after_those_it_depends_on(session: Session) -> None:
    order: list[str] = []

    def noting(name: str) -> Callable[[], StepOutput]:
        def work() -> StepOutput:
            order.append(name)
            return StepOutput()

        return work

    first = task("a", noting("a"))
    second = task("b", noting("b"), (first,))
    third = task("c", noting("c"), (second,))
    assert len(execute([third, second, first], session).done) == 3
    assert order == ["a", "b", "c"]


def test_a_failure_blocks_only_what_depends_on_it(session: Session, told: list[Event]) -> None:
    bad = task("bad", fails(Broken("no")))
    child = task("child", after=(bad,))
    grandchild = task("grandchild", after=(child,))
    other = task("other")
    outcome = execute([grandchild, child, bad, other], session)
    assert set(outcome.done) == {other.step.key}
    assert session.failed == {"bad", "child", "grandchild"}
    assert {event.subject for event in told if isinstance(event, StepBlocked)} == {"child", "grandchild"}
    assert [event.error for event in told if isinstance(event, StepFailed)] == ["no"]
    assert session.ports.ledger.steps([bad.step.key])[bad.step.key].state == "failed"


def test_a_failed_check_blocks_what_reads_the_model(session: Session) -> None:
    output = StepOutput(checks=(CheckResult("unique(id)", "error", passed=False, failing=3),))
    check = Task(Step("check", "m"), lambda: output, "m")
    reader = task("reader", after=(check,))
    outcome = execute([check, reader], session)
    assert outcome.rejected == {check.step.key}
    assert outcome.blocked == {reader.step.key}


def test_a_warning_blocks_nothing(session: Session) -> None:
    output = StepOutput(checks=(CheckResult("unique(id)", "warn", passed=False, failing=3),))
    check = Task(Step("check", "m"), lambda: output, "m")
    reader = task("reader", after=(check,))
    assert reader.step.key in execute([check, reader], session).done


def test_what_may_pass_is_tried_again_and_then_done(session: Session, told: list[Event]) -> None:
    left = [Passing("not now"), Passing("not yet")]

    def work() -> StepOutput:
        if left:
            raise left.pop()
        return StepOutput(rows=7)

    tried = task("flaky", work)
    outcome = execute([tried], session)
    assert outcome.done[tried.step.key].rows == 7
    assert sum(isinstance(event, StepRetried) for event in told) == 2
    assert session.ports.ledger.steps([tried.step.key])[tried.step.key].attempts == 3


def test_retries_end(session: Session) -> None:
    never = task("never", fails(Passing("never")))
    assert never.step.key in execute([never], session).failed


def test_a_lasting_error_is_not_tried_again(session: Session, told: list[Event]) -> None:
    execute([task("bad", fails(Broken("no")))], session)
    assert not any(isinstance(event, StepRetried) for event in told)


def test_a_defect_is_raised_and_not_hidden(session: Session) -> None:
    def defect() -> StepOutput:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        execute([task("defect", defect)], session)
