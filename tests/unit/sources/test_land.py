"""Landing with the shipped fakes."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base import crash
from startrail.base.errors import SourceError
from startrail.base.ids import digest, fingerprint
from startrail.base.span import Span
from startrail.capabilities.sources.land import NotAllLanded, NotAllLandedYet, land
from startrail.flow.events import Event, Growing, Landed
from startrail.model.delivery import Delivery
from startrail.model.run import Lease, Run
from startrail.model.source import FolderFeed, Format, Source
from startrail.ports.feed import Feed, FeedFailed, FeedIncomplete, FeedUnreachable, Offer, Seen
from startrail.ports.ledger import Ledger
from startrail.ports.store import Store, StoreFull
from startrail.testing.clock import ManualClock
from startrail.testing.feed import MemoryFeed
from startrail.testing.ledger import memory_ledger
from startrail.testing.store import MemoryStore


class Place:
    """A ledger with a running run, a store, and what was emitted."""

    def __init__(self) -> None:
        self.ledger: Ledger = memory_ledger()
        self.store: Store = MemoryStore()
        self.clock = ManualClock()
        self.events: list[Event] = []
        lease = self.ledger.acquire("runner", "test", 3600, self.clock.now())
        assert lease is not None
        self.lease: Lease = lease
        self.ledger.start_run(Run("run-1", self.clock.now()), lease)

    def land(self, feed: Feed, name: str = "shop", format: Format | None = None) -> tuple[Delivery, ...]:
        source = Source(name, FolderFeed("in", format=format), Span("sources/shop.yml"))
        return land(
            source,
            feed,
            ledger=self.ledger,
            store=self.store,
            lease=self.lease,
            run="run-1",
            clock=self.clock,
            emit=self.events.append,
        )


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.ledger.close()


def test_each_offer_becomes_a_delivery_with_its_bytes_under_their_digest(place: Place) -> None:
    files = {"b.csv": b"id\n1\n", "a.csv": b"id\n2\n" * 5000}
    first, second = place.land(MemoryFeed(dict(files)))
    assert (first.name, second.name) == ("a.csv", "b.csv")
    for delivery in (first, second):
        content = files[delivery.name]
        assert delivery.sha256 == hashlib.sha256(content).hexdigest()
        assert delivery.size == len(content)
        assert delivery.id == fingerprint("shop", delivery.sha256)
        assert place.store.get(delivery.key) == content
    assert place.ledger.deliveries("shop") == [first, second]
    assert [event.name for event in place.events if isinstance(event, Landed)] == ["a.csv", "b.csv"]
    assert list(place.store.scratch.iterdir()) == []


def test_a_second_landing_finds_nothing_new(place: Place) -> None:
    feed = MemoryFeed({"a.csv": b"1"})
    place.land(feed)
    assert place.land(feed) == ()
    assert feed.fetched == ["a.csv"]


def test_the_same_bytes_twice_are_one_delivery_of_a_source(place: Place) -> None:
    (only,) = place.land(MemoryFeed({"a.csv": b"same", "copy of a.csv": b"same"}))
    assert only.name == "a.csv"
    assert place.land(MemoryFeed({"third.csv": b"same"})) == ()
    (other,) = place.land(MemoryFeed({"a.csv": b"same"}), name="another")
    assert other.id != only.id
    assert other.key == only.key
    assert len([event for event in place.events if isinstance(event, Landed)]) == 2


def test_changed_content_under_an_old_name_is_a_new_delivery(place: Place) -> None:
    place.land(MemoryFeed({"a.csv": b"old"}))
    (new,) = place.land(MemoryFeed({"a.csv": b"newer"}))
    assert place.store.get(new.key) == b"newer"
    assert len(place.ledger.deliveries("shop")) == 2


def test_a_growing_file_is_told_and_left(place: Place) -> None:
    feed = MemoryFeed({"a.csv": b"1", "b.csv": b"2"}, still=frozenset({"b.csv"}))
    assert [delivery.name for delivery in place.land(feed)] == ["a.csv"]
    assert [event.name for event in place.events if isinstance(event, Growing)] == ["b.csv"]
    assert place.ledger.seen("shop").growing == {"b.csv": "1"}
    feed.still = frozenset()
    assert [delivery.name for delivery in place.land(feed)] == ["b.csv"]
    assert place.ledger.seen("shop").growing == {}


def test_one_failing_file_does_not_stop_the_others_and_is_raised_as_it_is(place: Place) -> None:
    feed = MemoryFeed({"a.csv": b"1", "b.csv": FeedIncomplete("cut off"), "c.csv": b"3"})
    with pytest.raises(FeedIncomplete, match="ST204 cut off"):
        place.land(feed)
    assert [delivery.name for delivery in place.ledger.deliveries("shop")] == ["a.csv", "c.csv"]
    assert digest(b"half of ") not in str([found.key for found in place.store.list("")])
    assert list(place.store.scratch.iterdir()) == []
    feed.files["b.csv"] = b"2"
    assert [delivery.name for delivery in place.land(feed)] == ["b.csv"]


def test_several_failures_are_told_together_and_tried_again_only_if_all_can_be(place: Place) -> None:
    with pytest.raises(NotAllLandedYet) as told:
        place.land(MemoryFeed({"a": FeedIncomplete("first"), "b": FeedUnreachable("second"), "c": b""}))
    assert told.value.transient
    assert "2 deliveries of 'shop' could not be landed: ST204 first; ST201 second" in str(told.value)
    assert "1 others of this source were landed" in str(told.value)
    with pytest.raises(NotAllLanded) as final:
        place.land(MemoryFeed({f"{n}": FeedFailed("no") if n else FeedIncomplete("first") for n in range(9)}))
    assert not final.value.transient
    assert "and 4 more" in str(final.value)


def test_a_full_store_stops_at_once_and_records_nothing(place: Place) -> None:
    class Full(MemoryStore):
        def put_as(
            self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
        ) -> bool:
            super().put_as(data, lambda: None)
            raise StoreFull("no room")

    place.store = Full()
    feed = MemoryFeed({"a": b"1", "b": b"2"})
    with pytest.raises(StoreFull):
        place.land(feed)
    assert feed.fetched == ["a"]
    assert place.ledger.deliveries("shop") == []
    assert list(place.store.scratch.iterdir()) == []


def test_lost_bytes_of_a_known_delivery_are_mended_when_it_comes_again(place: Place) -> None:
    (delivery,) = place.land(MemoryFeed({"a": b"bytes"}))
    place.store.delete(delivery.key)
    assert place.land(MemoryFeed({"again": b"bytes"})) == ()
    assert place.store.get(delivery.key) == b"bytes"


def test_an_empty_file_is_a_delivery_but_an_empty_page_is_none(place: Place) -> None:
    landed = place.land(MemoryFeed({"file": b"", "page": b"[]"}, empty=frozenset({"page"})))
    assert [delivery.name for delivery in landed] == ["file"]


@pytest.mark.parametrize(
    ("name", "declared", "content", "media"),
    [
        ("a.csv", None, b"x", "csv"),
        ("A.CSV", None, b"x", "csv"),
        ("a.csv.gz", None, gzip.compress(b"x", mtime=0), "csv+gzip"),
        ("a.csv.gz", None, b"not packed", "csv"),
        ("a.csv", None, gzip.compress(b"x", mtime=0), "csv+gzip"),
        ("a.jsonl", None, b"{}", "ndjson"),
        ("a.ndjson", None, b"{}", "ndjson"),
        ("a.json", "ndjson", b"{}", "ndjson"),
        ("orders.json?page=1&x=.csv", None, b"{}", "json"),
        ("a.parquet", None, b"PAR1", "parquet"),
        ("a.avro", None, b"", "avro"),
        ("a.bin", None, b"Obj\x01", "avro"),
        ("a.bin", "csv", b"Obj\x01", "csv"),
        ("README", None, b"", "unknown"),
        ("README", "csv", b"", "csv"),
    ],
)
def test_the_media_comes_from_declaration_name_and_first_bytes(
    place: Place, name: str, declared: Format | None, content: bytes, media: str
) -> None:
    (delivery,) = place.land(MemoryFeed({name: content}), format=declared)
    assert delivery.media == media


class Pages(MemoryFeed):
    """Breaks off after its pages with an error, if given one."""

    def __init__(self, pages: dict[str, bytes | SourceError], cursors: dict[str, str], end: SourceError | None = None) -> None:
        super().__init__(pages, cursors=cursors)
        self.end = end

    def offers(self, seen: Seen, now: object) -> Iterator[Offer]:  # type: ignore[override]
        for name in self.files:
            yield Offer(name, "")
        if self.end is not None:
            raise self.end


def test_the_cursor_moves_only_when_every_page_is_safe(place: Place) -> None:
    pages: dict[str, bytes | SourceError] = {"p1": b"[3]", "p2": b"[2]", "p3": b"[1]"}
    cursors = {"p1": "3", "p2": "3", "p3": "3"}
    with pytest.raises(FeedUnreachable):
        place.land(Pages(pages, cursors, end=FeedUnreachable("gone")))
    assert place.ledger.seen("shop").cursor is None
    assert len(place.ledger.deliveries("shop")) == 3
    assert place.land(Pages(pages, cursors)) == ()
    assert place.ledger.seen("shop").cursor == "3"


def test_an_empty_last_page_does_not_keep_the_cursor_back(place: Place) -> None:
    feed = Pages({"p1": b"[3]", "p2": b"[]"}, {"p1": "3"})
    feed.empty = frozenset({"p2"})
    (delivery,) = place.land(feed)
    assert delivery.cursor == place.ledger.seen("shop").cursor == "3"


@pytest.mark.parametrize("point", ["before land", "after landing bytes", "after recording delivery"])
@settings(max_examples=15, deadline=None)
@given(contents=st.lists(st.binary(max_size=8), min_size=1, max_size=5), dies_at=st.integers(1, 5))
def test_dying_anywhere_and_landing_again_gives_each_content_once(point: str, contents: list[bytes], dies_at: int) -> None:
    class Killed(BaseException):
        pass

    passed = 0

    def die(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == dies_at:
            raise Killed

    place = Place()
    feed = MemoryFeed({f"{number}": content for number, content in enumerate(contents)})
    crash.hook = die
    try:
        place.land(feed)
    except Killed:
        pass
    finally:
        crash.hook = None
    place.land(feed)
    assert place.land(feed) == ()
    deliveries = place.ledger.deliveries("shop")
    assert sorted(place.store.get(delivery.key) for delivery in deliveries) == sorted(set(contents))
    place.ledger.close()
