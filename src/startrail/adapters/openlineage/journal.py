"""What runs have to tell, in files: each event is written down before anybody is told, and kept until it is taken.

One file per run, named by it, so in the order of the runs; beside it how far it was sent. A line is written by one
system call, so a kill leaves whole lines or one torn at the end, which :meth:`Journal.mend` cuts.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

_EVENTS, _SENT = ".ndjson", ".sent"


class Journal:
    """A folder. Runs write while they hold the runner's lease, so that there is one writer at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()

    def add(self, run: str, event: bytes) -> None:
        """Write it down. Raises OSError, and then nothing of it stands there."""
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path(run), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                line = event + b"\n"
                written = os.write(handle, line)
                if written != len(line):
                    os.ftruncate(handle, os.fstat(handle).st_size - written)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(handle)

    def runs(self) -> list[str]:
        """Runs of which something is written, oldest first."""
        return sorted(path.stem for path in self._folder.glob(f"*{_EVENTS}"))

    def events(self, run: str, offset: int = 0) -> Iterator[tuple[int, bytes]]:
        """Each whole event from there on, with where the next one begins."""
        try:
            file = self._path(run).open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield offset, line[:-1]

    def sent(self, run: str) -> int:
        """Up to where the run's events were taken."""
        try:
            return int(self._path(run, _SENT).read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def mark_sent(self, run: str, offset: int) -> None:
        """They were taken up to there. What a kill leaves of it is at worst older, so that events are sent again."""
        half = self._path(run, _SENT + ".half")
        half.write_text(str(offset), encoding="ascii")
        half.replace(self._path(run, _SENT))

    def mend(self, run: str) -> None:
        """Cut what a killed process left of its last line."""
        path = self._path(run)
        whole = max((end for end, _ in self.events(run)), default=0)
        if path.stat().st_size > whole:
            os.truncate(path, whole)

    def waiting(self) -> int:
        """How many events were not taken yet."""
        return sum(sum(1 for _ in self.events(run, self.sent(run))) for run in self.runs())

    def trim(self, limit: int) -> int:
        """Forget the oldest runs, never the newest one, until the rest has at most ``limit`` bytes; returns how many
        of their events nobody was told."""
        runs, lost = self.runs(), 0
        sizes = {run: self._path(run).stat().st_size for run in runs}
        total = sum(sizes.values())
        for run in runs[:-1]:
            if total <= limit:
                break
            lost += sum(1 for _ in self.events(run, self.sent(run)))
            total -= sizes[run]
            self.forget(run)
        return lost

    def forget(self, run: str) -> None:
        """All of it was told, or is given up."""
        self._path(run).unlink(missing_ok=True)
        self._path(run, _SENT).unlink(missing_ok=True)

    def _path(self, run: str, suffix: str = _EVENTS) -> Path:
        return self._folder / f"{run}{suffix}"
