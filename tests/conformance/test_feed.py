"""The Feed port: one suite, every feed, each on the real thing."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec
import obstore
import pytest
from obstore.store import S3Store as Bucket
from tests.fixtures.ftp import PASSWORD, USER, FtpServer, made_certificate
from tests.fixtures.http import Answer, HttpServer, Request
from tests.fixtures.landing import Place
from tests.fixtures.sftp import SSH_PASSWORD, SSH_USER, SftpServer
from tests.fixtures.sqs import Queue

from startrail.adapters.feed.folder import FolderFeed
from startrail.adapters.feed.ftp.feed import FtpFeed
from startrail.adapters.feed.http.files import HttpFilesFeed
from startrail.adapters.feed.http.pages import HttpFeed
from startrail.adapters.feed.listing import sendable
from startrail.adapters.feed.s3.feed import S3Feed
from startrail.adapters.feed.s3.queue import S3QueueFeed
from startrail.adapters.feed.s3.sqs import SqsQueue
from startrail.adapters.feed.sftp.feed import SftpFeed
from startrail.adapters.ssh.trust import HostKeyChanged, HostKeyUnknown, KnownHostsUnusable
from startrail.base.errors import SourceError
from startrail.flow.events import Growing
from startrail.model import source
from startrail.ports.feed import Feed, FeedFailed, FeedForbidden, FeedMissing, FeedUnreachable, Offer, Seen, StillGrowing
from startrail.testing.clock import ManualClock


class Site(Protocol):
    """A far side that a test fills."""

    @property
    def declared(self) -> source.Feed: ...

    def put(self, name: str, content: bytes) -> None: ...

    def feed(self, clock: ManualClock, **changes: Any) -> Feed: ...

    def break_after(self, count: int | None) -> None: ...


Declared = TypeVar("Declared", bound=msgspec.Struct)


class _Files:
    """Files in a folder; old ones, unless a test touches them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, content: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class FolderSite(_Files):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        root.mkdir()
        self.declared = source.FolderFeed(str(root), pattern="**")

    def feed(self, clock: ManualClock, **changes: Any) -> FolderFeed:
        return FolderFeed(_changed(self.declared, changes), Path("/nowhere"), clock)

    def break_after(self, count: int | None) -> None:
        raise AssertionError("a folder does not break off")


class FtpSite(_Files):
    def __init__(self, server: FtpServer) -> None:
        super().__init__(server.root)
        self.server = server
        self.declared = source.FtpFeed("127.0.0.1", port=server.port, user=USER, pattern="**", timeout="60s")

    def feed(self, clock: ManualClock, password: str = PASSWORD, **changes: Any) -> FtpFeed:
        return FtpFeed(_changed(self.declared, changes), clock, password=password)

    def break_after(self, count: int | None) -> None:
        self.server.break_after = count


class FtpsSite(_Files):
    def __init__(self, server: FtpServer, certificate: Path, *, implicit: bool) -> None:
        super().__init__(server.root)
        self.server = server
        self.declared = source.FtpsFeed(
            "127.0.0.1",
            port=server.port,
            user=USER,
            pattern="**",
            timeout="60s",
            implicit=implicit,
            ca_file=str(certificate),
        )

    def feed(self, clock: ManualClock, password: str = PASSWORD, **changes: Any) -> FtpFeed:
        return FtpFeed(_changed(self.declared, changes), clock, password=password)

    def break_after(self, count: int | None) -> None:
        self.server.break_after = count


class SftpSite(_Files):
    def __init__(self, server: SftpServer) -> None:
        super().__init__(server.root)
        self.server = server
        self.declared = source.SftpFeed(
            "127.0.0.1", SSH_USER, "/", pattern="**", port=server.port, host_key=server.public_key, timeout="60s"
        )

    def feed(self, clock: ManualClock, password: str | None = SSH_PASSWORD, **changes: Any) -> SftpFeed:
        keys = {"key": changes.pop("key", None), "passphrase": changes.pop("passphrase", None)}
        return SftpFeed(_changed(self.declared, changes), Path("/nowhere"), clock, password=password, **keys)

    def break_after(self, count: int | None) -> None:
        self.server.break_after = count


class S3Site:
    def __init__(self, endpoint: str, bucket: str) -> None:
        self.declared = source.S3Feed(bucket, "from/here", pattern="**", endpoint=endpoint, timeout="60s")
        keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint": endpoint}
        self.bucket = Bucket(bucket, region="us-east-1", client_options={"allow_http": True}, **keys)

    def put(self, name: str, content: bytes) -> None:
        obstore.put(self.bucket, f"from/here/{name}", content)

    def feed(self, clock: ManualClock, **changes: Any) -> S3Feed:
        return S3Feed(_changed(self.declared, changes), clock, access_key="test", secret_key="test", retries=0)

    def break_after(self, count: int | None) -> None:
        raise AssertionError("this server does not break off")


class S3QueueSite(S3Site):
    """The same bucket, listed by nobody: only what the queue tells of is landed."""

    def __init__(self, endpoint: str, bucket: str, queue: Queue) -> None:
        super().__init__(endpoint, bucket)
        self.declared = _changed(self.declared, {"events": source.S3Events(queue.url, wait="0s")})

    def feed(self, clock: ManualClock, **changes: Any) -> S3QueueFeed:
        declared = _changed(self.declared, changes)
        assert declared.told_by is not None
        messages = SqsQueue(declared.told_by, "us-east-1", access_key="test", secret_key="test")
        keys = {"access_key": "test", "secret_key": "test"}
        return S3QueueFeed(declared, clock, messages, retries=0, sweeps=False, **keys)


class HttpSite:
    """Each file is a page, in order of names; the page after the last does not exist."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.files: dict[str, bytes] = {}
        self.cut: int | None = None
        server.routes["/api"] = self._answer
        self.declared = source.HttpFeed(f"{server.address}/api", format="ndjson", page="page", retries=0, timeout="60s")

    def put(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def feed(self, clock: ManualClock, **changes: Any) -> HttpFeed:
        return HttpFeed(_changed(self.declared, changes))

    def break_after(self, count: int | None) -> None:
        self.cut = count

    def _answer(self, request: Request) -> Answer:
        names = sorted(self.files)
        number = int(request.query["page"]) - 1
        if number >= len(names):
            return Answer(status=404)
        content = self.files[names[number]]
        if self.cut is not None and len(content) > self.cut:
            return Answer(content[: self.cut], announce=len(content))
        return Answer(content)


class LinksSite:
    """Files that an HTML page links to."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.files: dict[str, bytes] = {}
        self.pretends: list[bytes] = []
        self.cut: int | None = None
        self.declared = source.HttpFeed(f"{server.address}/out/", links="**", format="csv", retries=0, timeout="60s")
        server.routes["/out/"] = lambda _: Answer(self._page())

    def put(self, name: str, content: bytes) -> None:
        self.files[name] = content
        self.server.routes[f"/out/{quote(name)}"] = lambda request: self._answer(request, name)

    def feed(self, clock: ManualClock, **changes: Any) -> HttpFilesFeed:
        return HttpFilesFeed(_changed(self.declared, changes))

    def break_after(self, count: int | None) -> None:
        self.cut = count

    def _page(self) -> bytes:
        names = [quote(name).encode() for name in self.files] + [quote(name).encode() for name in self.pretends]
        return b'<a href="/">up</a>' + b"".join(b'<a href="' + name + b'">x</a>\n' for name in names)

    def _answer(self, request: Request, name: str) -> Answer:
        content = self.files[name]
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Answer(b"", 304, headers)
        if self.cut is not None and len(content) > self.cut:
            return Answer(content[: self.cut], headers=headers, announce=len(content))
        return Answer(content, headers=headers)


def _changed(declared: Declared, changes: dict[str, Any]) -> Declared:
    return msgspec.structs.replace(declared, **changes)


Files = FolderSite | FtpSite | FtpsSite | SftpSite


def _site(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    of = request.getfixturevalue
    match kind:
        case "folder":
            return FolderSite(tmp_path / "in")
        case "ftp":
            return FtpSite(of("ftp_server"))
        case "old ftp":
            return FtpSite(of("old_ftp_server"))
        case "ftps explicit":
            return FtpsSite(of("explicit_ftps_server"), of("certificate"), implicit=False)
        case "ftps implicit":
            return FtpsSite(of("implicit_ftps_server"), of("certificate"), implicit=True)
        case "sftp":
            return SftpSite(of("sftp_server"))
        case "s3":
            return S3Site(of("s3_endpoint"), of("s3_bucket"))
        case "s3 by queue":
            return S3QueueSite(of("s3_endpoint"), of("s3_bucket"), of("s3_queue"))
        case "links":
            return LinksSite(of("http_server"))
    return HttpSite(of("http_server"))


_SERVERS = ["ftp", "old ftp", "ftps explicit", "ftps implicit", "sftp"]


@pytest.fixture(params=["folder", *_SERVERS, "s3", "s3 by queue", "http", "links"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    return _site(request.param, request, tmp_path)


@pytest.fixture(params=["folder", *_SERVERS])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """The feeds that list files, which may grow."""
    return _site(request.param, request, tmp_path)


@pytest.fixture(params=["folder", *_SERVERS, "s3", "s3 by queue"])
def named(request: pytest.FixtureRequest, tmp_path: Path) -> Files | S3Site:
    """The feeds that list names."""
    return _site(request.param, request, tmp_path)


# -- every feed ----------------------------------------------------------------------------------------


def test_exact_bytes_are_landed(site: Site, anywhere: Place) -> None:
    contents = [b'{"a":1}\r\n\r\n\n', bytes(range(256)), b"\xef\xbb\xbfx\n"]
    for number, content in enumerate(contents):
        site.put(f"{number}.csv", content)
    landed = anywhere.land(site.feed(anywhere.clock))
    assert sorted(contents) == anywhere.contents()
    assert [delivery.size for delivery in landed] == [len(content) for content in contents]


def test_nothing_there_is_nothing_landed(site: Site, anywhere: Place) -> None:
    site.put("first", b"x")
    anywhere.land(site.feed(anywhere.clock))
    assert anywhere.land(site.feed(anywhere.clock)) == ()


def test_what_comes_later_is_landed_later(site: Site, anywhere: Place) -> None:
    site.put("a.csv", b"1")
    anywhere.land(site.feed(anywhere.clock))
    site.put("b.csv", b"2")
    assert [anywhere.store.get(delivery.key) for delivery in anywhere.land(site.feed(anywhere.clock))] == [b"2"]


def test_the_same_bytes_under_two_names_are_one_delivery(site: Site, anywhere: Place) -> None:
    for name, content in (("a.csv", b"same"), ("b.csv", b"other"), ("c.csv", b"same")):
        site.put(name, content)
    assert len(anywhere.land(site.feed(anywhere.clock))) == 2
    assert anywhere.contents() == [b"other", b"same"]


def test_a_big_file_comes_in_pieces(site: Site, anywhere: Place) -> None:
    content = os.urandom(1 << 20) * 20
    site.put("big.csv", content)
    feed = site.feed(anywhere.clock)
    (offer, *_) = _first(feed, anywhere.clock)
    pieces, digest = [], hashlib.sha256()
    for piece in feed.fetch(offer):
        pieces.append(len(piece))
        digest.update(piece)
    feed.close()
    assert digest.digest() == hashlib.sha256(content).digest()
    assert max(pieces) <= 1 << 20
    assert anywhere.land(site.feed(anywhere.clock))[0].size == len(content)


@pytest.mark.parametrize("site", [*_SERVERS, "http", "links"], indirect=True)
def test_a_connection_that_breaks_lands_nothing_and_the_next_run_recovers(site: Site, anywhere: Place) -> None:
    site.put("a.csv", b"small")
    site.put("b.csv", b"x" * 3_000_000)
    site.break_after(100_000)
    with pytest.raises(SourceError) as told:
        anywhere.land(site.feed(anywhere.clock))
    assert told.value.transient
    assert anywhere.contents() == [b"small"]
    assert len(list(anywhere.store.list("landing/"))) == 1
    assert list(anywhere.store.scratch.iterdir()) == []
    site.break_after(None)
    assert [delivery.size for delivery in anywhere.land(site.feed(anywhere.clock))] == [3_000_000]


def test_a_fetch_that_is_given_up_does_not_spoil_the_feed(site: Site, anywhere: Place) -> None:
    site.put("a.csv", b"x" * 3_000_000)
    feed = site.feed(anywhere.clock)
    (offer, *_) = _first(feed, anywhere.clock)
    chunks = feed.fetch(offer)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert len(anywhere.land(feed)) == 1


def test_an_unreachable_server_is_worth_another_try(site: Site, anywhere: Place) -> None:
    site.put("a.csv", b"1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = taken.getsockname()[1]
        changes: dict[str, Any]
        if isinstance(site, FolderSite):
            changes, expected = {"path": "/no/such/folder"}, FeedMissing
        elif isinstance(site, S3Site):
            changes, expected = {"endpoint": f"http://127.0.0.1:{port}"}, FeedUnreachable
        elif not isinstance(site, HttpSite | LinksSite):
            changes, expected = {"port": port}, FeedUnreachable
        else:
            changes, expected = {"url": f"http://127.0.0.1:{port}/"}, FeedUnreachable
        with pytest.raises(expected) as told:
            anywhere.land(site.feed(anywhere.clock, **changes))
    assert told.value.transient == (expected is FeedUnreachable)
    assert told.value.hint


# -- feeds that list files -----------------------------------------------------------------------------


def test_names_are_shown_but_never_trusted(files: Files, disk: Place, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_bytes(b"outside")
    names = [
        "with space.csv",
        " leading.csv",
        "ünï-日本-🙂.csv",
        "per%20cent?#&.csv",
        "-rf *.csv",
        "x" * 240 + ".csv",
        "back\\slash",
    ]
    if isinstance(files, FolderSite):
        names += ["two\nlines.csv", "esc\x1b[31m.csv", "not utf-8 \udcff.csv"]
    for name in names:
        files.put(name, os.fsencode(name))
    landed = disk.land(files.feed(disk.clock))
    assert disk.contents() == sorted(os.fsencode(name) for name in names)
    assert all(delivery.name.isprintable() and len(delivery.name) <= 200 for delivery in landed)
    assert len({delivery.name for delivery in landed}) == len(names)
    assert disk.land(files.feed(disk.clock)) == ()


def test_a_pattern_chooses(named: Files | S3Site, disk: Place) -> None:
    names_there = ("a.csv", "b.CSV", "c.txt", ".hidden.csv", "sub/d.csv", "sub/deep/e.csv", ".git/f.csv")
    chosen = {
        "*.csv": ["a.csv"],
        "**": ["a.csv", "b.CSV", "c.txt", "sub/d.csv", "sub/deep/e.csv"],
        "**/*.csv": ["a.csv", "sub/d.csv", "sub/deep/e.csv"],
        "sub/*": ["sub/d.csv"],
        "sub/**": ["sub/d.csv", "sub/deep/e.csv"],
        "*/[de].csv": ["sub/d.csv"],
        "[!a].*": ["b.CSV", "c.txt"],
        ".hidden.csv": [".hidden.csv"],
        "?.???": ["a.csv", "b.CSV", "c.txt"],
    }
    for pattern, names in chosen.items():
        for name in names_there:  # each time, since a queue is told once
            named.put(name, name.encode())
        feed = named.feed(disk.clock, pattern=pattern)
        assert [offer.name for offer in feed.offers(Seen(), disk.clock.now())] == names, pattern
        feed.close()


def test_a_file_that_grows_between_two_listings_is_left_for_the_next_time(files: Files, disk: Place) -> None:
    class Writing(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            files.put("growing.csv", b"half of it, and more")

    files.put("done.csv", b"done")
    files.put("growing.csv", b"half of it")
    clock, disk.clock = disk.clock, Writing(disk.clock.now())
    assert [delivery.name for delivery in disk.land(files.feed(disk.clock))] == ["done.csv"]
    assert [event.name for event in disk.events if isinstance(event, Growing)] == ["growing.csv"]
    assert list(disk.ledger.seen("shop").growing) == ["growing.csv"]
    disk.clock = clock
    (landed,) = disk.land(files.feed(disk.clock))
    assert disk.store.get(landed.key) == b"half of it, and more"


def test_a_file_that_stood_still_since_the_last_run_is_not_waited_for(files: Files, disk: Place) -> None:
    files.put("a.csv", b"1")
    feed = files.feed(disk.clock)
    first = disk.clock.now()
    (offer,) = feed.offers(Seen(), first)
    assert disk.clock.now() > first
    second = disk.clock.now()
    assert list(feed.offers(Seen(growing={offer.name: offer.stamp}), second)) == [offer]
    assert disk.clock.now() == second
    feed.close()


def test_with_settle_a_file_must_have_stood_still_that_long(files: Files, disk: Place) -> None:
    files.put("old.csv", b"1")
    files.put("young.csv", b"2")
    now = disk.clock.now().timestamp()
    os.utime(files.root / "old.csv", (now - 601, now - 601))
    os.utime(files.root / "young.csv", (now - 590, now - 590))
    assert [delivery.name for delivery in disk.land(files.feed(disk.clock, settle="10m"))] == ["old.csv"]
    disk.clock.advance(5)
    assert disk.land(files.feed(disk.clock, settle="10m")) == ()
    disk.clock.advance(10)
    assert [delivery.name for delivery in disk.land(files.feed(disk.clock, settle="10m"))] == ["young.csv"]


def test_a_changed_file_is_fetched_again(named: Files | S3Site, disk: Place) -> None:
    named.put("a.csv", b"old")
    disk.land(named.feed(disk.clock))
    named.put("a.csv", b"newer")
    (landed,) = disk.land(named.feed(disk.clock))
    assert disk.store.get(landed.key) == b"newer"


def test_an_empty_file_is_a_delivery(named: Files | S3Site, disk: Place) -> None:
    named.put("empty.csv", b"")
    (landed,) = disk.land(named.feed(disk.clock))
    assert landed.size == 0


def test_a_path_that_is_not_there_is_said_so(files: Files, disk: Place) -> None:
    with pytest.raises(FeedMissing, match="ST203") as told:
        disk.land(files.feed(disk.clock, path=f"{files.declared.path}/no such folder"))
    assert not told.value.transient


def test_a_marker_says_that_a_file_is_whole(files: Files, disk: Place) -> None:
    declared = source.Complete(marker="{name}.done")
    for name in ("a.csv", "b.csv", "c.csv", "a.csv.done", "c.csv.done", "sub/a.csv"):
        files.put(name, name.encode())
    now = disk.clock.now().timestamp() - 1000
    for name, age in (("a.csv", 10), ("a.csv.done", 5), ("c.csv", 5), ("c.csv.done", 60)):  # c was written anew
        os.utime(files.root / name, (now - age * 60, now - age * 60))
    feed = files.feed(disk.clock, pattern="**/*.csv", complete=declared)
    before = disk.clock.now()
    assert [offer.name for offer in feed.offers(Seen(), before)] == ["a.csv"]
    assert sorted(feed.growing()) == ["b.csv", "c.csv", "sub/a.csv"]
    assert disk.clock.now() == before
    feed.close()


def test_a_file_that_is_written_under_another_name_is_left_alone(files: Files, disk: Place) -> None:
    files.put("a.csv", b"a")
    files.put("b.csv.part", b"half of b")
    feed = files.feed(disk.clock, pattern="*", complete=source.Complete(suffix=".part"))
    assert [offer.name for offer in feed.offers(Seen(), disk.clock.now())] == ["a.csv"]
    feed.close()


def test_names_that_differ_in_case_or_accents_only_are_two_files(named: Files | S3Site, disk: Place) -> None:
    names = ["Ü.csv", "ü.csv", "u\u0308.csv", "a.csv", "A.csv"]
    for name in names:
        named.put(name, name.encode())
    landed = disk.land(named.feed(disk.clock))
    assert len({delivery.name for delivery in landed}) == len(names)
    assert disk.contents() == sorted(name.encode() for name in names)


# -- one kind only -------------------------------------------------------------------------------------


def test_a_wrong_password_is_final_and_never_shown(ftp_server: FtpServer, disk: Place) -> None:
    with pytest.raises(FeedForbidden, match=r"ST202.*refuses the user 'stores'") as told:
        disk.land(FtpSite(ftp_server).feed(disk.clock, password="s3cret-guess"))
    assert not told.value.transient
    assert "s3cret" not in str(told.value)


def test_many_files_come_over_one_connection_and_a_dead_one_is_replaced(ftp_server: FtpServer, disk: Place) -> None:
    site = FtpSite(ftp_server)
    for number in range(5):
        site.put(f"{number}.csv", f"{number}".encode())
    feed = site.feed(disk.clock)
    offers = list(feed.offers(Seen(), disk.clock.now()))
    assert b"".join(feed.fetch(offers[0])) == b"0"
    ftp_server.hang_up()
    assert b"".join(feed.fetch(offers[1])) == b"1"
    feed.close()
    assert ftp_server.logins == 2


def test_an_ftp_transfer_must_have_the_listed_size(ftp_server: FtpServer, disk: Place) -> None:
    site = FtpSite(ftp_server)
    site.put("a.csv", b"12345")
    feed = site.feed(disk.clock)
    (offer,) = feed.offers(Seen(), disk.clock.now())
    site.put("a.csv", b"1234")
    with pytest.raises(StillGrowing):  # asked again for the missing byte, the server says that there is none
        b"".join(feed.fetch(offer))
    site.put("a.csv", b"123456")
    with pytest.raises(StillGrowing):
        b"".join(feed.fetch(offer))
    feed.close()


@pytest.mark.parametrize("kind", [*_SERVERS])
def test_a_transfer_that_breaks_is_picked_up_where_it_broke(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, disk: Place
) -> None:
    site = _site(kind, request, tmp_path)
    content = os.urandom(3_000_000)
    site.put("a.csv", content)
    feed = site.feed(disk.clock)
    (offer,) = feed.offers(Seen(), disk.clock.now())
    site.break_after(2_000_000)
    assert hashlib.sha256(b"".join(feed.fetch(offer))).digest() == hashlib.sha256(content).digest()
    feed.close()


@pytest.mark.parametrize("kind", [*_SERVERS])
def test_a_file_that_changed_meanwhile_is_not_pieced_together(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, disk: Place
) -> None:
    site = _site(kind, request, tmp_path)
    site.put("a.csv", b"a" * 3_000_000)
    os.utime(site.root / "a.csv", (1_700_000_000, 1_700_000_000))
    feed = site.feed(disk.clock)
    (offer,) = feed.offers(Seen(), disk.clock.now())
    site.break_after(2_000_000)
    chunks = feed.fetch(offer)
    next(chunks)
    site.put("b.csv", b"b" * 3_000_000)
    (site.root / "b.csv").replace(site.root / "a.csv")  # the open one stays as it was
    with pytest.raises(StillGrowing):
        list(chunks)
    feed.close()


def test_an_unknown_host_key_is_refused_and_its_fingerprint_told(sftp_server: SftpServer, disk: Place, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    site = SftpSite(sftp_server)
    with pytest.raises(HostKeyUnknown, match="ST212") as told:
        disk.land(site.feed(disk.clock, host_key=None, known_hosts=str(known)))
    assert sftp_server.host_key.get_fingerprint() in str(told.value)
    assert f"ssh-keyscan -p {sftp_server.port} 127.0.0.1 >> {known}" in str(told.value)
    assert not known.exists()
    assert sftp_server.logins == 0
    known.write_text(f"[127.0.0.1]:{sftp_server.port} {sftp_server.public_key}\n")
    site.put("a.csv", b"a")
    assert len(disk.land(site.feed(disk.clock, host_key=None, known_hosts=str(known)))) == 1


def test_a_changed_host_key_is_refused(sftp_server: SftpServer, disk: Place) -> None:
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    for known in (other, asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_public_key().decode().strip()):
        with pytest.raises(HostKeyChanged) as told:
            disk.land(SftpSite(sftp_server).feed(disk.clock, host_key=known))
        assert sftp_server.host_key.get_fingerprint() in str(told.value)
        assert not told.value.transient
    assert sftp_server.logins == 0
    with pytest.raises(KnownHostsUnusable, match="ST214"):
        disk.land(SftpSite(sftp_server).feed(disk.clock, host_key="not a key"))


def test_a_key_logs_in_and_a_wrong_one_is_refused(sftp_server: SftpServer, disk: Place) -> None:
    import asyncssh

    site = SftpSite(sftp_server)
    site.put("a.csv", b"a")
    locked = sftp_server.client_key.export_private_key("pkcs8-pem", passphrase="open sesame").decode()
    assert len(disk.land(site.feed(disk.clock, password=None, key=locked, passphrase="open sesame"))) == 1
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    for changes in ({"key": wrong, "password": None}, {"password": "s3cret"}, {"key": locked, "passphrase": "s3cret"}):
        with pytest.raises(FeedForbidden, match="ST202") as told:
            disk.land(site.feed(disk.clock, **changes))
        assert "s3cret" not in str(told.value)


def test_without_key_password_and_agent_it_is_said(sftp_server: SftpServer, disk: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(FeedForbidden, match="neither a key nor a password nor an SSH agent"):
        disk.land(SftpSite(sftp_server).feed(disk.clock, password=None))


def test_a_certificate_must_be_trusted_valid_and_of_this_host(tmp_path: Path, certificate: Path, disk: Place) -> None:
    expired = made_certificate(tmp_path / "expired.pem", days=-1)
    cases: list[tuple[Path, dict[str, Any], str]] = [
        (certificate, {"ca_file": None}, "self-signed certificate"),
        (certificate, {"host": "localhost"}, "mismatch"),
        (expired, {"ca_file": str(expired)}, "expired"),
        (certificate, {"ca_file": str(tmp_path / "none.pem")}, "no file of certificates"),
    ]
    for pem, changes, why in cases:
        server = FtpServer(tmp_path, tls="explicit", certificate=pem)
        try:
            with pytest.raises(FeedFailed, match=why) as told:
                disk.land(FtpsSite(server, certificate, implicit=False).feed(disk.clock, **changes))
            assert not told.value.transient
            assert server.logins == 0
        finally:
            server.close()


def test_an_object_that_was_replaced_since_it_was_listed_is_left(s3_endpoint: str, s3_bucket: str, disk: Place) -> None:
    site = S3Site(s3_endpoint, s3_bucket)
    site.put("a.csv", b"old")
    feed = site.feed(disk.clock)
    (offer,) = feed.offers(Seen(), disk.clock.now())
    site.put("a.csv", b"new")
    with pytest.raises(StillGrowing, match="replaced"):
        list(feed.fetch(offer))


def test_a_bucket_that_is_not_there_is_said_so(s3_endpoint: str, s3_bucket: str, disk: Place) -> None:
    with pytest.raises(FeedMissing, match="no bucket 'nowhere-to-be-found'"):
        disk.land(S3Site(s3_endpoint, s3_bucket).feed(disk.clock, bucket="nowhere-to-be-found"))


def test_a_server_cannot_send_us_to_another_host(tmp_path: Path, disk: Place) -> None:
    (tmp_path / "ftp").mkdir()
    server = FtpServer(tmp_path / "ftp", elsewhere="192.0.2.1")
    try:
        site = FtpSite(server)
        site.put("a.csv", b"a")
        assert len(disk.land(site.feed(disk.clock))) == 1  # data is asked for where the server itself is
    finally:
        server.close()


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/etc/passwd", "a\r\nDELE b", "a\0b", "a//b", "."])
def test_a_listed_name_that_could_lead_elsewhere_is_not_asked_for(path: str) -> None:
    with pytest.raises(FeedFailed, match="not a name that can be asked for"):
        sendable(path, "shown")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, disk: Place) -> None:
    site = FolderSite(tmp_path / "in")
    (tmp_path / "secret.csv").write_bytes(b"secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.csv").write_bytes(b"elsewhere")
    site.put("a.csv", b"a")
    (site.root / "inside.csv").symlink_to("a.csv")
    (site.root / "outside.csv").symlink_to(tmp_path / "secret.csv")
    (site.root / "folder").symlink_to(tmp_path / "elsewhere")
    (site.root / "broken.csv").symlink_to("nothing")
    feed = site.feed(disk.clock)
    offers = list(feed.offers(Seen(), disk.clock.now()))
    assert [offer.name for offer in offers] == ["a.csv", "inside.csv"]
    (tmp_path / "secret.csv").write_bytes(b"s")  # of the same size and time as the file that was listed
    then = (site.root / "a.csv").stat()
    os.utime(tmp_path / "secret.csv", ns=(then.st_atime_ns, then.st_mtime_ns))
    (site.root / "a.csv").unlink()
    (site.root / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(StillGrowing):
        b"".join(feed.fetch(offers[0]))


def test_what_is_no_regular_file_is_not_read(tmp_path: Path, disk: Place) -> None:
    site = FolderSite(tmp_path / "in")
    os.mkfifo(site.root / "pipe.csv")
    site.put("a.csv", b"a")
    feed = site.feed(disk.clock)
    (offer,) = feed.offers(Seen(), disk.clock.now())
    (site.root / "a.csv").unlink()
    os.mkfifo(site.root / "a.csv")
    with pytest.raises(StillGrowing):
        b"".join(feed.fetch(offer))


def test_a_file_that_changes_while_it_is_read_is_left(tmp_path: Path, disk: Place) -> None:
    site = FolderSite(tmp_path / "in")
    site.put("a.csv", b"x" * 3_000_000)
    feed = site.feed(disk.clock)
    (offer,) = feed.offers(Seen(), disk.clock.now())
    chunks = feed.fetch(offer)
    next(chunks)
    with (site.root / "a.csv").open("ab") as file:
        file.write(b"more")
    with pytest.raises(StillGrowing, match="ST205"):
        list(chunks)


def _first(feed: Feed, clock: ManualClock) -> list[Offer]:
    """The first offer; its generator stays alive as in landing."""
    offers = feed.offers(Seen(), clock.now())
    _KEPT.append(offers)
    return [next(offers)]


_KEPT: list[Iterator[Offer]] = []
