"""A forecast is the longest way at the usual durations, with bounds, and never says more than is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startrail.capabilities.reports.deadline import due
from startrail.capabilities.reports.forecast import Part, Usual, forecast, usual
from startrail.model.schedule import Deadline

NOW = datetime(2026, 10, 3, 6, 0, tzinfo=UTC)
DUE = NOW + timedelta(minutes=10)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def part(name: str, *parents: str, took: float | None = 60.0, done: bool = False, spent: float = 0.0) -> Part:
    known = None if took is None else Usual(took / 2, took, took * 2, 5)
    return Part(name, frozenset(parents), done, spent, known)


def parts(*found: Part) -> dict[str, Part]:
    return {each.name: each for each in found}


TWO_WAYS = parts(
    part("orders", took=100), part("rates", took=30), part("sales", "orders", took=60),
    part("total", "sales", "rates", took=20), part("daily", "total", took=10), part("other", took=10_000),
)  # fmt: skip


def test_it_is_expected_after_the_longest_way_and_no_other_name_counts() -> None:
    found = forecast("daily", TWO_WAYS, due=DUE, now=NOW)
    assert found.expected == NOW + seconds(190)
    assert found.lower == NOW + seconds(95)
    assert found.upper == NOW + seconds(440)  # everything after each other, slowly
    assert (found.state, found.person, found.waits) == ("on time", False, ("a run",))


def test_what_is_done_counts_no_more_and_what_runs_counts_for_the_rest() -> None:
    done = TWO_WAYS | parts(part("orders", done=True), part("sales", "orders", took=60, spent=45))
    found = forecast("daily", done, due=DUE, now=NOW, running=True)
    assert found.expected == NOW + seconds(30 + 20 + 10)  # the rates are the longer way now
    assert found.waits == ()


def test_a_run_that_begins_by_itself_later_moves_everything() -> None:
    starts = NOW + timedelta(minutes=4)
    found = forecast("daily", TWO_WAYS, due=DUE, now=NOW, starts=starts)
    assert found.expected == starts + seconds(190)
    assert found.state == "at risk"  # slowly it would be too late
    assert not found.person
    assert forecast("daily", TWO_WAYS, due=DUE, now=NOW, starts=NOW - timedelta(hours=1)).expected == NOW + seconds(190)


def test_what_was_never_seen_is_not_known_and_named() -> None:
    found = forecast("daily", TWO_WAYS | parts(part("rates", took=None)), due=DUE, now=NOW)
    assert (found.state, found.expected, found.upper, found.unknown) == ("not known", None, None, ("rates",))
    assert found.lower == NOW + seconds(95)


def test_it_is_at_risk_though_unknown_when_the_known_part_is_too_long_already() -> None:
    found = forecast("daily", TWO_WAYS | parts(part("rates", took=None)), due=NOW + seconds(90), now=NOW)
    assert (found.state, found.person) == ("at risk", True)


def test_what_a_person_must_mend_makes_it_at_risk_whatever_the_time() -> None:
    held = msgspec.structs.replace(TWO_WAYS["orders"], blocked="its delivery is held")
    found = forecast("daily", TWO_WAYS | parts(held), due=NOW + timedelta(days=1), now=NOW, running=True)
    assert (found.state, found.person, found.expected) == ("at risk", True, None)
    assert found.waits == ("orders: its delivery is held",)


def test_a_pause_is_waited_for_and_needs_a_person_only_when_it_is_too_long() -> None:
    until = NOW + timedelta(minutes=3)
    paused = msgspec.structs.replace(TWO_WAYS["orders"], waits="paused", not_before=until)
    found = forecast("daily", TWO_WAYS | parts(paused), due=NOW + timedelta(hours=1), now=NOW)
    assert found.expected == until + seconds(190)
    assert (found.state, found.waits) == ("on time", ("orders: paused",))
    late = forecast("daily", TWO_WAYS | parts(paused), due=NOW + timedelta(minutes=3), now=NOW)
    assert (late.state, late.person) == ("at risk", True)


def test_a_file_that_is_expected_may_come_earlier_and_is_taken_to_come_in_time() -> None:
    by = NOW + timedelta(minutes=2)
    awaited = msgspec.structs.replace(TWO_WAYS["orders"], waits="orders.csv expected by 06:02 UTC", comes_by=by)
    found = forecast("daily", TWO_WAYS | {"orders": awaited}, due=DUE, now=NOW, running=True)
    assert found.lower == NOW + seconds(95)
    assert found.expected == by + seconds(190)
    assert found.upper == by + seconds(440)
    assert (found.state, found.waits, found.person) == ("on time", ("orders: orders.csv expected by 06:02 UTC",), False)
    late = msgspec.structs.replace(awaited, comes_by=DUE)
    assert forecast("daily", TWO_WAYS | {"orders": late}, due=DUE, now=NOW, running=True).state == "at risk"


@pytest.mark.parametrize(("running", "starts", "person"), [(False, None, True), (True, None, False), (False, NOW, False)])
def test_late_is_late_and_needs_a_person_when_nothing_happens_by_itself(
    running: bool, starts: datetime | None, person: bool
) -> None:
    found = forecast("daily", TWO_WAYS, due=NOW - seconds(1), now=NOW, running=running, starts=starts)
    assert (found.state, found.person) == ("late", person)


@pytest.mark.parametrize(("after", "state"), [(0, "delivered"), (1, "delivered late")])
def test_what_is_delivered_is_no_forecast(after: int, state: str) -> None:
    found = forecast("daily", {}, due=DUE, now=NOW, delivered_at=DUE + seconds(after))
    assert (found.state, found.expected, found.person) == (state, None, False)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "hours"),
    [
        ("Europe/Madrid", date(2026, 3, 29), "02:30", 1.0),  # skipped: due when the clocks jump
        ("Europe/Madrid", date(2026, 10, 25), "02:30", 0.5),  # twice: due the first time
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", None),
        ("America/New_York", date(2026, 11, 1), "01:30", None),
    ],
)
def test_on_days_when_clocks_change_the_due_instant_is_one_and_the_forecast_is_in_utc(
    zone: str, day: date, wall: str, hours: float | None
) -> None:
    at = due(Deadline(wall, zone), day)
    if hours is not None:
        assert at == datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
    before = forecast("daily", TWO_WAYS, due=at, now=at - timedelta(minutes=30))
    after = forecast("daily", TWO_WAYS, due=at, now=at + seconds(1))
    assert (before.state, after.state) == ("on time", "late")


def test_usual_is_the_median_with_a_tenth_on_each_side() -> None:
    assert usual([]) is None
    assert usual([5.0]) == Usual(5.0, 5.0, 5.0, 1)
    assert usual([3.0, 1.0, 2.0]) == Usual(1.0, 2.0, 3.0, 3)
    found = usual(float(number) for number in range(101))
    assert found == Usual(10.0, 50.0, 90.0, 101)


NAMES = ("a", "b", "c", "d", "report")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 100_000), st.booleans(), st.sets(st.integers(0, 3))), min_size=5, max_size=5))
def test_the_bounds_hold_what_is_expected_in_any_graph(rows: list[tuple[int, bool, set[int]]]) -> None:
    made = {
        name: part(name, *(NAMES[p] for p in parents if p < number), took=took, done=done)
        for number, (name, (took, done, parents)) in enumerate(zip(NAMES, rows, strict=True))
    }
    found = forecast("report", made, due=NOW + timedelta(days=400), now=NOW)
    assert found.lower is not None
    assert found.expected is not None
    assert found.upper is not None
    assert NOW <= found.lower <= found.expected <= found.upper
