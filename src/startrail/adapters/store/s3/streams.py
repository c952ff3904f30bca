"""Bytes on their way into a bucket, and out of it."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Iterable, Iterator

from startrail.adapters.store.s3.client import Client


def measured(data: Iterable[bytes], most: int) -> tuple[list[bytes], Iterator[bytes] | None]:
    """All of it when it is ``most`` bytes or fewer, else a stream of all of it."""
    chunks, taken, size = iter(data), [], 0
    for chunk in chunks:
        taken.append(chunk)
        size += len(chunk)
        if size > most:
            return [], itertools.chain(taken, chunks)
    return taken, None


class Counter:
    """An iterable of bytes that knows how much of it was taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            yield chunk


class Reader(io.RawIOBase):
    """Ranged reads of one object."""

    def __init__(self, client: Client, key: str, size: int) -> None:
        self._client, self._key, self._size = client, key, size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("cannot seek before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, target: memoryview, /) -> int:  # type: ignore[override]  (a memoryview is what it is called with)
        end = min(self._position + len(target), self._size)
        if end <= self._position:
            return 0
        filled = 0
        for block in self._client.read(self._key, self._position, end):
            target[filled : filled + len(block)] = block
            filled += len(block)
        self._position += filled
        return filled
