"""Which instants of an expectation have arrived, are late, missing or still to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.capabilities.sources.expect import LONG_AGO, MOST, expected, wanted
from startrail.model.dated import expand, is_dated
from startrail.model.expect import Expectation, LandedName

DAILY = Expectation("sales_{date:%Y%m%d}.csv", by="06:00", days_before=1, grace="10m")
PLAIN = Expectation("orders*.csv", by="06:00", grace="10m")


def at(day: int, hour: int = 0, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def landed(name: str, when: datetime, again: datetime | None = None) -> LandedName:
    return LandedName(name, when, again or when)


def states(expectation: Expectation, names: list[LandedName], now: datetime, since: datetime = LONG_AGO) -> dict[int, str]:
    return {each.due.day: each.state for each in expected("s", expectation, names, since, now)}


def test_a_file_is_due_then_late_then_missing() -> None:
    since = at(22, 12)
    assert states(DAILY, [], at(23, 5), since) == {23: "due"}
    assert states(DAILY, [], at(23, 6), since) == {23: "due", 24: "due"}
    assert states(DAILY, [], at(23, 6, 10), since) == {23: "late", 24: "due"}
    assert states(DAILY, [], at(23, 6, 11), since) == {23: "missing", 24: "due"}


@pytest.mark.parametrize(("minute", "state"), [(0, "arrived"), (10, "arrived"), (11, "arrived late")])
def test_what_lands_within_the_grace_has_arrived_and_after_it_late(minute: int, state: str) -> None:
    assert states(DAILY, [landed("sales_20261122.csv", at(23, 6, minute))], at(23, 9), at(22, 12))[23] == state


def test_the_file_of_a_day_counts_for_its_day_alone_whenever_it_landed() -> None:
    early, twice = landed("sales_20261122.csv", at(1)), landed("sales_20261123.csv", at(24, 5), at(30))
    found = states(DAILY, [early, twice], at(25, 9), at(22, 12))
    assert found == {23: "arrived", 24: "arrived", 25: "missing", 26: "due"}


def test_without_a_date_what_landed_since_the_instant_before_counts() -> None:
    names = [landed("orders.csv", at(1), at(23, 5)), landed("orders_2.csv", at(24, 8))]
    assert states(PLAIN, names, at(25, 5), at(21, 12)) == {22: "arrived late", 23: "arrived", 24: "arrived late", 25: "arrived"}


def test_several_names_are_wanted_where_that_is_declared() -> None:
    three = Expectation("s_{date:%Y%m%d}_{store}.csv", by="06:00", at_least=3, grace="0s")
    names = [landed(f"s_20261123_{store}.csv", at(23, hour)) for store, hour in (("a", 1), ("b", 2), ("c", 7))]
    [found, _] = expected("s", three, names, at(22, 12), at(23, 6, 30))
    assert (found.state, found.found, found.wanted, found.at) == ("arrived late", 3, 3, at(23, 7))
    [found, _] = expected("s", three, names[:2], at(22, 12), at(23, 6, 30))
    assert (found.state, found.found) == ("missing", 2)


def test_only_the_declared_days_count() -> None:
    weekdays = Expectation("a.csv", by="06:00", days=("mon", "fri"))
    assert [each.due for each in wanted(weekdays, at(21), at(28))] == [at(23, 6), at(27, 6), at(30, 6)]


def test_a_cron_expression_says_the_instants() -> None:
    hourly = Expectation("a_{hour:%Y%m%d%H}.csv", cron="0 */6 * * *")
    found = expected("s", hourly, [landed("a_2026112306.csv", at(23, 5))], at(23), at(23, 12, 16))
    assert [(each.due.hour, each.state) for each in found] == [(6, "arrived"), (12, "missing"), (18, "due")]


@pytest.mark.parametrize(("day", "month"), [(29, 3), (25, 10)])
def test_on_the_days_on_which_the_clock_is_set_each_file_is_due_once(day: int, month: int) -> None:
    madrid = Expectation("a_{date:%Y%m%d}.csv", by="02:30", timezone="Europe/Madrid")
    found = wanted(madrid, at(day - 2, 12, month=month), at(day + 1, 12, month=month))
    zone = ZoneInfo("Europe/Madrid")
    assert [each.due.astimezone(zone).day for each in found] == [day - 1, day, day + 1, day + 2]
    assert [each.named.shown for each in found] == [f"a_2026{month:02}{day + step:02}.csv" for step in (-1, 0, 1, 2)]


def test_of_a_frequent_expectation_only_the_newest_instants_are_looked_at() -> None:
    found = wanted(Expectation("a.csv", cron="* * * * *"), LONG_AGO, at(23))
    assert len(found) == MOST + 1
    assert found[-2].due == at(23)


@given(
    hours=st.lists(st.integers(-100, 200), max_size=8),
    now=st.integers(0, 200),
    later=st.integers(0, 100),
    at_least=st.integers(1, 3),
)
def test_what_has_arrived_stays_so_and_more_files_never_make_it_worse(
    hours: list[int], now: int, later: int, at_least: int
) -> None:
    expectation = Expectation("f*.csv", by="06:00", at_least=at_least)
    start = at(10)
    names = [landed(f"f{number}.csv", start + timedelta(hours=hour)) for number, hour in enumerate(hours)]
    moment, then = start + timedelta(hours=now), start + timedelta(hours=now + later)
    known = [name for name in names if name.at <= moment]
    before = {each.due: each for each in expected("s", expectation, known, start, moment)}
    after = {each.due: each for each in expected("s", expectation, names, start, then)}
    for due, each in before.items():
        if each.there and due in after:
            assert (after[due].state, after[due].at) == (each.state, each.at)
    worst = {each.due: each for each in expected("s", expectation, [], start, then)}
    assert all(worst[due].found == 0 and each.found >= 0 for due, each in after.items())
    assert all(each.there or worst[due].state == each.state for due, each in after.items())


@given(st.text(alphabet="ab*?[]{}!-/.%:Ydms_", max_size=12))
def test_any_text_is_a_pattern_or_is_refused(pattern: str) -> None:
    try:
        named = expand(pattern, datetime(2026, 11, 23))
    except ValueError:
        return
    assert named.matches("x") in (True, False)
    assert is_dated(pattern) in (True, False)


@given(st.text(alphabet="ab.-_ 1", max_size=12))
def test_plain_names_mean_themselves(name: str) -> None:
    named = expand(name, datetime(2026, 11, 23))
    assert (named.shown, named.prefix) == (name, name)
    assert named.matches(name)
    assert not named.matches(name + "x")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("s_{date:%Y%m%d}_{store}.csv", "s_20261123_north.csv", True),
        ("s_{date:%Y%m%d}_{store}.csv", "s_20261124_north.csv", False),
        ("s_{date:%Y%m%d}_{store}.csv", "s_20261123_a/b.csv", False),
        ("**/s_{date:%d.%m.%y}.csv", "a/b/s_23.11.26.csv", True),
        ("**/*.csv", "top.csv", True),
        ("*.csv", "a/b.csv", False),
        ("a[0-9].csv", "a7.csv", True),
        ("a[!0-9].csv", "a7.csv", False),
        ("{{x}}.csv", "{x}.csv", True),
        ("w_{date:%G-W%V-%u}.csv", "w_2026-W48-1.csv", True),
    ],
)
def test_patterns_of_names(pattern: str, name: str, matches: bool) -> None:
    assert expand(pattern, datetime(2026, 11, 23)).matches(name) is matches
