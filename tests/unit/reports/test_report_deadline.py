"""When a report is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from startrail.base.span import Span
from startrail.capabilities.reports.deadline import day_of, deadline_of, due, minutes_early
from startrail.model.destination import FolderDestination
from startrail.model.report import Report
from startrail.model.schedule import Deadline

MADRID = "Europe/Madrid"
ZONES = (MADRID, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "America/Sao_Paulo", "UTC")


def report(deadline: Deadline | None) -> Report:
    return Report("daily", "csv", Span("reports/daily.yml"), FolderDestination("out"), model="marts.daily", deadline=deadline)


def test_the_deadline_is_the_wall_time_of_the_day_in_its_zone() -> None:
    now = datetime(2026, 10, 4, 3, 59, tzinfo=UTC)
    assert deadline_of(report(Deadline("09:00", MADRID)), now) == datetime(2026, 10, 4, 7, tzinfo=UTC)


def test_the_day_is_that_of_the_zone_not_of_utc() -> None:
    late = datetime(2026, 10, 3, 23, 30, tzinfo=UTC)
    assert day_of(report(Deadline("09:00", MADRID)), late) == date(2026, 10, 4)
    assert day_of(report(None), late) == date(2026, 10, 3)


def test_a_report_without_a_deadline_is_never_due() -> None:
    assert deadline_of(report(None), datetime(2026, 10, 4, tzinfo=UTC)) is None


def test_a_wall_time_that_the_spring_night_skips_is_due_when_the_clocks_jump() -> None:
    assert due(Deadline("02:30", MADRID), date(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert due(Deadline("02:15", "Australia/Lord_Howe"), date(2026, 10, 4)) == datetime(2026, 10, 3, 15, 30, tzinfo=UTC)


def test_a_wall_time_that_the_autumn_night_has_twice_is_due_the_first_time() -> None:
    assert due(Deadline("02:30", MADRID), date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_nine_o_clock_stays_nine_o_clock_through_both_changes() -> None:
    for day in (
        date(2026, 3, 28),
        date(2026, 3, 29),
        date(2026, 3, 30),
        date(2026, 10, 24),
        date(2026, 10, 25),
        date(2026, 10, 26),
    ):
        there = due(Deadline("09:00", MADRID), day).astimezone(ZoneInfo(MADRID))
        assert (there.date(), there.time()) == (day, time(9))


@given(
    day=st.dates(date(2000, 1, 1), date(2037, 12, 30)),
    minute=st.integers(0, 24 * 60 - 1),
    name=st.sampled_from(ZONES),
)
@example(date(2026, 3, 29), 150, MADRID)
@example(date(2026, 10, 25), 150, MADRID)
def test_it_is_the_first_second_at_which_the_wall_shows_that_time_or_a_later_one(day: date, minute: int, name: str) -> None:
    at = due(Deadline(f"{minute // 60:02d}:{minute % 60:02d}", name), day)
    wanted = datetime.combine(day, time(minute // 60, minute % 60))

    def wall(instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(name)).replace(tzinfo=None)

    assert wall(at) >= wanted
    assert wall(at - timedelta(seconds=1)) < wanted


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (59, 0), (60, 1), (-1, -1), (-60, -1), (-61, -2), (10860, 181)])
def test_minutes_are_rounded_down_so_that_late_is_never_shown_as_on_time(seconds: int, minutes: int) -> None:
    arrived = datetime(2026, 10, 4, 7, tzinfo=UTC)
    assert minutes_early(arrived + timedelta(seconds=seconds), arrived) == minutes
