"""What killed processes leave in a bucket, and streams larger than one copy may be."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.fault_http import FaultyHttp, s3_error

from startrail.adapters.s3 import api
from startrail.adapters.s3.keys import Keys, known
from startrail.adapters.store.s3 import leftovers as s3_leftovers
from startrail.adapters.store.s3 import store as s3
from startrail.adapters.store.s3.store import S3Store
from startrail.model import profile
from startrail.ports.store import StoreForbidden

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from startrail.adapters.store.s3.store import S3Store
    from startrail.model import profile

    def chunks():
        for number in range(40):
            yield bytes(1 << 20)
        os.kill(os.getpid(), signal.SIGKILL)

    declared = profile.S3Store(bucket=sys.argv[2], prefix="startrail/here", endpoint=sys.argv[1])
    S3Store(declared, Path(sys.argv[3]), access_key="test", secret_key="test").put_as(chunks(), lambda: "never")
"""
ANSWER = """<?xml version="1.0"?><ListMultipartUploadsResult><Bucket>b</Bucket>
<Upload><Key>p/.scratch/a&amp;b</Key><UploadId>u1</UploadId><Initiated>2026-10-02T08:00:00.000Z</Initiated></Upload>
<Upload><Key>p/.scratch/c</Key><UploadId>u2</UploadId><Initiated>2026-10-03T08:00:00.000Z</Initiated></Upload>
</ListMultipartUploadsResult>"""


def _uploads(endpoint: str, bucket: str) -> list[str]:
    with urllib.request.urlopen(f"{endpoint}/{bucket}?uploads", timeout=120) as answer:
        return re.findall("<Key>(.*?)</Key>", answer.read().decode())


def test_an_upload_of_a_killed_process_is_aborted_by_a_later_one(
    s3_store: Callable[[Path], S3Store], s3_endpoint: str, s3_bucket: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(KILLED), s3_endpoint, s3_bucket, str(tmp_path)]
    assert subprocess.run(command, check=False, timeout=240).returncode == -signal.SIGKILL
    [left] = _uploads(s3_endpoint, s3_bucket)  # the server of the test says of every upload that it is years old
    assert left.startswith("startrail/here/.scratch/")
    store = s3_store(tmp_path / "cache")
    assert store.put_as(iter([bytes(1 << 20)] * 20), lambda: "whole")
    assert _uploads(s3_endpoint, s3_bucket) == []
    assert [found.key for found in store.list("")] == ["whole"]


def test_an_upload_right_to_its_key_is_found_by_its_note_a_good_while_later(
    s3_store: Callable[[Path], S3Store], s3_endpoint: str, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = urllib.request.Request(f"{s3_endpoint}/{s3_bucket}/startrail/here/taken?uploads", method="POST")
    s3_store(tmp_path / "first")._leftovers.noted("taken").__enter__()  # and never left
    urllib.request.urlopen(begun, timeout=120).close()
    for age, left in ((timedelta(days=1), ["startrail/here/taken"]), (timedelta(seconds=-5), [])):
        monkeypatch.setattr(s3_leftovers, "_LEFT_BEHIND", age)
        assert s3_store(tmp_path / "later").put_as(iter([bytes(1 << 20)] * 20), lambda: "whole")
        assert _uploads(s3_endpoint, s3_bucket) == left


def test_the_answer_of_a_bucket_is_read() -> None:
    one, two = s3_leftovers.unfinished(ANSWER)
    assert (one.key, one.id, one.begun) == ("p/.scratch/a&b", "u1", datetime(2026, 10, 2, 8, tzinfo=UTC))
    assert two.id == "u2"


def test_only_what_is_older_than_a_day_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Answer:
        def __init__(self, status: int) -> None:
            self.status, self.data = status, ANSWER.encode()
            self.headers = {"Date": "Sat, 03 Oct 2026 09:00:00 GMT"}

    def request(pool: object, account: api.Account, method: str, key: str, query: dict[str, str]) -> Answer:
        asked.append((method, key))
        return Answer(200 if method == "GET" else 204)

    monkeypatch.setattr(s3_leftovers, "ask", request)
    account = api.Account("http://127.0.0.1:1", "b", "us-east-1", known("a", "b"))
    assert s3_leftovers.abort_leftovers(account, "p/.scratch/") == 1
    assert asked == [("GET", ""), ("DELETE", "p/.scratch/a&b")]


def test_a_server_that_does_not_answer_hinders_nobody() -> None:
    account = api.Account("http://127.0.0.1:1", "b", "us-east-1", known("a", "b"))
    assert s3_leftovers.abort_leftovers(account, "p/.scratch/") == 0


def test_the_signature_is_the_one_of_the_specification() -> None:
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date": "20130524T000000Z",
    }
    told = api._authorization(keys, "us-east-1", "GET", "/", "lifecycle=", headers)
    assert told.endswith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")


@pytest.mark.parametrize("replace", [True, False])
def test_what_is_larger_than_one_copy_may_be_is_written_in_parts(
    s3_store: Callable[[Path], S3Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: bool
) -> None:
    monkeypatch.setattr(s3, "_LARGEST_COPY", 10 << 20)
    store = s3_store(tmp_path / "cache")
    content = [bytes([number]) * (1 << 20) for number in range(20)]

    def chunks() -> Iterator[bytes]:
        yield from content

    assert store.put_as(chunks(), lambda: "large", replace=replace)
    assert store.get("large") == b"".join(content)
    assert store.put_as(chunks(), lambda: "large", replace=replace) is replace
    assert [found.key for found in store.list("")] == ["large"]


def test_what_is_read_from_a_bucket_can_be_stored_in_it(s3_store: Callable[[Path], S3Store], tmp_path: Path) -> None:
    store = s3_store(tmp_path / "cache")
    store.put("from", bytes(20 << 20))
    with store.open("from") as file:
        assert store.put_as(iter(lambda: file.read(1 << 20), b""), lambda: "to")
    assert store.size("to") == 20 << 20


def test_an_upload_that_is_refused_ends_the_reading(s3_endpoint: str, s3_bucket: str, tmp_path: Path) -> None:
    front, taken = FaultyHttp(s3_endpoint), []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield bytes(1 << 20)

    store = S3Store(profile.S3Store(s3_bucket, endpoint=front.address), tmp_path, access_key="a", secret_key="b", retries=0)
    front.set(s3_error("partNumber", 403, "AccessDenied", "no more of this"))
    with pytest.raises(StoreForbidden, match="no more of this"):
        store.put_as(chunks(), lambda: "never")
    assert len(taken) < 100
    assert list(store.list("")) == []
    front.close()
