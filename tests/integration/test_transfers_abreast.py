"""Several files at a time from real servers: within what the server allows, held against its own checksums, each exactly once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.sftp import SSH_PASSWORD, SSH_USER, SftpServer

from startrail.adapters.feed.ftp.feed import FtpFeed
from startrail.adapters.feed.sftp.feed import SftpFeed
from startrail.adapters.store.local import LocalStore
from startrail.base.errors import SourceError
from startrail.base.span import Span
from startrail.capabilities.sources.land import land
from startrail.flow.events import Event
from startrail.model import source
from startrail.model.delivery import Delivery
from startrail.model.run import Run
from startrail.ports.feed import Feed, OtherBytes
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger


class Place:
    """A ledger and a store on this disk."""

    def __init__(self, root: Path) -> None:
        self.clock, self.ledger, self.store = ManualClock(), memory_ledger(), LocalStore(root)
        self.events: list[Event] = []
        lease = self.ledger.acquire("runner", "test", 3600, self.clock.now())
        assert lease is not None
        self.lease = lease
        self.ledger.start_run(Run("run-1", self.clock.now()), lease)

    def land(self, declared: source.Feed, feed: Feed) -> tuple[Delivery, ...]:
        try:
            return land(
                source.Source("far", declared, Span("sources/far.yml")), feed, ledger=self.ledger, store=self.store,
                lease=self.lease, run="run-1", clock=self.clock, emit=self.events.append,
            )  # fmt: skip
        finally:
            feed.close()

    def has(self, files: dict[str, bytes]) -> bool:
        found = {delivery.name: self.store.get(delivery.key) for delivery in self.ledger.deliveries("far")}
        return found == files


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "store")


def _files(root: Path, count: int) -> dict[str, bytes]:
    made = {f"{number:03}.csv": os.urandom(1000 * number + 1) for number in range(count)}
    for name, content in made.items():
        (root / name).write_bytes(content)
        os.utime(root / name, (1_700_000_000, 1_700_000_000))
    return made


def _ftp(server: FtpServer, **changes: Any) -> source.FtpFeed:
    return source.FtpFeed("127.0.0.1", port=server.port, user=USER, timeout="60s", **changes)


def test_deliveries_are_recorded_in_order_of_their_names_whichever_came_first(ftp_server: FtpServer, place: Place) -> None:
    files = _files(ftp_server.root, 40)
    declared = _ftp(ftp_server)
    landed = place.land(declared, FtpFeed(declared, place.clock, password=PASSWORD))
    assert [delivery.name for delivery in landed] == list(files)
    assert place.has(files)
    assert 1 < ftp_server.logins <= 8


def test_where_a_server_lets_in_fewer_than_that_all_files_come_all_the_same(ftp_server: FtpServer, place: Place) -> None:
    ftp_server._server.max_cons_per_ip = 3
    files = _files(ftp_server.root, 40)
    declared = _ftp(ftp_server)
    assert len(place.land(declared, FtpFeed(declared, place.clock, password=PASSWORD))) == 40
    assert place.has(files)
    assert ftp_server.logins <= 3


def test_over_ssh_several_connections_share_the_work(sftp_server: SftpServer, place: Place) -> None:
    files = _files(sftp_server.root, 40)
    declared = source.SftpFeed(
        "127.0.0.1", SSH_USER, path="/", port=sftp_server.port, host_key=sftp_server.public_key, timeout="60s", transfers=3
    )
    feed = SftpFeed(declared, Path(), place.clock, password=SSH_PASSWORD)
    assert len(place.land(declared, feed)) == 40
    assert place.has(files)
    assert 1 < sftp_server.logins <= 3


@pytest.mark.parametrize("lanes", [1, 8])
def test_one_that_is_cut_off_keeps_no_other_back(ftp_server: FtpServer, place: Place, lanes: int) -> None:
    files = _files(ftp_server.root, 12)
    (ftp_server.root / "005.csv").chmod(0)
    if os.geteuid() == 0:
        (ftp_server.root / "005.csv").unlink()
        (ftp_server.root / "005.csv").symlink_to("/nowhere")
    declared = _ftp(ftp_server, transfers=lanes)
    feed = FtpFeed(declared, place.clock, password=PASSWORD)
    offers = list(feed.offers(place.ledger.seen("far"), place.clock.now()))
    feed.close()
    names = {offer.name for offer in offers}
    try:
        place.land(declared, FtpFeed(declared, place.clock, password=PASSWORD))
    except SourceError:
        assert "005.csv" in names
    assert place.has({name: content for name, content in files.items() if name != "005.csv"})


# -- checksums ----------------------------------------------------------------------------------------------


class Summing:
    """Teaches a server a command that tells a file's digest; ``lies``: of other bytes."""

    def __init__(self, server: FtpServer, feature: str, command: str, answer: Callable[[bytes, str], str]) -> None:
        self.lies = 0
        self.asked: list[str] = []
        outer, handler = self, server._server.handler

        def features(this: Any, line: str) -> None:
            this.push(f"211-Features:\r\n {feature}\r\n MLST type*;size*;modify*;\r\n211 End.\r\n")

        def told(this: Any, path: str) -> None:
            outer.asked.append(path)
            content = Path(path).read_bytes()
            if outer.lies:
                outer.lies -= 1
                content += b"!"
            this.respond(answer(content, Path(path).name))

        plain = {"perm": "r", "auth": True, "arg": True, "help": ""}
        handler.proto_cmds = {**handler.proto_cmds, command: plain}
        handler.ftp_FEAT = features
        handler.ftp_OPTS = lambda this, line: this.respond("200 OK.")
        setattr(handler, f"ftp_{command}", told)


_KINDS = {
    "HASH": (
        "HASH SHA-1;SHA-256*",
        "HASH",
        lambda content, name: f"213 SHA-256 0-9 {hashlib.sha256(content).hexdigest()} {name}",
    ),
    "XSHA256": ("XSHA256", "XSHA256", lambda content, name: f"250 {hashlib.sha256(content).hexdigest().upper()}"),
    "XMD5": ("XMD5 filename", "XMD5", lambda content, name: f'250 "{name}" {hashlib.md5(content).hexdigest()}'),
    "refuses": ("XMD5", "XMD5", lambda content, name: "550 Not that one."),
    "babbles": ("XSHA256", "XSHA256", lambda content, name: "250 done"),
}


@pytest.fixture(params=_KINDS)
def summing(request: pytest.FixtureRequest, ftp_server: FtpServer) -> Summing:
    return Summing(ftp_server, *_KINDS[request.param])  # type: ignore[arg-type]


def test_what_arrived_is_held_against_the_servers_own_checksum(summing: Summing, ftp_server: FtpServer, place: Place) -> None:
    files = _files(ftp_server.root, 5)
    declared = _ftp(ftp_server)
    place.land(declared, FtpFeed(declared, place.clock, password=PASSWORD))
    assert place.has(files)
    assert len(summing.asked) == 5


@pytest.mark.parametrize("kind", ["HASH", "XSHA256", "XMD5"])
def test_other_bytes_than_the_server_has_are_no_delivery(kind: str, ftp_server: FtpServer, place: Place) -> None:
    summing = Summing(ftp_server, *_KINDS[kind])  # type: ignore[arg-type]
    files = _files(ftp_server.root, 3)
    summing.lies = 1
    declared = _ftp(ftp_server, transfers=1)
    with pytest.raises(OtherBytes, match=r"ST242 '000\.csv'") as told:
        place.land(declared, FtpFeed(declared, place.clock, password=PASSWORD))
    assert told.value.transient
    assert place.has({name: content for name, content in files.items() if name != "000.csv"})
    assert [delivery.name for delivery in place.land(declared, FtpFeed(declared, place.clock, password=PASSWORD))] == ["000.csv"]
    assert place.has(files)
