"""That a name stands in its folder also after a power cut."""

from __future__ import annotations

import os
import threading
from pathlib import Path


class FolderSync:
    """Of one folder; safe to share between threads. One sync serves everybody who asked before it began, so that many who
    name their files at the same time wait for few."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counting, self._syncing = threading.Lock(), threading.Lock()
        self._asked = self._served = 0

    def __call__(self) -> None:
        """What was named before this call is on the disk after it. Raises OSError."""
        with self._counting:
            self._asked += 1
            mine = self._asked
        with self._syncing:
            if self._served >= mine:
                return
            with self._counting:
                asked = self._asked
            sync_folder(self._folder)
            self._served = asked


def sync_folder(folder: Path) -> None:
    """Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
