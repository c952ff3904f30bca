"""Harnessed processes: started, watched, signalled, and what they said."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from tests.faults.child import PRELOADED, Death

_POLL_SECONDS = 0.01
_PATIENCE_SECONDS = 250.0

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(PRELOADED)

Event = dict[str, Any]
StepName = tuple[str, str, str]


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
    def started(self) -> set[StepName]:
        """Steps begun, without landing, which only looks whether there is anything new."""
        return {(e["kind"], e["subject"], e["partition"]) for e in self.of("step_started") if e["kind"] != "land"}

    @property
    def passed(self) -> dict[str, int]:
        """How often each point was passed; only of a process that was to count."""
        return json.loads(self.errors.splitlines()[-1])


class Process:
    """A running child. ``target`` is a function of :mod:`tests.faults.child`, ``what`` its second argument."""

    def __init__(self, target: Callable[..., None], death: Death, what: Any, output: Path) -> None:
        self._output = output
        self._child = _processes.Process(target=target, args=(death, what, output, dict(os.environ)))
        self._child.start()

    @property
    def pid(self) -> int:
        assert self._child.pid is not None
        return self._child.pid

    def lives(self) -> bool:
        return self._child.exitcode is None

    def ended(self) -> Ended:
        """Wait for its end."""
        self._child.join(_PATIENCE_SECONDS)
        assert self._child.exitcode is not None, "it neither ended nor died"
        return Ended(self._child.exitcode, self.events(), self._text(".err"))

    def events(self) -> tuple[Event, ...]:
        """What it said so far; the last line of a killed process may be cut, and does not count."""
        lines = self._text(".out").splitlines(keepends=True)
        return tuple(json.loads(line) for line in lines if line.endswith("\n"))

    def says(self, wanted: Callable[[Event], bool]) -> None:
        """Wait until it says so."""
        self._until(lambda: any(map(wanted, self.events())), "it never said so")

    def stands_still(self) -> None:
        """Wait until it has stopped itself."""
        self._until(lambda: self._state() == "T", "it never stood still")

    def send(self, what: signal.Signals) -> None:
        os.kill(self.pid, what)

    def close(self) -> None:
        if self._child.exitcode is None:
            self._child.kill()
        self._child.join()
        self._child.close()

    def _until(self, happened: Callable[[], bool], otherwise: str) -> None:
        for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
            if happened():
                return
            if self._child.exitcode is not None:
                break
            time.sleep(_POLL_SECONDS)
        assert happened(), f"{otherwise}: {self.ended().errors}"

    def _state(self) -> str:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return ""

    def _text(self, ending: str) -> str:
        with contextlib.suppress(FileNotFoundError):
            return self._output.with_suffix(ending).read_text(encoding="utf-8")
        return ""


@contextmanager
def process(target: Callable[..., None], death: Death, what: Any) -> Iterator[Process]:
    """A child that does not outlive the block, not even when it stands still."""
    with TemporaryDirectory(prefix="startrail-faults-") as folder:
        started = Process(target, death, what, Path(folder) / "said")
        try:
            yield started
        finally:
            started.close()
