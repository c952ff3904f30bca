"""A store in memory."""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from startrail.ports.store import StoredObject, check_key, not_stored

_START = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryStore:
    """Behaves as the port says. Each write is one second after the one before, from 2026-01-01 on."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._lock = threading.Lock()
        self._writes = 0

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        content = _joined(data)
        with self._lock:
            self._set(check_key(key), content)
        return len(content)

    def put_if_absent(self, key: str, data: bytes | Iterable[bytes]) -> bool:
        content = _joined(data)
        with self._lock:
            if check_key(key) in self._objects:
                return False
            self._set(key, content)
            return True

    def put_as(
        self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
    ) -> bool:
        content = _joined(data)
        name = key if isinstance(key, str) else key()
        if name is None:
            return False
        if not replace:
            return self.put_if_absent(name, content)
        self.put(name, content)
        return True

    @property
    def scratch(self) -> Path:
        return self._folder

    def adopt(self, path: Path, key: str) -> int:
        size = self.put(key, path.read_bytes())
        path.unlink()
        return size

    def get(self, key: str) -> bytes:
        try:
            return self._objects[check_key(key)][0]
        except KeyError:
            raise not_stored(key) from None

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(dir=self.scratch, suffix=Path(key).suffix) as file:
            file.write(self.get(key))
            file.flush()
            yield Path(file.name)

    def size(self, key: str) -> int | None:
        found = self._objects.get(check_key(key))
        return None if found is None else len(found[0])

    def list(self, prefix: str) -> Iterator[StoredObject]:
        for key, (content, modified) in sorted(self._objects.items()):
            if key.startswith(prefix):
                yield StoredObject(key, len(content), modified)

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(check_key(key), None)

    def uri(self, key: str) -> str:
        return f"memory:///{check_key(key)}"

    def key(self, uri: str) -> str:
        if not uri.startswith("memory:///"):
            raise ValueError(f"'{uri}' is not in this store")
        return check_key(uri.removeprefix("memory:///"))

    @cached_property
    def _folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="startrail-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _set(self, key: str, content: bytes) -> None:
        self._writes += 1
        self._objects[key] = (content, _START + timedelta(seconds=self._writes))


def _joined(data: bytes | Iterable[bytes]) -> bytes:
    return data if isinstance(data, bytes) else b"".join(data)
