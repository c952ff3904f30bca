"""Keeps redirects from leading into a network that the declared server is not part of, right away or by a proxy."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from typing import Any

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager, ProxyManager

from startrail.adapters.proxy import Proxy, proxy_for
from startrail.adapters.tls import trust
from startrail.base.text import printable
from startrail.ports.feed import FeedFailed

_INNER = frozenset(("localhost", "local", "internal", "arpa"))
"""What names of private networks end with (RFC 6761, RFC 6762, RFC 8375, and what ICANN has set aside)."""


class GuardedPool(PoolManager):
    """``trusted`` are declared hosts. Other hosts are reached by redirects only, and must be public when these are.

    Each host is reached by the proxy that the environment names for it, if any.
    """

    def __init__(self, trusted: set[str], **settings: Any) -> None:
        super().__init__(**settings)
        self._trusted = {host.lower() for host in trusted}
        self._settings = settings
        self._proxied: dict[Proxy, _ByProxy] = {}
        self._trust: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def urlopen(self, method: str, url: str, redirect: bool = True, **settings: Any) -> BaseHTTPResponse:
        """As the library's. Every redirect comes here again."""
        proxy = proxy_for(url)
        if proxy is None:
            return super().urlopen(method, url, redirect, **settings)
        return self._by(proxy).urlopen(method, url, redirect, **settings)

    def connection_from_host(
        self, host: str | None, port: int | None = None, scheme: str | None = "http", pool_kwargs: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        """As the library's. Raises FeedFailed for a host that must not be reached."""
        self.prepare(self, host, scheme)
        return super().connection_from_host(host, port, scheme, pool_kwargs)

    def prepare(self, pool: PoolManager, host: str | None, scheme: str | None) -> None:
        """What a pool, this one or that of a proxy, needs in order to connect. Raises FeedFailed for a host not to be reached."""
        if (
            host is not None
            and host.lower() not in self._trusted
            and _is_private(host)
            and not any(map(_is_private, self._trusted))
        ):
            raise FeedFailed(
                f"the server redirects to {printable(host, 100)}, which is an address of a private network",
                hint="give the final address as `url`, if that is meant",
            )
        if scheme == "https":
            pool.connection_pool_kw["ssl_context"] = self._trusting()

    def _trusting(self) -> ssl.SSLContext:
        """Made when it is first needed: to read all authorities takes a while."""
        with self._lock:
            if self._trust is None:
                self._trust = trust()
            return self._trust

    def clear(self) -> None:
        super().clear()
        for each in list(self._proxied.values()):
            each.clear()

    def _by(self, proxy: Proxy) -> _ByProxy:
        context = self._trusting() if proxy.kind == "https" else None
        with self._lock:
            if proxy not in self._proxied:
                if not proxy.is_usable:
                    raise FeedFailed(proxy.unusable, hint="mend HTTPS_PROXY, HTTP_PROXY or ALL_PROXY of the environment")
                self._proxied[proxy] = _ByProxy(self, proxy, context, self._settings)
            return self._proxied[proxy]


class _ByProxy(ProxyManager):
    def __init__(self, outer: GuardedPool, proxy: Proxy, context: ssl.SSLContext | None, settings: dict[str, Any]) -> None:
        super().__init__(proxy.address, proxy_headers=proxy.headers, proxy_ssl_context=context, **settings)
        self._outer, self._way = outer, proxy

    def urlopen(self, method: str, url: str, redirect: bool = True, **settings: Any) -> BaseHTTPResponse:
        if proxy_for(url) != self._way:  # a redirect has led away
            return self._outer.urlopen(method, url, redirect, **settings)
        return super().urlopen(method, url, redirect, **settings)

    def connection_from_host(
        self, host: str | None, port: int | None = None, scheme: str | None = "http", pool_kwargs: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        self._outer.prepare(self, host, scheme)
        return super().connection_from_host(host, port, scheme, pool_kwargs)


def _is_private(host: str) -> bool:
    """Whether any address of the host is not public. A name that nobody here knows may be known to a proxy: it is private when
    it is called so, and else left to whoever connects."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        *_, before, last = ("", *host.lower().rstrip(".").split("."))
        return not before or last in _INNER
    return any(not _is_public(text) for text in found)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    plain = getattr(address, "ipv4_mapped", None) or address
    return plain.is_global and not plain.is_multicast
