"""The Ledger port: archives and what came in them."""

from __future__ import annotations

import msgspec
import pytest
from tests.fixtures.ledgers import NOW, Place, a_delivery, later, take

from startrail.ledger.errors import LeaseLost
from startrail.model.delivery import Delivery
from startrail.model.run import NewFact
from startrail.ports.ledger import Arrival


def an_archive(name: str, **more: str) -> Delivery:
    return msgspec.structs.replace(a_delivery(name), media="zip", **more)


def a_member(name: str, archive: Delivery) -> Arrival:
    delivery = msgspec.structs.replace(a_delivery(name), parent=archive.id)
    return Arrival(delivery, "", (NewFact("delivery.landed", "orders", f'{{"name":"{name}"}}'),))


def told(new: list[bool]) -> list[NewFact]:
    return [NewFact("archive.unpacked", "orders", f'{{"files":{sum(new)}}}')]


def test_archives_wait_until_they_are_unpacked_or_given_up(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    one, two, inner = an_archive("1.zip"), an_archive("2.zip"), an_archive("3.zip", parent="x")
    for delivery in (one, two, inner, a_delivery("a.csv")):
        ledger.record_delivery(delivery, "s", lease)
    assert ledger.packed("orders") == [one, two]
    assert ledger.record_members(one, [a_member("m.csv", one), a_member("a.csv", one)], lease, told) == [True, False]
    assert ledger.packed("orders") == [two]
    assert ledger.delivery(a_delivery("m.csv").id) == a_member("m.csv", one).delivery
    assert [delivery.name for delivery, _ in ledger.pending("orders")] == ["2.zip", "3.zip", "a.csv", "m.csv"]
    assert "m.csv" not in ledger.seen("orders").landed, "no listing shows it"
    ledger.discard_delivery(two.id, later(1), (), lease)
    assert ledger.packed("orders") == []
    assert ledger.record_members(two, [a_member("n.csv", two)], lease, told) == [], "somebody gave it up meanwhile"
    assert ledger.delivery(a_delivery("n.csv").id) is None
    facts = [(fact.kind, fact.payload) for fact in ledger.facts() if fact.kind != "run.started"]
    assert facts == [("delivery.landed", '{"name":"m.csv"}'), ("archive.unpacked", '{"files":1}')]


def test_unpacking_is_one_transaction(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    archive = an_archive("1.zip")
    ledger.record_delivery(archive, "s", lease)

    def broken(new: list[bool]) -> list[NewFact]:
        raise KeyError

    with pytest.raises(KeyError):
        ledger.record_members(archive, [a_member("m.csv", archive)], lease, broken)
    assert ledger.packed("orders") == [archive]
    assert ledger.delivery(a_delivery("m.csv").id) is None
    other = ledger.take_over(lease, "other", 60, NOW)
    assert other is not None
    with pytest.raises(LeaseLost):
        ledger.record_members(archive, [], lease, told)
    assert ledger.record_members(archive, [], other, told) == []
    assert ledger.packed("orders") == []
