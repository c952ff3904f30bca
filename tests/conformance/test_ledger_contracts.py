"""Contract versions and refused deliveries in the ledger, on both databases."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.ledgers import NOW, Place, a_delivery, a_publication, a_record, later, take

from startrail.base.time import to_text
from startrail.ledger.canonical import canonical_json
from startrail.model.delivery import Counts
from startrail.model.run import NewFact
from startrail.model.step import Step, StepRecord
from startrail.model.version import RECORDED, ContractRef, KeptContract
from startrail.ports.ledger import Ledger

FIRST = ContractRef("orders", "1.0.0", "aa")
SECOND = ContractRef("orders", "1.0.0", "bb")
OTHER = ContractRef("rates", "1.0.0", "aa")


def kept(ref: ContractRef, document: str = "id: Größe\r\n", run: str = "r1") -> KeptContract:
    return KeptContract(ref, document, f"contracts/{ref.name}.odcs.yml", run, NOW)


def told(version: KeptContract) -> NewFact:
    return NewFact(RECORDED, version.ref.name, canonical_json(msgspec.to_builtins(version.ref) | {"sha256": version.sha256}))


def record(ledger: Ledger, *versions: KeptContract) -> list[bool]:
    lease = take(ledger)
    return [ledger.record_contract(version, lease, [told(version)]) for version in versions]


def load(number: int, state: str = "published", source: str = "orders", **output: Any) -> StepRecord:
    return a_record(Step("load", source, a_delivery(f"d{number}", source).id, f"c{number}{state}"), state, end=number, **output)


def test_a_version_is_kept_once_with_its_fact_and_read_back_word_for_word(place: Place) -> None:
    ledger = place.open()
    first, second, other = kept(FIRST), kept(SECOND, "id: y\n", "r2"), kept(OTHER)
    assert record(ledger, first, second, other, msgspec.structs.replace(first, run="r9")) == [True, True, True, False]
    assert ledger.contract_versions("orders") == [first, second]
    assert ledger.contract_versions("nobody") == []
    assert ledger.contract_refs() == {FIRST, SECOND, OTHER}
    assert [fact.run for fact in ledger.facts(kind=RECORDED)] == ["r1", "r2", "r1"]
    assert ledger.verify().altered is None


@pytest.mark.parametrize(
    ("tampering", "says"),
    [("update contract_versions set document = 'id: z' where fingerprint = 'bb'", "not the one"),
     ("delete from contract_versions where fingerprint = 'bb'", "is gone")],
)  # fmt: skip
def test_a_document_that_was_altered_is_found(place: Place, tampering: str, says: str) -> None:
    ledger = place.open()
    record(ledger, kept(FIRST), kept(SECOND))
    place.sql(tampering)
    found = ledger.verify()
    assert (found.facts, found.altered) == (2, 2)
    assert says in found.reason


def test_deliveries_are_counted_for_each_version_they_were_loaded_under(place: Place) -> None:
    ledger = place.open()
    record(ledger, kept(FIRST), kept(SECOND))
    lease = take(ledger)
    for each in (
        load(1, contract=FIRST), load(2, contract=FIRST), load(3, "staged", contract=FIRST), load(4, "held", contract=FIRST),
        load(5, contract=SECOND), a_record(Step("load", "orders", a_delivery("d1").id, "again"), "published", contract=SECOND),
    ):  # fmt: skip
        ledger.record_step(each, lease)
    assert ledger.loads_under("orders") == {FIRST: 2, SECOND: 2}
    assert ledger.loads_under("rates") == {}


def test_only_deliveries_with_refused_rows_are_found_with_all_their_loads_newest_first(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    for number in range(1, 7):
        ledger.record_delivery(a_delivery(f"d{number}"), "s", lease)
    ledger.record_delivery(a_delivery("d1", "rates"), "s", lease)
    for each in (
        load(1, counts=Counts(3, 3)), load(2, counts=Counts(3, 2, 1)), load(3, "held", counts=Counts(3, 0, 0, 3)),
        load(4, "staged", counts=Counts(3, 2, 1)), load(5, "failed"), load(1, source="rates", counts=Counts(3, 2, 1)),
    ):  # fmt: skip
        ledger.record_step(each, lease)
    again = a_record(Step("load", "orders", a_delivery("d2").id, "replay"), "published", end=9, counts=Counts(3, 3))
    ledger.record_step(again, lease)
    found = ledger.refused("orders")
    assert [delivery.name for delivery, _ in found] == ["d2", "d3"]
    assert [record.key for record in found[0][1]] == [again.key, load(2).key]
    assert [delivery.source for delivery, _ in ledger.refused("rates")] == ["rates"]
    assert ledger.refused("nobody") == []


def test_a_staged_load_with_refused_rows_is_found_once_it_is_published(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    ledger.record_delivery(a_delivery("d1"), "s", lease)
    staged = load(1, "staged", counts=Counts(3, 2, 1))
    ledger.record_step(staged, lease)
    assert ledger.refused("orders") == []
    ledger.publish(a_publication("p1", steps=(staged.key,)), lease)
    assert [delivery.name for delivery, _ in ledger.refused("orders")] == ["d1"]


def test_the_loads_before_a_delivery_are_those_of_what_landed_earlier(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    deliveries = [msgspec.structs.replace(a_delivery(f"d{number}"), landed_at=later(number)) for number in range(5)]
    for number, delivery in enumerate(deliveries):
        ledger.record_delivery(delivery, "s", lease)
        if number != 1:
            ledger.record_step(load(number), lease)
    assert [record.key for record in ledger.loads_before(deliveries[4], 10)] == [load(3).key, load(2).key, load(0).key]
    assert [record.key for record in ledger.loads_before(deliveries[4], 2)] == [load(3).key, load(2).key]
    assert ledger.loads_before(deliveries[0], 10) == []


def test_a_discarded_delivery_is_pending_no_more_until_it_is_loaded_after_all(place: Place) -> None:
    ledger = place.open()
    lease = take(ledger)
    delivery = a_delivery("d1")
    ledger.record_delivery(delivery, "s", lease)
    held = load(1, "held", counts=Counts(3, 0, 0, 3))
    ledger.record_step(held, lease)
    ledger.discard_delivery(delivery.id, NOW, [NewFact("quarantine.discarded", "orders")], lease)
    assert ledger.pending("orders") == []
    assert [fact.kind for fact in ledger.facts()] == ["quarantine.discarded"]
    loaded = load(1, counts=Counts(3, 3))
    ledger.record_step(loaded, lease)
    assert ledger.pending("orders") == []
    assert [record.key for record in ledger.loads_before(msgspec.structs.replace(delivery, landed_at=later(9)), 5)] == [
        loaded.key, held.key,
    ]  # fmt: skip


def test_a_ledger_of_the_first_version_knows_its_refused_deliveries_after_it_was_brought_forward(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"startrail.adapters.ledger.{place.dialect}.ledger")
    newest = module._MIGRATIONS
    (tmp_path / "first").mkdir()
    shutil.copy(newest / "0001.sql", tmp_path / "first")
    monkeypatch.setattr(module, "_MIGRATIONS", tmp_path / "first")
    old = place.open()
    for made in (a_delivery("d1"), a_delivery("d2")):  # by hand, since statements are those of the newest version
        row = f"'{made.id}', 'orders', '{made.name}', '{made.sha256}', {made.size}, '{to_text(made.landed_at)}', 'csv', 'r1'"
        place.sql(f"insert into deliveries (id, source, name, sha256, size, landed_at, media, run) values ({row})")
    text = msgspec.json.encode(load(1, counts=Counts(3, 2, 1)).output).decode().replace("'", "''")
    columns = "key, kind, subject, partition, code, inputs, state, run, started_at, ended_at, attempts, output, is_view"
    at = "2026-10-03T06:00:00.000000Z"
    for name, output in (("d1", f"'{text}'"), ("d2", "null")):
        values = (
            f"'k{name}', 'load', 'orders', '{a_delivery(name).id}', 'c', '', 'published', 'r1', '{at}', '{at}', 1, {output}, 0"
        )
        place.sql(f"insert into steps ({columns}) values ({values})")
    old.close()
    monkeypatch.setattr(module, "_MIGRATIONS", newest)
    ledger = place.open()
    assert [delivery.name for delivery, _ in ledger.refused("orders")] == ["d1"]
    other = msgspec.structs.replace(a_delivery("d1"), id="another", name="d3")
    assert ledger.record_delivery(other, "s", take(ledger)), "equal bytes may be another delivery"
