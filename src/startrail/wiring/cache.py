"""A folder of derived values that may be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path

from startrail.base.ids import digest, token


class FileCache:
    """One file per kind and key. Failures to read or write are misses: a cache never breaks a command."""

    def __init__(self, folder: Path, keep: int = 4) -> None:
        self._folder = folder
        self._keep = keep
        self._puts: dict[str, int] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        try:
            sealed = self._path(kind, key).read_bytes()
        except OSError:
            return None
        seal, value = sealed[:64], sealed[64:]
        return value if seal == digest(value).encode() else None

    def put(self, kind: str, key: str, value: bytes) -> None:
        path = self._path(kind, key)
        temporary = path.with_suffix(f".{token(4)}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(digest(value).encode() + value)
            os.replace(temporary, path)  # noqa: PTH105
            self._forget_now_and_then(kind)
        except OSError:
            return

    def _forget_now_and_then(self, kind: str) -> None:
        """At the first value of a process and then once for a quarter of what is kept, because it reads the whole folder."""
        puts = self._puts.get(kind, 0)
        self._puts[kind] = puts + 1
        if puts % max(1, self._keep // 4) == 0:
            self._forget(kind)

    def _forget(self, kind: str) -> None:
        with os.scandir(self._folder) as entries:
            ours = [entry for entry in entries if entry.name.startswith(f"{kind}-") and entry.name.endswith(".bin")]
        if len(ours) > self._keep:
            ours.sort(key=lambda entry: entry.stat().st_mtime)
            for entry in ours[: -self._keep]:
                Path(entry.path).unlink(missing_ok=True)

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind}-{digest(key.encode())[:32]}.bin"
