"""Runs, deliveries, steps and the cache, on both databases."""

import msgspec
import pytest
from tests.fixtures.ledgers import NOW, Place, a_change, a_delivery, a_publication, a_record, later, take

from startrail.ledger.errors import RunTaken
from startrail.model.delivery import Counts
from startrail.model.run import NewFact, Run
from startrail.model.step import CheckResult, Step
from startrail.ports.feed import Seen

# -- runs ----------------------------------------------------------------------------------------------


def test_a_run_is_recorded_from_start_to_end(place: Place):
    ledger = place.open()
    run = Run("r1", NOW, profile="prod", project="abc")
    assert ledger.start_run(run, take(ledger)) == ()
    assert ledger.runs() == [run]
    ledger.end_run("r1", "done", later(9))
    assert ledger.runs() == [msgspec.structs.replace(run, state="done", ended_at=later(9))]


def test_a_run_whose_process_died_is_found_abandoned_by_the_next(place: Place):
    ledger = place.open()
    ledger.start_run(Run("r1", NOW), take(ledger))
    assert ledger.start_run(Run("r2", later(5)), take(ledger)) == ("r1",)
    assert [(run.id, run.state, run.ended_at) for run in ledger.runs()] == [
        ("r2", "running", None),
        ("r1", "abandoned", later(5)),
    ]


def test_a_run_found_dead_stays_abandoned_when_its_process_comes_back(place: Place):
    ledger = place.open()
    ledger.start_run(Run("r1", NOW), take(ledger))
    ledger.start_run(Run("r2", NOW), take(ledger))
    ledger.end_run("r1", "done", later(9))
    assert [run.state for run in ledger.runs()] == ["running", "abandoned"]


def test_a_run_under_another_lease_is_alive_and_left_alone(place: Place):
    ledger = place.open()
    ledger.start_run(Run("r1", NOW), take(ledger, name="one"))
    assert ledger.start_run(Run("r2", NOW), take(ledger, name="two")) == ()


def test_an_id_that_a_run_has_is_no_other_runs(place: Place):
    ledger = place.open()
    ledger.start_run(Run("r1", NOW), take(ledger))
    with pytest.raises(RunTaken):
        ledger.start_run(Run("r1", later(5), profile="other"), take(ledger), lambda _: [NewFact("run.started", "r1")])
    assert ledger.runs() == [Run("r1", NOW)]
    assert ledger.latest_fact() is None


def test_runs_are_listed_newest_first_up_to_the_limit(place: Place):
    ledger = place.open()
    for n in range(5):
        ledger.start_run(Run(f"r{n}", NOW), take(ledger))
    assert [run.id for run in ledger.runs(3)] == ["r4", "r3", "r2"]


# -- deliveries ----------------------------------------------------------------------------------------


def test_a_delivery_comes_back_as_it_was(place: Place):
    ledger = place.open()
    delivery = a_delivery("día ✓.csv", cursor="17")
    assert ledger.record_delivery(delivery, "stamp", take(ledger)) is True
    assert ledger.delivery(delivery.id) == delivery
    assert ledger.deliveries() == ledger.deliveries("orders") == [delivery]
    assert ledger.delivery("other") is None
    assert ledger.deliveries("other") == []


def test_the_same_bytes_twice_are_one_delivery_under_both_names(place: Place):
    ledger = place.open()
    lease = take(ledger)
    first = a_delivery("a.csv", content="bytes")
    assert ledger.record_delivery(first, "1", lease) is True
    assert ledger.record_delivery(a_delivery("b.csv", content="bytes"), "2", lease) is False
    assert ledger.record_delivery(first, "3", lease) is False
    assert ledger.deliveries() == [first]
    assert ledger.seen("orders").landed == {"a.csv": "3", "b.csv": "2"}


def test_the_same_bytes_from_another_source_are_another_delivery(place: Place):
    ledger = place.open()
    lease = take(ledger)
    assert ledger.record_delivery(a_delivery("a.csv", "one", "bytes"), "1", lease)
    assert ledger.record_delivery(a_delivery("a.csv", "two", "bytes"), "1", lease)
    assert len(ledger.deliveries()) == 2
    assert len(ledger.deliveries("two")) == 1


def test_what_was_growing_is_replaced_by_the_next_listing_of_its_source_only(place: Place):
    ledger = place.open()
    lease = take(ledger)
    ledger.record_growing("orders", {"a": "1", "b": "1"}, lease)
    ledger.record_growing("other", {"c": "1"}, lease)
    ledger.record_growing("orders", {"b": "2"}, lease)
    assert ledger.seen("orders") == Seen({}, {"b": "2"}, None)
    assert ledger.seen("other").growing == {"c": "1"}


def test_the_cursor_of_a_source_is_the_greatest_landed_and_numbers_are_not_text(place: Place):
    ledger = place.open()
    lease = take(ledger)
    for cursor in ("9", "10", None, "7"):
        ledger.record_delivery(a_delivery(f"page {cursor}", cursor=cursor), "", lease)
    assert ledger.seen("orders").cursor == "10"
    assert ledger.seen("other").cursor is None


def test_pending_deliveries_are_those_without_a_published_load_step_each_with_its_tries(place: Place):
    ledger = place.open()
    lease = take(ledger)
    published, failed, untouched, foreign = (a_delivery(name) for name in ("a", "b", "c", "d"))
    foreign = msgspec.structs.replace(foreign, source="other")
    for delivery in (published, failed, untouched, foreign):
        ledger.record_delivery(delivery, "", lease)
    done = a_record(Step("load", "orders", published.id, "code"), counts=Counts(3, 3))
    tried = a_record(Step("load", "orders", failed.id, "old code"), "failed", end=1)
    again = a_record(Step("load", "orders", failed.id, "new code"), "staged", end=2)
    other = a_record(Step("build", "orders", untouched.id))
    for record in (again, done, tried, other):
        ledger.record_step(record, lease)
    assert len(ledger.pending("orders")) == 3
    ledger.publish(a_publication("p", steps=(done.key, other.key)), lease)
    assert ledger.pending("orders") == [(failed, (tried, again)), (untouched, ())]


def test_a_load_step_recorded_as_published_is_not_pending_either(place: Place):
    ledger = place.open()
    lease = take(ledger)
    delivery = a_delivery("a")
    ledger.record_delivery(delivery, "", lease)
    ledger.record_step(a_record(Step("load", "orders", delivery.id), "published"), lease)
    assert ledger.pending("orders") == []


# -- steps ---------------------------------------------------------------------------------------------


def test_a_step_comes_back_with_all_its_output(place: Place):
    ledger = place.open()
    record = a_record(
        Step("load", "orders", "d1", "code", "inputs"),
        changes=(a_change("raw.orders", "d1"),),
        rows=3,
        counts=Counts(5, 3, 2),
        touched={"2026-10-03": 3},
        deliveries=(a_delivery("a"),),
        checks=(CheckResult("unique(id)", "error", False, 2, "twice", '[{"id":1}]'),),
        kept={"loyalty": 3},
        note={"why": "because"},
    )
    ledger.record_step(record, take(ledger))
    assert ledger.steps([record.key, "unknown", record.key]) == {record.key: record}


def test_a_step_without_end_or_output_comes_back_so(place: Place):
    ledger = place.open()
    step = Step("build", "marts.a")
    record = msgspec.structs.replace(a_record(step, "failed"), ended_at=None, output=None, error="nul \0 here")
    ledger.record_step(record, take(ledger))
    assert ledger.steps([step.key])[step.key] == msgspec.structs.replace(record, error=r"nul \x00 here")


def test_a_step_is_replaced_until_it_is_published(place: Place):
    ledger = place.open()
    lease = take(ledger)
    step = Step("build", "marts.a")
    ledger.record_step(a_record(step, "failed", rows=1), lease)
    staged = a_record(step, "staged", run="r2", rows=2)
    ledger.record_step(staged, lease)
    assert ledger.steps([step.key])[step.key] == staged
    ledger.publish(a_publication("p", steps=(step.key,)), lease)
    ledger.record_step(a_record(step, "failed", rows=3), lease)
    assert ledger.steps([step.key])[step.key] == msgspec.structs.replace(staged, state="published")


def test_any_number_of_steps_can_be_asked_for(place: Place):
    ledger = place.open()
    lease = take(ledger)
    steps = [Step("build", f"m.t{n}") for n in range(3)]
    for step in steps:
        ledger.record_step(a_record(step), lease)
    asked = [steps[0].key, *(f"{n:032}" for n in range(25_000)), steps[2].key]
    assert set(ledger.steps(asked)) == {steps[0].key, steps[2].key}
    assert ledger.steps([]) == {}


def test_history_is_newest_first_and_filtered(place: Place):
    ledger = place.open()
    lease = take(ledger)
    steps = [Step("build", "m.a", "0"), Step("build", "m.b", "1"), Step("deliver", "m.a", "2"), Step("build", "m.a", "3")]
    for n, (step, run) in enumerate(zip(steps, ["r1", "r1", "r2", "r2"], strict=True)):
        ledger.record_step(a_record(step, run=run, end=n), lease)

    def order(**filters) -> list[str]:
        return [record.step.partition for record in ledger.history(**filters)]

    assert order() == ["3", "2", "1", "0"]
    assert order(limit=2) == ["3", "2"]
    assert order(kind="build") == ["3", "1", "0"]
    assert order(subject="m.a") == ["3", "2", "0"]
    assert order(subject="m.a", kind="build") == ["3", "0"]
    assert order(run="r1") == ["1", "0"]
    assert order(run="r2", subject="m.a", kind="deliver", limit=5) == ["2"]


# -- cache ---------------------------------------------------------------------------------------------


def test_the_cache_returns_what_it_has_per_kind(place: Place):
    ledger = place.open()
    ledger.cache("analysis", {"a": b"\0\xff", "b": b""})
    ledger.cache("project", {"a": b"other"})
    ledger.cache("analysis", {"b": b"new"})
    assert ledger.cached("analysis", ["a", "b", "c"]) == {"a": b"\0\xff", "b": b"new"}
    assert ledger.cached("project", iter(["a"])) == {"a": b"other"}
    ledger.cache("analysis", {})
    assert ledger.cached("analysis", []) == {}


def test_what_was_written_is_there_after_closing_and_opening_again(place: Place):
    ledger = place.open()
    delivery = a_delivery("a")
    ledger.record_delivery(delivery, "1", take(ledger))
    ledger.close()
    assert place.open(read_only=True).deliveries() == [delivery]
