"""Expected files held against a ledger: what is open, and what is news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from startrail.base.span import Span
from startrail.capabilities.sources.arrivals import dropped, expecting, news, open_instants
from startrail.flow.session import to_facts
from startrail.model.delivery import Delivery
from startrail.model.expect import Expectation, Expected
from startrail.model.source import Feed, FolderFeed, HttpFeed, Source
from startrail.ports.ledger import Ledger
from startrail.testing import memory_ledger

DAILY = Expectation("sales_{date:%Y%m%d}.csv", by="06:00")
HOURLY = Expectation("*.log", cron="0 * * * *", at_least=2)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def ledger() -> Ledger:
    return memory_ledger()


def source(*expect: Expectation, feed: Feed | None = None) -> Source:
    return Source("shop", feed or FolderFeed("in"), Span(""), expect=expect)


def land(ledger: Ledger, name: str, at: datetime) -> None:
    lease = ledger.acquire("runner", "me", 60, at)
    assert lease is not None
    ledger.record_delivery(Delivery(name, "shop", name, name, 1, at, "csv", "r"), "s", lease)


def look(ledger: Ledger, declared: Source, now: datetime, *, paused: bool = False) -> list[str]:
    """One look as the watcher does it: what it tells."""
    if {name: set(whats) for name, whats in ledger.expecting().items()} != expecting([declared]):
        ledger.expect(expecting([declared]), now)
    found = open_instants(declared, ledger, ledger.expecting().get("shop", {}), now)
    told = news(found, paused=paused, asked=None, now=now)
    new = ledger.record_arrivals([(each.arrival, to_facts(each.event)[0]) for each in told], run=None, at=now)
    return [f"{each.file} {each.state}" for each in new]


def test_every_instant_is_told_once_however_often_one_looks(ledger: Ledger) -> None:
    declared = source(DAILY)
    assert look(ledger, declared, START) == []
    told: list[str] = []
    now = START
    for _ in range(24 * 4):
        now += timedelta(hours=1)
        if now.day == 23 and now.hour == 9:
            land(ledger, "sales_20261122.csv", now)
        told += look(ledger, declared, now)
    assert told == [
        "sales_20261121.csv missing", "sales_20261122.csv missing", "sales_20261123.csv missing",
        "sales_20261122.csv arrived", "sales_20261124.csv missing",
    ]  # fmt: skip


def test_a_file_that_is_ahead_of_its_time_is_told_when_it_is_next(ledger: Ledger) -> None:
    declared = source(DAILY)
    look(ledger, declared, START)
    land(ledger, "sales_20261121.csv", START)
    land(ledger, "sales_20261122.csv", START)
    assert look(ledger, declared, START) == ["sales_20261121.csv arrived"]
    [following] = open_instants(declared, ledger, ledger.expecting()["shop"], START)
    assert (following.file, following.state) == ("sales_20261122.csv", "arrived")


def test_of_a_paused_source_only_what_has_arrived_is_told(ledger: Ledger) -> None:
    declared = source(DAILY)
    look(ledger, declared, START)
    later = START + timedelta(days=2)
    assert look(ledger, declared, later, paused=True) == []
    assert look(ledger, declared, later) == ["sales_20261121.csv missing", "sales_20261122.csv missing"]


def test_what_is_no_longer_declared_is_dropped_once(ledger: Ledger) -> None:
    look(ledger, source(DAILY), START)
    later = START + timedelta(days=1)
    look(ledger, source(DAILY), later)
    gone = dropped(ledger.missing(), expecting([source(HOURLY)]), later)
    assert [(each.arrival.state, each.arrival.file) for each in gone] == [("dropped", "sales_20261121.csv")]
    ledger.record_arrivals([(each.arrival, to_facts(each.event)[0]) for each in gone], run=None, at=later)
    assert dropped(ledger.missing(), {}, later) == []


def test_a_changed_grace_is_the_same_expectation_and_a_changed_time_is_another(ledger: Ledger) -> None:
    later = msgspec.structs.replace(DAILY, grace="2h")
    assert expecting([source(later)]) == expecting([source(DAILY)])
    assert expecting([source(msgspec.structs.replace(DAILY, by="07:00"))]) != expecting([source(DAILY)])


def test_names_of_files_on_the_web_are_the_last_parts_of_their_paths(ledger: Ledger) -> None:
    declared = source(DAILY, feed=HttpFeed("https://far.example/out", links="*.csv"))
    look(ledger, declared, START)
    land(ledger, "out/2026/sales_20261121.csv", START)
    assert look(ledger, declared, START) == ["sales_20261121.csv arrived"]


def test_a_frequent_expectation_is_told_by_the_number_of_names(ledger: Ledger) -> None:
    declared = source(HOURLY)
    look(ledger, declared, START)
    land(ledger, "a.log", START + timedelta(minutes=10))
    land(ledger, "b.log", START + timedelta(minutes=70))
    found: list[Expected] = open_instants(declared, ledger, ledger.expecting()["shop"], START + timedelta(minutes=80))
    assert [(each.state, each.found) for each in found] == [("arrived", 2), ("due", 1)]
