"""Further ways through an HTTP server: Link headers, files, index pages, tokens, redirects."""

from __future__ import annotations

import base64
import contextlib
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.http import Answer, HttpServer, Request
from tests.fixtures.landing import Place

from startrail.adapters.feed.http import guard as http_guard
from startrail.adapters.feed.http.files import HttpFilesFeed
from startrail.adapters.feed.http.links import files_of, next_of
from startrail.adapters.feed.http.pages import HttpFeed
from startrail.model import source
from startrail.ports.feed import FeedFailed, FeedForbidden


def _feed(server: HttpServer, path: str, secret: str | None = None, **settings: Any) -> HttpFeed | HttpFilesFeed:
    settings = {"format": "csv", "retries": 0, "timeout": "60s", **settings}
    declared = source.HttpFeed(server.address + path, **settings)
    return (HttpFilesFeed if declared.names_files else HttpFeed)(declared, client_secret=secret)


def test_the_link_header_leads_to_the_next_page(http_server: HttpServer, disk: Place) -> None:
    def answer(request: Request) -> Answer:
        number = int(request.query.get("p", "1"))
        links = (
            f'</other>; rel="prev", </api?p={number + 1}>; title="a, b"; rel=next' if number < 3 else '</api?p=1>; rel="first"'
        )
        return Answer(f"page {number}\n".encode(), headers={"Link": links})

    http_server.routes["/api"] = answer
    disk.land(_feed(http_server, "/api", link=True))
    assert disk.contents() == [b"page 1\n", b"page 2\n", b"page 3\n"]


def test_files_at_known_addresses_are_asked_for_again_only_when_they_change(http_server: HttpServer, disk: Place) -> None:
    content = {"/out/a.csv": b"a1", "/out/b.csv": b"b1"}

    def answer(request: Request) -> Answer:
        tag = f'"{content[request.path].decode()}"'
        same = request.headers.get("if-none-match") == tag
        return Answer(b"" if same else content[request.path], 304 if same else 200, {"ETag": tag})

    http_server.routes |= dict.fromkeys(content, answer)
    names = {"files": ("a.csv", "b.csv")}
    assert [delivery.name for delivery in disk.land(_feed(http_server, "/out/", **names))] == ["out/a.csv", "out/b.csv"]
    assert disk.land(_feed(http_server, "/out/", **names)) == ()
    content["/out/b.csv"] = b"b2"
    assert [delivery.name for delivery in disk.land(_feed(http_server, "/out/", **names))] == ["out/b.csv"]
    with pytest.raises(FeedFailed, match="another server"):
        disk.land(_feed(http_server, "/out/", files=("http://elsewhere.example/x.csv",)))


def test_files_are_found_on_an_index_page(http_server: HttpServer, disk: Place) -> None:
    page = b"""<a href="b%20b.csv">b</a> <a href='a.csv#top'>a</a> <a href="c.txt">c</a> <a href="http://elsewhere/x.csv">x</a>
        <a href="../">up</a> <a>none</a> <a href="a.csv">again</a>"""
    http_server.routes["/out/"] = lambda _: Answer(page)
    http_server.routes["/out/a.csv"] = lambda _: Answer(b"a")
    http_server.routes["/out/b%20b.csv"] = lambda _: Answer(b"b")
    landed = disk.land(_feed(http_server, "/out/", links="*.csv"))
    assert [delivery.name for delivery in landed] == ["out/a.csv", "out/b b.csv"]
    http_server.routes["/out/"] = lambda _: Answer(b"maintenance")
    with pytest.raises(FeedFailed, match="links to nothing"):
        disk.land(_feed(http_server, "/out/", links="*.csv"))


def test_a_token_is_asked_for_once_and_again_when_it_is_refused(http_server: HttpServer, disk: Place) -> None:
    given_out: list[str] = []

    def token(request: Request) -> Answer:
        if request.headers.get("authorization") != "Basic " + base64.b64encode(b"we:s3cret").decode():
            return Answer(b"{}", 401)
        given_out.append(f"t{len(given_out)}")
        return Answer(f'{{"access_token": "{given_out[-1]}", "token_type": "bearer"}}'.encode())

    def answer(request: Request) -> Answer:
        page = int(request.query["page"])
        wanted = "t0" if page == 1 else "t1"  # the first one expires
        if request.headers.get("authorization") != f"Bearer {wanted}":
            return Answer(status=401)
        return Answer(f"n\n{page}\n".encode()) if page < 4 else Answer(status=404)

    http_server.routes |= {"/token": token, "/api": answer}
    oauth = source.OAuth(f"{http_server.address}/token", "we", "env:SECRET")
    assert len(disk.land(_feed(http_server, "/api", "s3cret", page="page", oauth=oauth))) == 3
    assert given_out == ["t0", "t1"]
    with pytest.raises(FeedForbidden, match="gives us no token") as told:
        disk.land(_feed(http_server, "/api", "wr0ng", page="page", oauth=oauth))
    assert "wr0ng" not in str(told.value)


def test_a_public_server_does_not_redirect_into_a_private_network(
    http_server: HttpServer, disk: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = http_server.address.replace("127.0.0.1", "localhost") + "/inside"
    http_server.routes["/api"] = lambda _: Answer(status=302, headers={"Location": inside})
    http_server.routes["/inside"] = lambda _: Answer(b"inside")
    assert len(disk.land(_feed(http_server, "/api"))) == 1  # the declared host is private itself
    monkeypatch.setattr(http_guard, "_is_private", lambda host: host == "localhost")  # as if 127.0.0.1 were public
    with pytest.raises(FeedFailed, match="redirects to localhost, which is an address of a private network"):
        disk.land(_feed(http_server, "/api"))


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "::ffff:10.0.0.1", "100.64.0.1"])
def test_these_are_private(host: str) -> None:
    assert http_guard._is_private(host)


def test_a_public_address_is_public_and_an_unknown_name_is_left_to_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not http_guard._is_private("9.9.9.9")

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not http_guard._is_private("nowhere.example")


@given(st.text(max_size=80))
def test_any_text_may_stand_in_a_link_header_or_a_page(text: str) -> None:
    next_of(text)
    with contextlib.suppress(FeedFailed):
        files_of(text, "http://here/", lambda _: True)
