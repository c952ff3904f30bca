"""Archives from a server to a query, and single compressed files; killed for real on the way."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from tests.conformance.test_feed import S3Site
from tests.fixtures.ftp import PASSWORD, USER, FtpServer
from tests.fixtures.loading import contract, field, load_bytes
from tests.unit.adapters.archive.test_unpacker import tarred, zipped, zstd

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.adapters.store.local import LocalStore
from startrail.base import crash
from startrail.base.errors import StartrailError
from startrail.cli.app import root as cli

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: sales
version: 1.0.0
status: active
schema:
  - name: sales
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: store, logicalType: string}
"""


class Folder:
    def __init__(self, root: Path, **declared: Any) -> None:
        self.root = root
        for folder in ("sources", "contracts"):
            (root / folder).mkdir(parents=True)
        (root / "startrail.yml").write_text("name: far\n")
        (root / "contracts" / "sales.odcs.yml").write_text(CONTRACT)
        self.declare(**declared)

    def declare(self, **declared: Any) -> None:
        (self.root / "sources" / "far.yml").write_text(json.dumps({"contract": "sales", "into": "raw.sales", **declared}))

    def call(self, *words: str) -> str:
        done = CliRunner().invoke(cli, [*words, "-C", str(self.root)])
        assert done.exception is None or isinstance(done.exception, StartrailError), done.exception
        return done.output + str(done.exception or "")

    def rows(self) -> list[list[str]]:
        return [
            line.split() for line in self.call("query", "select id, store from raw.sales order by 1").splitlines()[2:] if line
        ]


JUNE = {"sales_07.csv": b"id\n1\n2\n", "sales_08.csv": b"id\n3\n", "README.txt": b"hello"}


@pytest.mark.parametrize("far", ["ftp", "s3"])
def test_files_of_archives_are_loaded_from_a_server(
    far: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "june.zip": zipped(JUNE),
        "july.tar.gz": gzip.compress(tarred({"./sales_07.csv": b"id\n4\n", "sales_08.csv.zst": zstd(b"id\n5\n")})),
        "plain_09.csv": b"id\n6\n",
        "bad.zip": zipped(JUNE)[:100],
    }
    if far == "ftp":
        monkeypatch.setenv("FAR", PASSWORD)
        server: FtpServer = request.getfixturevalue("ftp_server")
        for name, content in files.items():
            (server.root / name).write_bytes(content)
        feed: dict[str, Any] = {"kind": "ftp", "host": "127.0.0.1", "port": server.port, "user": USER, "password": "env:FAR"}
    else:
        monkeypatch.setenv("FAR", "test")
        endpoint, bucket = request.getfixturevalue("s3_endpoint"), request.getfixturevalue("s3_bucket")
        site = S3Site(endpoint, bucket)
        for name, content in files.items():
            site.put(name, content)
        feed = {"kind": "s3", "bucket": bucket, "prefix": "from/here", "endpoint": endpoint}
        feed |= {"access_key": "env:FAR", "secret_key": "env:FAR"}
    folder = Folder(tmp_path / "project", feed=feed, archive={"members": "sales_{store}.csv*"})
    ran = folder.call("run")
    assert "unpacked   far                      june.zip: 2 new" in ran
    assert "ST218 the archive 'bad.zip'" in ran
    assert folder.rows() == [["1", "07"], ["2", "07"], ["3", "08"], ["4", "07"], ["5", "08"], ["6"]]
    again = folder.call("run")
    assert "landed" not in again
    assert "ST218 the archive 'bad.zip'" in again, "what waits for a person is told by every run"
    assert folder.rows() == [["1", "07"], ["2", "07"], ["3", "08"], ["4", "07"], ["5", "08"], ["6"]]
    assert "the chain holds" in folder.call("ledger", "verify")


def test_an_archive_that_nobody_declared_is_held_and_then_let_in(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "june.zip").write_bytes(zipped(JUNE))
    feed = {"kind": "folder", "path": str(tmp_path / "in")}
    folder = Folder(tmp_path / "project", feed=feed)
    assert "ST218 'june.zip' is an archive; to have it unpacked, say `archive: {members: \"*.csv\"}`" in folder.call("run")
    assert "is an archive" in folder.call("quarantine", "list")
    folder.declare(feed=feed, archive={"members": "*.csv"})
    assert "3 rows in = 3 loaded" in folder.call("run")
    assert folder.rows() == [["1"], ["2"], ["3"]]


def test_a_paused_source_keeps_its_archives_for_later(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    feed = {"kind": "folder", "path": str(tmp_path / "in")}
    folder = Folder(tmp_path / "project", feed=feed, archive={"members": "*.csv", "files": 1})
    (tmp_path / "in" / "june.zip").write_bytes(zipped(JUNE))
    assert "ST219" in folder.call("run")
    folder.declare(feed=feed, archive={"members": "*.csv"})
    folder.call("sources", "pause", "far", "--for", "1h", "--reason", "test", "--by", "ada")
    assert "ST21" not in folder.call("run")
    folder.call("sources", "resume", "far", "--reason", "test", "--by", "ada")
    assert "3 rows in = 3 loaded" in folder.call("run")


def test_a_copy_keeps_archives_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    packed = zipped(JUNE)
    (tmp_path / "in" / "june.zip").write_bytes(packed)
    folder = Folder(tmp_path / "project", feed={"kind": "folder", "path": str(tmp_path / "in")}, archive={})
    folder.call("sources", "copy", "far", "--to", str(tmp_path / "out"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()} == {"june.zip": packed}
    assert "is an archive; its files are known once it has landed" in folder.call("sources", "peek", "far")


_DATA = {"csv": b"id\n" + b"".join(b"%d\n" % number for number in range(50_000))}
_DATA["ndjson"] = b"".join(b'{"id":%d}\n' % number for number in range(50_000))
_DATA["json"] = b"[" + b",".join(b'{"id":%d}' % number for number in range(5_000)) + b"]"


@pytest.mark.parametrize("format", _DATA)
def test_a_single_zstd_file_is_read_like_a_gzip_one(tmp_path: Path, format: str) -> None:
    data, promised = _DATA[format], contract(field("id", "int", required=True))
    plain = load_bytes(tmp_path / "plain", data, promised, format)
    for number, packed in enumerate((zstd(data), zstd(data[:1000]) + zstd(data[1000:]))):
        loaded = load_bytes(tmp_path / str(number), packed, promised, f"{format}+zstd")
        assert loaded.counts == plain.counts
        assert loaded.rows("id") == plain.rows("id")


def test_a_zstd_file_that_is_cut_off_or_damaged_is_held(tmp_path: Path) -> None:
    promised = contract(field("id", "int", required=True))
    packed = zstd(os.urandom(200_000).hex().encode())
    cut = load_bytes(tmp_path / "cut", packed[: len(packed) // 2], promised, "ndjson+zstd")
    assert cut.held is not None
    assert "the zstd stream is cut off" in cut.held
    damaged = load_bytes(tmp_path / "damaged", b"\x28\xb5\x2f\xfd nonsense", promised, "ndjson+zstd")
    assert damaged.held is not None
    assert "zstd stream is damaged" in damaged.held
    assert pa.Codec.is_available("zstd")


SCRIPT = """
    import os, signal, sys
    from pathlib import Path
    from startrail.adapters.archive.unpacker import ArchiveUnpacker
    from startrail.adapters.clock import SystemClock
    from startrail.adapters.feed.folder import FolderFeed
    from startrail.adapters.ledger.sqlite import open_ledger
    from startrail.adapters.store.local import LocalStore
    from startrail.base import crash
    from startrail.base.span import Span
    from startrail.capabilities.sources.land import land
    from startrail.capabilities.sources.unpack import unpack
    from startrail.model import source
    from startrail.model.run import Run

    root, point = Path(sys.argv[1]), sys.argv[2]
    crash.hook = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None
    feed = source.FolderFeed("in")
    declared = source.Source("shop", feed, Span("s.yml"), contract="sales", into="raw.sales", archive=source.Archive())
    clock, ledger = SystemClock(), open_ledger(root / "ledger.sqlite")
    lease = ledger.acquire("runner", "same", 3600, clock.now())
    run = f"run-{os.getpid()}"
    ledger.start_run(Run(run, clock.now()), lease)
    around = dict(ledger=ledger, store=LocalStore(root / "store"), lease=lease, run=run, clock=clock, emit=lambda event: None)
    land(declared, FolderFeed(feed, root, clock), **around)
    unpack(declared, unpacker=ArchiveUnpacker(), **around)
    ledger.close()
"""


@pytest.mark.parametrize("point", ["after landing bytes", "after recording delivery", *crash.ARCHIVE_POINTS])
def test_a_killed_unpacking_is_continued_and_nothing_is_lost_or_doubled(tmp_path: Path, point: str) -> None:
    (tmp_path / "in").mkdir()
    files = {f"{number}.csv": f"id\n{number}\n".encode() * 20_000 for number in range(4)}
    (tmp_path / "in" / "a.zip").write_bytes(zipped(files))
    (tmp_path / "in" / "b.tar.zst").write_bytes(zstd(tarred({"4.csv": b"id\n4\n", "0.csv": files["0.csv"]})))
    killed = _run(tmp_path, point)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for _ in range(2):
        done = _run(tmp_path, "")
        assert done.returncode == 0, done.stderr
    ledger, store = open_ledger(tmp_path / "ledger.sqlite"), LocalStore(tmp_path / "store")
    members = {each.name: store.get(each.key) for each in ledger.deliveries("shop") if each.parent is not None}
    assert members == {f"a.zip/{name}": content for name, content in files.items()} | {"b.tar.zst/4.csv": b"id\n4\n"}
    assert ledger.packed("shop") == []
    assert len(list(ledger.facts(kind="archive.unpacked"))) == 2
    assert len(list(ledger.facts(kind="delivery.landed"))) == 7
    ledger.close()


def _run(root: Path, point: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT), str(root), point]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("policy", "rows"), [("hold", ["1", "2", "3"]), ("add", ["1", "2", "3", "4"]), ("replace", ["3", "4"])], ids=str
)
def test_a_new_version_of_an_archive_is_what_its_source_says(tmp_path: Path, policy: str, rows: list[str]) -> None:
    place = tmp_path / "in"
    place.mkdir()
    (place / "june.zip").write_bytes(zipped(JUNE))
    folder = Folder(
        tmp_path / "project", feed={"kind": "folder", "path": str(place)}, archive={"members": "*.csv"}, on_replace=policy
    )
    folder.call("run")
    (place / "june.zip").write_bytes(zipped(JUNE | {"sales_07.csv": b"id\n4\n"}))
    ran = folder.call("run")
    assert [row[0] for row in folder.rows()] == rows
    assert ("it came before with other bytes" in ran) == (policy == "hold")
    for _ in range(2):
        ran = folder.call("run")
        assert "gone" not in ran
        assert "landed" not in ran
        assert [row[0] for row in folder.rows()] == rows
    assert not list(_facts(folder, "source.deleted")), "no listing shows what is in an archive, and none misses it"


def test_a_sound_version_takes_the_place_of_a_damaged_one(tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    (place / "june.zip").write_bytes(zipped(JUNE)[:100])
    folder = Folder(
        tmp_path / "project", feed={"kind": "folder", "path": str(place)}, archive={"members": "*.csv"}, on_replace="replace"
    )
    assert "ST218" in folder.call("run")
    (place / "june.zip").write_bytes(zipped(JUNE))
    folder.call("run")
    assert [row[0] for row in folder.rows()] == ["1", "2", "3"]
    assert "ST218" not in folder.call("run"), "nobody waits for the damaged one any more"


def _facts(folder: Folder, kind: str) -> list[object]:
    ledger = open_ledger(folder.root / ".startrail" / "ledger.sqlite")
    try:
        return list(ledger.facts(kind=kind))
    finally:
        ledger.close()
