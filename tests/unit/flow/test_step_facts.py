"""What a step's work finds out is told when the step is recorded, once."""

from __future__ import annotations

from startrail.base.errors import ModelError, SourceError
from startrail.flow.events import DeliveryHeld, Event
from startrail.flow.session import Session
from startrail.flow.tasks import Task, execute
from startrail.model.step import Step, StepOutput

STEP = Step("load", "orders", "d1")
HELD = DeliveryHeld(subject="orders", source="orders", delivery="d1", name="a.csv", reason="half a file")


class Passing(SourceError):
    """Broken for a while."""

    transient = True


def kinds(session: Session) -> list[str]:
    return [fact.kind for fact in session.ports.ledger.facts()]


def test_an_event_of_a_step_is_shown_at_once_and_becomes_a_fact_with_the_record(session: Session, told: list[Event]) -> None:
    def work() -> StepOutput:
        session.emit_with(STEP, HELD)
        assert HELD in told
        assert kinds(session) == []
        return StepOutput()

    execute([Task(STEP, work, "orders")], session)
    assert kinds(session) == ["delivery.held", "step.finished"]


def test_attempts_that_failed_are_not_told(session: Session) -> None:
    left = [Passing("not now"), Passing("not yet")]

    def work() -> StepOutput:
        session.emit_with(STEP, HELD)
        if left:
            raise left.pop()
        return StepOutput()

    execute([Task(STEP, work, "orders")], session)
    assert kinds(session).count("delivery.held") == 1


def test_a_step_that_failed_for_good_leaves_only_its_failure(session: Session) -> None:
    def work() -> StepOutput:
        session.emit_with(STEP, HELD)
        raise ModelError("no")

    execute([Task(STEP, work, "orders")], session)
    assert kinds(session) == ["step.failed"]
    assert session.facts_of(STEP) == []
