"""Files that are fetched before it is known whether they stand still: none of them comes to its end before that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing
from startrail.base.errors import SourceError
from startrail.base.span import Span
from startrail.capabilities.sources.land import land
from startrail.flow.events import Event, Growing
from startrail.model import source
from startrail.model.run import Run
from startrail.ports.feed import FeedMissing, FeedUnreachable, Offer, Seen, StillGrowing
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger
from startrail.testing.store import MemoryStore

NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(hours=1), NOW - timedelta(seconds=2)


class Shelf(FileFeed):
    """Files in memory. ``between`` is done while the moment passes; a file that is there no more is refused."""

    lanes = 4

    def __init__(self, files: dict[str, bytes], between: Callable[[], object] = lambda: None, *, time: datetime = OLD) -> None:
        class Passing(ManualClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                between()

        self.files, self.times = files, dict.fromkeys(files, time)
        self.clock = Passing(NOW)
        self.listings = 0
        self._listing = Listing("*", self.clock)

    def _entries(self) -> Iterator[Entry]:
        self.listings += 1
        for name, content in self.files.items():
            if self._listing.wants(name):
                yield Entry(name, name, str(len(content)), len(content), self.times[name])

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        if offer.name not in self.files:
            raise FeedMissing(f"no {offer.name}")
        yield self.files[offer.name][start:]


def fetched(feed: Shelf, offer: Offer) -> bytes:
    return b"".join(feed.fetch(offer))


def test_what_is_taken_early_ends_only_when_it_was_looked_at_again() -> None:
    ended: list[bool] = []
    feed = Shelf({"a": b"1"}, lambda: ended.append(early.done()))
    feed.offer_early(4)
    offers = feed.offers(Seen(), NOW)
    offer = next(offers)
    with ThreadPoolExecutor() as threads:
        early: Future[bytes] = threads.submit(fetched, feed, offer)
        threading.Event().wait(0.05)
        assert list(offers) == []
        assert early.result(240) == b"1"
    assert ended == [False]
    assert feed.listings == 2


@pytest.mark.parametrize("change", ["grows", "is taken away"])
def test_what_changes_meanwhile_is_left_for_the_next_time(change: str) -> None:
    def between() -> None:
        if change == "grows":
            feed.files["a"] += b"2"
        else:
            del feed.files["a"]

    feed = Shelf({"a": b"1", "b": b"1"}, between)
    feed.offer_early(4)
    offers = feed.offers(Seen(), NOW)
    first = next(offers)
    rest = list(offers)
    assert [offer.name for offer in (first, *rest)] == ["a", "b"]
    with pytest.raises(StillGrowing):
        fetched(feed, first)
    assert fetched(feed, rest[0]) == b"1"
    assert list(feed.growing()) == ["a"]


def test_when_the_second_look_fails_nothing_counts_as_standing_still() -> None:
    def between() -> None:
        raise FeedUnreachable("gone")

    feed = Shelf({"a": b"1"}, between)
    feed.offer_early(4)
    offers = feed.offers(Seen(), NOW)
    offer = next(offers)
    with pytest.raises(FeedUnreachable):
        next(offers)
    with pytest.raises(StillGrowing):
        fetched(feed, offer)


def test_a_fetch_does_not_wait_for_a_feed_that_was_closed() -> None:
    feed = Shelf({"a": b"1"})
    feed.offer_early(4)
    offers = feed.offers(Seen(), NOW)
    offer = next(offers)
    feed.close()
    with pytest.raises(StillGrowing):
        fetched(feed, offer)


def test_what_was_written_just_now_is_not_asked_for_before_the_second_look() -> None:
    feed = Shelf({"a": b"1", "b": b"1"}, lambda: asked.append(len(feed.files)), time=YOUNG)
    asked: list[int] = []
    feed.offer_early(4)
    assert [offer.name for offer in feed.offers(Seen(), NOW)] == ["a", "b"]
    assert asked == [2]
    feed = Shelf({"a": b"1", "b": b"1"}, lambda: asked.append(len(feed.files)))
    feed.times["a"] = YOUNG  # and nothing comes before it, since all come by their names
    feed.offer_early(4)
    offers = feed.offers(Seen(), NOW)
    next(offers)
    assert asked == [2, 2]


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), max_size=12), grow=st.sets(st.integers(0, 11)), young=st.sets(st.integers(0, 11)))
def test_landing_brings_exactly_what_stood_still_and_tells_of_the_rest_once(
    sizes: list[int], grow: set[int], young: set[int]
) -> None:
    files = {f"{number:02}": bytes([number]) * (size + 1) for number, size in enumerate(sizes)}
    grown = {name for name in files if int(name) in grow}

    def between() -> None:
        for name in grown:
            feed.files[name] += b"more"

    feed = Shelf(dict(files), between)
    feed.times.update({name: YOUNG for name in files if int(name) in young})
    ledger, store, events = memory_ledger(), MemoryStore(), list[Event]()
    lease = ledger.acquire("runner", "test", 3600, NOW)
    assert lease is not None
    ledger.start_run(Run("run-1", NOW), lease)
    declared = source.Source("shelf", source.FolderFeed("/"), Span("sources/shelf.yml"))
    landed = land(declared, feed, ledger=ledger, store=store, lease=lease, run="run-1", clock=feed.clock, emit=events.append)
    assert [delivery.name for delivery in landed] == sorted(files.keys() - grown)
    assert all(store.get(delivery.key) == files[delivery.name] for delivery in landed)
    assert sorted(event.name for event in events if isinstance(event, Growing)) == sorted(grown)
    assert set(ledger.seen("shelf").growing) == grown


def test_an_error_of_a_file_that_stood_still_is_told_as_it_is() -> None:
    class Refusing(Shelf):
        def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
            raise FeedMissing("no such file")

    feed = Refusing({"a": b"1"})
    feed.offer_early(4)
    offers = feed.offers(Seen(), NOW)
    offer = next(offers)
    list(offers)
    with pytest.raises(SourceError) as caught:
        fetched(feed, offer)
    assert isinstance(caught.value, FeedMissing)
