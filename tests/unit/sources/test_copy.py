"""Copying with the shipped fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base import crash
from startrail.base.span import Span
from startrail.capabilities.sources.copy import CopyResult, NameNotKept, NoNamesToKeep, NotAllCopied, TargetTaken, copy
from startrail.flow.events import Copied, Event, Growing
from startrail.model.run import Lease
from startrail.model.source import FolderFeed, HttpFeed, Source
from startrail.ports.feed import Feed, FeedIncomplete, StillGrowing
from startrail.ports.ledger import Ledger
from startrail.ports.store import Store, StoreFull, StoreUnreachable
from startrail.testing.clock import ManualClock
from startrail.testing.feed import MemoryFeed
from startrail.testing.ledger import memory_ledger
from startrail.testing.store import MemoryStore

SALES = Source("sales", FolderFeed("in"), Span("sources/sales.yml"))


class Place:
    """A ledger, a target, and what was emitted."""

    def __init__(self) -> None:
        self.ledger: Ledger = memory_ledger()
        self.target: Store = MemoryStore()
        self.clock = ManualClock()
        self.events: list[Event] = []
        lease = self.ledger.acquire("runner", "test", 3600, self.clock.now())
        assert lease is not None
        self.lease: Lease = lease

    def copy(self, feed: Feed, source: Source = SALES, address: str = "memory:///", retries: int = 0) -> CopyResult:
        return copy(
            source, feed, self.target, address, ledger=self.ledger, lease=self.lease, clock=self.clock, wall=self.clock,
            retries=retries, emit=self.events.append,
        )  # fmt: skip

    def there(self) -> dict[str, bytes]:
        return {found.key: self.target.get(found.key) for found in self.target.list("")}

    def facts(self) -> int:
        return len(list(self.ledger.facts(kind="source.copied")))


@pytest.fixture
def place() -> Place:
    return Place()


def test_files_keep_their_names_and_come_once(place: Place) -> None:
    files = {"a.csv": b"1", "deep/b.csv": b"22", "same.csv": b"1"}
    assert place.copy(MemoryFeed(dict(files))) == CopyResult(3, 4, 0)
    assert place.there() == files
    assert place.copy(MemoryFeed(dict(files))) == CopyResult(0, 0, 0)
    assert [event.name for event in place.events if isinstance(event, Copied)] == list(files)


def test_what_was_taken_away_from_the_target_is_not_copied_again(place: Place) -> None:
    place.copy(MemoryFeed({"a": b"1"}))
    place.target.delete("a")
    assert place.copy(MemoryFeed({"a": b"1"})).files == 0
    assert place.there() == {}


def test_another_target_gets_all_of_them(place: Place) -> None:
    place.copy(MemoryFeed({"a": b"1"}))
    place.target = MemoryStore()
    assert place.copy(MemoryFeed({"a": b"1"}), address="memory:///elsewhere").files == 1
    assert place.there() == {"a": b"1"}


def test_a_replaced_file_replaces_its_own_copy(place: Place) -> None:
    place.copy(MemoryFeed({"a": b"old"}))
    assert place.copy(MemoryFeed({"a": b"newer"})).files == 1
    assert place.there() == {"a": b"newer"}


def test_a_file_of_somebody_else_is_never_replaced(place: Place) -> None:
    place.target.put("a", b"theirs")
    with pytest.raises(TargetTaken, match="ST250"):
        place.copy(MemoryFeed({"a": b"ours", "b": b"2"}))
    assert place.there() == {"a": b"theirs", "b": b"2"}
    place.copy(MemoryFeed({"b": b"2", "c": b"3"}))
    place.target.put("c", b"edited there")
    with pytest.raises(TargetTaken):
        place.copy(MemoryFeed({"c": b"3, new"}))
    assert place.there()["c"] == b"edited there"


@pytest.mark.parametrize("name", ["a\\\\b", "\\x00a", "../a", "a//b", "x" * 183 + "…" + "0" * 16])
def test_a_name_that_cannot_be_kept_is_refused_and_the_others_come(place: Place, name: str) -> None:
    with pytest.raises(NameNotKept, match="ST251"):
        place.copy(MemoryFeed({name: b"1", "fine": b"2"}))
    assert place.there() == {"fine": b"2"}


def test_a_growing_file_is_left_and_remembered(place: Place) -> None:
    feed = MemoryFeed({"a": b"1", "b": b"2", "c": StillGrowing("it grew")}, still=frozenset("b"))
    assert place.copy(feed) == CopyResult(1, 1, 2)
    assert place.there() == {"a": b"1"}
    assert [event.name for event in place.events if isinstance(event, Growing)] == ["b", "c"]
    assert list(place.ledger.seen("sales > memory:///").growing) == ["b"]
    assert place.ledger.seen("sales").growing == {}


def test_a_transfer_that_breaks_is_tried_again_as_often_as_said(place: Place) -> None:
    feed = MemoryFeed({"a": FeedIncomplete("cut off"), "b": FeedIncomplete("cut off"), "c": b"3"})
    with pytest.raises(NotAllCopied, match="2 files of 'sales'"):
        place.copy(feed, retries=2)
    assert feed.fetched == ["a"] * 3 + ["b"] * 3 + ["c"]
    assert place.there() == {"c": b"3"}


def test_a_full_target_stops_at_once(place: Place) -> None:
    class Full(MemoryStore):
        def put_as(
            self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
        ) -> bool:
            raise StoreFull("no room")

    place.target = Full()
    feed = MemoryFeed({"a": b"1"})
    with pytest.raises(StoreFull):
        place.copy(feed)
    assert place.facts() == 0


def test_an_answer_that_is_lost_although_the_object_landed_makes_no_second_copy(place: Place) -> None:
    class Deaf(MemoryStore):
        lost = False

        def put_as(
            self, data: Iterable[bytes], key: str | Callable[[], str | None], *, replace: bool = True, size: int | None = None
        ) -> bool:
            done = super().put_as(data, key, replace=replace)
            if not self.lost:
                self.lost = True
                raise StoreUnreachable("timed out")
            return done

    place.target = Deaf()
    assert place.copy(MemoryFeed({"a": b"1"}), retries=1).files == 1
    assert (place.there(), place.facts()) == ({"a": b"1"}, 1)


def test_pages_of_records_have_no_names(place: Place) -> None:
    with pytest.raises(NoNamesToKeep, match="ST252"):
        place.copy(MemoryFeed({"page 1": b"[]"}), Source("api", HttpFeed("http://x/"), Span("sources/api.yml")))


class _Killed(BaseException):
    pass


# Sizes differ, since the fake feed's stamps are sizes.
@settings(deadline=None, max_examples=60)
@given(
    versions=st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3).map(bytes), min_size=1), min_size=1, max_size=4),
    kills=st.lists(st.integers(1, 12), max_size=4),
)
def test_killed_anywhere_and_run_again_every_file_is_whole_and_told_once(
    versions: list[dict[str, bytes]], kills: list[int]
) -> None:
    place, expected, told = Place(), {}, 0
    for files in versions:
        stamps_before = {name: expected.get(name) for name in files}
        told += sum(stamps_before[name] != content for name, content in files.items())
        expected |= files
        for kill in [*kills, 0]:
            left = kill

            def die(name: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    raise _Killed

            crash.hook = die
            try:
                place.copy(MemoryFeed(dict(files)))
            except _Killed:
                pass
            finally:
                crash.hook = None
        assert place.there() == expected
    assert place.facts() == told
