"""Transfers that hardly move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from startrail.capabilities.sources.pace import FeedDrips, moving
from startrail.testing.clock import ManualClock


def _coming(clock: ManualClock, sizes: list[int], seconds: float, ended: list[str]) -> Iterator[bytes]:
    try:
        for size in sizes:
            clock.sleep(seconds)
            yield b"x" * size
    finally:
        ended.append("closed")


def test_a_drip_is_given_up_and_its_transfer_closed() -> None:
    clock, ended = ManualClock(), list[str]()
    begun = clock.now()
    with pytest.raises(FeedDrips, match=r"'a.csv' came at 0 bytes a second for 300 s"):
        list(moving(_coming(clock, [1] * 10_000, 20, ended), clock, "a.csv"))
    assert (clock.now() - begun).total_seconds() == 300
    assert ended == ["closed"]


def test_one_that_is_slow_but_moves_goes_on() -> None:
    clock, ended = ManualClock(), list[str]()
    sizes = [40_000] * 100
    assert [len(chunk) for chunk in moving(_coming(clock, sizes, 30, ended), clock, "a.csv")] == sizes


def test_a_drip_after_a_flow_is_seen() -> None:
    clock, ended = ManualClock(), list[str]()
    with pytest.raises(FeedDrips):
        list(moving(_coming(clock, [10_000_000] * 10 + [1] * 100, 29, ended), clock, "a.csv"))


def test_time_that_others_take_does_not_count() -> None:
    clock, ended = ManualClock(), list[str]()
    for _ in moving(_coming(clock, [1] * 200, 1, ended), clock, "a.csv"):
        clock.sleep(3600)
    assert ended == ["closed"]


def test_who_stops_reading_closes_the_transfer() -> None:
    clock, ended = ManualClock(), list[str]()
    chunks = moving(_coming(clock, [5, 5], 1, ended), clock, "a.csv")
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert ended == ["closed"]
