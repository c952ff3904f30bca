"""Landing from a real HTTP server: pages, cursors, patience, refusals."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.http import Answer, HttpServer, Request

from startrail.adapters.feed.http.files import HttpFilesFeed
from startrail.adapters.feed.http.pages import HttpFeed
from startrail.adapters.store.local import LocalStore
from startrail.base.errors import SourceError
from startrail.base.span import Span
from startrail.capabilities.sources.land import land
from startrail.flow.events import Event
from startrail.model import source
from startrail.model.delivery import Delivery
from startrail.model.run import Run
from startrail.ports.feed import AskedToWait, FeedFailed, FeedForbidden, FeedIncomplete, FeedMissing, FeedUnreachable, Seen
from startrail.testing.clock import ManualClock
from startrail.testing.ledger import memory_ledger

NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)


class Api:
    """A source on the server, a ledger and a store."""

    def __init__(self, server: HttpServer, root: Path) -> None:
        self.server = server
        self.ledger = memory_ledger()
        self.store = LocalStore(root)
        self.clock = ManualClock(NOW)
        lease = self.ledger.acquire("runner", "test", 3600, NOW)
        assert lease is not None
        self.lease = lease
        self.ledger.start_run(Run("run-1", NOW), lease)
        self.events: list[Event] = []

    def land(self, *, headers: dict[str, str] | None = None, path: str = "/api/orders", **declared: Any) -> tuple[Delivery, ...]:
        settings: dict[str, Any] = {"url": self.server.address + path, "retries": 0, "timeout": "60s", **declared}
        feed = source.HttpFeed(**settings)
        made = source.Source("orders", feed, Span("sources/orders.yml"))
        client = (HttpFilesFeed if feed.names_files else HttpFeed)(feed, headers=headers, csv=made.csv)
        try:
            return land(
                made,
                client,
                ledger=self.ledger,
                store=self.store,
                lease=self.lease,
                run="run-1",
                clock=self.clock,
                emit=self.events.append,
            )
        finally:
            client.close()

    def contents(self) -> list[bytes]:
        return [self.store.get(delivery.key) for delivery in self.ledger.deliveries("orders")]

    @property
    def cursor(self) -> str | None:
        return self.ledger.seen("orders").cursor

    def answer(self, route: Callable[[Request], Answer], path: str = "/api/orders") -> None:
        self.server.routes[path] = route

    def targets(self) -> list[str]:
        return [request.target for request in self.server.requests]


@pytest.fixture
def api(http_server: HttpServer, tmp_path: Path) -> Iterator[Api]:
    made = Api(http_server, tmp_path / "store")
    yield made
    made.ledger.close()


def as_json(value: object, **headers: str) -> Answer:
    return Answer(json.dumps(value).encode(), headers=headers)


# -- one answer ----------------------------------------------------------------------------------------


def test_one_answer_is_one_delivery_with_its_time_and_exact_bytes(api: Api) -> None:
    body = b'[ {"id": 1} ]\r\n'
    api.answer(lambda request: Answer(body, headers={"Last-Modified": "Fri, 02 Oct 2026 21:00:00 GMT"}))
    (landed,) = api.land(params={"shop": "north & south"})
    assert api.store.get(landed.key) == body
    assert (landed.name, landed.media) == ("api/orders", "json")
    assert landed.source_time == datetime(2026, 10, 2, 21, tzinfo=UTC)
    assert api.targets() == ["/api/orders?shop=north+%26+south"]


@pytest.mark.parametrize("body", [b"[]", b" [ ]\n", b"null", b""])
def test_an_answer_without_records_is_no_delivery(api: Api, body: bytes) -> None:
    api.answer(lambda request: Answer(body))
    assert api.land() == ()


def test_an_answer_that_is_not_json_is_landed_as_it_is(api: Api) -> None:
    api.answer(lambda request: Answer(b"<html>maintenance</html>"))
    (landed,) = api.land()
    assert api.store.get(landed.key) == b"<html>maintenance</html>"


def test_no_content_is_no_delivery(api: Api) -> None:
    api.answer(lambda request: Answer(status=204))
    assert api.land() == ()


@pytest.mark.parametrize(("header", "condition"), [("ETag", "if-none-match"), ("Last-Modified", "if-modified-since")])
def test_an_unchanged_answer_is_not_sent_again(api: Api, header: str, condition: str) -> None:
    value = {"ETag": '"v1"', "Last-Modified": "Fri, 02 Oct 2026 21:00:00 GMT"}[header]

    def route(request: Request) -> Answer:
        return Answer(status=304) if request.headers.get(condition) == value else Answer(b"[1]", headers={header: value})

    api.answer(route)
    assert len(api.land()) == 1
    assert api.land() == ()
    assert len(api.server.requests) == 2


def test_a_packed_file_stays_packed_and_a_packed_transfer_is_unpacked(api: Api) -> None:
    packed = gzip.compress(b"id\n1\n")
    api.answer(lambda request: Answer(packed), "/file.csv.gz")
    api.answer(lambda request: Answer(packed, headers={"Content-Encoding": "gzip"}), "/file.csv")
    (as_file,) = api.land(path="/file.csv.gz", format="csv")
    (as_transfer,) = api.land(path="/file.csv", format="csv")
    assert (as_file.media, api.store.get(as_file.key)) == ("csv+gzip", packed)
    assert (as_transfer.media, api.store.get(as_transfer.key)) == ("csv", b"id\n1\n")


# -- pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Answer(b'{"data": {"orders": []}}'), Answer(b'{"data": {"orders": null}}'), Answer(status=404)])
def test_pages_are_counted_until_one_is_empty(api: Api, end: Answer) -> None:
    pages = {"1": [{"id": 1}], "2": [{"id": 2}]}

    def route(request: Request) -> Answer:
        found = pages.get(request.query["page"])
        return as_json({"data": {"orders": found}}) if found else end

    api.answer(route)
    landed = api.land(page="page", page_size=("per_page", 1), records="$.data.orders")
    assert [delivery.name for delivery in landed] == ["api/orders?page=1", "api/orders?page=2"]
    assert api.targets()[0] == "/api/orders?per_page=1&page=1"
    pages["3"] = [{"id": 3}]
    assert [delivery.name for delivery in api.land(page="page", records="$.data.orders")] == ["api/orders?page=3"]


def test_a_missing_first_page_is_an_error(api: Api) -> None:
    with pytest.raises(FeedMissing, match="ST203"):
        api.land(page="page")


def test_unchanged_pages_are_skipped_and_the_ones_after_them_found(api: Api) -> None:
    count = 2

    def route(request: Request) -> Answer:
        number = int(request.query["page"])
        tag = f'"p{number}"'
        if number > count:
            return as_json([])
        return Answer(status=304) if request.headers.get("if-none-match") == tag else as_json([number], ETag=tag)

    api.answer(route)
    assert len(api.land(page="page")) == 2
    count = 3
    assert [delivery.name for delivery in api.land(page="page")] == ["api/orders?page=3"]


def test_a_server_that_does_not_know_the_parameter_is_found_out(api: Api) -> None:
    api.answer(lambda request: as_json([{"id": 1}]))
    with pytest.raises(FeedFailed, match="pages 1 and 2 of api/orders are the same") as told:
        api.land(page="pg")
    assert "'pg'" in str(told.value)
    assert len(api.server.requests) == 2


@pytest.mark.parametrize("way", ["absolute", "path", "query", "relative"])
def test_links_to_the_next_page_are_followed(api: Api, way: str) -> None:
    links = {
        "absolute": api.server.address + "/api/orders?after=",
        "path": "/api/orders?after=",
        "query": "?after=",
        "relative": "orders?after=",
    }

    def route(request: Request) -> Answer:
        after = int(request.query.get("after", "0"))
        following = links[way] + str(after + 1) if after < 2 else None
        return as_json({"items": [{"id": after}] if after != 1 else [], "paging": {"next": following}})

    api.answer(route)
    landed = api.land(next="$.paging.next", records="$.items")
    assert [delivery.name for delivery in landed] == ["api/orders?next=1", "api/orders?next=3"]
    assert len(api.server.requests) == 3


def test_tokens_of_the_next_page_are_sent_back(api: Api) -> None:
    def route(request: Request) -> Answer:
        token = request.query.get("token")
        return as_json({"rows": [token], **({"token": "a/b+c=="} if token is None else {})})

    api.answer(route)
    assert len(api.land(next="$.token", next_param="token", records="$.rows", params={"x": "y"})) == 2
    assert api.server.requests[1].query == {"x": "y", "token": "a/b+c=="}


@pytest.mark.parametrize("link", ["http://127.0.0.1:1/steal", "//evil.example/x", "https://127.0.0.1/x", "file:///etc/passwd"])
def test_the_next_page_is_never_on_another_server(api: Api, link: str) -> None:
    api.answer(lambda request: as_json({"rows": [1], "next": link}))
    with pytest.raises(FeedFailed, match="another server"):
        api.land(next="$.next", records="$.rows", headers={"Authorization": "Bearer secret"})
    assert len(api.contents()) == 1
    assert len(api.server.requests) == 1


def test_pages_that_lead_in_a_circle_are_found_out(api: Api) -> None:
    api.answer(lambda request: as_json({"rows": [request.target], "next": "?b" if request.target.endswith("a") else "?a"}))
    with pytest.raises(FeedFailed, match="leads back"):
        api.land(next="$.next", records="$.rows")


def test_a_page_that_cannot_be_read_is_landed_and_ends_the_way(api: Api) -> None:
    def route(request: Request) -> Answer:
        return as_json([1]) if request.query["page"] == "1" else Answer(b'[{"id": 2}, {"id"')

    api.answer(route)
    with pytest.raises(FeedFailed, match=r"'api/orders\?page=2' cannot be read as json"):
        api.land(page="page")
    assert api.contents() == [b"[1]", b'[{"id": 2}, {"id"']


# -- cursors -------------------------------------------------------------------------------------------


def orders(*updated: object) -> list[dict[str, object]]:
    return [{"id": number, "updated_at": value} for number, value in enumerate(updated)]


@pytest.mark.parametrize(
    ("values", "greatest"),
    [
        ((9, 10, 8), "10"),
        (("9", "10"), "10"),
        ((2**70, 2**70 + 1), str(2**70 + 1)),
        (("2026-10-01T10:00:00+02:00", "2026-10-01T09:00:00Z"), "2026-10-01T09:00:00Z"),
        (("2026-10-01", None, "2026-09-30"), "2026-10-01"),
        (("2026-10-01T00:00:00Z", "2999-01-01T00:00:00Z"), "2026-10-01T00:00:00Z"),
        (("b", "a"), "b"),
        ((1.5, True, [], None), None),
    ],
)
def test_the_greatest_value_is_sent_at_the_next_run(api: Api, values: tuple[object, ...], greatest: str | None) -> None:
    api.answer(lambda request: as_json([] if request.query else orders(*values)))
    (landed,) = api.land(cursor="updated_at")
    assert landed.cursor == api.cursor == greatest
    if greatest is not None:
        assert api.land(cursor="updated_at", cursor_param="since") == ()
        assert api.server.requests[1].query == {"since": greatest}
        assert api.cursor == greatest


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("ndjson", b'{"updated_at": 1}\n\nnot json\n{"x": 1}\n{"updated_at": 12}\n{"updated_at": 3}'),
        ("csv", b'id,updated_at\n1,"1"\n2,12\n3,3\n4\n'),
    ],
)
def test_the_cursor_is_found_in_lines_too(api: Api, format: str, body: bytes) -> None:
    api.answer(lambda request: Answer(body))
    api.land(cursor="updated_at", format=format)
    assert api.cursor == "12"


@pytest.mark.parametrize("body", [b"id,updated_at\n", b""])
def test_a_header_alone_is_an_empty_page(api: Api, body: bytes) -> None:
    api.answer(lambda request: Answer(body))
    assert api.land(cursor="updated_at", format="csv") == ()


def test_the_cursor_stays_until_all_pages_are_safe(api: Api) -> None:
    broken = True

    def route(request: Request) -> Answer:
        number = int(request.query["page"])
        if number == 2 and broken:
            return Answer(b"[", announce=100)
        return as_json(orders(100 - number) if number < 4 else [])

    api.answer(route)
    with pytest.raises(FeedIncomplete):
        api.land(page="page", cursor="updated_at")
    assert api.cursor is None
    assert len(api.contents()) == 1
    broken = False
    assert len(api.land(page="page", cursor="updated_at")) == 2
    assert api.cursor == "99"
    assert "updated_at" not in api.server.requests[-1].query


# -- patience and refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(api: Api, status: int) -> None:
    def route(request: Request) -> Answer:
        return Answer(b"busy", status, {"Retry-After": "0"}) if len(api.server.requests) < 3 else as_json([1])

    api.answer(route)
    assert len(api.land(retries=2)) == 1
    assert len(api.server.requests) == 3


def test_a_server_that_stays_busy_is_left_for_later(api: Api) -> None:
    api.answer(lambda request: Answer(b"busy", 503))
    with pytest.raises(FeedUnreachable, match="still answers 503") as told:
        api.land(retries=1)
    assert told.value.transient
    assert len(api.server.requests) == 2


@pytest.mark.parametrize("wait", ["3600", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_who_asks_to_wait_for_long_is_not_asked_again_in_this_run(api: Api, wait: str) -> None:
    api.answer(lambda request: Answer(b"enough", 429, {"Retry-After": wait}))
    with pytest.raises(AskedToWait, match="ST241") as told:
        api.land(retries=4)
    assert not told.value.transient
    assert wait != "3600" or "asks to wait 1:00:00" in str(told.value)
    assert len(api.server.requests) == 1


@pytest.mark.parametrize("wait", ["soon", "", "-1"])
def test_a_wait_that_cannot_be_read_is_as_none(api: Api, wait: str) -> None:
    api.answer(lambda request: Answer(b"busy", 503, {"Retry-After": wait}) if len(api.server.requests) < 2 else as_json([1]))
    assert len(api.land(retries=2)) == 1


def test_a_file_that_is_missing_does_not_keep_the_others_back(api: Api) -> None:
    for name in "acd":
        api.answer(lambda request: Answer(request.path.encode()), f"/files/{name}")
    declared = {"path": "/files/", "format": "csv", "files": ("a", "b", "c", "d")}
    with pytest.raises(FeedMissing, match="/files/b answered 404"):
        api.land(**declared)
    assert api.contents() == [b"/files/a", b"/files/c", b"/files/d"]


@pytest.mark.parametrize("transfers", [1, 4])
def test_a_server_that_answers_for_no_file_is_not_asked_for_all_of_them(api: Api, transfers: int) -> None:
    for number in range(40):
        api.answer(lambda request: Answer(b"no", 500), f"/files/{number}")
    with pytest.raises(SourceError, match="ST211"):
        api.land(path="/files/", format="csv", files=tuple(map(str, range(40))), transfers=transfers)
    assert 3 <= len(api.server.requests) <= 2 + transfers


def test_a_server_that_asks_to_wait_is_asked_for_no_further_file(api: Api) -> None:
    for number in range(40):
        api.answer(lambda request: Answer(b"busy", 429, {"Retry-After": "3600"}), f"/files/{number}")
    with pytest.raises(AskedToWait, match="asks to wait 1:00:00"):
        api.land(path="/files/", format="csv", files=tuple(map(str, range(40))), transfers=1)
    assert len(api.server.requests) == 1


def test_files_are_fetched_at_the_same_time(api: Api) -> None:
    together = threading.Barrier(4, timeout=240)

    def answer(request: Request) -> Answer:
        together.wait()
        return Answer(request.path.encode())

    for number in range(8):
        api.answer(answer, f"/files/{number}")
    assert len(api.land(path="/files/", format="csv", files=tuple(map(str, range(8))))) == 8
    assert api.contents() == [f"/files/{number}".encode() for number in range(8)]


def test_addresses_that_differ_by_their_query_are_files_of_their_own(api: Api) -> None:
    api.answer(lambda request: Answer(request.query["day"].encode()), "/files/export")
    landed = api.land(path="/files/", format="csv", files=("export?day=1", "export?day=2"))
    assert [delivery.name for delivery in landed] == ["files/export", "files/export?day=2"]
    assert api.contents() == [b"1", b"2"]


@pytest.mark.parametrize(
    ("status", "error"), [(401, FeedForbidden), (403, FeedForbidden), (404, FeedMissing), (410, FeedMissing), (400, FeedFailed)]
)
def test_a_refusal_is_final_and_shows_no_secret(api: Api, status: int, error: type[SourceError]) -> None:
    api.answer(lambda request: Answer(b"no", status))
    with pytest.raises(error) as told:
        api.land(retries=2, headers={"X-Api-Key": "s3cret"}, params={"key": "pa55"})
    assert not told.value.transient
    assert api.server.requests[0].headers["x-api-key"] == "s3cret"
    assert "s3cret" not in str(told.value)
    assert "pa55" not in str(told.value)
    assert len(api.server.requests) == 1


@pytest.mark.parametrize("chunks", [None, 7])
def test_a_body_that_ends_early_is_not_landed(api: Api, chunks: int | None) -> None:
    api.answer(lambda request: Answer(b'[{"id": 1}]' * 10, announce=1000, chunks=chunks))
    with pytest.raises(FeedIncomplete, match="ST204"):
        api.land()
    assert list(api.store.list("landing/")) == []


def test_a_server_that_says_nothing_is_given_up(api: Api) -> None:
    forever = threading.Event()
    api.answer(lambda request: Answer(b"[1]", wait=forever))
    with pytest.raises(FeedUnreachable, match="does not answer"):
        api.land(timeout="0.2s")
    forever.set()


def test_redirects_are_followed_without_giving_secrets_to_others(api: Api) -> None:
    other = HttpServer()
    try:
        other.routes["/moved"] = lambda request: as_json([1])
        api.answer(lambda request: Answer(status=302, headers={"Location": f"{other.address}/moved"}))
        assert len(api.land(headers={"X-Api-Key": "s3cret"})) == 1
        assert "x-api-key" not in other.requests[0].headers
        assert api.server.requests[0].headers["x-api-key"] == "s3cret"
    finally:
        other.close()


@pytest.mark.parametrize("location", ["/api/orders", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://"])
def test_redirects_without_end_or_to_nowhere_fail(api: Api, location: str) -> None:
    api.answer(lambda request: Answer(status=302, headers={"Location": location}))
    with pytest.raises(FeedFailed, match="ST206"):
        api.land(retries=4)
    assert len(api.server.requests) <= 6


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "shop.example/orders", "http://", "http://[", ""])
def test_only_http_addresses_are_asked(api: Api, url: str) -> None:
    with pytest.raises(SourceError) as told:
        api.land(url=url)
    assert told.value.hint


def test_waiting_is_bounded_by_the_declared_retries_when_nobody_listens(api: Api) -> None:
    api.server.close()
    with pytest.raises(FeedUnreachable):
        api.land(retries=1)
    api.clock.advance(timedelta(days=1).total_seconds())


def test_who_waits_for_a_file_that_drips_is_let_go_when_the_feed_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        feed = HttpFilesFeed(source.HttpFeed(f"http://127.0.0.1:{server.getsockname()[1]}/", format="csv", files=("a",)))
        ends: list[str] = []

        def fetch() -> None:
            try:
                list(feed.fetch(next(feed.offers(Seen(), NOW))))
            except SourceError as error:
                ends.append(error.code)

        waiting = threading.Thread(target=fetch)
        waiting.start()
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
            while waiting.is_alive() and not ends:
                feed.close()
                waiting.join(0.05)
    assert ends == ["ST204"]
