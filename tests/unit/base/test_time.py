"""Partitions of time cover it without gap or overlap, to both ends of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.base.time import GRAINS, from_text, partition_bounds, partition_name, partitions_between, to_text


@given(st.datetimes(), st.sampled_from(GRAINS))
def test_every_instant_lies_in_the_partition_named_after_it(at: datetime, grain: str) -> None:
    start, end = partition_bounds(partition_name(at, grain), grain)
    assert start <= at <= end
    assert at < end or end == datetime.max


@given(st.datetimes(max_value=datetime(9000, 1, 1)), st.sampled_from(GRAINS))
def test_the_next_partition_begins_where_one_ends(at: datetime, grain: str) -> None:
    _, end = partition_bounds(partition_name(at, grain), grain)
    assert partition_bounds(partition_name(end, grain), grain)[0] == end


@given(st.datetimes(), st.sampled_from(GRAINS))
def test_names_sort_as_times_do(at: datetime, grain: str) -> None:
    _, end = partition_bounds(partition_name(at, grain), grain)
    if end != datetime.max:
        assert partition_name(at, grain) < partition_name(end, grain)


def test_a_range_of_days_has_both_ends() -> None:
    assert partitions_between(datetime(2026, 2, 27), datetime(2026, 3, 1), "day") == ["2026-02-27", "2026-02-28", "2026-03-01"]


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_from_its_text(at: datetime) -> None:
    assert from_text(to_text(at)) == at


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        to_text(datetime(2026, 10, 1))
