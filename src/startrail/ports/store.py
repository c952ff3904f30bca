"""Bytes under keys, on a local disk or in an object store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec


class StoredObject(msgspec.Struct, frozen=True):
    """``key`` uses ``/`` and never starts with it; ``size`` in bytes."""

    key: str
    size: int
    modified: datetime


class Store(Protocol):
    """A flat space of keys. Writes are atomic and durable: a reader sees all of an object or none of it,
    and what ``put`` returned from survives a power cut. Keys are ``/``-separated; ``..`` and empty parts are refused.

    Raises ResourceError subclasses: not found ST601, no permission ST602, full ST603, unreachable ST604 (transient).
    """

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        """Write or replace; returns the size in bytes. A stream is never held in memory as a whole."""
        ...

    def put_if_absent(self, key: str, data: bytes | Iterable[bytes]) -> bool:
        """Write unless the key exists; False when it does. Atomic between processes."""
        ...

    def adopt(self, path: Path, key: str) -> int:
        """Move a finished local file in under ``key``; the local file is gone afterwards. Returns its size."""
        ...

    def get(self, key: str) -> bytes: ...

    def open(self, key: str) -> BinaryIO:
        """Read as a stream."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A local path with the object's bytes, for engines that read files. Do not write to it.

        The file itself for a local store, a cached download for a remote one.
        """
        ...

    def size(self, key: str) -> int | None:
        """Size in bytes, or None when there is no such object."""
        ...

    def list(self, prefix: str) -> Iterator[StoredObject]: ...

    def delete(self, key: str) -> None:
        """Remove; no error when it is already gone."""
        ...

    def uri(self, key: str) -> str:
        """Absolute address for other programs: ``file:///…`` or ``s3://…``."""
        ...

    def key(self, uri: str) -> str:
        """The inverse of :meth:`uri`. Raises ValueError for an address outside this store."""
        ...
