"""A hold lasts until a publication follows it, or until what it held is no longer wanted."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.fixtures.ledgers import Place

from startrail.model.run import Hold, NewFact, Run
from startrail.model.table import Column, TableChange, TableName, TableSchema
from startrail.model.types import Primitive

NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)
SALES = TableName("marts", "sales")


def test_an_ended_hold_is_forgotten_and_told(place: Place) -> None:
    ledger = place.open()
    lease = ledger.acquire("runner", "me", 30, NOW)
    assert lease is not None
    ledger.start_run(Run("r1", NOW), lease)
    change = TableChange(SALES, TableSchema((Column("a", Primitive("long"), 1),)), ())
    ledger.hold(Hold("h1", "r1", NOW, (change,)), lease)
    assert ledger.held_tables() == (SALES,)
    ledger.end_holds("r1", NOW, [NewFact("hold.ended", "r1")], lease)
    assert ledger.held_tables() == ()
    assert ledger.held(SALES) is None
    assert [fact.kind for fact in ledger.facts()] == ["hold.ended"]
    ledger.close()
