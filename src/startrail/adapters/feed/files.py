"""What every feed of files does in the same way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from typing import BinaryIO

from startrail.adapters.feed.listing import Entry, Listing, resumed
from startrail.ports.feed import Fetched, Offer, Seen


class FileFeed(ABC):
    """A listing decides what is offered; a transfer that breaks off is picked up where it was."""

    lanes: int
    _listing: Listing
    _seen: Seen
    """What is remembered while a listing is made."""
    _now: datetime
    _early = 0

    def offer_early(self, count: int) -> None:
        self._early = count

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        self._seen, self._now = seen, now
        return self._listing.offers(self._entries, seen, now, self._early)

    def growing(self) -> dict[str, str]:
        return self._listing.growing

    def listed(self) -> dict[str, str] | None:
        return self._listing.listed

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        return self._listing.moment.watched(offer, self._content(offer))

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        return Fetched()

    def close(self) -> None:
        """Nothing is held open, and nobody has to wait any more."""
        self._listing.moment.end()

    def _content(self, offer: Offer) -> Generator[bytes, None, None]:
        """All of it."""
        return resumed(lambda start: self._read(offer, start))

    @abstractmethod
    def _entries(self) -> Iterable[Entry]:
        """Everything that is listed."""

    @abstractmethod
    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        """The content from an offset on. Raises StillGrowing when the file is another one than was offered."""
