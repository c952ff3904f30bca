"""Requests to one server over HTTP/1.1, by connections that are kept, also by a proxy. Redirects are told, never followed."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlsplit

from startrail.adapters.proxy import Proxy, proxy_for
from startrail.adapters.tls import trust

_CONNECT_SECONDS = 5.0
_KEPT = 16

Buffer = bytes | memoryview
WireError = (OSError, http.client.HTTPException)
"""What is raised when no answer came, or not all of it."""


class Reply(NamedTuple):
    """An answer, read to its end; names in ``headers`` are found in any case."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes


class Wire:
    """To the server of ``endpoint``, a whole address; safe to share between threads. ``timeout`` in seconds, for each wait.
    ``direct``: without the environment's proxy."""

    def __init__(self, endpoint: str, *, timeout: float, direct: bool = False) -> None:
        far = urlsplit(endpoint)
        self._secure = far.scheme == "https"
        self._host, self._port = far.hostname or "", far.port or (443 if self._secure else 80)
        self._endpoint, self._direct, self._timeout = endpoint, direct, timeout
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._closed = False
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: Iterable[Buffer] = (), length: int = 0
    ) -> Reply:
        """Send ``length`` bytes of body, take the answer. Raises what ``body`` raises, or WireError; never tries twice."""
        stream = self.open(method, target, headers, body, length)
        try:
            return Reply(stream.status, stream.headers, b"".join(stream.blocks()))
        finally:
            stream.close()

    def open(self, method: str, target: str, headers: Mapping[str, str], body: Iterable[Buffer] = (), length: int = 0) -> Stream:
        """The same, with the answer's body still to come. It has to be closed."""
        connection = self._taken()
        try:
            shown, more = self._to_proxy
            connection.putrequest(method, shown + target, skip_host=True, skip_accept_encoding=True)
            for name, value in (*headers.items(), *more.items()):
                connection.putheader(name, value)
            if length or method in ("PUT", "POST"):
                connection.putheader("content-length", str(length))
            broken = _send(connection, body)
            try:
                answer = connection.getresponse()
            except WireError as error:
                if broken is not None:
                    raise broken from error
                raise
            return Stream(answer, lambda whole: self._given_back(connection, whole and broken is None))
        except BaseException:
            self._given_back(connection, False)
            raise

    def close(self) -> None:
        """For good. A thread that waits for an answer sees its connection broken."""
        with self._lock:
            self._closed = True
            busy = [connection.sock for connection in self._busy]
            _close(self._idle)
            self._idle.clear()
        for sock in busy:
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _taken(self) -> http.client.HTTPConnection:
        """A connection for one request alone."""
        connection = self._kept() or self._opened()
        with self._lock:
            if not self._closed:
                self._busy.add(connection)
                return connection
        connection.close()
        raise ConnectionAbortedError("closed from our side")

    def _given_back(self, connection: http.client.HTTPConnection, whole: bool) -> None:
        """It is kept only when its request came to its end."""
        with self._lock:
            self._busy.discard(connection)
            if whole and connection.sock is not None and not self._closed and len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        connection.close()

    def _kept(self) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or not _has_news(connection.sock):
                return connection
            connection.close()  # by the server, while nobody asked

    def _opened(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.auto_open = 0  # since it would not know the way
        sock = self._way(min(self._timeout, _CONNECT_SECONDS))
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                sock = self._wrapped(sock)
            sock.settimeout(self._timeout)
        except BaseException:
            sock.close()
            raise
        connection.sock = sock
        return connection

    def _way(self, wait: float) -> socket.socket:
        if self._proxy is None:
            return socket.create_connection((self._host, self._port), wait)
        return self._proxy.tunnel(self._host, self._port, wait) if self._secure else self._proxy.connect(wait)

    def _wrapped(self, sock: socket.socket) -> socket.socket:
        if isinstance(sock, ssl.SSLSocket):
            from urllib3.util.ssltransport import SSLTransport  # TLS within TLS, which the standard library has not

            return SSLTransport(sock, self._trust, self._host)  # type: ignore[return-value]  (it does what sockets do)
        return self._trust.wrap_socket(sock, server_hostname=self._host)

    @cached_property
    def _proxy(self) -> Proxy | None:
        return None if self._direct else proxy_for(self._endpoint)

    @cached_property
    def _to_proxy(self) -> tuple[str, dict[str, str]]:
        """What a proxy that reads the requests is told beside them: before what is asked for, and as headers."""
        if self._proxy is None or self._secure:
            return "", {}
        return f"http://{urlsplit(self._endpoint).netloc.rpartition('@')[2]}", self._proxy.headers

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return trust()


class Stream:
    """An answer whose body is read by who asked."""

    def __init__(self, answer: http.client.HTTPResponse, ended: Callable[[bool], None]) -> None:
        self.status, self.headers = answer.status, answer.headers
        self._answer, self._ended = answer, ended
        self._whole = answer.isclosed()

    def blocks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """The body, in blocks of ``size`` bytes but for the last. Raises WireError where it ends before its announced length."""
        while block := self._answer.read(size):
            yield block
        if self._answer.length:
            raise http.client.IncompleteRead(b"", self._answer.length)
        self._whole = True

    def close(self) -> None:
        """Once; the connection is used again when the body was read."""
        self._answer.close()
        self._ended(self._whole)


def _send(connection: http.client.HTTPConnection, body: Iterable[Buffer]) -> OSError | None:
    """Headers and body. What breaks the sending is returned, since an answer may have come before the end of the body."""
    chunks = iter(body)
    chunk = next(chunks, None)  # first, since a body that cannot begin needs no request
    broken = _broken(connection.endheaders)
    while chunk is not None and broken is None:
        broken = _broken(connection.send, chunk)
        if broken is None:
            chunk = next(chunks, None)
    return broken


def _broken(send: Callable[..., None], *what: Buffer) -> OSError | None:
    try:
        send(*what)
    except (BrokenPipeError, ConnectionResetError) as error:
        return error
    return None


def _close(connections: list[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _has_news(sock: socket.socket | None) -> bool:
    """Whether there is something to read where nothing was asked for: most often the end."""
    if sock is None:
        return True
    with contextlib.suppress(OSError, ValueError):
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        return bool(poller.poll(0))
    return True
