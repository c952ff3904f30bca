"""Runs the real command line in a process that dies, or stands still, at a numbered point.

The processes are forked from a server that has the heavy libraries loaded already, which is all that they share:
a sweep starts some two hundred of them. Nothing of this is known to the package itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType

import msgspec

from startrail.base import crash

PRELOADED = ["duckdb", "pyarrow.parquet", "pyiceberg.table", "sqlglot", "psycopg", "startrail.cli.run", "startrail.flow.run",
             "startrail.wiring.ports", "startrail.capabilities.models.capability", "tests.faults.child"]  # fmt: skip


class Death(msgspec.Struct, frozen=True):
    """Where a process dies: at pass ``nth`` of ``point``. ``mode`` is ``kill``, ``stop`` (all threads stand still
    until somebody continues or kills the process) or ``count`` (it lives, and tells how often it passed each)."""

    point: str
    nth: int = 1
    mode: str = "kill"


_QUIET_LOOKS = 10
"""One look may fall between two deeds of a thread."""

LIVES = Death("", 0, "count")


class Hook:
    """What :data:`startrail.base.crash.hook` becomes in a harnessed process."""

    def __init__(self, death: Death) -> None:
        assert death.mode == "count" or death.point in (
            crash.POINTS + crash.ALERT_POINTS + crash.WATCH_POINTS + crash.NAME_POINTS
        ), death.point
        self.passed: Counter[str] = Counter()
        self._signal = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}.get(death.mode)
        self._death = death
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self.passed[name] += 1
            if self._signal is not None and name == self._death.point and self.passed[name] == self._death.nth:
                if self._signal == signal.SIGSTOP:
                    _await_quiet()
                # to this thread, which takes it at once; sent to the process, any thread may take it, some time later
                signal.pthread_kill(threading.get_ident(), self._signal)


def _await_quiet() -> None:
    """Until every other thread waits: for us at its next point, or for work. One that stood still inside a
    transaction would keep the whole ledger locked for as long."""
    quiet = 0
    while quiet < _QUIET_LOOKS:
        time.sleep(0.01)
        others = (frame for id_, frame in sys._current_frames().items() if id_ != threading.get_ident())
        quiet = quiet + 1 if all(map(_waits, others)) else 0


def _waits(frame: FrameType) -> bool:
    file, function = frame.f_code.co_filename, frame.f_code.co_name
    return file == __file__ or (Path(file).name, function) in {("threading.py", "wait"), ("thread.py", "_worker")}


def command_line(death: Death, arguments: tuple[str, ...], output: Path, environment: dict[str, str]) -> None:
    """``startrail ARGUMENTS`` with standard output and error in ``output``.out and .err."""
    hook = _harness(death, output, environment)
    sys.argv = ["startrail", *arguments]
    from startrail.cli.app import app

    try:
        sys.exit(app())
    finally:
        _tell(hook)


def transfer(death: Death, arguments: tuple[str, ...], output: Path, environment: dict[str, str]) -> None:
    """The same; what is larger than a part goes into a bucket in parts, as only very large files do otherwise."""
    from startrail.adapters.store.s3 import store as s3

    s3._LARGEST_PUT = 0
    command_line(death, arguments, output, environment)


def naive(death: Death, folder: Path, output: Path, environment: dict[str, str]) -> None:
    """The naive pipeline in ``folder``, likewise."""
    hook = _harness(death, output, environment)
    from tests.faults.naive import main

    main(folder)
    _tell(hook)


def naive_copy(death: Death, what: tuple[int, str, Path], output: Path, environment: dict[str, str]) -> None:
    """The naive copy from a port and folder of an FTP server into a folder, likewise."""
    hook = _harness(death, output, environment)
    from tests.faults.naive_copy import main

    main(*what)
    _tell(hook)


def _harness(death: Death, output: Path, environment: dict[str, str]) -> Hook:
    for number, ending in ((1, ".out"), (2, ".err")):
        handle = os.open(output.with_suffix(ending), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, number)
        os.close(handle)
    warnings.simplefilter("error")
    os.environ.update(environment)
    crash.hook = hook = Hook(death)
    return hook


def _tell(hook: Hook) -> None:
    sys.stderr.write(json.dumps(hook.passed) + "\n")
    sys.stderr.flush()
