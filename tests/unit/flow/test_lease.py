"""One runner at a time, and no waiting for the dead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import datetime

import pytest

from startrail.flow import lease as lease_module
from startrail.flow.errors import RunnerBusy
from startrail.flow.events import Event, Waiting
from startrail.flow.lease import RUNNER, _identity, holding
from startrail.ledger.errors import LedgerBusy
from startrail.model.run import Lease
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger


def test_the_lease_is_given_back_at_the_end() -> None:
    ledger, clock = memory_ledger(), ManualClock()
    with holding(ledger, clock, lambda _event: None, 0) as lease:
        assert ledger.holder(RUNNER) == lease
    with holding(ledger, clock, lambda _event: None, 0) as again:
        assert again.token > lease.token


def test_a_beat_that_a_busy_ledger_misses_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", 0.03)
    ledger, clock, beats = memory_ledger(), ManualClock(), threading.Semaphore(0)

    def busy(lease: Lease, seconds: float, now: datetime) -> Lease:
        beats.release()
        raise LedgerBusy("the ledger is busy")

    monkeypatch.setattr(ledger, "renew", busy)
    with holding(ledger, clock, lambda _event: None, 0):
        assert all(beats.acquire(timeout=60) for _ in range(3))


def test_a_living_runner_is_waited_for_and_then_named_in_the_error() -> None:
    ledger, clock = memory_ledger(), ManualClock()
    told: list[Event] = []
    ledger.acquire(RUNNER, _identity(os.getppid()), 3600, clock.now())
    with pytest.raises(RunnerBusy, match="another runner") as caught, holding(ledger, clock, told.append, 1):
        pass
    assert caught.value.transient
    assert [type(event) for event in told] == [Waiting]


def test_a_dead_runner_is_replaced_at_once() -> None:
    ledger, clock = memory_ledger(), ManualClock()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = _identity(child.pid)
    child.kill()
    child.communicate()
    dead = ledger.acquire(RUNNER, holder, 3600, clock.now())
    assert dead is not None
    with holding(ledger, clock, lambda _event: None, 0) as lease:
        assert lease.token > dead.token


def test_a_runner_of_another_machine_is_only_replaced_when_its_lease_runs_out() -> None:
    ledger, clock = memory_ledger(), ManualClock()
    ledger.acquire(RUNNER, "elsewhere:1/boot/start", 20, clock.now())
    with pytest.raises(RunnerBusy), holding(ledger, clock, lambda _event: None, 5):
        pass
    with holding(ledger, clock, lambda _event: None, 60):
        pass
