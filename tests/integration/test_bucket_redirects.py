"""A bucket that sends us elsewhere is not followed into a network that nobody declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fixtures.fault_http import FaultyHttp, Rule
from tests.fixtures.proxy import SmallProxy
from tests.fixtures.s3 import fresh_bucket

from startrail.adapters.feed.s3.feed import S3Feed
from startrail.adapters.report.errors import DestinationFailed
from startrail.adapters.report.s3 import S3Folder
from startrail.adapters.store.s3.store import S3Store
from startrail.model import destination, profile, source
from startrail.ports.feed import FeedFailed, Seen
from startrail.ports.store import StoreFailed
from startrail.testing.clock import ManualClock

KEYS = {"access_key": "test", "secret_key": "test", "retries": 1}


@pytest.fixture(autouse=True, params=["directly", "by a proxy"])
def proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if request.param == "directly":
        yield
        return
    made = SmallProxy()
    monkeypatch.setenv("ALL_PROXY", made.address)
    monkeypatch.setenv("NO_PROXY", "localhost")  # where they are sent to
    yield
    made.close()
    assert made.requests
    assert not [each for each in made.requests if "localhost" in each]


class Ways:
    """``bucket`` is behind ``front``, which redirects to ``inner``: another host, although it is this machine."""

    def __init__(self, endpoint: str) -> None:
        self.front, self.inner, self.bucket = FaultyHttp(endpoint), FaultyHttp(endpoint), fresh_bucket(endpoint)

    def redirect(self, matches: str, status: int) -> None:
        to = self.inner.address.replace("127.0.0.1", "localhost") + f"/{self.bucket}/taken"
        self.front.set(Rule(matches, "answer", status=status, headers={"Location": to}))

    def store(self, folder: Path) -> S3Store:
        return S3Store(profile.S3Store(bucket=self.bucket, endpoint=self.front.address), folder, **KEYS)


@pytest.fixture
def ways(s3_endpoint: str) -> Iterator[Ways]:
    made = Ways(s3_endpoint)
    yield made
    assert made.inner.requests == []
    made.front.close()
    made.inner.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_store(ways: Ways, tmp_path: Path, status: int) -> None:
    store = ways.store(tmp_path)
    store.put("taken", b"ours")
    ways.redirect(".", status)
    uses: tuple[Callable[[], object], ...] = (
        lambda: store.get("taken"), lambda: store.size("taken"), lambda: list(store.list("")), lambda: store.put("new", b"1"),
        lambda: store.put_as(iter([b"1"]), "new"), lambda: store.put_as(iter([bytes(1 << 20)] * 9), "new", size=9 << 20),
    )  # fmt: skip
    for use in uses:
        with pytest.raises(StoreFailed, match="the bucket sends us elsewhere"):
            use()


@pytest.mark.parametrize("matches", [r"list-type", r"GET .*/taken\.csv"])
def test_a_feed(ways: Ways, tmp_path: Path, matches: str) -> None:
    ways.store(tmp_path).put("taken.csv", b"ours")
    ways.redirect(matches, 307)
    clock = ManualClock()
    feed = S3Feed(source.S3Feed(ways.bucket, endpoint=ways.front.address), clock, **KEYS)
    with pytest.raises(FeedFailed, match="sends us elsewhere"):
        _ = [list(feed.fetch(offer)) for offer in feed.offers(Seen(), clock.now())]
    feed.close()


def test_a_report(ways: Ways) -> None:
    ways.redirect(".", 307)
    folder = S3Folder(destination.S3Destination(ways.bucket, endpoint=ways.front.address), **KEYS)
    with pytest.raises(DestinationFailed):
        folder.deliver("daily.csv", lambda path: path.write_bytes(b"1"))
