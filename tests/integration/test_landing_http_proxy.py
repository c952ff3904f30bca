"""Records of an HTTP server that only a proxy reaches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.ftp import made_certificate
from tests.fixtures.http import Answer, HttpServer
from tests.fixtures.proxy import SmallProxy
from urllib3 import BaseHTTPResponse

from startrail.adapters.feed.http import guard
from startrail.adapters.feed.http.client import Client
from startrail.adapters.openlineage import http_receiver
from startrail.adapters.openlineage.http_receiver import HttpReceiver
from startrail.base.errors import SourceError
from startrail.ports.feed import FeedFailed, FeedUnreachable
from startrail.ports.openlineage import ReceiverAway

SECRET = {"X-Key": "hush"}


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallProxy]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = SmallProxy(login="ann:secret")
    monkeypatch.setenv("ALL_PROXY", made.address.replace("//", "//ann:secret@"))
    yield made
    made.close()


def named(proxy: SmallProxy, name: str, server: HttpServer) -> str:
    """Makes the server known to the proxy by this name."""
    proxy.names[name] = ("127.0.0.1", int(server.address.rpartition(":")[2]))
    return f"http://{name}"


def got(address: str, host: str) -> bytes:
    client = Client(SECRET, 5, 0, host=host)
    try:
        response = client.get(address, {})
        assert isinstance(response, BaseHTTPResponse)
        return b"".join(client.read(response, "it", 1 << 16))
    finally:
        client.close()


def test_plain_http(proxy: SmallProxy, http_server: HttpServer) -> None:
    http_server.routes["/orders"] = lambda _: Answer(b"[]")
    assert got(named(proxy, "shop.example", http_server) + "/orders?a=b", "shop.example") == b"[]"
    assert proxy.requests == ["GET http://shop.example/orders?a=b"]
    [request] = http_server.requests
    assert (request.headers["host"], request.headers["x-key"]) == ("shop.example", "hush")
    assert "proxy-authorization" not in request.headers


def test_https(proxy: SmallProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = made_certificate(tmp_path / "server.pem")
    server = HttpServer(certificate)
    server.routes["/orders"] = lambda _: Answer(b"[]")
    with pytest.raises(FeedFailed, match="no trustworthy certificate"):
        got(f"{server.address}/orders", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert got(f"{server.address}/orders", "127.0.0.1") == b"[]"
    assert set(proxy.requests) == {f"CONNECT {server.address.partition('//')[2]}"}
    server.close()


def test_who_is_excepted_is_asked_right_away(proxy: SmallProxy, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    http_server.routes["/orders"] = lambda _: Answer(b"[]")
    assert got(f"{http_server.address}/orders", "127.0.0.1") == b"[]"
    assert proxy.requests == []


def test_a_redirect_to_another_public_server_is_followed_without_what_is_secret(
    proxy: SmallProxy, http_server: HttpServer
) -> None:
    other = HttpServer()
    other.routes["/there"] = lambda _: Answer(b"moved")
    to = named(proxy, "files.example", other) + "/there"
    http_server.routes["/orders"] = lambda _: Answer(status=302, headers={"Location": to})
    assert got(named(proxy, "shop.example", http_server) + "/orders", "shop.example") == b"moved"
    [request] = other.requests
    assert request.headers["host"] == "files.example"
    assert "x-key" not in request.headers
    other.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "intranet", "db.internal", "[::1]"])
@pytest.mark.parametrize("excepted", ["", "127.0.0.1,localhost,169.254.169.254"])
def test_a_redirect_into_a_private_network_is_not(
    proxy: SmallProxy, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch, host: str, excepted: str
) -> None:
    monkeypatch.setenv("NO_PROXY", excepted)
    http_server.routes["/orders"] = lambda _: Answer(status=302, headers={"Location": f"http://{host}/"})
    with pytest.raises(FeedFailed, match="an address of a private network"):
        got(named(proxy, "shop.example", http_server) + "/orders", "shop.example")
    assert proxy.requests == ["GET http://shop.example/orders"]


@pytest.mark.parametrize(
    ("said", "address", "kind", "told"),
    [
        ("http://127.0.0.1:9", "http://shop.example/", FeedUnreachable, "Connection refused"),
        ("http://127.0.0.1:9", "https://shop.example/", FeedUnreachable, "Connection refused"),
        ("socks5://127.0.0.1:9", "http://shop.example/", FeedFailed, "these are http:// and https://"),
        ("no login", "http://shop.example/", FeedFailed, "answered 407"),
        ("no login", "https://shop.example/", FeedFailed, "407"),
        ("", "https://nobody.invalid/", FeedUnreachable, "502"),
    ],
)
def test_a_proxy_that_is_of_no_use_is_told_of(
    proxy: SmallProxy, monkeypatch: pytest.MonkeyPatch, said: str, address: str, kind: type[SourceError], told: str
) -> None:
    if said:
        monkeypatch.setenv("ALL_PROXY", proxy.address if said == "no login" else said)
    with pytest.raises(kind, match=told) as raised:
        got(address, "shop.example")
    assert "proxy" in str(raised.value)
    assert "PROXY" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_who_speaks_no_tls_reads_no_authorities(
    proxy: SmallProxy, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> None:
        raise AssertionError

    monkeypatch.setattr(guard, "trust", read)
    monkeypatch.setattr(http_receiver, "trust", read)
    http_server.routes["/orders"] = lambda _: Answer(b"[]")
    assert got(named(proxy, "shop.example", http_server) + "/orders", "shop.example") == b"[]"
    HttpReceiver("https://lineage.example", None, 1.0)


def test_a_receiver_of_events_has_to_prove_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = made_certificate(tmp_path / "server.pem")
    server = HttpServer(certificate)
    server.routes["/"] = lambda _: Answer(status=201)
    with pytest.raises(ReceiverAway, match="certificate verify failed"):
        HttpReceiver(f"{server.address}/", "hush", 5.0).take(b"{}")
    assert server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    HttpReceiver(f"{server.address}/", "hush", 5.0).take(b"{}")
    assert server.requests[0].headers["authorization"] == "Bearer hush"
    server.close()
