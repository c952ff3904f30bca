"""Files that are fetched while it is still being found out whether they stand still.

Between two looks at a folder lies a moment, in which connections can be opened and the first files be on their way. Such a file
comes to its end only when the second look has shown it as the first did; otherwise it is one that still grows.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Generator, Iterator
from contextlib import closing

from startrail.base.errors import SourceError
from startrail.ports.feed import Offer, StillGrowing


class Moment:
    """``early``: names that are offered before the second look; of all others it is known already."""

    def __init__(self, early: Collection[str] = ()) -> None:
        self._early = frozenset(early)
        self._grew: frozenset[str] = frozenset()
        self._over = threading.Event()

    def end(self, still: Collection[str] = ()) -> None:
        """What the second look has shown, once; when it could not be made, nothing is known to stand still."""
        if not self._over.is_set():
            self._grew = self._early.difference(still)
            self._over.set()

    def watched(self, offer: Offer, blocks: Generator[bytes, None, None]) -> Iterator[bytes]:
        """The same blocks; the last word on an early file waits for the second look, without a connection of its own.

        Raises StillGrowing, also in the place of what came of asking for a file that another one is writing."""
        if offer.name not in self._early:
            yield from blocks
            return
        try:
            with closing(blocks):
                for block in blocks:
                    self._refuse(offer)
                    yield block
                    del block  # who waits holds no more than it must
        except SourceError:
            self._over.wait()
            self._refuse(offer)
            raise
        self._over.wait()
        self._refuse(offer)

    def _refuse(self, offer: Offer) -> None:
        if offer.name in self._grew:
            raise StillGrowing(f"'{offer.name}' changed while it was listed", hint="it is left for the next run")
