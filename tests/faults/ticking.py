"""A process that runs the ticks of a project until none is due, as fast as it can; many of them race."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from startrail.adapters.clock import SystemClock
from startrail.capabilities.schedules.standing import Standing, standing
from startrail.capabilities.schedules.tick import Ticked, tick
from startrail.flow.run import Result, run
from startrail.flow.select import Selection
from startrail.model.schedule import Tick
from startrail.testing.clock import ManualClock
from startrail.wiring import Opened, open_project

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["startrail.capabilities.schedules.tick", "startrail.wiring.ports", "cronsim"])

START = datetime(2026, 10, 3, 6, 0, 30, tzinfo=UTC)


class Impatient(SystemClock):
    """The real time; whoever waits for another runner looks again soon."""

    def sleep(self, seconds: float) -> None:
        time.sleep(0.05)


def write(root: Path, schedules: dict[str, str], dsn: str | None, schema: str) -> dict[str, str]:
    """A project of nothing but schedules; returns what its processes need in their environment."""
    (root / "schedules").mkdir(parents=True)
    for name, text in schedules.items():
        (root / "schedules" / f"{name}.yml").write_text(text)
    ledger = "" if dsn is None else f'    ledger: {{kind: postgres, dsn: "env:RACE_DSN", schema: "{schema}"}}\n'
    (root / "startrail.yml").write_text("name: race\nprofiles:\n  local:\n    warehouse: {kind: duckdb}\n" + ledger)
    return {} if dsn is None else {"RACE_DSN": dsn}


@contextmanager
def opened(root: Path, at: datetime) -> Iterator[Opened]:
    """The project with a clock that stands still."""
    with open_project(root, "local") as found:
        ports = dataclasses.replace(found.ports, clock=ManualClock(at), wall=Impatient())
        yield dataclasses.replace(found, ports=ports)


def ticking(found: Opened, before_end: Callable[[], None] | None = None, wait: float = 600.0) -> Ticked:
    """Run everything that is due; each run does nothing, or ``before_end``."""

    class Doing:
        def tasks(self, phase: str, session: Any) -> list[Any]:
            if phase == "land" and before_end is not None:
                before_end()
            return []

    def start(each: Standing, due: Tick) -> Result:
        return run(
            found.project, found.profile, found.ports, [Doing()], Selection(), lambda _: None, wait=0.0, tick=due
        )  # fmt: skip

    return tick(standing(found.project), found.ports, start, lambda _: None, wait=wait)


def race(root: Path, at: datetime, workers: int, environment: dict[str, str]) -> list[int]:
    """How many ticks each worker ran."""
    gate = _processes.Event()
    results: Any = _processes.Queue()
    started = [
        _processes.Process(target=_worker, args=(root, at, environment, gate, results), daemon=True) for _ in range(workers)
    ]
    for process in started:
        process.start()
    gate.set()
    ran = [results.get(timeout=1700) for _ in started]
    for process in started:
        process.join(280)
    assert [process.exitcode for process in started] == [0] * workers
    return ran


def _worker(root: Path, at: datetime, environment: dict[str, str], gate: Any, results: Any) -> None:
    os.environ.update(environment)
    gate.wait(280)
    with opened(root, at) as found:
        ticked = ticking(found)
    assert not ticked.errors, ticked.errors
    results.put(len(ticked.ran))


def dying(root: Path, at: datetime, environment: dict[str, str]) -> int:
    """A worker that is killed in the middle of its first run; returns its exit code."""
    process = _processes.Process(target=_dying, args=(root, at, environment), daemon=True)
    process.start()
    process.join(280)
    assert process.exitcode is not None
    return process.exitcode


def _dying(root: Path, at: datetime, environment: dict[str, str]) -> None:
    import signal

    os.environ.update(environment)
    with opened(root, at) as found:
        ticking(found, lambda: os.kill(os.getpid(), signal.SIGKILL))
