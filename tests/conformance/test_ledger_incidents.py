"""Incidents: a table that is always what the facts come to, changed by one writer at a time."""

from __future__ import annotations

import importlib
import shutil
import threading
from pathlib import Path

import pytest
from tests.fixtures.ledgers import NOW, Place, later

from startrail.ledger.incidents import fold, to_fact
from startrail.model import incident as i
from startrail.model.incident import Change, Incident, Mark, Symptom
from startrail.model.run import NewFact
from startrail.ports.ledger import Ledger

SYMPTOM = Symptom(key="held d1", rule="delivery held", cause="hold", subject="orders", what="d1 is held \0 é", blocks=True)
OPENED = i.Opened(
    key="orders: held\0 d1", title="orders: d1 is held", subject="orders", cause="hold", severity="error", symptoms=(SYMPTOM,),
    affected=(i.Affected("daily", "report", later(60)),),
)  # fmt: skip
OTHER = i.Opened(key="other", title="t", subject="s", cause="failure", severity="page", symptoms=())
RESOLVED = i.Resolved(by="ana", reason="mended")


def record(ledger: Ledger, *changes: tuple[str, Change], after: int = 0, seconds: float = 0) -> bool:
    facts = [to_fact(id_, change) for id_, change in changes]
    return ledger.record_incidents(ledger.incident_mark(), after, facts, run="r1", at=later(seconds))


def as_folded(ledger: Ledger) -> dict[str, Incident]:
    return fold(ledger.facts())


def as_kept(ledger: Ledger) -> dict[str, Incident]:
    return {each.id: each for each in ledger.incidents()}


def test_a_new_ledger_has_no_incident(place: Place) -> None:
    ledger = place.open()
    assert ledger.incidents() == ledger.standing_incidents() == []
    assert ledger.incident("a") is None
    assert ledger.incident_mark() == Mark(0, 0)


def test_what_is_kept_is_what_the_facts_come_to(place: Place) -> None:
    ledger = place.open()
    ledger.append([NewFact("delivery.held", "orders")], run="r1", at=NOW)
    assert record(ledger, ("a", OPENED), ("a", i.Acknowledged(by="ana")), after=1)
    assert record(ledger, ("a", i.Repeated(symptoms=(SYMPTOM,))), ("b", OTHER), after=1, seconds=1)
    assert record(ledger, ("a", i.Cleared(symptoms={"held d1": 1})), ("a", RESOLVED), after=1, seconds=2)
    kept = as_kept(ledger)
    assert kept == as_folded(ledger)
    assert kept["a"].state == "resolved"
    assert kept["a"].repeats == 1
    assert [each.id for each in ledger.standing_incidents()] == ["b"]
    assert {each.id for each in ledger.standing_incidents(later(1))} == {"a", "b"}
    assert ledger.standing_incidents(later(2)) == ledger.standing_incidents()
    assert ledger.verify().altered is None


def test_facts_that_are_not_recorded_change_no_incident(place: Place) -> None:
    ledger = place.open()
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, all of it is undone
        record(ledger, ("a", OPENED), ("b", RESOLVED))  # b was never opened
    assert as_kept(ledger) == {}
    assert list(ledger.facts()) == []
    assert ledger.incident_mark() == Mark(0, 0)


def test_one_cause_is_one_standing_incident_whoever_writes(place: Place) -> None:
    ledger = place.open()
    assert record(ledger, ("a", OPENED))
    with pytest.raises(Exception):  # noqa: B017 - the database's own refusal, of a defect
        record(ledger, ("b", OPENED))
    assert record(ledger, ("a", RESOLVED))
    assert record(ledger, ("b", OPENED))
    assert as_kept(ledger) == as_folded(ledger)


def test_the_mark_passes_own_facts_only_when_nothing_came_between(place: Place) -> None:
    ledger = place.open()
    ledger.append([NewFact("x", "y")], run=None, at=NOW)
    assert record(ledger, ("a", OPENED), after=1)
    assert ledger.incident_mark() == Mark(2, 1)
    ledger.append([NewFact("x", "y")], run=None, at=NOW)
    assert record(ledger, ("a", i.Noted(by="ana", text="hm")), after=2)
    assert ledger.incident_mark() == Mark(2, 2)
    assert record(ledger, after=4)
    assert ledger.incident_mark() == Mark(4, 2)


def test_whoever_looked_before_another_recorded_looks_again(place: Place) -> None:
    one, other = place.open(), place.open()
    seen = other.incident_mark()
    assert record(one, ("a", OPENED))
    assert not other.record_incidents(seen, 0, [to_fact("b", OPENED)], run=None, at=NOW)
    assert [each.id for each in other.incidents()] == ["a"]
    assert len(list(other.facts())) == 1


def test_of_many_that_race_exactly_one_records(place: Place) -> None:
    ledgers = [place.open() for _ in range(6)]
    marks = [ledger.incident_mark() for ledger in ledgers]
    gate, won = threading.Barrier(len(ledgers)), []

    def go(ledger: Ledger, mark: Mark) -> None:
        gate.wait()
        if ledger.record_incidents(mark, 0, [to_fact("a", OPENED)], run=None, at=NOW):
            won.append(ledger)

    threads = [threading.Thread(target=go, args=pair) for pair in zip(ledgers, marks, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(list(ledgers[0].facts())) == 1


def test_incidents_that_somebody_else_altered_are_found_and_made_anew(place: Place) -> None:
    ledger = place.open()
    assert record(ledger, ("i1", OPENED))
    assert ledger.differing_incidents() == ()
    [kept] = ledger.incidents()
    place.sql('update incidents set document = replace(document, \'"severity":"error"\', \'"severity":"info"\')', "select 1")
    assert ledger.differing_incidents() == ("i1",)
    assert ledger.rebuild_incidents() == 1
    assert (ledger.differing_incidents(), ledger.incidents()) == ((), [kept])
    place.sql("delete from incidents", "select 1")
    assert ledger.differing_incidents() == ("i1",)
    assert ledger.rebuild_incidents() == 1
    assert ledger.incidents() == [kept]
    assert ledger.rebuild_incidents() == 0


@pytest.mark.parametrize("new", [True, False])
def test_of_a_kind_and_subject_only_what_is_not_told_yet_is_told(place: Place, new: bool) -> None:
    ledger = place.open()
    fact = NewFact("x", "y")
    assert ledger.append_once(fact, lambda _: False, run=None, at=NOW)
    assert ledger.append_once(fact, lambda _: not new, run=None, at=NOW) == new
    assert ledger.append_once(NewFact("x", "z"), lambda _: True, run=None, at=NOW)
    assert (newest := ledger.newest_fact("x", "y")) is not None
    assert newest.seq == (2 if new else 1)
    assert ledger.newest_fact("w", "y") is None


def test_what_happened_before_incidents_were_known_opens_none(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"startrail.adapters.ledger.{place.dialect}.ledger")
    newest = module._MIGRATIONS
    (tmp_path / "second").mkdir()
    for version in ("0001.sql", "0002.sql"):
        shutil.copy(newest / version, tmp_path / "second")
    monkeypatch.setattr(module, "_MIGRATIONS", tmp_path / "second")
    ledger = place.open()
    ledger.append([NewFact("x", "y"), NewFact("x", "z")], run=None, at=NOW)
    ledger.close()
    monkeypatch.setattr(module, "_MIGRATIONS", newest)
    assert place.open().incident_mark() == Mark(2, 0)
