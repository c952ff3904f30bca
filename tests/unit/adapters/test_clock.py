"""Clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from startrail.adapters.clock import ShiftedClock, SystemClock
from startrail.testing.clock import ManualClock


def test_the_system_clock_gives_aware_instants_that_do_not_go_back() -> None:
    clock = SystemClock()
    first = clock.now()
    clock.sleep(0.001)
    assert first.tzinfo is UTC
    assert clock.now() > first


def test_a_shifted_clock_starts_where_told_and_goes_on() -> None:
    start = datetime(2026, 10, 3, 7, 59, tzinfo=timezone(timedelta(hours=2)))
    clock = ShiftedClock(start)
    first = clock.now()
    clock.sleep(0.001)
    second = clock.now()
    assert first.tzinfo is UTC
    assert start <= first < second < start + timedelta(hours=1)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        ShiftedClock(datetime(2026, 10, 3))


def test_a_manual_clock_moves_only_when_moved() -> None:
    clock = ManualClock()
    start = clock.now()
    clock.sleep(5)
    clock.advance(60)
    assert clock.now() - start == timedelta(seconds=65)
