"""A feed from a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

from startrail.base.errors import SourceError
from startrail.ports.feed import Fetched, Offer, Seen


class MemoryFeed:
    """``files`` maps names to content, or to the error that fetching it raises halfway.

    ``still`` names files that are growing; ``cursors`` and ``empty`` say what :meth:`landed` finds; as many as ``lanes`` are
    fetched at a time.
    """

    def __init__(
        self,
        files: dict[str, bytes | SourceError],
        *,
        still: frozenset[str] = frozenset(),
        cursors: dict[str, str] | None = None,
        empty: frozenset[str] = frozenset(),
        lanes: int = 1,
    ) -> None:
        self.files = files
        self.still = still
        self.cursors = cursors or {}
        self.empty = empty
        self.fetched: list[str] = []
        self.lanes = lanes

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        for name in sorted(self.files):
            if name not in self.still and seen.landed.get(name) != self._stamp(name):
                content = self.files[name]
                yield Offer(name, self._stamp(name), len(content) if isinstance(content, bytes) else None)

    def growing(self) -> dict[str, str]:
        return {name: self._stamp(name) for name in sorted(self.still)}

    def listed(self) -> dict[str, str]:
        return {name: self._stamp(name) for name in sorted(self.files.keys() | self.still)}

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        content = self.files[offer.name]
        self.fetched.append(offer.name)
        if isinstance(content, SourceError):
            yield b"half of "
            raise content
        for start in range(0, len(content), 1024):
            yield content[start : start + 1024]

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        return Fetched(cursor=self.cursors.get(offer.name), empty=offer.name in self.empty)

    def close(self) -> None:
        """Nothing is held open."""

    def _stamp(self, name: str) -> str:
        content = self.files[name]
        return f"{len(content)}" if isinstance(content, bytes) else "?"
