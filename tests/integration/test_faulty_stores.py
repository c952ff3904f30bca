"""Stores that refuse, fill up, hang and break off, as the profile's own and as the target of a copy: nothing half is ever seen
under its name, and once the store is well again everything is there once."""

from __future__ import annotations

import hashlib
import os
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import obstore
import pytest
from obstore.store import S3Store as Bucket
from tests.fixtures.disks import Disk, mounted
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.faulty import BIG, Job, far_files, said, words
from tests.fixtures.till import Outcome, child

from startrail.adapters.clock import SystemClock
from startrail.adapters.store.s3 import store as s3

OLD = 1_700_000_000


class Case(NamedTuple):
    """What ``run`` with this store, and ``copy`` to it, come to: ``ok`` or a code."""

    name: str
    rules: tuple[Rule, ...]
    run: str
    copy: str
    parts: bool = False
    """Whether large files go in parts, as very large ones do."""


class Lake:
    """A bucket behind a server that breaks, and a folder of files that go there."""

    def __init__(self, root: Path, endpoint: str, bucket: str) -> None:
        self.truth = {"a.csv": b"id\n1\n", "b.csv": os.urandom(20_000), "c.csv": b"id\n2\n", "d.csv": os.urandom(9 << 20)}
        (root / "far").mkdir(parents=True)
        for name, content in self.truth.items():
            (root / "far" / name).write_bytes(content)
            os.utime(root / "far" / name, (OLD, OLD))
        self.proxy = FaultyHttp(endpoint)
        self.address, self._endpoint, self._bucket = f"s3://{bucket}/copied", endpoint, bucket
        keys = {"access_key_id": "test", "secret_access_key": "test", "endpoint": endpoint}
        self.bucket = Bucket(bucket, region="us-east-1", client_options={"allow_http": True}, **keys)
        store = {
            "kind": "s3", "bucket": bucket, "prefix": "own", "endpoint": self.proxy.address, "access_key": "env:FAR_KEY",
            "secret_key": "env:FAR_KEY",
        }  # fmt: skip
        self.job = Job(root / "job", {"kind": "folder", "path": str(root / "far"), "pattern": "*.csv"}, store=store, retries=1)

    def there(self, prefix: str) -> dict[str, bytes]:
        """What a reader sees, by name."""
        found = [each for batch in obstore.list(self.bucket, prefix=prefix) for each in batch]
        found = [each for each in found if ".scratch/" not in each["path"]]
        return {each["path"].removeprefix(prefix + "/"): bytes(obstore.get(self.bucket, each["path"]).bytes()) for each in found}

    def uploads(self) -> list[str]:
        with urllib.request.urlopen(f"{self._endpoint}/{self._bucket}?uploads", timeout=120) as answer:
            return re.findall("<Key>([^<]*)<", answer.read().decode())

    def examine(self) -> None:
        """Nothing half under any name, and no parts that somebody pays for."""
        for name, content in self.there("own/landing").items():
            assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2]
        copied = self.there("copied")
        assert copied.items() <= self.truth.items()
        self.job.examine(self.truth, copied)

    def recovers(self) -> None:
        for command in (self.job.run, lambda: self.job.copy(self.address)):
            done = command()
            assert done.code == 0, done.text
        assert self.there("copied") == self.truth
        assert sorted(self.there("own/landing").values()) == sorted(self.truth.values())
        self.examine()
        assert "landed" not in self.job.run().text
        assert "nothing new" in self.job.copy(self.address).text
        assert not self.uploads()


@pytest.fixture
def lake(tmp_path: Path, s3_endpoint: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    monkeypatch.setenv("FAR_KEY", "test")
    made = Lake(tmp_path, s3_endpoint, s3_bucket)
    yield made
    made.proxy.close()


PUT, PART, DONE, COPY = "PUT", r"PUT .*partNumber=2", r"POST .*uploadId=", r"PUT [^?]*/(own/landing/|copied/)"
AFTER = r"PUT .*copied/(?!\.)"
STORES = [
    Case("nobody listens", (Rule(".", "refuse"),), "ST604", "ST604"),
    Case("a storm of SlowDown", (s3_error(PUT, 503, "SlowDown"),), "ST604", "ST604"),
    Case("a gust of SlowDown", (s3_error(PUT, 503, "SlowDown", times=2),), "ok", "ok"),
    Case("SlowDown for every second request", (s3_error("PUT|POST", 503, "SlowDown", times=1, skip=3),), "ok", "ok"),
    Case("writing is not allowed", (s3_error("PUT|POST", 403, "AccessDenied"),), "ST602", "ST602"),
    Case("writing is no longer allowed", (s3_error("PUT|POST", 403, "AccessDenied", skip=2),), "ST602", "ST602"),
    Case("no more parts are allowed", (s3_error(PART, 403, "AccessDenied"),), "ST602", "ST602", True),
    Case("the quota is used up", (s3_error(PUT, 403, "QuotaExceeded", skip=2),), "ST603", "ST603"),
    Case("the disks are full", (s3_error(PUT, 507, "XMinioStorageFull", skip=2),), "ST603", "ST603"),
    Case("the keys have expired", (s3_error("PUT", 400, "ExpiredToken", skip=2),), "ST602", "ST602"),
    Case("the clocks differ", (s3_error(".", 403, "RequestTimeTooSkewed"),), "ST602", "ST602"),
    Case("the bucket is gone", (s3_error(".", 404, "NoSuchBucket"),), "ST606", "ST253"),
    Case("a part fails for good", (s3_error(PART, 500, "InternalError"),), "ST604", "ST604", True),
    Case("every answer to a PUT gets lost", (Rule(PUT, "lose"),), "ST604", "ST604"),
    Case("answers get lost although the object landed", (Rule(PUT, "lose", 1),), "ok", "ok"),
    Case("the last word on parts gets lost", (Rule(DONE, "lose", 1),), "ok", "ok", True),
    Case(
        "the last word gets lost, and the upload is unknown then",
        (Rule(DONE, "lose", 1), s3_error(DONE, 404, "NoSuchUpload", times=1)), "ok|ST604", "ok|ST604", True,
    ),
    Case("the last word on parts is an error after all", (s3_error(DONE, 200, "InternalError"),), "ST604", "ST604", True),
    Case("conditions conflict for a while", (s3_error(AFTER, 409, "ConditionalRequestConflict", times=1),), "ok", "ok"),
    Case("a byte of a part changes on its way", (Rule(PART, "spoil", 1, at=1000),), "ok|ST607", "ok|ST607", True),
    Case("a byte of a small file changes on its way", (Rule(PUT, "spoil", 1, at=2),), "ok|ST607", "ok|ST607"),
    Case("a byte of a stream changes on its way", (Rule(r"PUT .*(d\.csv|\.scratch/)", "spoil", at=5_000_000),), "ST607", "ST607"),
]  # fmt: skip


_TABLE: list[str] = []


@pytest.fixture(autouse=True, scope="module")
def table() -> Iterator[None]:
    """What each case came to, with ``-s``."""
    yield
    print("\n" + "\n".join(_TABLE))  # noqa: T201


@pytest.mark.parametrize("case", STORES, ids=[case.name for case in STORES])
def test_a_bucket(case: Case, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.parts:
        monkeypatch.setattr(s3, "_LARGEST_PUT", 0)
    for command, expected in ((lake.job.run, case.run), (lambda: lake.job.copy(lake.address), case.copy)):
        lake.proxy.set(*map(replace, case.rules))
        done = command()
        _TABLE.append(f"{case.name:75} {said(done):6} {words(done)}")
        assert re.fullmatch(expected, said(done)), done.text
        lake.proxy.set()
        lake.examine()
    lake.recovers()


# -- disks --------------------------------------------------------------------------------------------------


class Local:
    """A folder of files, a project on a disk without bounds, and a target on ``disk``."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self.truth, self.disk = far_files(), disk
        (root / "far").mkdir()
        for name, content in self.truth.items():
            (root / "far" / name).write_bytes(content)
            os.utime(root / "far" / name, (OLD, OLD))
        self.job = Job(root / "job", {"kind": "folder", "path": str(root / "far"), "pattern": "*.csv"})

    def copy(self) -> Outcome:
        to = str(self.disk.path / "copied")
        return child("sources", "copy", "far", "--to", to, "-C", str(self.job.root), before=self.disk.enter)

    def there(self) -> dict[str, int]:
        """Names and sizes of what lies at the target."""
        listed = self.disk.do("find", str(self.disk.path), "-type", "f", "-name", "*.csv", "-printf", "%f %s\\n")
        return {name: int(size) for name, size in map(str.split, listed.splitlines())}

    def recovers(self) -> None:
        assert self.copy().code == 0
        assert self.there() == {name: len(content) for name, content in self.truth.items()}
        for name, content in self.truth.items():
            digest = self.disk.do("sha256sum", str(self.disk.path / "copied" / name)).split()[0]
            assert digest == hashlib.sha256(content).hexdigest()
        assert "nothing new" in self.copy().text


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    with mounted(tmp_path / "disk", "4m") as disk:
        yield Local(tmp_path, disk)


def test_a_disk_that_fills_up_during_a_copy_holds_no_half_file(local: Local) -> None:
    local.disk.resize("1m")
    done = local.copy()
    assert said(done) == "ST603"
    assert "hint: free space" in done.text
    assert "b.csv" not in local.there()
    assert not local.disk.do("find", str(local.disk.path), "-path", "*.scratch/*", "-type", "f")
    local.disk.resize("8m")
    local.recovers()


def test_a_read_only_disk_gets_no_copy(local: Local) -> None:
    local.disk.read_only(True)
    done = local.copy()
    assert said(done) == "ST602"
    assert "its file system is read-only" in done.text
    local.disk.read_only(False)
    local.recovers()


def test_a_limit_on_the_size_of_files_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    truth = far_files()
    for name, content in truth.items():
        (tmp_path / "far" / name).write_bytes(content)
    job = Job(tmp_path / "job", {"kind": "folder", "path": str(tmp_path / "far"), "pattern": "*.csv"})
    limited = ("bash", "-c", f'ulimit -f {BIG // 2048}; exec "$@"', "bash")  # KiB
    for words_ in (("run",), ("sources", "copy", "far", "--to", str(job.target))):
        done = child(*words_, "-C", str(job.root), before=limited)
        assert said(done) == "ST606"
        assert "File too large" in done.text
        job.examine(truth)
    job.recovers(truth)
