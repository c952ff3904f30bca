"""Archives that landed become the files in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.adapters.archive.test_unpacker import tarred, zipped

from startrail.adapters.archive.unpacker import ArchiveUnpacker
from startrail.adapters.store.local import LocalStore
from startrail.base import crash
from startrail.base.span import Span
from startrail.capabilities.sources.land import land
from startrail.capabilities.sources.unpack import unpack
from startrail.flow.events import ArchiveRefused, Event, Unpacked
from startrail.model import source
from startrail.model.delivery import Delivery
from startrail.model.run import Run
from startrail.ports.archive import ArchiveUnreadable
from startrail.testing.clock import ManualClock
from startrail.testing.feed import MemoryFeed
from startrail.testing.ledger import memory_ledger


class Place:
    def __init__(self, root: Path) -> None:
        self.ledger, self.store = memory_ledger(), LocalStore(root)
        self.clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
        self.events: list[Event] = []
        lease = self.ledger.acquire("runner", "test", 3600, self.clock.now())
        assert lease is not None
        self.lease = lease
        self.ledger.start_run(Run("run-1", self.clock.now()), lease)
        self.declared = source.Archive()
        self.more: dict[str, Any] = {"contract": "orders", "into": "raw.orders"}
        self.pattern = "**"

    @property
    def source(self) -> source.Source:
        return source.Source(
            "shop", source.FolderFeed("unused", self.pattern), Span("sources/shop.yml"), archive=self.declared, **self.more
        )

    def land(self, **files: bytes) -> tuple[Delivery, ...]:
        feed = MemoryFeed({name.replace("__", "."): content for name, content in files.items()})
        around = {"ledger": self.ledger, "store": self.store, "lease": self.lease, "clock": self.clock, "run": "run-1"}
        land(self.source, feed, emit=self.events.append, **around)
        return unpack(self.source, unpacker=ArchiveUnpacker(), emit=self.events.append, **around)

    def known(self) -> dict[str, bytes]:
        return {delivery.name: self.store.get(delivery.key) for delivery in self.ledger.deliveries("shop")}

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


PACKERS = pytest.mark.parametrize(("name", "pack"), [("may.zip", zipped), ("may.tar", tarred)])


@PACKERS
def test_each_file_within_is_a_delivery_that_knows_its_archive(place: Place, name: str, pack: Callable[..., bytes]) -> None:
    packed = pack({"a.csv": b"id\n1\n", "sub/b.ndjson": b"{}\n", ".hidden": b"x"})
    found = place.land(**{name: packed})
    assert [(each.name, each.media) for each in found] == [(f"{name}/a.csv", "csv"), (f"{name}/sub/b.ndjson", "ndjson")]
    (archive,) = [each for each in place.ledger.deliveries("shop") if each.parent is None]
    assert {each.parent for each in found} == {archive.id}
    assert place.known() == {name: packed, f"{name}/a.csv": b"id\n1\n", f"{name}/sub/b.ndjson": b"{}\n"}
    assert [each.name for each, _ in place.ledger.pending("shop")] == [each.name for each in found], "the archive has no rows"
    (told,) = place.told(Unpacked)
    assert isinstance(told, Unpacked)
    assert (told.files, told.known) == (2, 0)
    assert place.land(**{name: packed}) == ()
    assert len(place.ledger.deliveries("shop")) == 3


def test_the_same_bytes_in_two_archives_and_beside_them_are_one_delivery(place: Place) -> None:
    place.land(a__csv=b"id\n1\n")
    found = place.land(one__zip=zipped({"a.csv": b"id\n1\n", "b.csv": b"id\n2\n"}), two__zip=zipped({"c.csv": b"id\n2\n"}))
    assert [each.name for each in found] == ["one.zip/b.csv"]
    assert [(each.files, each.known) for each in place.told(Unpacked) if isinstance(each, Unpacked)] == [(1, 1), (0, 1)]


@PACKERS
def test_of_a_damaged_one_nothing_is_a_delivery(place: Place, name: str, pack: Callable[..., bytes]) -> None:
    packed = pack({"a.csv": b"id\n1\n" * 1000, "b.csv": b"id\n2\n" * 1000})
    cut = packed[: len(packed) // 2]
    assert place.land(**{name: cut}) == ()
    assert place.known() == {name: cut}
    assert len(place.told(ArchiveRefused)) == 1
    place.land(**{name: cut})
    assert len(place.told(ArchiveRefused)) == 1, "it is not tried again under the same declaration"
    place.declared = source.Archive(files=9)
    place.land(**{name: cut})
    assert len(place.told(ArchiveRefused)) == 2
    assert len(list(place.ledger.facts(kind="archive.refused"))) == 2


def test_one_that_was_too_large_is_unpacked_once_that_is_allowed(place: Place) -> None:
    place.declared = source.Archive(files=1)
    packed = zipped({"a.csv": b"1", "b.csv": b"2"})
    assert place.land(may__zip=packed) == ()
    place.declared = source.Archive(files=2)
    assert len(place.land(may__zip=packed)) == 2


def test_where_nothing_is_loaded_a_refusal_is_an_error(place: Place) -> None:
    place.more = {}
    for _ in range(2):
        with pytest.raises(ArchiveUnreadable, match=r"ST218 .*no directory"):
            place.land(may__zip=b"PK nonsense")
    place.declared = source.Archive(files=1)
    with pytest.raises(ArchiveUnreadable, match="and 1 more"):
        place.land(april__zip=zipped({"a.csv": b"1", "b.csv": b"2"}), may__zip=b"PK nonsense")


def test_two_files_of_one_name_are_refused(place: Place) -> None:
    packed = zipped({"a.csv": b"1", "b.csv": b"2"}).replace(b"b.csv", b"a.csv")
    assert place.land(may__zip=packed) == ()
    assert [event.code for event in place.told(ArchiveRefused) if isinstance(event, ArchiveRefused)] == ["ST218"]


def test_an_archive_within_is_a_delivery_and_stays_closed(place: Place) -> None:
    inner = zipped({"a.csv": b"1"})
    (found,) = place.land(outer__zip=zipped({"inner.zip": inner}))
    assert (found.name, found.media) == ("outer.zip/inner.zip", "zip")
    assert place.land() == ()
    assert place.ledger.packed("shop") == []


def test_names_within_have_fields_as_well(place: Place) -> None:
    place.pattern = "{day:%Y%m%d}.zip"
    place.declared = source.Archive("sales_{store}.csv")
    place.land(**{"20260501.zip": zipped({"sales_07.csv": b"same", "sales_08.csv": b"same", "readme.txt": b"x"})})
    said = [msgspec.json.decode(fact.payload)["fields"] for fact in place.ledger.facts(kind="delivery.landed")]
    assert said[1:] == [{"day": "2026-05-01", "store": "07"}, {"day": "2026-05-01", "store": "08"}]
    assert sorted(place.known()) == ["20260501.zip", "20260501.zip/sales_07.csv", "20260501.zip/sales_08.csv"]


def test_odd_names_are_made_safe_to_show(place: Place) -> None:
    names = ["../../up.csv", "/abs.csv", "x\u202ey.csv", "a\nb.csv", "l" * 300 + ".csv", "ü.csv", "u\u0308.csv"]
    found = place.land(may__tar=tarred({name: name.encode() for name in names}))
    assert len(found) == len(names)
    assert all(each.name.isprintable() and len(each.name) <= 250 and ".." not in each.name.split("/") for each in found)
    assert len({each.name for each in found}) == len(names)


class Killed(BaseException):
    pass


@PACKERS
@pytest.mark.parametrize("point", crash.ARCHIVE_POINTS)
def test_killed_anywhere_the_next_run_goes_on(
    place: Place, name: str, pack: Callable[..., bytes], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(at: str) -> None:
        if at == point:
            raise Killed

    packed = pack({f"{number}.csv": b"%d" % number for number in range(5)})
    monkeypatch.setattr(crash, "hook", die)
    with pytest.raises(Killed):
        place.land(**{name: packed})
    members = [each for each in place.ledger.deliveries("shop") if each.parent is not None]
    assert len(members) in ((5,) if point == "after recording members" else (0,)), "all of them, or none"
    assert (place.ledger.packed("shop") == []) == bool(members)
    monkeypatch.setattr(crash, "hook", None)
    place.land(**{name: packed})
    assert sorted(place.known()) == [name, *(f"{name}/{number}.csv" for number in range(5))]
    assert len(list(place.ledger.facts(kind="archive.unpacked"))) == 1
    assert len(list(place.ledger.facts(kind="delivery.landed"))) == 6
