"""Files over HTTP that break off on their way are picked up where they broke, or left when they are others now."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from tests.fixtures.http import Answer, HttpServer, Request
from tests.fixtures.landing import Place

from startrail.adapters.feed.http.files import HttpFilesFeed
from startrail.model import source
from startrail.ports.feed import FeedIncomplete

CONTENT = os.urandom(2_000_000)


class Breaking:
    """A file whose first ``breaks`` answers end after 700,000 of the bytes that they announce."""

    def __init__(self, server: HttpServer, breaks: int = 1, *, ranges: bool = True, tag: str | None = '"v1"') -> None:
        self.content, self.tag, self.breaks, self.ranges = CONTENT, tag, breaks, ranges
        self.asked: list[str] = []
        self.between: Callable[[], None] = lambda: None
        server.routes["/big.csv"] = self._answer

    def _answer(self, request: Request) -> Answer:
        wanted = request.headers.get("range")
        self.asked.append(wanted or "all")
        if wanted is not None:
            self.between()
        headers = {} if self.tag is None else {"ETag": self.tag}
        start, status = 0, 200
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if match is not None and self.ranges and request.headers.get("if-range") == self.tag:
            start, status = int(match[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        body = self.content[start:]
        self.breaks -= 1
        if self.breaks >= 0:
            return Answer(body[:700_000], status, headers, announce=len(body))
        return Answer(body, status, headers)


def _feed(server: HttpServer, **more: Any) -> HttpFilesFeed:
    declared = source.HttpFeed(f"{server.address}/", format="csv", files=("big.csv",), retries=0, timeout="60s", **more)
    return HttpFilesFeed(declared)


def test_only_the_rest_is_asked_for(http_server: HttpServer, disk: Place) -> None:
    far = Breaking(http_server, breaks=2)
    (landed,) = disk.land(_feed(http_server))
    assert disk.store.get(landed.key) == CONTENT
    assert len(far.asked) == 3
    offsets = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in far.asked[1:]]
    assert 400_000 < offsets[0] < offsets[1] <= 1_400_000


def test_a_server_without_ranges_sends_the_same_again(http_server: HttpServer, disk: Place) -> None:
    far = Breaking(http_server, ranges=False)
    (landed,) = disk.land(_feed(http_server))
    assert disk.store.get(landed.key) == CONTENT
    assert len(far.asked) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_changed_meanwhile_is_not_pieced_together(http_server: HttpServer, disk: Place, ranges: bool) -> None:
    far = Breaking(http_server, ranges=ranges)

    def change() -> None:
        far.content, far.tag = bytes(len(CONTENT)), '"v2"'

    far.between = change
    feed = _feed(http_server)
    assert disk.land(feed) == ()
    assert disk.contents() == []
    (landed,) = disk.land(_feed(http_server))
    assert disk.store.get(landed.key) == bytes(len(CONTENT))


@pytest.mark.parametrize("tag", [None, 'W/"v1"'])
def test_without_a_strong_etag_it_begins_anew_in_the_next_run(http_server: HttpServer, disk: Place, tag: str | None) -> None:
    far = Breaking(http_server, tag=tag)
    with pytest.raises(FeedIncomplete, match=r"ST204 .*no strong ETag to go on by"):
        disk.land(_feed(http_server))
    assert far.asked == ["all"]
    assert len(disk.land(_feed(http_server))) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"Content-Range": "bytes 0-1999999/2000000"},
        {"Content-Range": "bytes 700000-1999999/3000000"},
        {"Content-Range": "bytes 700000-1999999/2000000", "ETag": '"v2"'},
        {"Content-Range": "nonsense"},
        {},
    ],
)
def test_a_rest_that_is_not_the_one_asked_for_is_not_taken(http_server: HttpServer, disk: Place, lie: dict[str, str]) -> None:
    def answer(request: Request) -> Answer:
        if "range" in request.headers:
            return Answer(bytes(1_300_000), 206, lie)
        return Answer(CONTENT[:700_000], 200, {"ETag": '"v1"'}, announce=len(CONTENT))

    http_server.routes["/big.csv"] = answer
    feed = _feed(http_server)
    assert disk.land(feed) == ()
    assert disk.contents() == []


def test_a_server_that_always_breaks_off_is_left_after_some_tries(http_server: HttpServer, disk: Place) -> None:
    far = Breaking(http_server, breaks=10**6)
    far.content = CONTENT * 10
    with pytest.raises(FeedIncomplete, match="ST204"):
        disk.land(_feed(http_server))
    assert len(far.asked) == 4
    assert disk.contents() == []
