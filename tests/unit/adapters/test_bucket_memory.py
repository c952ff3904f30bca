"""What a function remembers beside its copies: nothing that was written is ever lost, wherever it dies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.adapters.ledger.bucket import BucketMemory
from startrail.model.run import Lease, NewFact
from startrail.testing.store import MemoryStore

START = datetime(2026, 5, 1, tzinfo=UTC)
LEASE = Lease("", "", 0, START)


class Dies(BaseException):
    """The process is gone."""


class Frail:
    """A store whose process dies at a request of a certain number."""

    def __init__(self, inner: MemoryStore, at: int) -> None:
        self._inner, self._left = inner, at

    def __getattr__(self, name: str) -> Any:
        def request(*given: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise Dies
            return getattr(self._inner, name)(*given)

        return request


def fact(name: str, content: str = "") -> NewFact:
    return NewFact("source.copied", "sales", f'{{"name":"{name}","sha256":"{content}"}}')


def told(memory: BucketMemory) -> dict[str, str]:
    return {found.payload: found.subject for found in memory.facts(kind="source.copied", subject="sales")}


def test_the_newest_fact_about_a_name_counts() -> None:
    store = MemoryStore()
    memory = BucketMemory(store, "m/")
    for number, (name, content) in enumerate([("a", "1"), ("b", "1"), ("a", "2")]):
        memory.append([fact(name, content)], run=None, at=START + timedelta(seconds=number))
    again = BucketMemory(store, "m/")
    assert [found.payload for found in again.facts()] == [fact("b", "1").payload, fact("a", "2").payload]
    newest = again.newest_fact("source.copied", "sales")
    assert newest is not None
    assert (newest.payload, again.newest_fact("source.swept", "sales")) == (fact("a", "2").payload, None)


def test_many_facts_are_gathered_and_only_then_removed() -> None:
    store = MemoryStore()
    for round in range(3):
        memory = BucketMemory(store, "m/")
        for number in range(70):
            memory.append([fact(f"{round}-{number}")], run=None, at=START + timedelta(seconds=round * 100 + number))
        memory.close()
    assert [found.key for found in store.list("m/")] == ["m/index/000000000003"]
    assert len(list(BucketMemory(store, "m/").facts())) == 210


def test_of_two_that_gather_one_gives_way() -> None:
    store = MemoryStore()
    first, second = BucketMemory(store, "m/"), BucketMemory(store, "m/")
    for number in range(70):
        first.append([fact(f"first {number}")], run=None, at=START)
        second.append([fact(f"second {number}")], run=None, at=START)
    first.close()
    second.close()
    assert len(list(BucketMemory(store, "m/").facts())) == 140


def test_what_grows_is_remembered_and_written_only_when_it_changes() -> None:
    store = MemoryStore()
    memory = BucketMemory(store, "m/")
    memory.record_growing("sales", {}, LEASE)
    assert list(store.list("m/")) == []
    memory.record_growing("sales", {"a.csv": "1"}, LEASE)
    assert BucketMemory(store, "m/").seen("sales").growing == {"a.csv": "1"}
    memory.record_growing("sales", {}, LEASE)
    assert BucketMemory(store, "m/").seen("sales").growing == {}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 260), max_size=3))
def test_wherever_it_dies_no_fact_that_was_written_is_lost(deaths: list[int]) -> None:
    store, kept, number = MemoryStore(), dict[str, str](), 0
    for death in [*deaths, 10_000]:
        try:
            memory = BucketMemory(Frail(store, death), "m/")  # type: ignore[arg-type]  # pyrefly: ignore
            for _ in range(80):
                number += 1
                one = fact(f"{number % 100}", str(number))
                memory.append([one], run=None, at=START + timedelta(seconds=number))
                kept[f"{number % 100}"] = one.payload
            memory.close()
        except Dies:
            pass
    assert set(kept.values()) <= set(told(BucketMemory(store, "m/")))
