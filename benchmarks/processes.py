"""What a command costs: CPU seconds of its process and of those it waited for."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

STARTRAIL = (sys.executable, "-c", "from startrail.cli import main; main()")
"""The command as its console script calls it, whichever way the package was installed."""

_QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "PYTHONDONTWRITEBYTECODE": "",  # an installed program is compiled once, and not again at every start
}


def output(command: Sequence[str | Path], folder: Path | None = None) -> str:
    """Run, and return what it printed. A command that fails ends the benchmark, with its last words."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=os.environ | _QUIET, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} exited with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def cpu(command: Sequence[str | Path], folder: Path | None = None) -> float:
    """User and system seconds of a command."""
    before = children()
    output(command, folder)
    return children() - before


def children() -> float:
    """User and system seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def put(path: Path, text: str) -> None:
    """Write a file of a generated project."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
