"""Requests to one server over HTTP/1.1, by connections that are kept. Redirects are told, never followed."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlsplit

from startrail.adapters.tls import trust

_CONNECT_SECONDS = 5.0
_KEPT = 16

Buffer = bytes | memoryview
WireError = (OSError, http.client.HTTPException)
"""What :meth:`Wire.exchange` raises when no answer came."""


class Reply(NamedTuple):
    """An answer, read to its end; names in ``headers`` are found in any case."""

    status: int
    headers: http.client.HTTPMessage
    data: bytes


class Wire:
    """To the server of ``endpoint``, a whole address; safe to share between threads. ``timeout`` in seconds, for each wait."""

    def __init__(self, endpoint: str, *, timeout: float) -> None:
        far = urlsplit(endpoint)
        self._host, self._port, self._secure = far.hostname or "", far.port, far.scheme == "https"
        self._timeout = timeout
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: Iterable[Buffer] = (), length: int = 0
    ) -> Reply:
        """Send ``length`` bytes of body, take the answer. Raises what ``body`` raises, or WireError; never tries twice."""
        with self._connection() as connection:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if length or method in ("PUT", "POST"):
                connection.putheader("content-length", str(length))
            broken = _send(connection, body)
            try:
                answer = connection.getresponse()
                reply = Reply(answer.status, answer.headers, answer.read())
            except WireError as error:
                if broken is not None:
                    raise broken from error
                raise
            if broken is not None:
                connection.close()
            return reply

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        """One for this request alone. It is kept only when the request came to its end."""
        connection = self._kept() or self._opened()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if connection.sock is not None and len(self._idle) < _KEPT:
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
        wait = min(self._timeout, _CONNECT_SECONDS)
        if self._secure:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=wait, context=self._trust)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=wait)
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        connection.sock.settimeout(self._timeout)
        return connection

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return trust()


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
