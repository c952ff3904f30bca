"""Bytes on their way from a feed into a store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

_HEAD = 4


class Content:
    """An iterable of chunks that knows what has passed: its SHA-256, its size, its first bytes. Iterate once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hasher = hashlib.sha256()
        self.size = 0
        self.head = b""

    @property
    def sha256(self) -> str:
        return self._hasher.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hasher.update(chunk)
            self.size += len(chunk)
            if len(self.head) < _HEAD:
                self.head += chunk[: _HEAD - len(self.head)]
            yield chunk
