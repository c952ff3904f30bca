"""Which proxy the environment names for a server, and what becomes of requests that go through one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fixtures.ftp import made_certificate
from tests.fixtures.http import Answer, HttpServer
from tests.fixtures.proxy import SmallProxy

from startrail.adapters.proxy import Proxy, ProxyRefused, proxy_for
from startrail.adapters.s3.wire import Wire, WireError


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the environment says, and nothing else of it."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def name(**said: str) -> None:
        for each, value in said.items():
            monkeypatch.setenv(each, value)

    return name


@pytest.fixture
def proxy() -> Iterator[SmallProxy]:
    made = SmallProxy()
    yield made
    made.close()


def test_each_scheme_has_its_own_proxy_and_all_stands_for_the_others(named: Callable[..., None]) -> None:
    assert proxy_for("https://s3.example.com") is None
    named(HTTPS_PROXY="http://one.example.com:3128", ALL_PROXY="two.example.com")
    assert proxy_for("https://s3.example.com") == Proxy("http", "one.example.com", 3128)
    assert proxy_for("http://s3.example.com") == Proxy("http", "two.example.com", 80)


@pytest.mark.parametrize(
    "address", ["https://lake.example.com", "https://s3.lake.example.com:9000", "http://other:9000", "http://[::1]:9000"]
)
def test_who_is_excepted_is_reached_right_away(named: Callable[..., None], address: str) -> None:
    named(ALL_PROXY="http://proxy.example.com", NO_PROXY="lake.example.com,other:9000,::1")
    assert proxy_for(address) is None
    assert proxy_for("http://other:9001") is not None
    assert proxy_for("http://unlake.example.com") is not None


def test_a_login_is_never_shown(named: Callable[..., None]) -> None:
    named(ALL_PROXY="http://ann:s%3Acret@proxy.example.com:8080")
    found = proxy_for("http://x")
    assert found is not None
    assert found.headers == {"proxy-authorization": "Basic YW5uOnM6Y3JldA=="}
    assert "cret" not in repr(found) + found.shown
    assert "YW5" not in repr(found)


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:1080", "http://", "http://[bad", "http://a:port"])
def test_what_is_no_proxy_that_can_be_used_is_said_so(named: Callable[..., None], address: str) -> None:
    named(ALL_PROXY=address)
    found = proxy_for("http://x")
    assert found is not None
    with pytest.raises(ProxyRefused, match="these are http:// and https://"):
        found.connect(1)


def test_a_proxy_that_is_away_is_told_of_by_its_name(named: Callable[..., None]) -> None:
    named(ALL_PROXY="http://127.0.0.1:9")
    with pytest.raises(OSError, match=r"the proxy http://127\.0\.0\.1:9: Connection refused"):
        Wire("http://lake.test", timeout=2).exchange("GET", "/", {"host": "lake.test"})


def test_plain_requests_name_the_whole_address(named: Callable[..., None], proxy: SmallProxy, http_server: HttpServer) -> None:
    http_server.routes["/a"] = lambda _: Answer(b"there")
    proxy.names["lake.test"] = ("127.0.0.1", int(http_server.address.rpartition(":")[2]))
    proxy.login = "ann:secret"
    named(HTTP_PROXY=proxy.address.replace("//", "//ann:secret@"))
    wire = Wire("http://lake.test", timeout=5)
    for _ in range(2):
        assert wire.exchange("GET", "/a?b=c", {"host": "lake.test"}).data == b"there"
    assert proxy.requests == ["GET http://lake.test/a?b=c"] * 2
    assert "proxy-authorization" not in http_server.requests[0].headers
    named(HTTP_PROXY=proxy.address)
    assert Wire("http://lake.test", timeout=5).exchange("GET", "/a", {"host": "lake.test"}).status == 407
    wire.close()


@pytest.mark.parametrize("secure", [False, True], ids=["http proxy", "https proxy"])
def test_tls_goes_through_unread(
    named: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    certificate = made_certificate(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server, proxy = HttpServer(certificate), SmallProxy(login="ann:secret", certificate=certificate if secure else None)
    server.routes["/a"] = lambda _: Answer(b"there" * 100_000)
    named(HTTPS_PROXY=proxy.address.replace("//", "//ann:secret@"))
    wire = Wire(server.address, timeout=5)
    for _ in range(2):
        assert wire.exchange("GET", "/a", {"host": "x"}).data == b"there" * 100_000
    assert wire.exchange("PUT", "/a", {"host": "x"}, [bytes(1 << 20)], 1 << 20).status == 200
    assert proxy.requests == [f"CONNECT {server.address.partition('//')[2]}"]
    assert "proxy-authorization" not in server.requests[0].headers
    named(HTTPS_PROXY=proxy.address)
    with pytest.raises(ProxyRefused, match="answered 407"):
        Wire(server.address, timeout=5).exchange("GET", "/a", {"host": "x"})
    named(HTTPS_PROXY=proxy.address.replace("//", "//ann:secret@"))
    with pytest.raises(OSError, match="answered 502") as told:
        Wire("https://127.0.0.1:9", timeout=5).exchange("GET", "/a", {"host": "x"})
    assert not isinstance(told.value, ProxyRefused)
    wire.close()
    server.close()
    proxy.close()


def test_a_server_behind_a_proxy_has_to_prove_who_it_is(named: Callable[..., None], proxy: SmallProxy, tmp_path: Path) -> None:
    server = HttpServer(made_certificate(tmp_path / "server.pem"))
    named(HTTPS_PROXY=proxy.address)
    with pytest.raises(WireError, match="certificate verify failed"):
        Wire(server.address, timeout=5).exchange("GET", "/", {"host": "x"})
    assert server.requests == []
    server.close()


def test_what_answers_a_tunnel_with_something_else_is_no_proxy(named: Callable[..., None], http_server: HttpServer) -> None:
    named(HTTPS_PROXY=http_server.address)
    with pytest.raises(OSError, match=f"the proxy {http_server.address} answered 501"):
        Wire("https://lake.test", timeout=2).exchange("GET", "/", {"host": "x"})
