"""Files on an SSH server."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from threading import get_ident
from typing import TypeVar

import asyncssh

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing, is_recursive, safe_name, sendable
from startrail.adapters.feed.sftp.session import Secrets, Sessions, ended
from startrail.adapters.ssh.trust import Trust
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import (
    FeedFailed,
    FeedForbidden,
    FeedIncomplete,
    FeedMissing,
    FeedUnreachable,
    Offer,
    SizeUntrue,
    StillGrowing,
)

_SPAN = 1 << 20
"""Asked for in one go, in requests as large as the server takes: the library's own way of splitting costs half as much again."""
_AHEAD = 4
"""Spans that were asked for and are not used yet, at most: so much is on a long line at a time."""
_SAFE_READ = 1 << 15
_DEEPEST = 32
_LISTED_AT_ONCE = 500
_T = TypeVar("_T")
_Asked = tuple[int, Future[list[bytes]]]


class SftpFeed(FileFeed):
    """``key``, ``passphrase`` and ``password`` are the resolved secrets; ``project`` is where a relative path starts.

    A connection serves the listing, and then files one after another, as do those of further lanes; after an error the
    next file gets a new one.
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
        self.lanes = declared.transfers
        self._trust = Trust(declared, project)
        self._sessions = Sessions(declared, self._trust, Secrets(key, passphrase, password))
        self._recursive = is_recursive(declared.pattern)
        self._listing = Listing(declared.pattern, clock, settle=declared.settle, complete=declared.complete)

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        path = self._wire_path(sendable(self._listing.entry(offer).path, offer.name))
        received = start
        with self._errors(offer.name):
            file, begun = self._opened(path, 0 if start else min(offer.size or 0, self._span))
            try:
                if start:
                    _unchanged(self._run(file.stat()), offer)
                for block in self._blocks(file, start, offer.size, begun):
                    received += len(block)
                    yield block
                beyond, found = self._run(_end_of(file, received))
            except BaseException:
                self._close_file(file)
                raise
            self._sessions.begin(file.close())  # nobody has to wait for the answer
        _unchanged(found, offer)
        if offer.size is not None and received < offer.size:
            raise FeedIncomplete(f"'{offer.name}' ended after {received} of {offer.size} bytes", hint="see the server's log")
        if offer.size is not None and (beyond or received > offer.size):
            raise SizeUntrue(
                f"the SSH server says that '{offer.name}' has {offer.size} bytes, and sends more",
                hint="have the file written again at its source; see the server's log",
            )

    def _blocks(self, file: asyncssh.SFTPClientFile, start: int, size: int | None, begun: _Asked) -> Iterator[bytes]:
        """The file from an offset on, as far as its known size. While one span of it is used, more and more of the next
        ones are on their way."""
        one, span = self._one, self._span
        coming: deque[_Asked] = deque([begun] if begun[0] else [])
        place = start
        asked = start + begun[0]
        ahead = 1
        try:
            while size is None or place < size:
                while len(coming) < ahead and (size is None or asked < size):
                    count = span if size is None else min(span, size - asked)
                    coming.append((count, self._sessions.begin(_read_span(file, asked, one, count))))
                    asked += count
                expected, future = coming.popleft()
                blocks = ended(future)
                yield from blocks
                came = sum(map(len, blocks))
                if not came:
                    return
                place += came
                ahead = min(ahead + 1, _AHEAD)
                if came < expected:  # what was asked for beyond would leave a gap
                    _given_up(coming)
                    asked = place
        finally:
            _given_up(coming)

    def close(self) -> None:
        super().close()
        self._sessions.close()

    @property
    def _one(self) -> int:
        """What this lane's server gives for one request at most."""
        return min(self._sessions.mine().limits.max_read_len or _SAFE_READ, _SPAN)

    @property
    def _span(self) -> int:
        return _SPAN // self._one * self._one

    def _opened(self, path: bytes, count: int) -> tuple[asyncssh.SFTPClientFile, _Asked]:
        """The file, with so many of its first bytes: small ones are read without going back and forth between threads."""
        for last in (False, True):
            try:
                file, blocks = self._sessions.run(_begun(self._sessions.mine(), path, self._one, count), answers=2)
                return file, (count, blocks)
            except (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, ConnectionError):
                self._sessions.drop()  # it tired of waiting since the last file
                if last:
                    raise
        raise AssertionError("unreachable")

    def _close_file(self, file: asyncssh.SFTPClientFile) -> None:
        if self._sessions.has_mine():
            with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
                self._run(file.close())

    def _entries(self) -> Iterator[Entry]:
        with self._errors(self._declared.path):
            found: list[Entry] = []
            self._walk(b"", 0, found)
        yield from found

    def _walk(self, above: bytes, depth: int, found: list[Entry]) -> None:
        folders: list[bytes] = []
        for name, attributes in self._items(self._wire_path(_text(above)).rstrip(b"/") or b"/"):
            path = above + name
            if _is_folder(attributes):
                if self._recursive and depth < _DEEPEST:
                    folders.append(path + b"/")
            elif self._listing.wants(text := _text(path)):
                if not stat.S_ISREG(attributes.permissions or stat.S_IFREG):
                    continue  # a link could lead anywhere; a pipe could be waited for without end
                modified = None if attributes.mtime is None else datetime.fromtimestamp(attributes.mtime, UTC)
                found.append(Entry(text, safe_name(text), _stamp(attributes), attributes.size, modified))
        for folder in folders:
            self._walk(folder, depth + 1, found)

    def _items(self, folder: bytes) -> Iterator[tuple[bytes, asyncssh.SFTPAttrs]]:
        """A piece of the listing at a time: each may take as long as one answer, and only what is wanted is kept."""
        scan = _scanned(self._sessions.mine(), folder)
        while batch := self._run(_some_of(scan)):
            yield from batch

    def _wire_path(self, path: str) -> bytes:
        root = self._declared.path.rstrip("/").encode()
        wire = path.encode("utf-8", "surrogateescape")
        return root + b"/" + wire if root or not wire else b"/" + wire

    # -- errors ----------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Around everything that talks to the server; at its end the connection is free for another lane.

        Of a transfer that is given up, the end may come in another thread.
        """
        me = get_ident()
        try:
            yield
        except (asyncssh.Error, OSError, TimeoutError) as error:
            connected = self._sessions.has_mine(me)
            self._sessions.drop(me)
            raise self._translated(error, printable(what), connected) from error
        finally:
            self._sessions.rest(me)

    def _run(self, work: Awaitable[_T]) -> _T:
        return self._sessions.run(work)

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


async def _begun(
    client: asyncssh.SFTPClient, path: bytes, one: int, count: int
) -> tuple[asyncssh.SFTPClientFile, Future[list[bytes]]]:
    file = await client.open(path, "rb", encoding=None, block_size=0)
    blocks: Future[list[bytes]] = Future()
    try:
        blocks.set_result(await _read_span(file, 0, one, count))
    except (asyncssh.Error, OSError, TimeoutError) as error:  # of the reading: told where what was read is used
        blocks.set_exception(error)
    return file, blocks


async def _end_of(file: asyncssh.SFTPClientFile, place: int) -> tuple[bytes | str, asyncssh.SFTPAttrs]:
    """What is there beyond the announced end, which should be nothing, and what the file is now."""
    return await asyncio.gather(file.read(1, place), file.stat())


async def _read_span(file: asyncssh.SFTPClientFile, start: int, one: int, count: int) -> list[bytes]:
    """Blocks of one request each, all under way together, up to the first that is not full. They are never joined."""
    found: list[bytes] = []
    asked = [(place, min(one, start + count - place)) for place in range(start, start + count, one)]
    read = await asyncio.gather(*(file.read(size, place) for place, size in asked))
    for block, (_, size) in zip(read, asked, strict=True):
        assert isinstance(block, bytes)
        if block:
            found.append(block)
        if len(block) < size:
            break
    return found


def _given_up(coming: deque[_Asked]) -> None:
    for _, future in coming:
        future.cancel()
    coming.clear()


async def _some_of(scan: AsyncIterator[tuple[bytes, asyncssh.SFTPAttrs]]) -> list[tuple[bytes, asyncssh.SFTPAttrs]]:
    found: list[tuple[bytes, asyncssh.SFTPAttrs]] = []
    async for item in scan:
        found.append(item)
        if len(found) == _LISTED_AT_ONCE:
            break
    return found


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
