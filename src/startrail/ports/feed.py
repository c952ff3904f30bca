"""Where deliveries come from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import msgspec


class Offer(msgspec.Struct, frozen=True):
    """One thing a feed could deliver. ``stamp`` is equal at two listings when the content stood still
    (size and time, ETag, cursor); a landed (name, stamp) is not fetched again."""

    name: str
    stamp: str
    media: str
    size: int | None = None
    time: datetime | None = None


class Fetched(msgspec.Struct, frozen=True):
    """The outcome of a fetch: what the content turned out to be. ``cursor`` as in model.delivery."""

    media: str
    time: datetime | None = None
    cursor: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """What the ledger remembers of a feed: stamps by name of what has landed or was growing, and the cursor."""

    landed: dict[str, str] = {}
    growing: dict[str, str] = {}
    cursor: str | None = None


class Feed(Protocol):
    """Lists and fetches. Raises SourceError subclasses; ``transient`` ones are tried again by the flow."""

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        """What is there and complete. Something still growing is not offered; see :meth:`growing`."""
        ...

    def growing(self) -> dict[str, str]:
        """Names and stamps that the last listing left for the next time."""
        ...

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        """The content in chunks. Ends only when all of it was read; otherwise raises.

        Sets :attr:`fetched` when it ends.
        """
        ...

    @property
    def fetched(self) -> Fetched | None: ...

    def close(self) -> None: ...
