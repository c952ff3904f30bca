"""Instants of cron expressions, on ordinary days and on both days on which a clock is set, in six zones."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.figures import record

from startrail.flow.due import instants, note

CHANGES = {
    # zone: the day that loses time, the day that gains time
    "Europe/Madrid": ((2026, 3, 29), (2026, 10, 25)),
    "America/New_York": ((2026, 3, 8), (2026, 11, 1)),
    "Australia/Lord_Howe": ((2026, 10, 4), (2026, 4, 5)),  # by half an hour
    "Africa/Cairo": ((2026, 4, 24), (2026, 10, 29)),  # at midnight, forwards
    "America/Havana": ((2026, 3, 8), (2026, 11, 1)),  # at midnight, forwards and from one o'clock back to it
    "America/Santiago": ((2026, 9, 6), (2026, 4, 4)),  # at midnight, backwards into the day before
}
DAYS = [(zone, day) for zone, days in CHANGES.items() for day in days]


def between(cron: str, zone: str, day: tuple[int, int, int], hours: int = 36) -> list[datetime]:
    start = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=3)
    return list(instants(cron, ZoneInfo(zone), start, start + timedelta(hours=hours)))


@pytest.mark.parametrize(("zone", "day"), DAYS)
@pytest.mark.parametrize("hour", range(5))
@pytest.mark.parametrize("minute", [0, 15])
def test_a_daily_time_is_due_once_on_a_day_on_which_the_clock_is_set(
    zone: str, day: tuple[int, int, int], hour: int, minute: int, request: pytest.FixtureRequest
) -> None:
    place = ZoneInfo(zone)
    start, end = (datetime(*day, tzinfo=place) + timedelta(days=days) for days in (-3, 4))
    found = list(instants(f"{minute} {hour} * * *", place, start.astimezone(UTC), end.astimezone(UTC)))
    dates = [instant.astimezone(place).date() for instant in found]
    assert sorted(set(dates)) == dates
    assert len(dates) in (7, 8)  # the end may or may not count
    record(request, f"clock set in {zone}", times_of_day=1, days=len(dates), due_twice=0, never_due=0)


@pytest.mark.parametrize(("zone", "day"), DAYS)
@pytest.mark.parametrize("cron", ["0 * * * *", "30 * * * *", "*/15 * * * *", "7 * * * 0"])
def test_an_expression_of_every_hour_goes_with_the_clock_on_the_wall(zone: str, day: tuple[int, int, int], cron: str) -> None:
    found = between(cron, zone, day)
    start = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=3)
    assert found == [each for each in _minutes(start, 36) if _matches(cron, each.astimezone(ZoneInfo(zone)))]


@pytest.mark.parametrize(("zone", "day"), DAYS)
@pytest.mark.parametrize("cron", ["*/30 0-3 * * *", "0 */2 * * *", "0,10 1,2 * * *"])
def test_named_hours_are_due_once_for_each_wall_time(zone: str, day: tuple[int, int, int], cron: str) -> None:
    place = ZoneInfo(zone)
    found = between(cron, zone, day)
    start = datetime(*day, tzinfo=place).astimezone(UTC) - timedelta(hours=3)
    shown = [each.astimezone(place) for each in _minutes(start, 36)]
    walls = {each.replace(tzinfo=None, fold=0) for each in shown if _matches(cron, each)}
    told = {each.astimezone(place).replace(tzinfo=None) for each in found}
    assert walls <= told | {wall for wall in walls if _was_before(wall, place, start)}
    assert len(told) == len(found)  # no wall time twice
    for extra in told - walls:  # only the end of a gap
        before = (extra.replace(tzinfo=place).astimezone(UTC) - timedelta(minutes=1)).astimezone(place)
        assert extra - before.replace(tzinfo=None) > timedelta(minutes=1)


def test_a_skipped_time_is_due_at_the_end_of_the_gap() -> None:
    assert between("30 2 * * *", "Europe/Madrid", (2026, 3, 29), 12) == [datetime(2026, 3, 29, 1, tzinfo=UTC)]
    assert between("15 2 * * *", "Australia/Lord_Howe", (2026, 10, 4), 12) == [datetime(2026, 10, 3, 15, 30, tzinfo=UTC)]
    assert between("0 0 * * *", "Africa/Cairo", (2026, 4, 24), 12) == [datetime(2026, 4, 23, 22, tzinfo=UTC)]


def test_of_a_time_that_comes_twice_the_first_counts() -> None:
    assert between("30 2 * * *", "Europe/Madrid", (2026, 10, 25), 12) == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]
    assert between("45 1 * * *", "Australia/Lord_Howe", (2026, 4, 5), 12) == [datetime(2026, 4, 4, 14, 45, tzinfo=UTC)]
    assert between("0 0 * * *", "America/Havana", (2026, 11, 1), 12) == [datetime(2026, 11, 1, 4, tzinfo=UTC)]


def test_a_whole_day_that_was_left_out_is_due_once() -> None:
    assert [each.isoformat() for each in between("0 9 * * *", "Pacific/Apia", (2011, 12, 29), 48)] == [
        "2011-12-29T19:00:00+00:00",
        "2011-12-30T10:00:00+00:00",  # the 30th, which Samoa did not have
        "2011-12-30T19:00:00+00:00",
    ]


def test_the_special_days_are_told() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    told = {
        day: note("30 2 * * *", madrid, between("30 2 * * *", "Europe/Madrid", day, 12)[0])
        for day in [(2026, 3, 28), (2026, 3, 29), (2026, 10, 25)]
    }
    assert told == {
        (2026, 3, 28): None,
        (2026, 3, 29): "the clock goes from 02:00 to 03:00 that day; what it leaves out is due then, once",
        (2026, 10, 25): "this time comes twice that day; the first one counts",
    }
    assert note("0 3 * * *", madrid, datetime(2026, 3, 29, 1, tzinfo=UTC)) is None
    assert note("0 * * * *", madrid, datetime(2026, 10, 25, 0, tzinfo=UTC)) is None


_field = st.sampled_from(["*", "*/7", "0", "30", "5,50", "10-20"])
_hour = st.sampled_from(["*", "*/2", "2", "1-3", "0,23", "12"])


@settings(max_examples=60, deadline=None)
@given(minute=_field, hour=_hour, days=st.integers(0, 3000), zone=st.sampled_from([*CHANGES, "UTC", "Asia/Kathmandu"]))
def test_the_way_does_not_count_only_the_instants(minute: str, hour: str, days: int, zone: str) -> None:
    """From any of its instants on, an expression goes on as it would have from before; each comes once, in order."""
    start, cron, place = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=days), f"{minute} {hour} * * *", ZoneInfo(zone)
    found = list(islice(instants(cron, place, start), 40))
    assert sorted(set(found)) == found
    assert list(islice(instants(cron, place, found[7]), 32)) == found[8:]
    assert list(islice(instants(cron, place, found[20] - timedelta(seconds=1)), 20)) == found[20:]


@settings(max_examples=60, deadline=None)
@given(minute=_field, hour=_hour, days=st.integers(0, 3000))
def test_where_no_clock_is_set_it_is_what_cronsim_says(minute: str, hour: str, days: int) -> None:
    start, cron = datetime(2020, 1, 1, 3, 17, tzinfo=UTC) + timedelta(days=days), f"{minute} {hour} * * *"
    assert list(islice(instants(cron, UTC, start), 30)) == list(islice(CronSim(cron, start), 30))


def _minutes(start: datetime, hours: int) -> list[datetime]:
    return [start + timedelta(minutes=minute) for minute in range(1, hours * 60 + 1)]


def _matches(cron: str, wall: datetime) -> bool:
    bare = wall.replace(tzinfo=None, fold=0)
    return next(CronSim(cron, bare - timedelta(minutes=1))) == bare


def _was_before(wall: datetime, place: ZoneInfo, start: datetime) -> bool:
    """Its first occurrence lies before the time looked at."""
    return wall.replace(tzinfo=place).astimezone(UTC) <= start
