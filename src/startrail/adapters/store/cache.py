"""Downloads kept on the local disk, within a limit."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from startrail.base.ids import fingerprint
from startrail.ports.store import disk_error

_LIMIT = 10 * 10**9
_IN_USE_ELSEWHERE_SECONDS = 3600


class Cache:
    """Files by the version of the object that they hold, so that a changed object is another file.

    Above ``limit`` bytes the longest unused go: never those in use here, nor those that another process used
    within the hour.
    """

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        self._in_use: Counter[str] = Counter()

    @contextmanager
    def path(self, version: str, suffix: str, download: Callable[[Path], None]) -> Iterator[Path]:
        """The file with this version of the object; fetched by ``download(target)`` when it is not there yet."""
        name = fingerprint(version) + suffix
        with self._lock:
            self._in_use[name] += 1
        try:
            yield self._ready(name, download)
        finally:
            with self._lock:
                self._in_use[name] -= 1

    def keep(self, version: str, suffix: str, path: Path) -> None:
        """Take over a file that holds this version. What cannot be kept is fetched when it is needed."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            kept = self._folder / (fingerprint(version) + suffix)
            path.replace(kept)
            os.utime(kept)
            self._evict(kept.stat().st_mtime)

    def _ready(self, name: str, download: Callable[[Path], None]) -> Path:
        path = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if path.exists():
                os.utime(path)
                return path
            temporary = self._folder / f".{secrets.token_hex(12)}"
            try:
                download(temporary)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, str(path), writing=True) from error
        self._evict(path.stat().st_mtime)
        return path

    def _evict(self, now: float) -> None:
        with self._lock, os.scandir(self._folder) as entries:
            found = []
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime, entry.stat().st_size, entry.name))
            total = sum(size for _, size, _ in found)
            for used, size, name in sorted(found):
                if total <= self._limit or now - used < _IN_USE_ELSEWHERE_SECONDS:
                    return
                if not self._in_use[name]:
                    (self._folder / name).unlink(missing_ok=True)
                    total -= size
