"""Names at sources: what became of them, which were expected, and which versions stand. On both databases."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.ledgers import NOW, Place, a_change, a_delivery, a_publication, a_record, later, take

from startrail.capabilities.sources.changes import compare, events
from startrail.flow.session import to_facts
from startrail.ledger.errors import LeaseLost
from startrail.model.delivery import Delivery
from startrail.model.expect import Arrival
from startrail.model.listing import NameChanges, RememberedName, Superseded
from startrail.model.run import Lease, NewFact
from startrail.model.step import Step, StepOutput
from startrail.ports.ledger import Arrival as Arrived
from startrail.ports.ledger import Ledger

FACT = NewFact("source.expected_missing", "shop")


def land(ledger: Ledger, lease: Lease, name: str, content: str, seconds: float = 0) -> Delivery:
    delivery = msgspec.structs.replace(
        a_delivery(content), id=content, sha256=content, source="shop", name=name, landed_at=later(seconds)
    )
    ledger.record_delivery(delivery, f"{content}-{seconds}", lease)
    return delivery


def compared(ledger: Ledger, lease: Lease, *names: str, seconds: float = 1) -> NameChanges:
    def judge(remembered: list[RememberedName]) -> tuple[NameChanges, tuple[NewFact, ...]]:
        found = compare(remembered, set(names))
        return found, to_facts(*events("shop", found))

    return ledger.compare_names("shop", judge, lease, whole=True, run="r", at=later(seconds))


def kinds(ledger: Ledger) -> list[str]:
    return [fact.kind for fact in ledger.facts()]


def publish(ledger: Ledger, lease: Lease, delivery: str, output: StepOutput, code: str = "c") -> None:
    record = msgspec.structs.replace(a_record(Step("load", "shop", delivery, code)), output=output)
    ledger.record_step(record, lease)
    ledger.publish(a_publication(record.key, steps=(record.key,)), lease)


def test_changes_of_names_are_told_with_what_is_remembered_and_once(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    for name, content in (("a", "1"), ("b", "2"), ("c", "3")):
        land(ledger, lease, name, content)
    assert compared(ledger, lease, "a", "b", "c").settled == ("a", "b", "c")
    land(ledger, lease, "a2", "1", 2)
    land(ledger, lease, "b", "4", 2)
    compared(ledger, lease, "a2", "b")
    assert sorted(kinds(ledger)) == ["source.deleted", "source.renamed", "source.replaced"]
    assert compared(ledger, lease, "a2", "b").nothing
    assert len(kinds(ledger)) == 3
    assert ledger.verify().altered is None


def test_when_a_source_was_last_listed_is_remembered(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    assert ledger.looked("shop") is None
    compared(ledger, lease, seconds=5)
    compared(ledger, lease, seconds=9)
    assert ledger.looked("shop") == later(9)
    with pytest.raises(LeaseLost):
        compared(ledger, msgspec.structs.replace(lease, token=lease.token + 1))


def test_names_are_found_by_how_they_begin_and_since_when(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    land(ledger, lease, "sales_1.csv", "1", 1)
    land(ledger, lease, "sales_2.csv", "2", 2)
    land(ledger, lease, "sales_1.csv", "3", 3)
    land(ledger, lease, "Sales_1.csv", "4", 4)
    land(ledger, lease, "salés.csv", "5", 5)
    found = ledger.landed_names("shop", "sales_", NOW)
    assert [(each.name, each.first_at, each.at) for each in found] == [
        ("sales_1.csv", later(1), later(3)),
        ("sales_2.csv", later(2), later(2)),
    ]
    assert [each.name for each in ledger.landed_names("shop", "", later(3))] == ["Sales_1.csv", "salés.csv"]
    assert ledger.landed_names("other", "", NOW) == []


def test_what_is_expected_counts_from_where_it_was_first_seen(place: Place) -> None:
    ledger = place.open()
    ledger.expect({"shop": {"a by 6", "b by 6"}, "other": {"c by 6"}}, NOW)
    ledger.expect({"shop": {"a by 6", "b by 7"}}, later(9))
    assert ledger.expecting() == {"shop": {"a by 6": NOW, "b by 7": later(9)}}


def test_an_arrival_is_told_once_and_never_taken_back(place: Place) -> None:
    ledger, other = place.open(), place.open()
    missing = Arrival("shop", "a by 6", NOW, "missing", "a.csv", later(1))
    arrived = msgspec.structs.replace(missing, state="arrived", at=later(2))

    def told(one: Ledger, arrival: Arrival) -> bool:
        return bool(one.record_arrivals([(arrival, FACT)], run=None, at=arrival.at))

    assert [told(ledger, missing), told(other, missing)] == [True, False]
    assert ledger.missing() == [missing]
    assert [told(ledger, arrived), told(other, arrived), told(ledger, missing)] == [True, False, False]
    assert ledger.missing() == []
    assert ledger.arrivals("shop", NOW) == [arrived]
    assert ledger.arrivals("shop", later(1)) == []
    assert len(kinds(ledger)) == 2


def test_older_versions_are_those_that_no_name_stands_for_any_more(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    land(ledger, lease, "a", "1")
    land(ledger, lease, "b", "2")
    assert ledger.superseded("shop") == []
    land(ledger, lease, "a", "3", 1)
    land(ledger, lease, "c", "2", 1)
    land(ledger, lease, "b", "4", 1)  # what b was is c now
    assert ledger.superseded("shop") == [Superseded("1", "a", False, "3", "waits")]
    publish(ledger, lease, "1", StepOutput(changes=(a_change("raw.shop"),)))
    publish(ledger, lease, "3", StepOutput(changes=(a_change("raw.shop"),)))
    assert ledger.superseded("shop") == [Superseded("1", "a", True, "3", "loaded")]


def test_a_delivery_that_was_taken_out_is_no_older_version_and_is_known_when_it_comes_back(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    for second, content in enumerate("12"):
        land(ledger, lease, "a", content, second)
        publish(ledger, lease, content, StepOutput(changes=(a_change("raw.shop"),)))
    publish(ledger, lease, "1", StepOutput(note={"withdrawn": "2"}), code="withdraw")
    assert ledger.superseded("shop") == []
    assert ledger.returned("shop") == []
    land(ledger, lease, "a", "1", 3)
    assert ledger.returned("shop") == ["1"]
    assert ledger.superseded("shop") == [Superseded("2", "a", True, "1", "gone")]
    assert [len(records) for records in ledger.loads(["1", "2"]).values()] == [2, 1]


def test_a_ledger_from_before_knows_which_delivery_each_name_stands_for(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"startrail.adapters.ledger.{place.dialect}.ledger"
    folder = Path(importlib.import_module(module)._MIGRATIONS)
    older = tmp_path / "older"
    older.mkdir()
    for number in range(1, 6):
        shutil.copy(folder / f"{number:04}.sql", older)
    with monkeypatch.context() as patch:
        patch.setattr(f"{module}._MIGRATIONS", older)
        place.open()
    for name, content in (("a", "1"), ("a", "2"), ("b", "3")):
        place.sql(
            "insert into deliveries (id, source, name, sha256, size, landed_at, media, run) values "
            f"('{content}', 'shop', '{name}', '{content}', 1, '2026-10-03T06:00:00.000000Z', 'csv', 'r')"
        )
    place.sql("insert into landed_names (source, name, stamp) values ('shop', 'a', 's'), ('shop', 'b', 's'), ('shop', 'c', 's')")
    ledger = place.open()
    assert ledger.superseded("shop") == [Superseded("1", "a", False, "2", "waits")]
    assert [each.name for each in ledger.landed_names("shop", "", later(-1))] == ["a", "b"]
    assert compared(ledger, take(ledger), "a", "b", "c").nothing


def test_names_within_archives_have_versions_and_are_in_no_listing(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)

    def unpacked(content: str, member: str) -> None:
        archive = msgspec.structs.replace(land(ledger, lease, "a.zip", content), media="zip")
        inner = msgspec.structs.replace(
            a_delivery(member), id=member, source="shop", name="a.zip/x.csv", sha256=member, parent=archive.id
        )
        ledger.record_members(archive, [Arrived(inner, "", ())], lease, lambda new: ())

    unpacked("1", "10")
    assert compared(ledger, lease, "a.zip").deleted == ()
    assert ledger.seen("shop").landed.keys() == {"a.zip"}
    unpacked("2", "20")
    assert ledger.superseded("shop") == [Superseded("10", "a.zip/x.csv", False, "20", "waits")]
    assert [each.name for each in ledger.landed_names("shop", "a.zip/", later(-1))] == ["a.zip/x.csv"]
