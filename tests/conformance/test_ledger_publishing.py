"""What is visible: publication, holds, views, and the Iceberg catalog that others read. On both databases."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fixtures.ledgers import NOW, Place, a_change, a_move, a_publication, a_record, later, take

from startrail.base import crash
from startrail.base.errors import LedgerError
from startrail.ledger.errors import LeaseLost, PublishConflict
from startrail.model.run import Hold, NewFact
from startrail.model.step import Step
from startrail.model.table import Pointer, TableName
from startrail.ports.ledger import Ledger

ROOT = Path(__file__).parents[2]
A, B = TableName.parse("marts.a"), TableName.parse("raw.b")


def where(ledger: Ledger) -> dict[str, str]:
    return {str(table): pointer.metadata for table, pointer in ledger.pointers().items()}


def test_publishing_moves_pointers_and_marks_steps_and_sets_versions_and_tells_it(place: Place):
    ledger = place.open()
    lease = take(ledger)
    step = Step("build", "marts.a")
    ledger.record_step(a_record(step), lease)
    fact = NewFact("publication.published", "p1")
    ledger.publish(
        a_publication(
            "p1", a_move("marts.a", "a1"), a_move("raw.b", "b1"),
            steps=(step.key,), versions={"marts.a": {"all": "v1"}}, facts=(fact,),
        ),
        lease,
    )  # fmt: skip
    assert ledger.pointers() == {A: Pointer(A, "a1"), B: Pointer(B, "b1")}
    assert ledger.versions() == {"marts.a": {"all": "v1"}}
    assert ledger.steps([step.key])[step.key].state == "published"
    assert [(f.kind, f.subject, f.run, f.at) for f in ledger.facts()] == [("publication.published", "p1", "r1", NOW)]


def test_the_next_publication_moves_on_from_the_last(place: Place):
    ledger = place.open()
    lease = take(ledger)
    ledger.publish(a_publication("p1", a_move("marts.a", "a1"), versions={"marts.a": {"x": "1", "y": "1"}}), lease)
    ledger.publish(a_publication("p2", a_move("marts.a", "a2", "a1"), versions={"marts.a": {"y": "2"}}), lease)
    assert ledger.pointers() == {A: Pointer(A, "a2", "a1")}
    assert ledger.versions() == {"marts.a": {"x": "1", "y": "2"}}


@pytest.mark.parametrize(
    "wrong",
    [a_move("raw.b", "b2", "b0"), a_move("raw.b", "b2", None), a_move("raw.c", "c2", "c1")],
    ids=["moved meanwhile", "made meanwhile", "gone meanwhile"],
)
def test_a_conflict_in_one_table_changes_nothing_at_all(place: Place, wrong):
    ledger = place.open()
    lease = take(ledger)
    ledger.publish(a_publication("p1", a_move("marts.a", "a1"), a_move("raw.b", "b1")), lease)
    step = Step("build", "marts.a")
    ledger.record_step(a_record(step), lease)
    with pytest.raises(PublishConflict, match=str(wrong.pointer.table)) as caught:
        ledger.publish(
            a_publication(
                "p2", a_move("marts.a", "a2", "a1"), a_move("new.space", "n1"), wrong,
                steps=(step.key,), versions={"marts.a": {"all": "2"}}, facts=(NewFact("k", "s"),),
            ),
            lease,
        )  # fmt: skip
    assert caught.value.code == "ST502"
    assert where(ledger) == {"marts.a": "a1", "raw.b": "b1"}
    assert ledger.versions() == {}
    assert ledger.steps([step.key])[step.key].state == "staged"
    assert ledger.latest_fact() is None
    ledger.publish(a_publication("p2", a_move("marts.a", "a2", "a1")), lease)  # nor does its id count as done
    assert where(ledger)["marts.a"] == "a2"


def test_the_same_publication_again_changes_nothing(place: Place):
    ledger = place.open()
    lease = take(ledger)
    publication = a_publication("p1", a_move("marts.a", "a1"), facts=(NewFact("k", "s"),))
    ledger.publish(publication, lease)
    ledger.publish(publication, lease)
    assert where(ledger) == {"marts.a": "a1"}
    assert len(list(ledger.facts())) == 1


def test_a_publication_of_an_unrecorded_step_is_a_bug_and_changes_nothing(place: Place):
    ledger = place.open()
    with pytest.raises(ValueError, match="never recorded"):
        ledger.publish(a_publication("p1", a_move("marts.a", "a1"), steps=("unknown",)), take(ledger))
    assert ledger.pointers() == {}


def test_a_runner_that_lost_its_lease_can_change_nothing(place: Place):
    ledger = place.open()
    old = take(ledger)
    new = ledger.take_over(old, "other", 60, NOW)
    assert new is not None
    delivery = a_record(Step("build", "marts.a"))
    for attempt in (
        lambda: ledger.publish(a_publication("p1", a_move("marts.a", "a1")), old),
        lambda: ledger.hold(Hold("h", "r1", NOW, (a_change("marts.a"),)), old),
        lambda: ledger.record_step(delivery, old),
        lambda: ledger.record_growing("s", {"a": "1"}, old),
        lambda: ledger.renew(old, 60, NOW),
    ):
        with pytest.raises(LeaseLost, match="other has it since"):
            attempt()
    assert ledger.pointers() == {}
    assert ledger.history() == []
    assert ledger.held(A) is None
    ledger.publish(a_publication("p1", a_move("marts.a", "a1")), new)


def test_two_publishers_of_one_table_one_conflicts(place: Place):
    first, second = place.open(), place.open()
    leases = [take(first, name="one"), take(second, name="two")]
    start = threading.Barrier(2)

    def publish(ledger: Ledger, number: int) -> str:
        start.wait()
        try:
            ledger.publish(a_publication(f"p{number}", a_move("marts.a", f"a{number}")), leases[number])
        except PublishConflict:
            return "conflict"
        return f"a{number}"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(publish, (first, second), (0, 1)))
    assert outcomes.count("conflict") == 1
    assert where(first)["marts.a"] in outcomes


def test_a_pointer_moved_by_another_iceberg_client_is_a_conflict(place: Place):
    ledger = place.open()
    lease = take(ledger)
    ledger.publish(a_publication("p1", a_move("marts.a", "a1")), lease)
    place.sql("update iceberg_tables set metadata_location = 'theirs', previous_metadata_location = 'a1'")
    with pytest.raises(PublishConflict, match=r"marts\.a"):
        ledger.publish(a_publication("p2", a_move("marts.a", "a2", "a1")), lease)


def test_what_another_catalog_holds_in_the_same_tables_is_not_ours(place: Place):
    ledger = place.open()
    place.sql("insert into iceberg_tables values ('other', 'marts', 'a', 'm', null, 'TABLE')")
    place.sql("insert into iceberg_tables values ('startrail', 'marts', 'v', 'm', null, 'VIEW')")
    assert ledger.pointers() == {}
    ledger.publish(a_publication("p1", a_move("marts.a", "a1")), take(ledger))
    assert where(ledger) == {"marts.a": "a1"}


# -- holds and views -----------------------------------------------------------------------------------


def test_a_held_change_can_be_asked_for_until_a_later_publication_names_its_table(place: Place):
    ledger = place.open()
    lease = take(ledger)
    first, second, other = a_change("marts.a", "one"), a_change("marts.a", "two"), a_change("raw.b")
    ledger.hold(Hold("h1", "r1", NOW, (first, other), (NewFact("held", "h1"),)), lease)
    assert ledger.held(A) == first
    ledger.hold(Hold("h2", "r2", later(1), (second,)), lease)
    ledger.hold(Hold("h1", "r1", NOW, (first, other), (NewFact("held", "h1"),)), lease)
    assert ledger.held(A) == second
    assert len(list(ledger.facts())) == 1
    ledger.publish(a_publication("p1", a_move("marts.a", "a1")), lease)
    assert ledger.held(A) is None
    assert ledger.held(B) == other


def test_views_are_the_newest_published_ones_and_stop_when_the_model_becomes_a_table(place: Place):
    ledger = place.open()
    lease = take(ledger)
    old = a_record(Step("build", "marts.v", code="1"), view="select 1")
    new = a_record(Step("build", "marts.v", code="2"), view="select 2")
    table = a_record(Step("build", "marts.v", code="3"), rows=3)
    staged = a_record(Step("build", "marts.w"), view="select 9")
    for record in (old, new, table, staged):
        ledger.record_step(record, lease)

    def shown() -> dict[str, str | None]:
        return {name: record.output.view for name, record in ledger.views().items() if record.output}

    for number, (record, expected) in enumerate(
        [(old, "select 1"), (new, "select 2"), (table, None), (old, "select 1")]  # back to the first text again
    ):
        ledger.publish(a_publication(f"p{number}", steps=(record.key,)), lease)
        assert shown() == ({"marts.v": expected} if expected else {})


# -- crashes -------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys
from startrail.base import crash
from startrail.model.step import Step
from tests.fixtures.ledgers import Place, a_move, a_publication, a_record, take
dialect, address, schema, point = sys.argv[1:]
ledger = Place(dialect, address, schema).open()
lease = take(ledger, "the dead")
step = Step("build", "marts.a")
ledger.record_step(a_record(step), lease)
crash.hook = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None
ledger.publish(a_publication("p2", a_move("marts.a", "a2", "a1"), a_move("new.t", "n1"), steps=(step.key,)), lease)
"""


@pytest.mark.parametrize("point", [name for name in crash.POINTS if name.startswith("inside publication")])
def test_a_kill_inside_a_publication_leaves_every_pointer_old_and_the_next_runner_goes_on(place: Place, point: str):
    ledger = place.open()
    lease = take(ledger)
    ledger.publish(a_publication("p1", a_move("marts.a", "a1"), facts=(NewFact("k", "s"),)), lease)
    ledger.release(lease)
    step = Step("build", "marts.a")
    child = subprocess.run(
        [sys.executable, "-c", CHILD, place.dialect, place.address, place.schema, point], cwd=ROOT, check=False
    )
    assert child.returncode == -signal.SIGKILL
    assert where(ledger) == {"marts.a": "a1"}
    assert ledger.steps([step.key])[step.key].state == "staged"
    assert ledger.verify().altered is None
    dead = ledger.holder("runner")
    assert dead is not None
    assert dead.holder == "the dead"
    mine = ledger.take_over(dead, "me", 60, NOW)
    assert mine is not None
    ledger.publish(a_publication("p2", a_move("marts.a", "a2", "a1"), a_move("new.t", "n1"), steps=(step.key,)), mine)
    assert where(ledger) == {"marts.a": "a2", "new.t": "n1"}


def test_an_error_at_any_point_undoes_the_whole_publication(place: Place, monkeypatch: pytest.MonkeyPatch):
    ledger = place.open()
    lease = take(ledger)

    def fail(name: str) -> None:
        raise LedgerError(name)

    monkeypatch.setattr(crash, "hook", fail)
    with pytest.raises(LedgerError, match="pointers moved"):
        ledger.publish(a_publication("p1", a_move("marts.a", "a1")), lease)
    monkeypatch.setattr(crash, "hook", None)
    assert ledger.pointers() == {}
    ledger.publish(a_publication("p1", a_move("marts.a", "a1")), lease)
    assert where(ledger) == {"marts.a": "a1"}


# -- the catalog as others see it ----------------------------------------------------------------------


def test_pyiceberg_lists_what_was_published_and_we_see_what_it_changes(place: Place):
    from pyiceberg.catalog.sql import SqlCatalog

    ledger = place.open()
    ledger.publish(a_publication("p1", a_move("marts.a", "file:///a1"), a_move("raw.b", "file:///b1")), take(ledger))
    uri = f"sqlite:///{place.address}"
    if place.dialect == "postgres":
        from urllib.parse import quote

        path = quote(f'-csearch_path="{place.schema}"'.replace(" ", r"\ "))
        uri = place.address.replace("postgresql:", "postgresql+psycopg:") + f"?options={path}"
    catalog = SqlCatalog("startrail", uri=uri)
    try:
        assert catalog._schema_version == "v1"
        assert sorted(catalog.list_namespaces()) == [("marts",), ("raw",)]
        assert catalog.list_tables("marts") == [("marts", "a")]
        assert catalog.table_exists("raw.c") is False
        catalog.create_namespace("theirs")
        catalog.drop_table("raw.b")
    finally:
        catalog.close()
    assert where(ledger) == {"marts.a": "file:///a1"}
