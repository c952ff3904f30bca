"""Whatever the order, and wherever the watch is cut: one incident per cause, and the table is what the facts come to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.incidents import World

from startrail.capabilities.incidents.watch import watch
from startrail.ledger.incidents import fold
from startrail.model.incident import Incident, Mark
from startrail.ports.ledger import Ledger
from startrail.testing import memory_ledger

CAUSES = ("drift orders", "drift stores", "fail sales", "fail stores", "hold orders")


def happen(world: World, cause: str) -> None:
    what, _, where = cause.partition(" ")
    if what == "drift":
        world.drift(source=where)
    elif what == "fail":
        world.fail(f"marts.{where}")
    else:
        world.hold(source=where)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CAUSES), st.booleans()), min_size=1, max_size=25))
def test_repeats_in_any_order_and_watched_at_any_time_are_one_incident_per_cause(events: list[tuple[str, bool]]) -> None:
    world = World(memory_ledger())
    for cause, look in events:
        happen(world, cause)
        if look:
            world.look()
    world.look()
    found = world.ledger.incidents()
    keys = [symptom.key for incident in found for symptom in incident.symptoms]
    assert len(keys) == len(set(keys)) == len({cause for cause, _ in events})
    seen = sum(symptom.seen for incident in found for symptom in incident.symptoms)
    assert seen == len(events)
    assert world.look() == []


@settings(max_examples=40, deadline=None)
@given(st.permutations([*CAUSES, *CAUSES]))
def test_facts_of_one_night_come_to_the_same_incidents_in_every_order(order: list[str]) -> None:
    world = World(memory_ledger())
    for cause in order:
        happen(world, cause)
    world.look()
    found = {frozenset(s.key for s in each.symptoms): (each.key, each.severity, each.state) for each in world.ledger.incidents()}
    assert found == {
        frozenset({"drift orders new_field $.tier", "held d1"}): (
            "subject orders: drift orders new_field $.tier", "page", "open",
        ),
        frozenset({"drift stores new_field $.tier"}): ("subject stores: drift stores new_field $.tier", "info", "mitigated"),
        frozenset({"step build marts.sales"}): ("subject marts.sales: step build marts.sales", "page", "open"),
        frozenset({"step build marts.stores"}): ("subject marts.stores: step build marts.stores", "error", "open"),
    }  # fmt: skip


STEPS = ("fail", "finish", "drift", "load", "hold", "deliver", "late", "end", "ack", "look", "hour")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(["orders", "stores"])), max_size=40))
def test_the_table_is_what_the_facts_come_to_after_any_history(history: list[tuple[str, str]]) -> None:
    world = World(memory_ledger())
    for number, (what, source) in enumerate(history):
        run = f"r{number // 5}"
        match what:
            case "fail":
                world.fail(f"marts.{source}", run=run)
            case "finish":
                world.finish(f"marts.{source}", run=run)
            case "drift":
                world.drift(source=source, run=run, delivery=f"d{number}")
            case "load":
                world.load(source=source, run=run, delivery=f"d{number}")
            case "hold":
                world.hold(source=source, run=run, delivery=f"d{number % 3}")
            case "deliver" | "late":
                world.deliver(early=5 if what == "deliver" else -5, run=run)
            case "end":
                world.end(run)
            case "ack":
                world.happen(
                    "drift.acknowledged", source, run,
                    source=source, kind="new_field", path="$.tier", until="2026-10-04", by="ana",
                )  # fmt: skip
            case "hour":
                world.later(hours=1)
            case _:
                world.look(run)
    world.look()
    assert_in_order(world.ledger)
    standing = [each.key for each in world.ledger.standing_incidents()]
    assert len(standing) == len(set(standing))
    assert world.ledger.verify().altered is None


def assert_in_order(ledger: Ledger) -> None:
    """No symptom stands in two incidents at a time, and what is resolved has none left unless a person resolved it."""
    standing: list[str] = []
    for incident in ledger.incidents():
        if incident.state == "resolved":
            assert incident.standing == ()
        else:
            standing += [symptom.key for symptom in incident.standing]
    assert len(standing) == len(set(standing))


class Racing:
    """A ledger in which another watcher is quicker, once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger = world.ledger
        self.beaten = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def record_incidents(self, mark: Mark, after: int, *args: Any, **more: Any) -> bool:
        if not self.beaten:
            self._world.look()
        done = self._ledger.record_incidents(mark, after, *args, **more)
        self.beaten += not done
        return done


def test_two_watchers_of_the_same_facts_record_once() -> None:
    world = World(memory_ledger())
    world.fail()
    racing = Racing(world)
    told = watch(racing, world.surroundings(), world.now)  # pyrefly: ignore
    assert told == []
    assert racing.beaten == 1
    assert (world.only().repeats, len(list(world.ledger.facts(kind="incident.opened")))) == (0, 1)


def test_a_watcher_that_dies_before_it_records_leaves_everything_to_the_next() -> None:
    world = World(memory_ledger())
    world.fail()
    before = list(world.ledger.facts())

    class Killed(Exception):
        pass

    class Dying(Racing):
        def record_incidents(self, mark: Mark, after: int, *args: Any, **more: Any) -> bool:
            raise Killed

    with pytest.raises(Killed):
        watch(Dying(world), world.surroundings(), world.now)  # pyrefly: ignore
    assert list(world.ledger.facts()) == before
    world.look()
    only: Incident = world.only()
    assert fold(world.ledger.facts()) == {only.id: only}
