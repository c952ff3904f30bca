"""A folder of derived values that may be deleted at any time."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from startrail.base.ids import digest


class FileCache:
    """One file per kind and key. Failures to read or write are misses: a cache never breaks a command."""

    def __init__(self, folder: Path, keep: int = 4) -> None:
        self._folder = folder
        self._keep = keep

    def get(self, kind: str, key: str) -> bytes | None:
        try:
            sealed = self._path(kind, key).read_bytes()
        except OSError:
            return None
        seal, value = sealed[:64], sealed[64:]
        return value if seal == digest(value).encode() else None

    def put(self, kind: str, key: str, value: bytes) -> None:
        path = self._path(kind, key)
        temporary = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(digest(value).encode() + value)
            os.replace(temporary, path)  # noqa: PTH105
            self._forget(kind)
        except OSError:
            return

    def _forget(self, kind: str) -> None:
        found = sorted(self._folder.glob(f"{kind}-*.bin"), key=lambda path: path.stat().st_mtime)
        for path in found[: -self._keep]:
            path.unlink(missing_ok=True)

    def _path(self, kind: str, key: str) -> Path:
        return self._folder / f"{kind}-{digest(key.encode())[:32]}.bin"
