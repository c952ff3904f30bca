"""A session on fakes: nothing but the ledger, the store and the clock is there."""

from __future__ import annotations

from typing import Any

import pytest

from startrail.flow.events import Event
from startrail.flow.select import Selection
from startrail.flow.session import Ports, Session
from startrail.flow.workspace import Workspace
from startrail.model.profile import Limits, Profile
from startrail.model.project import Project
from startrail.model.run import Run
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger
from startrail.testing.store import MemoryStore


@pytest.fixture
def told() -> list[Event]:
    """Events that were shown."""
    return []


@pytest.fixture
def session(told: list[Event]) -> Session:
    def nothing(*_args: object) -> Any:
        raise AssertionError("no adapter is needed here")

    clock, ledger = ManualClock(), memory_ledger()
    ports = Ports(ledger, MemoryStore(), clock, clock, nothing, nothing, nothing, nothing, nothing, nothing)
    lease = ledger.acquire("runner", "me", 30, clock.now())
    assert lease is not None
    ledger.start_run(Run("r1", clock.now()), lease)
    profile = Profile(limits=Limits(parallel=2, retries=2))
    project = Project("p", "/", {}, {}, {}, {}, {}, {})
    return Session(project, profile, ports, Workspace(ledger, nothing), Selection(), lease, "r1", told.append)
