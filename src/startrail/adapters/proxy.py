"""The proxy that the environment names for a server: HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, except for those in NO_PROXY.

By the rules of urllib, in small letters too. Whatever a client does through it, it asks this one for the way first.
"""

from __future__ import annotations

import base64
import http.client
import socket
from urllib.parse import unquote, urlsplit

import msgspec

from startrail.adapters.tls import trust
from startrail.base.text import printable

_PORTS = {"http": 80, "https": 443}


class ProxyRefused(OSError):
    """The proxy cannot be used, or lets nobody like us through."""


class Proxy(msgspec.Struct, frozen=True):
    """``login`` is the value of Proxy-Authorization, a secret; ``kind`` the scheme of its address."""

    kind: str
    host: str
    port: int
    login: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.shown})"

    @property
    def shown(self) -> str:
        """Its address without what is secret in it."""
        return printable(f"{self.kind}://{_joined(self.host, self.port)}", 200)

    @property
    def headers(self) -> dict[str, str]:
        """What it wants to be told in each request that it reads."""
        return {} if self.login is None else {"proxy-authorization": self.login}

    def connect(self, timeout: float) -> socket.socket:
        """A connection to the proxy itself. Raises OSError, of which ProxyRefused is one."""
        if self.kind not in _PORTS or not self.host:
            raise ProxyRefused(f"{self.shown} is no proxy of a kind that can be used here: these are http:// and https://")
        try:
            sock = socket.create_connection((self.host, self.port), timeout)
        except OSError as error:
            raise type(error)(error.errno, f"the proxy {self.shown}: {error.strerror or error}") from error
        return trust().wrap_socket(sock, server_hostname=self.host) if self.kind == "https" else sock

    def tunnel(self, host: str, port: int, timeout: float) -> socket.socket:
        """A connection through the proxy, which reads nothing of it. Raises OSError, of which ProxyRefused is one."""
        sock = self.connect(timeout)
        try:
            far = _joined(host, port)
            lines = [f"CONNECT {far} HTTP/1.1", f"host: {far}", *(f"{name}: {value}" for name, value in self.headers.items())]
            sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            answer = http.client.HTTPResponse(sock, method="CONNECT")
            answer.begin()
            status, reason = answer.status, printable(answer.reason, 100)
            answer.close()
            if 200 <= status < 300:
                return sock
            told = f"the proxy {self.shown} answered {status} {reason}".rstrip()
            raise OSError(told) if status >= 500 else ProxyRefused(told)
        except http.client.HTTPException as error:
            sock.close()
            raise OSError(f"the proxy {self.shown} speaks something else than HTTP") from error
        except BaseException:
            sock.close()
            raise


def proxy_for(address: str) -> Proxy | None:
    """By which proxy a server is reached; None: right away. ``address`` begins with http:// or https://."""
    from urllib.request import getproxies_environment, proxy_bypass  # a heavy room, for those who connect

    far, named = urlsplit(address), getproxies_environment()
    chosen = named.get(far.scheme) or named.get("all")
    host = far.hostname or ""
    ours = (host, f"{host}:{far.port or _PORTS.get(far.scheme, 0)}")
    if not chosen or any(map(proxy_bypass, ours)):
        return None
    return _read(chosen)


def _read(text: str) -> Proxy:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        kind, port = parts.scheme.lower(), parts.port
    except ValueError:
        return Proxy("unreadable", "", 0)
    login = None
    if parts.username is not None:
        both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = "Basic " + base64.b64encode(both.encode()).decode()
    return Proxy(kind, parts.hostname or "", port or _PORTS.get(kind, 0), login)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
