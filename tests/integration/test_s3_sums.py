"""By which sum it is known that a bucket has what was sent to it: whatever way, a byte that changed is not stored for good."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.fault_http import FaultyHttp, Rule, s3_error
from tests.fixtures.s3 import fresh_bucket
from tests.fixtures.s3_sums import Comparing, Manner, comparing, unframed

from startrail.adapters.store.s3 import store as s3
from startrail.adapters.store.s3 import sums as s3_sums
from startrail.adapters.store.s3.store import S3Store
from startrail.adapters.store.s3.whole import WrongBytesStored
from startrail.base.errors import ResourceError
from startrail.capabilities.sources.content import Content
from startrail.model import profile

SMALL, LARGE = os.urandom(70_000), os.urandom(9 << 20)
MANNERS: list[Manner] = ["compares", "echoes", "keeps frames"]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Comparing]]:
    with comparing() as made:
        yield made


class Way:
    """A store whose bucket is behind a relay."""

    def __init__(self, endpoint: str, far: Comparing, folder: Path) -> None:
        self.relay, self.far, self._folder = FaultyHttp(endpoint), far, folder
        self._bucket = fresh_bucket(endpoint)
        far.manner, far.knows_crc32 = "compares", True
        self.store = self.another()

    def another(self) -> S3Store:
        declared = profile.S3Store(bucket=self._bucket, endpoint=self.relay.address)
        return S3Store(declared, self._folder, access_key="a", secret_key="b", retries=1)

    def put(self, key: str, content: bytes) -> bool:
        chunks = (content[start : start + 300_000] for start in range(0, len(content), 300_000))
        return self.store.put_as(Content(chunks), key, size=len(content))

    def puts_of(self, call: Callable[[], object]) -> list[str]:
        self.far.puts.clear()
        call()
        return self.far.puts


@pytest.fixture
def way(server: tuple[str, Comparing], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    monkeypatch.setattr(s3_sums, "_WORTH_ASKING", 0)
    made = Way(*server, tmp_path)
    yield made
    made.relay.close()


def test_a_bucket_that_refuses_a_false_sum_is_given_no_other(way: Way) -> None:
    assert way.puts_of(lambda: way.put("large", LARGE)) == ["trailing", "trailing"]
    assert way.puts_of(lambda: way.put("small", SMALL)) == ["header"]
    assert (way.store.get("large"), way.store.get("small")) == (LARGE, SMALL)
    assert [found.key for found in way.store.list("")] == ["large", "small"]


@pytest.mark.parametrize(("knows", "sent"), [(True, ["crc", "crc"]), (False, ["header", "header"])])
def test_parts_are_compared_by_the_cheapest_sum(way: Way, knows: bool, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_LARGEST_PUT", 0)
    way.far.knows_crc32 = knows
    *_, first, second, copied = way.puts_of(lambda: way.put("large", LARGE))
    assert ([first, second], copied) == (sent, "plain")
    assert way.store.get("large") == LARGE


@pytest.mark.parametrize("manner", ["echoes", "keeps frames"])
def test_a_bucket_that_takes_a_false_sum_is_compared_by_its_tags(way: Way, manner: Manner) -> None:
    way.far.manner = manner
    assert way.puts_of(lambda: way.put("large", LARGE)) == ["trailing", "plain"]
    assert way.puts_of(lambda: way.put("small", SMALL)) == ["md5"]
    assert (way.store.get("large"), way.store.get("small")) == (LARGE, SMALL)
    assert not [request for request in way.relay.requests if "scratch" in request][2:]  # the question, and its removal


def test_few_bytes_are_not_worth_the_question(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_sums, "_WORTH_ASKING", 100_000)
    assert way.puts_of(lambda: way.put("first", SMALL)) == ["md5"]
    assert way.puts_of(lambda: way.put("second", SMALL)) == ["trailing", "header"]


def test_a_bucket_that_cannot_be_asked_is_compared_by_its_tags(way: Way) -> None:
    way.relay.set(s3_error("PUT .*scratch", 501, "NotImplemented"))
    assert way.puts_of(lambda: way.put("large", LARGE)) == ["plain"]
    assert way.store.get("large") == LARGE


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("how", ["memory", "stream", "parts"])
def test_a_byte_that_changes_on_its_way_is_noticed(way: Way, how: str, manner: Manner, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "parts":
        monkeypatch.setattr(s3, "_LARGEST_PUT", 0)
    way.far.manner = manner
    content = SMALL if how == "memory" else LARGE
    spoilt = {"memory": r"PUT .*/name$", "stream": r"PUT .*/name$", "parts": r"PUT .*partNumber=1&"}[how]
    way.relay.set(Rule(spoilt, "spoil", at=5_000))
    with pytest.raises(ResourceError) as told:
        way.put("name", content)
    assert told.value.transient
    assert list(way.store.list("")) == []
    way.relay.set()
    assert way.put("name", content)
    assert way.store.get("name") == content


def test_a_bucket_that_compares_no_more_is_found_out(way: Way) -> None:
    way.put("large", LARGE)
    way.far.manner = "keeps frames"
    with pytest.raises(WrongBytesStored):
        way.put("other", LARGE)
    assert [found.key for found in way.store.list("")] == ["large"]
    assert way.puts_of(lambda: way.put("other", LARGE)) == ["plain"]
    assert way.store.get("other") == LARGE


def test_one_that_no_longer_says_that_it_compared_a_small_object_is_read(way: Way) -> None:
    way.put("large", LARGE)
    way.far.manner = "keeps frames"
    assert way.puts_of(lambda: way.put("small", SMALL)) == ["header"]
    assert "GET" in way.relay.requests[-1]
    assert way.puts_of(lambda: way.put("next", SMALL)) == ["md5"]


def test_parts_that_nobody_says_to_have_compared_become_no_object(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_LARGEST_PUT", 0)
    way.put("large", LARGE)
    way.far.manner = "keeps frames"
    with pytest.raises(WrongBytesStored):
        way.put("other", LARGE)
    assert [found.key for found in way.store.list("")] == ["large"]
    assert way.put("other", LARGE)
    assert way.store.get("other") == LARGE


def test_a_bucket_that_refuses_right_sums_is_given_none(way: Way) -> None:
    way.put("large", LARGE)
    way.relay.set(s3_error("PUT .*/other", 400, "BadDigest", times=1))
    with pytest.raises(ResourceError, match="BadDigest"):
        way.put("other", LARGE)
    assert way.puts_of(lambda: way.put("other", LARGE)) == ["plain"]


def test_a_key_that_is_taken_stays_so_in_every_manner(way: Way) -> None:
    for manner in MANNERS:
        way.far.manner, way.store = manner, way.another()
        way.put(manner, SMALL)
        for content in (LARGE, SMALL[1:]):
            assert not way.store.put_as(Content(iter([content])), manner, replace=False, size=len(content))
        assert way.store.get(manner) == SMALL


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 3_000_000), max_size=5))
def test_a_frame_is_as_long_as_announced_and_holds_what_came(sizes: list[int]) -> None:
    chunks = [bytes([number]) * size for number, size in enumerate(sizes)]
    content = b"".join(chunks)
    digest = hashlib.sha256(content)
    body = b"".join(s3_sums.framed(chunks, len(content), digest.hexdigest))
    assert len(body) == s3_sums.framed_size(len(content))
    assert unframed(body) == (content, s3_sums.encoded(digest.hexdigest()))
