"""Schedules and their ticks, on both databases."""

from datetime import datetime

import msgspec
import pytest
from tests.fixtures.ledgers import NOW, Place, later, take

from startrail.ledger.errors import LeaseLost, LedgerReadOnly, TickTaken
from startrail.model.run import NewFact, Run
from startrail.model.schedule import Tick, TickRecord, Watch
from startrail.ports.ledger import Ledger

FACT = (NewFact("k", "s"),)


def watched(ledger: Ledger, name: str = "s", cron: str = "* * * * *", since: datetime = NOW) -> bool:
    return ledger.watch(Watch(name, cron, "UTC", since, since), FACT, NOW)


def test_a_schedule_is_watched_from_where_it_was_first_seen(place: Place):
    ledger = place.open()
    assert watched(ledger)
    assert not watched(ledger, since=later(60))
    assert ledger.watches() == {"s": Watch("s", "* * * * *", "UTC", NOW, NOW)}
    assert len(list(ledger.facts())) == 1


def test_a_changed_schedule_is_watched_anew_once(place: Place):
    ledger = place.open()
    watched(ledger)
    assert watched(ledger, cron="5 * * * *", since=later(60))
    assert not watched(ledger, cron="5 * * * *", since=later(60))
    assert ledger.watches()["s"] == Watch("s", "5 * * * *", "UTC", later(60), later(60))


def test_of_two_that_decide_about_the_same_ticks_one_does(place: Place):
    ledger, other = place.open(), place.open()
    watched(ledger)
    assert ledger.decide_ticks("s", NOW, later(120), FACT, later(1))
    assert not other.decide_ticks("s", NOW, later(60), FACT, later(1))
    assert ledger.watches()["s"].through == later(120)
    assert len(list(ledger.facts())) == 2


def test_a_tick_is_claimed_with_its_run_and_ends_with_it(place: Place):
    ledger = place.open()
    watched(ledger)
    ledger.start_run(Run("r1", later(61)), take(ledger), tick=Tick("s", later(60)))
    going = TickRecord("s", later(60), "running", "r1", 1, later(61))
    assert ledger.watches()["s"] == Watch("s", "* * * * *", "UTC", NOW, later(60), (going,))
    ledger.end_run("r1", "held", later(70))
    assert ledger.newest_ticks("s") == [msgspec.structs.replace(going, state="held", ended_at=later(70))]


@pytest.mark.parametrize("seconds", [60, 30])
def test_a_tick_that_is_decided_is_claimed_by_nobody_else_and_no_run_is_recorded(place: Place, seconds: int):
    ledger = place.open()
    watched(ledger)
    ledger.start_run(Run("r1", later(61)), take(ledger), tick=Tick("s", later(60)))
    ledger.end_run("r1", "done", later(62))
    with pytest.raises(TickTaken, match="another runner's"):
        ledger.start_run(Run("r2", later(63)), take(ledger), lambda _: FACT, Tick("s", later(seconds)))
    assert [run.id for run in ledger.runs()] == ["r1"]
    assert len(list(ledger.facts())) == 1


def test_a_tick_is_not_claimed_without_the_lease(place: Place):
    ledger = place.open()
    watched(ledger)
    old = take(ledger)
    ledger.take_over(old, "other", 60, later(1))
    with pytest.raises(LeaseLost):
        ledger.start_run(Run("r1", later(61)), old, tick=Tick("s", later(60)))
    assert ledger.newest_ticks("s") == []


def test_the_tick_of_a_dead_run_is_taken_over_once(place: Place):
    ledger = place.open()
    watched(ledger)
    ledger.start_run(Run("r1", later(61)), take(ledger), tick=Tick("s", later(60)))
    taking = Tick("s", later(60), takes_over="r1")
    assert ledger.start_run(Run("r2", later(90)), take(ledger), tick=taking) == ("r1",)
    with pytest.raises(TickTaken):
        ledger.start_run(Run("r3", later(91)), take(ledger), tick=taking)
    ledger.end_run("r1", "done", later(92))  # it was only asleep
    assert ledger.newest_ticks("s") == [TickRecord("s", later(60), "running", "r2", 2, later(90))]
    ledger.end_run("r2", "done", later(93))
    assert ledger.newest_ticks("s")[0].state == "done"


def test_a_tick_whose_run_was_found_dead_by_another_kind_of_run_shows_it(place: Place):
    ledger = place.open()
    watched(ledger)
    ledger.start_run(Run("r1", later(61)), take(ledger), tick=Tick("s", later(60)))
    ledger.start_run(Run("r2", later(90)), take(ledger))
    assert [each.abandoned for each in ledger.newest_ticks("s")] == [True]
    assert [each.abandoned for each in ledger.watches()["s"].ticks] == [True]


def test_a_tick_is_given_up_once_and_only_from_the_run_that_had_it(place: Place):
    ledger = place.open()
    watched(ledger)
    ledger.start_run(Run("r1", later(61)), take(ledger), tick=Tick("s", later(60)))
    assert not ledger.give_up_tick(Tick("s", later(60), takes_over="r0"), FACT, later(99))
    assert ledger.give_up_tick(Tick("s", later(60), takes_over="r1"), FACT, later(99))
    assert not ledger.give_up_tick(Tick("s", later(60), takes_over="r1"), FACT, later(99))
    assert ledger.newest_ticks("s")[0].state == "missed"
    assert len(list(ledger.facts())) == 2


def test_ended_ticks_are_shown_as_long_as_later_ones_are_undecided(place: Place):
    ledger = place.open()
    watched(ledger)
    ledger.start_run(Run("r1", later(61)), take(ledger), tick=Tick("s", later(60)))
    ledger.end_run("r1", "done", later(150))
    assert [each.at for each in ledger.watches()["s"].ticks] == [later(60)]
    assert ledger.decide_ticks("s", later(60), later(180), (), later(200))
    assert ledger.watches()["s"].ticks == ()


def test_a_ledger_for_reading_watches_nothing(place: Place):
    place.open()
    with pytest.raises(LedgerReadOnly):
        watched(place.open(read_only=True))
