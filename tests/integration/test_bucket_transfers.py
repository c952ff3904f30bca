"""Objects on their way from a bucket and into it, whatever breaks meanwhile."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.s3 import fresh_bucket

from startrail.adapters.report.errors import DestinationUnreachable
from startrail.adapters.report.s3 import S3Folder
from startrail.adapters.store.s3.store import S3Store
from startrail.model import destination, profile
from startrail.ports.store import StoreFailed, StoreUnreachable

CONTENT = os.urandom(3 << 20)


class Lake:
    """A bucket behind a server that breaks."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.front, self.bucket, self._endpoint, self.folder = FaultyHttp(endpoint), fresh_bucket(endpoint), endpoint, folder

    def store(self) -> S3Store:
        declared = profile.S3Store(self.bucket, endpoint=self.front.address)
        return S3Store(declared, self.folder, access_key="a", secret_key="b", retries=1)

    def reports(self) -> S3Folder:
        declared = destination.S3Destination(self.bucket, endpoint=self.front.address)
        return S3Folder(declared, access_key="a", secret_key="b", retries=1)

    def uploads(self) -> bool:
        with urllib.request.urlopen(f"{self._endpoint}/{self.bucket}?uploads", timeout=10) as answer:
            return b"<Upload>" in answer.read()


@pytest.fixture
def lake(s3_endpoint: str, tmp_path: Path) -> Iterator[Lake]:
    made = Lake(s3_endpoint, tmp_path)
    yield made
    made.front.close()


def test_what_broke_off_is_picked_up_where_it_was(lake: Lake) -> None:
    store = lake.store()
    store.put("a", CONTENT)
    lake.front.set(Rule("GET .*/a$", "truncate", 2, at=1 << 20))
    lake.front.requests.clear()
    assert store.get("a") == CONTENT
    assert len(lake.front.requests) == 3
    with store.open("a") as file:
        file.seek(1 << 20)
        assert file.read(1000) == CONTENT[1 << 20 :][:1000]


def test_what_breaks_off_again_and_again_is_not_read(lake: Lake) -> None:
    store = lake.store()
    store.put("landing/a", CONTENT)
    lake.front.set(Rule("GET .*/a$", "truncate", at=1000))
    for use in (lambda: store.get("landing/a"), lambda: store.local("landing/a").__enter__()):
        with pytest.raises(StoreUnreachable):
            use()
    assert not [path for path in lake.folder.rglob("*") if path.is_file()]
    lake.front.set()
    with store.local("landing/a") as path:
        assert path.read_bytes() == CONTENT


def test_an_object_that_is_replaced_while_it_is_read_is_no_mixture(lake: Lake) -> None:
    store = lake.store()
    store.put("a", CONTENT)

    lake.front.set(Rule("GET .*/a$", "truncate", 1, at=1 << 20))
    reading = store._client.read("a")
    next(reading)
    store.put("a", CONTENT[::-1])
    with pytest.raises(StoreUnreachable, match="replaced while it was read"):
        list(reading)


def test_who_sends_all_where_a_part_was_asked_for_is_not_believed(lake: Lake) -> None:
    store = lake.store()
    store.put("a", CONTENT)
    lake.front.set(Rule("GET .*/a$", "answer", status=200, body=CONTENT))
    with store.open("a") as file:
        file.seek(10)
        with pytest.raises(StoreFailed, match="it sends all of it where a part was asked for"):
            file.read(10)


@pytest.mark.parametrize("size", [0, 20_000, 40 << 20])
def test_a_report_arrives_whole_whatever_its_size(lake: Lake, size: int) -> None:
    lake.front.set(s3_error("PUT|POST", 503, "SlowDown", times=1))
    content = os.urandom(size)
    assert lake.reports().deliver("big.csv", lambda path: path.write_bytes(content)) == f"s3://{lake.bucket}/big.csv"
    found = lake.store()._client.send("GET", "big.csv")
    assert (found.data, found.headers["Content-Type"]) == (content, "text/csv; charset=utf-8")
    assert not lake.uploads()


@pytest.mark.parametrize("broken", [r"partNumber=2", r"POST .*uploadId"])
def test_of_a_report_that_breaks_off_nothing_is_left(lake: Lake, broken: str) -> None:
    lake.front.set(s3_error(broken, 500, "InternalError"))
    with pytest.raises(DestinationUnreachable, match="InternalError"):
        lake.reports().deliver("big.csv", lambda path: path.write_bytes(bytes(40 << 20)))
    assert list(lake.store().list("")) == []
    assert not lake.uploads()
