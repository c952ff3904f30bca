"""Runs the real command line in a process that dies, or stands still, at a numbered point.

``python -m tests.faults.child kill "after stage" 2 run -C FOLDER --json``: the second pass of the point is its
last act. ``stop`` instead of ``kill`` leaves it standing there, all threads, until somebody continues or kills
it. ``count`` lets it live, and writes how often each point was passed to standard error.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter

from startrail.base import crash


class Hook:
    """What :data:`startrail.base.crash.hook` becomes in a harnessed process."""

    def __init__(self, mode: str, point: str, nth: int) -> None:
        assert mode == "count" or point in crash.POINTS, point
        self.passed: Counter[str] = Counter()
        self._signal = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}.get(mode)
        self._point, self._nth = point, nth
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self.passed[name] += 1
            if self._signal is not None and name == self._point and self.passed[name] == self._nth:
                os.kill(os.getpid(), self._signal)


def main() -> None:
    """Install the hook that the arguments ask for, and hand the rest of them to the command line."""
    mode, point, nth, *rest = sys.argv[1:]
    crash.hook = hook = Hook(mode, point, int(nth))
    sys.argv = ["startrail", *rest]
    from startrail.cli import main as command_line

    try:
        command_line()
    finally:
        if mode == "count":
            sys.stderr.write(json.dumps(hook.passed) + "\n")


if __name__ == "__main__":
    main()
