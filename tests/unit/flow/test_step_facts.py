"""What a step's work finds out is told when the step is recorded, once."""

from __future__ import annotations

from typing import Any

import pytest

from startrail.base.errors import ModelError, SourceError
from startrail.flow.events import DeliveryHeld, Event
from startrail.flow.select import Selection
from startrail.flow.session import Ports, Session
from startrail.flow.tasks import Task, execute
from startrail.flow.workspace import Workspace
from startrail.model.profile import Limits, Profile
from startrail.model.project import Project
from startrail.model.run import Run
from startrail.model.step import Step, StepOutput
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger
from startrail.testing.store import MemoryStore

STEP = Step("load", "orders", "d1")
HELD = DeliveryHeld(subject="orders", source="orders", delivery="d1", name="a.csv", reason="half a file")


class Passing(SourceError):
    """Broken for a while."""

    transient = True


@pytest.fixture
def shown() -> list[Event]:
    return []


@pytest.fixture
def session(shown: list[Event]) -> Session:
    def nothing(*_args: object) -> Any:
        raise AssertionError("no adapter is needed here")

    clock, ledger = ManualClock(), memory_ledger()
    ports = Ports(ledger, MemoryStore(), clock, clock, nothing, nothing, nothing, nothing, nothing, nothing)
    lease = ledger.acquire("runner", "me", 30, clock.now())
    assert lease is not None
    ledger.start_run(Run("r1", clock.now()), lease)
    profile = Profile(limits=Limits(parallel=2, retries=2))
    project = Project("p", "/", {}, {}, {}, {}, {}, {})
    return Session(project, profile, ports, Workspace(ledger, nothing), Selection(), lease, "r1", shown.append)


def kinds(session: Session) -> list[str]:
    return [fact.kind for fact in session.ports.ledger.facts()]


def test_an_event_of_a_step_is_shown_at_once_and_becomes_a_fact_with_the_record(session: Session, shown: list[Event]) -> None:
    def work() -> StepOutput:
        session.emit_with(STEP, HELD)
        assert HELD in shown
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
