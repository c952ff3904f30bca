"""Several offers are fetched at the same time; what became of them is told in the order in which they were offered."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from types import TracebackType
from typing import Generic, TypeVar

import msgspec

from startrail.base.errors import StartrailError
from startrail.ports.feed import Early, Feed, Offer, asking

_AHEAD = 256
"""Offers taken from the listing and not yet told of, at most: as many files a kill can make us fetch again."""
_BATCH = 64
_GATHER_SECONDS = 0.05

T = TypeVar("T")


class Outcome(msgspec.Struct, Generic[T], frozen=True):
    """What became of one offer: a value, or the error that stopped it, or neither when there was nothing new."""

    offer: Offer
    value: T | None = None
    error: StartrailError | None = None


class GivenUp(Exception):
    """This fetch is not to be finished, because the whole work has ended."""


class Abreast(Generic[T]):
    """``work`` for each offer, in as many threads as the feed has lanes; in the caller's own when it has one.

    Used as a context manager. When its block is left early, what is under way ends soon and is forgotten.
    """

    def __init__(self, feed: Feed, work: Callable[[Offer], T]) -> None:
        self._feed, self._work, self._asked = feed, work, asking(feed)
        self._ended = threading.Event()
        self._threads: ThreadPoolExecutor | None = None
        if feed.lanes > 1:
            self._threads = ThreadPoolExecutor(feed.lanes, thread_name_prefix="lane")
            if isinstance(feed, Early):
                feed.offer_early(feed.lanes)

    def outcomes(self, offers: Iterable[Offer]) -> Iterator[list[Outcome[T]]]:
        """In order of the offers; those that are ready together come together. Errors that are none of ours are raised."""
        if self._threads is None:
            for offer in offers:
                yield [self._outcome(offer)]
            return
        coming, under_way = iter(offers), deque[Future[Outcome[T]]]()
        while True:
            for offer in islice(coming, _AHEAD - len(under_way)):
                under_way.append(self._threads.submit(self._outcome, offer))
            if not under_way:
                return
            under_way[0].result()
            yield list(_ready(under_way))

    def flowing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, until the whole work has ended. Closed in the thread that reads, also when it breaks off."""
        try:
            for chunk in chunks:
                if self._ended.is_set():
                    raise GivenUp
                yield chunk
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def pause(self, sleep: Callable[[float], None], seconds: float) -> None:
        """Sleep, unless the whole work has ended."""
        if self._ended.is_set():
            raise GivenUp
        sleep(seconds)

    def __enter__(self) -> Abreast[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._threads is None:
            return
        if error is not None:
            self._ended.set()
            self._feed.close()  # who waits for a server need not wait any longer
        self._threads.shutdown(cancel_futures=error is not None)

    def _outcome(self, offer: Offer) -> Outcome[T]:
        if self._ended.is_set():
            raise GivenUp
        try:
            found = self._asked(offer)
            return Outcome(offer) if found is None else Outcome(found, self._work(found))
        except StartrailError as error:
            return Outcome(offer, error=error)


def _ready(under_way: deque[Future[Outcome[T]]]) -> Iterator[Outcome[T]]:
    """What is done at the head, after a moment in which more of it may get done: a record costs less when it is shared."""
    wait(islice(under_way, _BATCH), _GATHER_SECONDS)
    while under_way and under_way[0].done():
        yield under_way.popleft().result()
