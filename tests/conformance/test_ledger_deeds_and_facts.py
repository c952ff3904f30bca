"""What happened and the fact of it are one transaction; what is visible is one moment."""

from __future__ import annotations

import threading

import pytest
from tests.fixtures.ledgers import NOW, Place, a_delivery, a_move, a_publication, a_record, later, take

from startrail.ledger.errors import LeaseLost
from startrail.model.run import NewFact, Run
from startrail.model.step import Step
from startrail.ports.ledger import Ledger

FACT = NewFact("it.happened", "orders")
STEP = Step("build", "marts.sales")


def kinds(ledger: Ledger) -> list[str]:
    return [fact.kind for fact in ledger.facts()]


def test_a_step_is_told_when_it_is_recorded(place: Place) -> None:
    ledger = place.open()
    ledger.record_step(a_record(STEP), take(ledger), [FACT])
    fact = ledger.latest_fact()
    assert fact is not None
    assert (fact.kind, fact.run, fact.at) == ("it.happened", "r1", later(1))
    assert ledger.verify().altered is None


def test_a_step_that_may_not_be_recorded_is_not_told(place: Place) -> None:
    ledger = place.open()
    old = take(ledger)
    assert ledger.take_over(old, "other", 60, NOW) is not None
    with pytest.raises(LeaseLost):
        ledger.record_step(a_record(STEP), old, [FACT])
    assert kinds(ledger) == []


def test_a_step_that_cannot_be_told_is_not_recorded(place: Place) -> None:
    ledger = place.open()
    broken = NewFact("it.happened", None)  # pyrefly: ignore
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, all of it is undone
        ledger.record_step(a_record(STEP), take(ledger), [broken])
    assert ledger.steps([STEP.key]) == {}


def test_the_same_bytes_are_told_once(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    ledger.record_delivery(a_delivery("a.csv", content="bytes"), "1", lease, [FACT])
    ledger.record_delivery(a_delivery("b.csv", content="bytes"), "2", lease, [FACT])
    assert kinds(ledger) == ["it.happened"]


def test_a_new_run_tells_which_ones_it_found_dead(place: Place) -> None:
    ledger = place.open()
    ledger.start_run(Run("r1", NOW), take(ledger))
    ledger.start_run(Run("r2", later(5)), take(ledger), lambda dead: [NewFact("run.abandoned", name) for name in dead])
    assert [(fact.kind, fact.subject, fact.run) for fact in ledger.facts()] == [("run.abandoned", "r1", "r2")]


def test_a_run_that_was_found_dead_does_not_tell_its_end(place: Place) -> None:
    ledger = place.open()
    ledger.start_run(Run("r1", NOW), take(ledger))
    ledger.start_run(Run("r2", later(5)), take(ledger))
    ledger.end_run("r1", "failed", later(6), [FACT])
    ledger.end_run("r2", "done", later(7), [FACT])
    ledger.end_run("r2", "done", later(8), [FACT])
    assert [(fact.run, fact.at) for fact in ledger.facts()] == [("r2", later(7))]


def test_what_is_visible_is_of_one_moment(place: Place) -> None:
    writer, reader = place.open(), place.open()
    lease, stop = take(writer), threading.Event()
    torn: list[str] = []

    def look() -> None:
        while not stop.is_set():
            seen = reader.visible()
            where = {str(table): pointer.metadata for table, pointer in seen.pointers.items()}
            if where != {table: parts["all"] for table, parts in seen.versions.items()}:
                torn.append(f"{where} with {seen.versions}")

    thread = threading.Thread(target=look)
    thread.start()
    previous = None
    for number in range(30):
        moves = [a_move(name, f"m{number}", previous) for name in ("marts.sales", "marts.sales_daily")]
        versions = {str(move.change.table): {"all": f"m{number}"} for move in moves}
        writer.publish(a_publication(f"p{number}", *moves, versions=versions), lease)
        previous = f"m{number}"
    stop.set()
    thread.join()
    assert not torn, torn[0]
    assert reader.visible().pointers == reader.pointers()
    assert reader.visible().versions == reader.versions()
    assert reader.visible().views == reader.views()
