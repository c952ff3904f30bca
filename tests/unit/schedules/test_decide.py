"""What becomes of ticks: catching up, overlap, deadlines, and what the dead left behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from startrail.base.span import Span
from startrail.capabilities.schedules.decide import ATTEMPTS, Decision, decide
from startrail.capabilities.schedules.standing import Standing
from startrail.model.schedule import Schedule, TickRecord

SIX = datetime(2026, 10, 3, 6, tzinfo=UTC)


def hourly(**more: Any) -> Standing:
    return Standing("s", Schedule("0 * * * *", **more), (), Span(""))


def at(hours: float) -> datetime:
    return SIX + timedelta(hours=hours)


def ran(hour: float, claimed: float, ended: float | None, attempts: int = 1, abandoned: bool = False) -> TickRecord:
    over = None if ended is None else at(ended)
    return TickRecord("s", at(hour), "done" if over else "running", f"r{hour}", attempts, at(claimed), over, abandoned)


def fates(decision: Decision) -> list[tuple[str, float, float, int]]:
    def hours(instant: datetime) -> float:
        return (instant - SIX) / timedelta(hours=1)

    found: list[tuple[str, float, float, int]] = [
        (each.fate, hours(each.first), hours(each.last), each.count) for each in decision.passed
    ]
    if decision.tick is not None:
        found.append(("run", hours(decision.tick.at), hours(decision.tick.at), 1))
    return found


def test_before_its_time_nothing_is_due() -> None:
    assert decide(hourly(), SIX, [], False, at(0.99)) == Decision()


def test_the_last_of_those_that_nobody_ran_takes_the_place_of_all() -> None:
    assert fates(decide(hourly(), SIX, [], False, at(3.5))) == [("missed", 1, 2, 2), ("run", 3, 3, 1)]


def test_all_are_run_in_order_when_all_are_wanted() -> None:
    assert fates(decide(hourly(catchup="all"), SIX, [], False, at(3.5))) == [("run", 1, 1, 1)]


def test_without_catching_up_only_what_is_in_time_is_run() -> None:
    assert fates(decide(hourly(catchup="none"), SIX, [], False, at(3.5))) == [("missed", 1, 3, 3)]
    assert fates(decide(hourly(catchup="none"), SIX, [], False, at(3.2))) == [("missed", 1, 2, 2), ("run", 3, 3, 1)]


def test_what_comes_while_a_run_is_going_is_skipped_or_queued() -> None:
    going = [ran(0, 0.01, None)]
    assert fates(decide(hourly(), SIX, going, True, at(2.5))) == [("skipped", 1, 2, 2)]
    queued = decide(hourly(overlap="queue"), SIX, going, True, at(2.5))
    assert (fates(queued), queued.waiting) == ([], True)


def test_what_came_while_a_run_was_going_is_judged_the_same_afterwards() -> None:
    over = [ran(0, 0.01, 2.4)]
    assert fates(decide(hourly(), SIX, over, False, at(2.5))) == [("skipped", 1, 2, 2)]
    assert fates(decide(hourly(overlap="queue"), SIX, over, False, at(2.5))) == [("run", 1, 1, 1)]


def test_only_what_lies_behind_the_run_is_caught_up() -> None:
    over = [ran(0, 0.01, 2.4)]
    assert fates(decide(hourly(), SIX, over, False, at(5.5))) == [("skipped", 1, 2, 2), ("missed", 3, 4, 2), ("run", 5, 5, 1)]


def test_a_tick_that_is_late_for_its_deadline_does_not_begin() -> None:
    late = decide(hourly(deadline="20 minutes", catchup="all"), SIX, [], False, at(2.25))
    assert fates(late) == [("missed", 1, 1, 1), ("run", 2, 2, 1)]
    assert late.tick is not None
    assert late.tick.deadline == at(2) + timedelta(minutes=20)


def test_the_tick_of_a_dead_run_comes_before_everything_else() -> None:
    dead = decide(hourly(), SIX, [ran(0, 0.01, None)], False, at(3.5))
    assert dead.tick is not None
    assert (dead.tick.at, dead.tick.takes_over, dead.lost, dead.passed) == (SIX, "r0", None, ())
    abandoned = decide(hourly(), SIX, [ran(0, 0.01, None, abandoned=True)], True, at(3.5))
    assert abandoned.tick == dead.tick


def test_a_tick_that_killed_its_runners_too_often_is_given_up() -> None:
    lost = decide(hourly(), SIX, [ran(0, 0.01, None, attempts=ATTEMPTS)], False, at(0.5))
    assert lost.lost is not None
    assert "died" in lost.lost


@settings(deadline=None, max_examples=80)
@given(
    catchup=st.sampled_from(["none", "last", "all"]),
    overlap=st.sampled_from(["skip", "queue"]),
    deadline=st.sampled_from([None, "30 minutes", "5 hours"]),
    gaps=st.lists(st.floats(0.05, 7), min_size=1, max_size=8),
    lengths=st.lists(st.floats(0.01, 4), min_size=1, max_size=8),
)
def test_every_tick_has_exactly_one_fate_whenever_somebody_looks(
    catchup: str, overlap: str, deadline: str | None, gaps: list[float], lengths: list[float]
) -> None:
    """Look at some moments, run what is due for some time: the fates together are all hours, each once."""
    standing = hourly(catchup=catchup, overlap=overlap, deadline=deadline)
    through, now, horizon, records, told, turn = SIX, SIX, SIX, [], [], 0
    for gap in gaps:
        now += timedelta(hours=gap)
        horizon = now
        while True:
            decision = decide(standing, through, [r for r in records if r.ended_at > through], False, now, horizon)
            for group in decision.passed:
                hours = round((group.last - group.first) / timedelta(hours=1))
                assert group.count == hours + 1
                told += [group.first + timedelta(hours=each) for each in range(group.count)]
                through = group.last
            if decision.tick is None:
                break
            assert decision.tick.deadline is None or now <= decision.tick.deadline
            told.append(decision.tick.at)
            through = decision.tick.at
            claimed, now = now, now + timedelta(hours=lengths[turn % len(lengths)])
            records.append(TickRecord("s", through, "done", f"r{turn}", 1, claimed, now))
            turn += 1
    last = horizon.replace(minute=0, second=0, microsecond=0)
    assert told == [SIX + timedelta(hours=each) for each in range(1, round((last - SIX) / timedelta(hours=1)) + 1)]
