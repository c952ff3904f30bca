"""A folder of one process for files that may be lost, and the removal of what dead processes left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from pathlib import Path

from startrail.ports.store import disk_error

_PREFIX = "duckdb-"


class Scratch:
    """A fresh folder under ``parent``. While this process lives it holds a lock in it; a folder without
    a held lock belonged to a process that died, and is removed."""

    def __init__(self, parent: Path) -> None:
        self.path = parent.resolve() / f"{_PREFIX}{secrets.token_hex(6)}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _sweep(parent)
            self.path.mkdir()
            self._lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise disk_error(error, str(self.path), writing=True) from error
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def folder(self) -> Path:
        """A fresh folder in it."""
        path = self.path / secrets.token_hex(8)
        path.mkdir()
        return path

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*"):
        # Without its lock file the folder is only just being made.
        with contextlib.suppress(OSError):
            lock = os.open(path / "lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
