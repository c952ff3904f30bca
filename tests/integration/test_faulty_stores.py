"""Stores that refuse, fill up, hang and break off, as the profile's own and as the target of a copy: nothing half is ever seen
under its name, and once the store is well again everything is there once."""

from __future__ import annotations

import hashlib
import os
import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import obstore
import pytest
from obstore.store import S3Store as Bucket
from tests.fixtures.disks import Disk, mounted
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.faulty import Job, far_files, said
from tests.fixtures.till import child

import startrail.adapters.store.s3 as s3_store
from startrail.adapters.clock import SystemClock

OLD = 1_700_000_000


class Case(NamedTuple):
    """What ``run`` with this store, and ``copy`` to it, come to: ``ok`` or a code."""

    name: str
    rules: tuple[Rule, ...]
    run: str
    copy: str


class Lake:
    """A bucket behind a server that breaks, and a folder of files that go there."""

    def __init__(self, root: Path, endpoint: str, bucket: str) -> None:
        self.truth = {**far_files(), "d.csv": os.urandom(20 << 20)}  # of three parts
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
        self.job = Job(root / "job", {"kind": "folder", "path": str(root / "far"), "pattern": "*.csv"}, store=store, retries=0)

    def there(self, prefix: str) -> dict[str, bytes]:
        found = [each for batch in obstore.list(self.bucket, prefix=prefix) for each in batch]
        return {each["path"].removeprefix(prefix + "/"): bytes(obstore.get(self.bucket, each["path"]).bytes()) for each in found}

    def uploads(self) -> list[str]:
        with urllib.request.urlopen(f"{self._endpoint}/{self._bucket}?uploads", timeout=10) as answer:
            return re.findall("<Key>([^<]*)<", answer.read().decode())

    def examine(self) -> None:
        """Nothing half under any name, and no parts that somebody pays for."""
        for name, content in self.there("own/landing").items():
            assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2]
        copied = self.there("copied")
        assert {name: content for name, content in copied.items() if not name.startswith(".scratch/")}.items() <= self.truth.items()

    def recovers(self) -> None:
        for command in (self.job.run, lambda: self.job.copy(self.address)):
            done = command()
            assert done.code == 0, done.text
        assert self.there("copied") == self.truth
        assert sorted(self.there("own/landing").values()) == sorted(self.truth.values())
        assert self.job.examine(self.truth) == set(self.truth)
        assert "landed" not in self.job.run().text
        assert "nothing new" in self.job.copy(self.address).text
        assert not self.uploads()
        assert not self.there("own/.scratch")


@pytest.fixture
def lake(tmp_path: Path, s3_endpoint: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    monkeypatch.setenv("FAR_KEY", "test")
    made = Lake(tmp_path, s3_endpoint, s3_bucket)
    yield made
    made.proxy.close()


PUT, PART, DONE, COPY = "PUT", r"PUT .*partNumber=[23]", r"POST .*uploadId=", r"PUT [^?]*/(own/landing/|copied/)"
AFTER = r"PUT .*copied/(?!\.)"
STORES = [
    Case("nobody listens", (Rule(".", "refuse"),), "ST604", "ST604"),
    Case("a storm of SlowDown", (s3_error(PUT, 503, "SlowDown"),), "ST604", "ST604"),
    Case("a gust of SlowDown", (s3_error(PUT, 503, "SlowDown", times=3),), "ok", "ok"),
    Case("SlowDown for every second request", (s3_error("PUT|POST", 503, "SlowDown", times=2, skip=3),), "ok", "ok"),
    Case("writing is not allowed", (s3_error("PUT|POST", 403, "AccessDenied"),), "ST602", "ST602"),
    Case("writing is no longer allowed", (s3_error("PUT|POST", 403, "AccessDenied", skip=4),), "ST602", "ST602"),
    Case("no more parts are allowed", (s3_error(PART, 403, "AccessDenied"),), "ST602", "ST602"),
    Case("the quota is used up", (s3_error(PUT, 403, "QuotaExceeded", skip=2),), "ST603", "ST603"),
    Case("the disks are full", (s3_error(PUT, 507, "XMinioStorageFull", skip=2),), "ST603", "ST603"),
    Case("the keys have expired", (s3_error(".", 400, "ExpiredToken", skip=6),), "ST602", "ST602"),
    Case("the clocks differ", (s3_error(".", 403, "RequestTimeTooSkewed"),), "ST602", "ST602"),
    Case("the bucket is gone", (s3_error(".", 404, "NoSuchBucket"),), "ST606", "ST606"),
    Case("a part fails for good", (s3_error(PART, 500, "InternalError"),), "ST604", "ST604"),
    Case("every answer to a PUT gets lost", (Rule(PUT, "lose"),), "ST604", "ST604"),
    Case("answers get lost although the object landed", (Rule(PUT, "lose", 2),), "ok", "ok"),
    Case("the last word on parts gets lost", (Rule(DONE, "lose", 1),), "ok", "ok"),
    Case(
        "the last word gets lost, and the upload is unknown then",
        (Rule(DONE, "lose", 1), s3_error(DONE, 404, "NoSuchUpload", times=1)), "ok|ST604", "ok|ST604",
    ),
    Case("the last word on parts is an error in an answer of success", (s3_error(DONE, 200, "InternalError"),), "ST604", "ST604"),
    Case("conditions conflict for a while", (s3_error(AFTER, 409, "ConditionalRequestConflict", times=1),), "ok", "ST604"),
]  # fmt: skip


@pytest.mark.parametrize("case", STORES, ids=[case.name for case in STORES])
def test_a_bucket(case: Case, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for command, expected in ((lake.job.run, case.run), (lambda: lake.job.copy(lake.address), case.copy)):
        lake.proxy.set(*map(replace, case.rules))
        done = command()
        print(f"{case.name:60} {said(done)} {done.text[-300:]}")
        if not re.fullmatch(expected, said(done)): print("!!! expected", expected)
        lake.examine()
    lake.proxy.set()
    lake.recovers()
