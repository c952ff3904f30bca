"""The Destination port over a folder, a bucket and an SSH server: one suite, each on the real thing. Mail has its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import obstore
import pytest
from obstore.store import S3Store as Bucket
from tests.fixtures.http import Answer, HttpServer, Request
from tests.fixtures.sftp import SSH_PASSWORD, SSH_USER, SftpServer

from startrail.adapters.report import open_destination
from startrail.base.errors import ReportError
from startrail.base.span import Span
from startrail.model.destination import Destination, FolderDestination, Place, S3Destination, SftpDestination
from startrail.model.report import Report
from startrail.ports.report import Parcel

PARCEL = Parcel("k", date(2026, 10, 3), datetime(2026, 10, 3, 6, 0, tzinfo=UTC))
LARGE = 20_000_000


class Site(Protocol):
    """Where a test looks at what was delivered, by other means."""

    @property
    def declared(self) -> Any: ...

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...

    @property
    def secrets(self) -> dict[str, str]: ...


class FolderSite:
    secrets: dict[str, str] = {}

    def __init__(self, root: Path) -> None:
        self.root = root / "delivered"
        self.declared: Any = FolderDestination(str(self.root))

    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir())

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()


class SftpSite(FolderSite):
    secrets = {"password": SSH_PASSWORD}

    def __init__(self, server: SftpServer) -> None:
        self.server, self.root = server, server.root / "delivered"
        self.declared = SftpDestination(
            "127.0.0.1", SSH_USER, "/delivered", port=server.port, password="password", host_key=server.public_key, timeout="60s"
        )


class S3Site:
    secrets = {"keys": "test"}

    def __init__(self, endpoint: str, bucket: str) -> None:
        self.declared: Any = S3Destination(bucket, "to/there", endpoint, access_key="keys", secret_key="keys", timeout="60s")
        keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint": endpoint}
        self.bucket = Bucket(bucket, region="us-east-1", client_options={"allow_http": True}, **keys)

    def names(self) -> list[str]:
        return sorted(each["path"] for batch in obstore.list(self.bucket) for each in batch)

    def read(self, name: str) -> bytes:
        return bytes(obstore.get(self.bucket, f"to/there/{name}").bytes())


@pytest.fixture(params=["folder", "sftp", "s3"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    if request.param == "folder":
        return FolderSite(tmp_path)
    if request.param == "sftp":
        return SftpSite(request.getfixturevalue("sftp_server"))
    return S3Site(request.getfixturevalue("s3_endpoint"), request.getfixturevalue("s3_bucket"))


@pytest.fixture
def sftp_site(sftp_server: SftpServer) -> SftpSite:
    return SftpSite(sftp_server)


@pytest.fixture
def s3_site(s3_endpoint: str, s3_bucket: str) -> S3Site:
    return S3Site(s3_endpoint, s3_bucket)


def deliver(
    site: Site, name: str = "daily.csv", content: bytes = b"a\n1\n", *, to: Destination | None = None, write: Any = None
) -> str:
    to = to or site.declared
    report = Report("daily", "csv", Span("reports/daily.yml", 1, 1), to, model="m.a")
    opened = open_destination(Place(to), report, PARCEL, Path("/nowhere"), lambda name: site.secrets[name] if name else None)
    return opened.deliver(name, write or (lambda path: path.write_bytes(content)))


def fails(code: str, words: str, site: Site, **more: Any) -> ReportError:
    with pytest.raises(ReportError, match=words) as caught:
        deliver(site, **more)
    assert (caught.value.code, caught.value.hint is not None) == (code, True)
    assert SSH_PASSWORD not in str(caught.value)
    return caught.value


def changed(site: Site, **more: Any) -> Any:
    return msgspec.structs.replace(site.declared, **more)


# -- all of them ------------------------------------------------------------------------------------------


def test_a_report_is_there_whole_under_its_name(site: Site) -> None:
    where = deliver(site)
    assert where.endswith("delivered/daily.csv" if not isinstance(site, S3Site) else "/to/there/daily.csv")
    assert site.read("daily.csv") == b"a\n1\n"
    assert len(site.names()) == 1


def test_delivered_again_it_replaces_the_older_one(site: Site) -> None:
    deliver(site)
    deliver(site, content=b"newer")
    assert site.read("daily.csv") == b"newer"
    assert len(site.names()) == 1


@pytest.mark.parametrize("name", ["Umsätze März.html", "a b&c?d=e#f%20.csv", "[x]*.csv", "ł" * 90 + ".csv"])
def test_any_name_that_a_report_may_have_arrives_as_it_is(site: Site, name: str) -> None:
    deliver(site, name)
    assert site.read(name) == b"a\n1\n"


def test_a_large_report_and_an_empty_one_are_whole(site: Site) -> None:
    content = os.urandom(1000) * (LARGE // 1000)
    deliver(site, content=content)
    assert site.read("daily.csv") == content
    deliver(site, content=b"")
    assert site.read("daily.csv") == b""


def test_a_writer_that_fails_leaves_the_old_report_and_nothing_else(site: Site) -> None:
    deliver(site)

    def write(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("lost the lease")

    with pytest.raises(RuntimeError):
        deliver(site, write=write)
    assert site.read("daily.csv") == b"a\n1\n"
    assert len(site.names()) == 1


def test_a_reader_sees_the_old_or_the_new_one_whole(site: Site) -> None:
    deliver(site, content=b"a" * 50_000)
    seen: set[tuple[int, bytes]] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            data = site.read("daily.csv")
            seen.add((len(data), data[:1] + data[-1:]))

    reader = threading.Thread(target=look)
    reader.start()
    for letter in b"bcdefgh":
        deliver(site, content=bytes([letter]) * 50_000)
    stop.set()
    reader.join()
    assert all(size == 50_000 and ends[0] == ends[1] for size, ends in seen)


@pytest.mark.parametrize("kind", ["sftp", "s3"])
def test_nobody_listens(kind: str, request: pytest.FixtureRequest) -> None:
    site: Site = request.getfixturevalue(f"{kind}_site")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        away = changed(site, port=port) if kind == "sftp" else changed(site, endpoint=f"http://127.0.0.1:{port}")
        assert fails("ST708", "answer", site, to=away).transient


# -- a bucket ---------------------------------------------------------------------------------------------


def test_an_object_says_what_kind_of_content_it_has(s3_site: S3Site) -> None:
    for name, kind in (
        ("a.html", "text/html; charset=utf-8"),
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.bin", "application/octet-stream"),
    ):
        deliver(s3_site, name)
        assert obstore.get(s3_site.bucket, f"to/there/{name}").attributes["Content-Type"] == kind


def test_a_bucket_is_never_made(s3_site: S3Site) -> None:
    fails("ST702", "there is no bucket 'not-there'", s3_site, to=changed(s3_site, bucket="not-there"))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, "<Error><Code>AccessDenied</Code></Error>", "ST703"),
        (507, "<Error><Code>InsufficientStorage</Code></Error>", "ST704"),
        (400, "<Error><Code>EntityTooLarge</Code></Error>", "ST705"),
        (503, "<Error><Code>SlowDown</Code></Error>", "ST708"),
    ],
)
def test_what_a_bucket_answers_becomes_the_error_that_says_what_to_do(
    s3_site: S3Site, http_server: HttpServer, status: int, body: str, code: str
) -> None:
    def answer(request: Request) -> Answer:
        return Answer(body.encode(), status, {"Content-Type": "application/xml"})

    http_server.routes[f"/{s3_site.declared.bucket}/to/there/daily.csv"] = answer
    fails(code, "bucket", s3_site, to=changed(s3_site, endpoint=http_server.address))


def test_a_bucket_that_hangs_is_given_up(s3_site: S3Site, http_server: HttpServer) -> None:
    never = threading.Event()
    http_server.routes[f"/{s3_site.declared.bucket}/to/there/daily.csv"] = lambda request: Answer(b"", wait=never)
    try:
        away = changed(s3_site, endpoint=http_server.address, timeout="1s")
        assert fails("ST708", "did not answer", s3_site, to=away).transient
    finally:
        never.set()


# -- an SSH server ----------------------------------------------------------------------------------------


def test_the_bytes_are_synced_where_the_server_can(sftp_site: SftpSite) -> None:
    deliver(sftp_site)
    assert sftp_site.server.synced == 1
    sftp_site.server.syncs = False
    deliver(sftp_site, "another.csv")
    assert sftp_site.names() == ["another.csv", "daily.csv"]


def test_a_private_key_opens_it_as_well(sftp_site: SftpSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp_site, "secrets", {"key": sftp_site.server.private_client_key})
    deliver(sftp_site, to=changed(sftp_site, password=None, key="key"))
    assert sftp_site.names() == ["daily.csv"]


def test_a_server_with_another_key_gets_nothing(sftp_site: SftpSite) -> None:
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    error = fails(
        "ST709", "another key than the known one: ssh-ed25519 SHA256:", sftp_site, to=changed(sftp_site, host_key=other)
    )
    assert error.affects == "nothing was sent to it"
    assert not sftp_site.root.exists()


def test_a_server_that_nobody_knows_gets_nothing(sftp_site: SftpSite, tmp_path: Path) -> None:
    unknown = changed(sftp_site, host_key=None, known_hosts=str(tmp_path / "known_hosts"))
    assert "ssh-keyscan" in (fails("ST709", "is not known", sftp_site, to=unknown).hint or "")


def test_a_wrong_password_is_refused(sftp_site: SftpSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp_site, "secrets", {"password": "guessed"})
    assert "guessed" not in str(fails("ST703", "refuses the user", sftp_site))


def test_the_last_folder_is_made_but_never_those_above_it_on_the_server(sftp_site: SftpSite) -> None:
    fails("ST702", "has no folder '/not' to deliver into", sftp_site, to=changed(sftp_site, path="/not/there"))
    assert not (sftp_site.server.root / "not").exists()


def test_a_server_without_room_says_so_and_keeps_the_old_report(sftp_site: SftpSite) -> None:
    deliver(sftp_site)
    sftp_site.server.room = 100_000
    fails("ST704", "has no room", sftp_site, content=b"x" * 3_000_000)
    assert sftp_site.names() == ["daily.csv"]
    assert sftp_site.read("daily.csv") == b"a\n1\n"


def test_a_server_that_breaks_off_keeps_the_old_report_and_the_next_delivery_cleans_up(sftp_site: SftpSite) -> None:
    deliver(sftp_site)
    sftp_site.server.break_after_taken = 1_000_000
    assert fails("ST708", "broke off", sftp_site, content=b"x" * 3_000_000).transient
    assert sftp_site.read("daily.csv") == b"a\n1\n"
    assert len(sftp_site.names()) == 2
    sftp_site.server.break_after_taken = None
    deliver(sftp_site, content=b"new")
    assert sftp_site.names() == ["daily.csv"]


def test_a_server_that_hangs_is_given_up(sftp_site: SftpSite) -> None:
    sftp_site.server.hangs = True
    assert fails("ST708", "does not answer", sftp_site, to=changed(sftp_site, timeout="1s")).transient


def test_a_server_that_cannot_replace_in_one_stroke_keeps_the_old_report(sftp_site: SftpSite) -> None:
    sftp_site.server.replaces = False
    deliver(sftp_site)
    fails("ST713", "cannot replace '/delivered/daily.csv' in one stroke", sftp_site, content=b"new")
    assert sftp_site.read("daily.csv") == b"a\n1\n"
    assert sftp_site.names() == ["daily.csv"]


KILLED = """
import os, signal, sys
from datetime import UTC, date, datetime
from pathlib import Path
import asyncssh
from startrail.adapters.report.sftp import SftpFolder
from startrail.model.destination import SftpDestination
async def dies(*_):
    os.kill(os.getpid(), signal.SIGKILL)
asyncssh.SFTPClient.posix_rename = dies
port, host_key, password = sys.argv[1:]
to = SftpDestination("127.0.0.1", "stores", "/delivered", port=int(port), host_key=host_key)
SftpFolder(to, Path("/nowhere"), password=password).deliver("daily.csv", lambda path: path.write_bytes(b"new"))
"""


def test_killed_before_the_rename_the_old_report_stays_and_the_next_delivery_cleans_up(sftp_site: SftpSite) -> None:
    deliver(sftp_site)
    (sftp_site.root / ".daily.csv.mine").write_bytes(b"not ours")
    server = sftp_site.server
    killed = subprocess.run([sys.executable, "-c", KILLED, str(server.port), server.public_key, SSH_PASSWORD], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert sftp_site.read("daily.csv") == b"a\n1\n"
    assert len(sftp_site.names()) == 3
    deliver(sftp_site, content=b"new")
    assert sftp_site.names() == [".daily.csv.mine", "daily.csv"]
    assert sftp_site.read("daily.csv") == b"new"
