"""Harnessed processes: started, watched, signalled, and what they said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

REPOSITORY = Path(__file__).parents[2]

Event = dict[str, Any]


class Death(msgspec.Struct, frozen=True):
    """Where a process dies: at pass ``nth`` of ``point``. ``mode`` is kill, stop or count."""

    point: str
    nth: int = 1
    mode: str = "kill"

    def arguments(self) -> tuple[str, ...]:
        return (self.mode, self.point, str(self.nth))


LIVES = Death("", 0, "count")


class Ended(msgspec.Struct, frozen=True):
    """``code`` is negative for a signal."""

    code: int
    events: tuple[Event, ...]
    errors: str

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def result(self) -> Event:
        return self.events[-1] if self.events and self.events[-1]["type"] == "result" else {}

    @property
    def started(self) -> set[tuple[str, str, str]]:
        """Steps begun, without landing, which only looks whether there is anything new."""
        return {(e["kind"], e["subject"], e["partition"]) for e in self.of("step_started") if e["kind"] != "land"}

    @property
    def passed(self) -> dict[str, int]:
        """How often each point was passed; only of a process that was to count."""
        return json.loads(self.errors.splitlines()[-1])


class Process:
    """A running child whose NDJSON output is read as it comes."""

    def __init__(self, module: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", module, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, env=os.environ | environment,
        )  # fmt: skip
        self._events: list[Event] = []
        self._errors = ""
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=self._read_events), threading.Thread(target=self._read_errors)]
        for thread in self._readers:
            thread.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def ended(self) -> Ended:
        """Wait for its end."""
        self._child.wait(120)
        for thread in self._readers:
            thread.join()
        return Ended(self._child.returncode, tuple(self._events), self._errors)

    def until(self, wanted: Callable[[Event], bool]) -> bool:
        """Wait for an event; False when the process ends without it."""
        with self._changed:
            while not any(map(wanted, self._events)):
                if not self._readers[0].is_alive():
                    return False
                self._changed.wait(0.05)
        return True

    def stands_still(self) -> None:
        """Wait until it has stopped itself."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self._child.returncode = os.waitstatus_to_exitcode(status)
            raise AssertionError(f"it ended instead of standing still: {self.ended().errors}")

    def send(self, what: signal.Signals) -> None:
        self._child.send_signal(what)

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self.ended()
        for pipe in (self._child.stdout, self._child.stderr):
            assert pipe is not None
            pipe.close()

    def _read_events(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            if line.endswith("\n"):  # the last line of a killed process may be cut
                with self._changed:
                    self._events.append(json.loads(line))
                    self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self._child.stderr is not None
        self._errors = self._child.stderr.read()


@contextmanager
def process(module: str, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Process]:
    """A child that does not outlive the block, not even when it stands still."""
    started = Process(module, arguments, environment or {})
    try:
        yield started
    finally:
        started.close()
