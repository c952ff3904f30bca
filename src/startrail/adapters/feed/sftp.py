"""Files on an SSH server."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import asyncssh

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing, is_recursive, safe_name, sendable
from startrail.adapters.ssh.login import CannotLogIn, log_in
from startrail.adapters.ssh.trust import Trust
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import (
    FeedExtraMissing,
    FeedFailed,
    FeedForbidden,
    FeedIncomplete,
    FeedMissing,
    FeedUnreachable,
    Fetched,
    Offer,
    StillGrowing,
)

_BLOCK = 1 << 20
"""Asked for in one go, which the library splits into requests that are under way together."""
_DEEPEST = 32
_T = TypeVar("_T")


class SftpFeed(FileFeed):
    """``key``, ``passphrase`` and ``password`` are the resolved secrets; ``project`` is where a relative path starts.

    One connection serves the listing and all files; after an error the next file gets a new one. The library is
    asynchronous: each of its calls is driven to its end here, in the thread that asks.
    """

    def __init__(
        self,
        declared: source.SftpFeed,
        project: Path,
        clock: Clock,
        *,
        key: str | None = None,
        passphrase: str | None = None,
        password: str | None = None,
    ) -> None:
        self._declared = declared
        self._trust = Trust(declared, project)
        self._key, self._passphrase, self._password = key, passphrase, password
        self._timeout = parse_duration(declared.timeout).total_seconds()
        self._recursive = is_recursive(declared.pattern)
        self._listing = Listing(declared.pattern, clock, settle=declared.settle, complete=declared.complete)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        path = self._wire_path(sendable(self._listing.entry(offer).path, offer.name))
        received = start
        with self._errors(offer.name):
            file = self._opened(path)
            try:
                if start:
                    _unchanged(self._run(file.stat()), offer)
                while block := self._run(file.read(_BLOCK, received)):
                    received += len(block)
                    yield bytes(block)
                found = self._run(file.stat())
            finally:
                self._close_file(file)
        _unchanged(found, offer)
        if offer.size is not None and received < offer.size:
            raise FeedIncomplete(f"'{offer.name}' ended after {received} of {offer.size} bytes", hint="see the server's log")

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        return Fetched()

    def close(self) -> None:
        self._drop()
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._loop = None

    def _opened(self, path: bytes) -> asyncssh.SFTPClientFile:
        for last in (False, True):
            try:
                return self._run(self._session().open(path, "rb", encoding=None))
            except (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, ConnectionError):
                self._drop()  # it tired of waiting since the last file
                if last:
                    raise
        raise AssertionError("unreachable")

    def _close_file(self, file: asyncssh.SFTPClientFile) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
                self._run(file.close())

    def _entries(self) -> Iterator[Entry]:
        with self._errors(self._declared.path):
            found: list[Entry] = []
            self._walk(b"", 0, found)
        yield from found

    def _walk(self, above: bytes, depth: int, found: list[Entry]) -> None:
        for name, attributes in self._run(_items(self._session(), self._wire_path(_text(above)).rstrip(b"/") or b"/")):
            path = above + name
            if _is_folder(attributes):
                if self._recursive and depth < _DEEPEST:
                    self._walk(path + b"/", depth + 1, found)
            elif self._listing.wants(text := _text(path)):
                if not stat.S_ISREG(attributes.permissions or stat.S_IFREG):
                    continue  # a link could lead anywhere; a pipe could be waited for without end
                modified = None if attributes.mtime is None else datetime.fromtimestamp(attributes.mtime, UTC)
                found.append(Entry(text, safe_name(text), _stamp(attributes), attributes.size, modified))

    def _wire_path(self, path: str) -> bytes:
        root = self._declared.path.rstrip("/").encode()
        wire = path.encode("utf-8", "surrogateescape")
        return root + b"/" + wire if root or not wire else b"/" + wire

    # -- one connection, driven from here --------------------------------------------------------------
    def _run(self, work: Awaitable[_T]) -> _T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(asyncio.wait_for(work, self._timeout))

    def _session(self) -> asyncssh.SFTPClient:
        if self._client is None:
            self._connection = connection = self._run(self._connected())
            client = self._run(connection.start_sftp_client(path_encoding=None))
            self._client = client
            return client
        return self._client

    async def _connected(self) -> asyncssh.SSHClientConnection:
        secrets = {"key": self._key, "passphrase": self._passphrase, "password": self._password}
        try:
            return await log_in(self._declared, self._trust, self._timeout, **secrets)
        except CannotLogIn as error:
            kind = FeedExtraMissing if error.missing else FeedForbidden
            raise kind(error.message, hint=error.hint) from error

    def _drop(self) -> None:
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None and self._loop is not None:
            connection.abort()
            with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
                self._loop.run_until_complete(asyncio.wait_for(connection.wait_closed(), self._timeout))

    # -- errors ----------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (asyncssh.Error, OSError, TimeoutError) as error:
            connected = self._connection is not None
            self._drop()
            raise self._translated(error, printable(what), connected) from error

    def _translated(self, error: Exception, what: str, connected: bool) -> SourceError:
        server = f"{self._declared.host}:{self._declared.port}"
        told = printable(str(error), 120) or type(error).__name__
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return self._trust.refusal(self._run)
        if isinstance(error, asyncssh.PermissionDenied):
            hint = "check `user`, and the secrets that `key` or `password` refer to"
            return FeedForbidden(f"the SSH server {server} refuses the user '{printable(self._declared.user)}'", hint=hint)
        if isinstance(error, (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory)):
            return FeedMissing(f"the SSH server {server} has no '{what}'", hint="check `path` in the source's feed")
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return FeedForbidden(f"the SSH server {server} does not let this user read '{what}'", hint="have its mode changed")
        if isinstance(error, (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported, asyncssh.ChannelOpenError)):
            return FeedFailed(f"the SSH server {server} cannot be talked to: {told}", hint="does it offer the sftp subsystem?")
        if isinstance(error, asyncssh.SFTPFailure):
            return FeedFailed(f"the SSH server {server} refused '{what}': {told}", hint="see the server's log")
        if connected:
            return FeedUnreachable(f"the connection to the SSH server {server} broke at '{what}': {told}", hint="run again")
        return FeedUnreachable(f"the SSH server {server} does not answer: {told}", hint="check `host`, `port` and the network")


async def _items(client: asyncssh.SFTPClient, folder: bytes) -> list[tuple[bytes, asyncssh.SFTPAttrs]]:
    return [item async for item in _scanned(client, folder)]


async def _scanned(client: asyncssh.SFTPClient, folder: bytes) -> AsyncIterator[tuple[bytes, asyncssh.SFTPAttrs]]:
    async for item in client.scandir(folder):
        name = item.filename if isinstance(item.filename, bytes) else item.filename.encode()
        if name not in (b".", b"..") and b"/" not in name:
            yield name, item.attrs


def _is_folder(attributes: asyncssh.SFTPAttrs) -> bool:
    return attributes.permissions is not None and stat.S_ISDIR(attributes.permissions)


def _unchanged(found: asyncssh.SFTPAttrs, offer: Offer) -> None:
    if _stamp(found) != offer.stamp:
        raise StillGrowing(f"'{offer.name}' changed while it was read", hint="it is left for the next run")


def _stamp(attributes: asyncssh.SFTPAttrs) -> str:
    return f"{attributes.size}-{attributes.mtime}"


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
