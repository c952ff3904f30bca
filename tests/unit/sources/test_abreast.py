"""Several offers at the same time, told of in their order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base.errors import SourceError
from startrail.capabilities.sources.abreast import Abreast, GivenUp
from startrail.ports.feed import FeedIncomplete, Offer
from startrail.testing.feed import MemoryFeed


def _offers(count: int) -> list[Offer]:
    return [Offer(f"{number:04}", "s") for number in range(count)]


@settings(deadline=None, max_examples=25)
@given(count=st.integers(0, 600), lanes=st.integers(1, 9), bad=st.sets(st.integers(0, 600)))
def test_every_offer_is_told_once_and_in_order_whatever_becomes_of_it(count: int, lanes: int, bad: set[int]) -> None:
    def work(offer: Offer) -> str:
        if int(offer.name) in bad:
            raise FeedIncomplete("cut off")
        return offer.name

    with Abreast(MemoryFeed({}, lanes=lanes), work) as abreast:
        told = [outcome for batch in abreast.outcomes(iter(_offers(count))) for outcome in batch]
    assert [outcome.offer.name for outcome in told] == [offer.name for offer in _offers(count)]
    for outcome in told:
        assert (outcome.value is None) is (int(outcome.offer.name) in bad) is isinstance(outcome.error, SourceError)


def test_as_many_work_together_as_there_are_lanes() -> None:
    meet = threading.Barrier(4)

    def work(offer: Offer) -> int:
        return meet.wait(240)

    with Abreast(MemoryFeed({}, lanes=4), work) as abreast:
        told = [outcome.value for batch in abreast.outcomes(_offers(8)) for outcome in batch]
    assert sorted(value for value in told if value is not None) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_with_one_lane_the_next_offer_is_asked_for_only_when_the_last_one_was_told() -> None:
    taken: list[str] = []

    def lazily() -> Iterator[Offer]:
        for offer in _offers(3):
            taken.append(offer.name)
            yield offer

    with Abreast(MemoryFeed({}), lambda offer: offer.name) as abreast:
        for number, [outcome] in enumerate(abreast.outcomes(lazily()), 1):
            assert len(taken) == number
            assert threading.current_thread() is threading.main_thread()
            assert outcome.value == taken[-1]


def test_a_listing_is_not_taken_further_ahead_than_a_bound() -> None:
    taken, go = [0], threading.Event()

    def offers() -> Iterator[Offer]:
        for offer in _offers(5_000):
            taken[0] += 1
            yield offer

    def work(offer: Offer) -> None:
        go.wait(240)

    with Abreast(MemoryFeed({}, lanes=2), work) as abreast:
        outcomes = abreast.outcomes(offers())
        threading.Timer(0.05, go.set).start()
        next(outcomes)
        assert taken[0] <= 256


class _Line(MemoryFeed):
    """A feed whose server says nothing until the feed is closed."""

    def __init__(self) -> None:
        super().__init__({}, lanes=3)
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def test_a_block_that_is_left_early_waits_for_nobody_who_waits_for_a_server() -> None:
    feed, done = _Line(), list[str]()

    def work(offer: Offer) -> None:
        if offer.name == "0000":
            raise ZeroDivisionError  # a defect of ours, which nobody hides
        feed.closed.wait(240)
        done.append(offer.name)

    with pytest.raises(ZeroDivisionError), Abreast(feed, work) as abreast:
        list(abreast.outcomes(_offers(300)))
    assert feed.closed.is_set()
    assert len(done) <= 3


def test_a_stream_ends_with_the_work_and_is_closed_where_it_was_read() -> None:
    closed: list[threading.Thread] = []

    def chunks() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(threading.current_thread())

    abreast: Abreast[None] = Abreast(MemoryFeed({}, lanes=2), lambda offer: None)
    flowing = abreast.flowing(chunks())
    assert next(flowing) == b"x"
    with pytest.raises(ZeroDivisionError), abreast:
        raise ZeroDivisionError
    with pytest.raises(GivenUp):
        next(flowing)
    assert closed == [threading.current_thread()]
    with pytest.raises(GivenUp):
        abreast.pause(lambda seconds: None, 1.0)
