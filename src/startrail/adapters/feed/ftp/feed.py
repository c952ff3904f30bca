"""Files on an FTP server, plain or over TLS."""

from __future__ import annotations

import contextlib
import ftplib
import hashlib
import socket
from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from pathlib import Path

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.ftp import errors as ftp_errors
from startrail.adapters.feed.ftp import session as ftp_session
from startrail.adapters.feed.ftp.data import received_blocks
from startrail.adapters.feed.ftp.listing import Item, ServerZone, Unlisted, from_list_line, from_mlsd, time_of, wall_of
from startrail.adapters.feed.ftp.login import logged_in
from startrail.adapters.feed.ftp.session import Session
from startrail.adapters.feed.ftp.sums import Sums, sums_of
from startrail.adapters.feed.listing import Entry, Listing, is_recursive, safe_name, sendable
from startrail.adapters.feed.pool import Pool
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import (
    FeedFailed,
    FeedIncomplete,
    Offer,
    OtherBytes,
    SizeUntrue,
    StillGrowing,
)

_DEEPEST = 32
_ZONES = timedelta(minutes=15)
"""What zones of time differ by."""
_RECENT = timedelta(days=8)
_NOT_IMPLEMENTED = ("500", "501", "502", "504")


class FtpFeed(FileFeed):
    """``password`` is the resolved secret. Names travel as bytes, so that any encoding of the server comes through.

    A control connection serves the listing, and then files one after another, as do those of further lanes; after an
    error the next file gets a new one.
    """

    def __init__(
        self, declared: source.FtpFeed | source.FtpsFeed, clock: Clock, *, password: str | None = None, project: Path = Path()
    ) -> None:
        self._declared = declared
        self._project = project
        self.lanes = declared.transfers
        self._password = password
        self._timeout = parse_duration(declared.timeout).total_seconds()
        self._far = ftp_errors.far_side(declared, self._timeout)
        self._root = declared.path.encode().decode("latin-1").rstrip("/")
        self._recursive = is_recursive(declared.pattern)
        self._listing = Listing(declared.pattern, clock, settle=declared.settle, complete=declared.complete)
        self._pool = Pool(
            declared.transfers,
            open=self._connected,
            close=ftplib.FTP.close,
            interrupt=ftp_session.interrupt,
            refused=ftp_session.is_enough,
        )
        self._has_mlsd = self._has_mdtm = True
        self._has_feat = False
        self._sums: Sums | None = None
        self._zone = ServerZone()

    def _content(self, offer: Offer) -> Generator[bytes, None, None]:
        """Held against the server's own checksum, where it can tell one."""
        sums = self._sums
        return super()._content(offer) if sums is None else self._compared(offer, sums, super()._content(offer))

    def _compared(self, offer: Offer, sums: Sums, blocks: Iterator[bytes]) -> Generator[bytes, None, None]:
        digest = hashlib.new(sums.algorithm, usedforsecurity=False)
        for block in blocks:
            digest.update(block)
            yield block
        with self._errors(offer.name):
            session = self._session()
            session.turn("I")
            told = sums.told(session, self._wire_path(self._listing.entry(offer).path), offer.size)
        if told is not None and told != digest.hexdigest():
            raise OtherBytes(
                f"'{offer.name}' arrived with other bytes than the {self._far.speaks} server {self._declared.host} has",
                hint="run again; if it stays, look for what changes bytes on the way",
            )

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        path = sendable(self._listing.entry(offer).path, offer.name)
        received = start
        with self._errors(offer.name):
            if start:
                self._unchanged(path, offer)
            data = self._retrieve(path, start)
            try:
                for block in received_blocks(data, None if offer.size is None else offer.size - start):
                    received += len(block)
                    yield block
            except BaseException:
                data.close()
                raise
            ftp_session.end(data)
            self._session().voidresp()
            self._compare(path, offer, received)

    def close(self) -> None:
        super().close()
        for session in self._pool.idle():
            with contextlib.suppress(OSError, EOFError, ftplib.Error):
                session.quit()
        self._pool.close()

    def _compare(self, path: str, offer: Offer, received: int) -> None:
        """All of it, and of the file that was listed: one that is written over may keep its size."""
        if offer.size is None or received == offer.size:
            self._same_time(offer, self._modified(path))
            return
        self._unchanged(path, offer)
        if received < offer.size:
            raise FeedIncomplete(f"'{offer.name}' ended after {received} of {offer.size} bytes", hint=ftp_errors.AGAIN)
        raise SizeUntrue(
            f"the {self._far.speaks} server says that '{offer.name}' has {offer.size} bytes, and sends {received}",
            hint="have the file written again at its source; see the server's log",
        )

    def _unchanged(self, path: str, offer: Offer) -> None:
        """Before a transfer is picked up where it broke off: is it still the same file?"""
        size, modified = self._asked(path, Item("", False, offer.size, ""))
        if size != offer.size:
            raise StillGrowing(f"'{offer.name}' changed while it was read", hint="it is left for the next run")
        self._same_time(offer, modified)

    def _same_time(self, offer: Offer, modified: str) -> None:
        time = time_of(modified)
        # some servers list in UTC, and tell a file's time in a zone of their own
        if time is not None and offer.time is not None and (time - offer.time) % _ZONES:
            raise StillGrowing(f"'{offer.name}' changed while it was read", hint="it is left for the next run")

    def _modified(self, path: str) -> str:
        if not self._has_mdtm:
            return ""
        with contextlib.suppress(ftplib.error_perm):
            return self._session().voidcmd(f"MDTM {self._wire_path(path)}")[4:].strip()
        return ""

    def _retrieve(self, path: str, start: int) -> socket.socket:
        command = "RETR " + self._wire_path(path)
        for last in (False, True):
            session = self._session()
            try:
                session.turn("I")
                return session.transfercmd(command, start or None)
            except (ftplib.error_temp, EOFError, ConnectionError):  # it tired of waiting since the last file
                self._drop()
                if last:
                    raise
            except ftplib.error_perm as error:
                if start and str(error).startswith(_NOT_IMPLEMENTED):  # it cannot begin in the middle: not this time
                    raise FeedIncomplete(
                        f"the transfer of {printable(path)} broke off and cannot be picked up", hint=ftp_errors.AGAIN
                    ) from error
                raise
        raise AssertionError("unreachable")

    def _entries(self) -> Iterator[Entry]:
        with self._errors(self._declared.path):
            yield from self._walk("", 0)

    def _walk(self, above: str, depth: int) -> Iterator[Entry]:
        for item in self._items(above):
            path = above + item.name
            if item.is_folder:
                if depth < _DEEPEST:
                    yield from self._walk(path + "/", depth + 1)
            else:
                entry = self._entry(path, safe_name(_text(path)), item)
                if entry is not None:
                    yield entry

    def _entry(self, path: str, name: str, item: Item) -> Entry | None:
        """None for a link to a folder, or to nothing."""
        if self._has_mlsd:
            return _entry_of(path, name, item.size, item.modified)
        known = self._unasked(name, item)
        if known is not None:
            return _entry_of(path, name, item.size, known)
        if any(letter in path for letter in "\r\n\0"):
            return _entry_of(path, name, item.size, item.modified)  # it cannot be asked for; fetching it says so
        size, modified = self._asked(path, item)
        self._zone.learn(wall_of(item.modified, self._now), time_of(modified))
        return None if item.is_link and size is None else _entry_of(path, name, size, modified)

    def _unasked(self, name: str, item: Item) -> str | None:
        """The time of a file that landed before, when the listing shows it as it was then.

        A listing is exact to the minute at best, so files of the last days are asked for all the same.
        """
        size, dash, modified = self._seen.landed.get(name, "").partition("-")
        if not dash or item.is_link or size != str(item.size):
            return None
        wall = wall_of(item.modified, self._now)
        if wall is None or self._now.replace(tzinfo=None) - wall.time < _RECENT:
            return None
        if time_of(modified) is None:  # it does not know MDTM: what the listing said then must mean the same
            before = wall_of(modified, self._now)
            return modified if before is not None and before.may_be(wall) else None
        return modified if self._zone.agrees(wall, time_of(modified)) else None

    def _items(self, above: str) -> list[Item]:
        """The wanted files of a folder, and its folders where these count. Other names are forgotten as they come."""
        where = self._wire_path(above).rstrip("/") or "/"
        if self._has_mlsd:
            try:
                return self._shown(f"MLSD {where}", from_mlsd, above)
            except ftplib.error_perm as error:
                if not str(error).startswith(_NOT_IMPLEMENTED):
                    raise
                self._has_mlsd = False
        self._session().cwd(where)  # LIST of a folder that is not there succeeds with nothing on many servers
        try:
            return self._shown("LIST", from_list_line, above)
        except Unlisted as error:
            if self._recursive:
                raise FeedFailed(
                    f"the listing of {self._declared.host} cannot be read: {printable(str(error), 80)}",
                    hint="without folders (`pattern` without **/) names alone will do; or ask for a server that knows MLSD",
                ) from error
        self._session().cwd(where)
        try:  # what has no size is then no file
            return self._shown("NLST", lambda line: Item(line.rpartition("/")[2], False, None, "", True), above)
        except ftplib.error_perm as error:
            if str(error).startswith("550"):  # how many say that there is nothing
                return []
            raise

    def _shown(self, command: str, read: Callable[[str], Item | None], above: str) -> list[Item]:
        found: list[Item] = []

        def take(line: str) -> None:
            item = read(line)
            if item is not None and (self._recursive if item.is_folder else self._listing.wants(_text(above + item.name))):
                found.append(item)

        try:
            self._session().retrlines(command, take)
        except (Unlisted, SourceError):
            self._drop()  # the rest of the listing is still on its way
            raise
        return found

    def _asked(self, path: str, item: Item) -> tuple[int | None, str]:
        """Size and time by SIZE and MDTM, as far as the server knows these."""
        session, wire = self._session(), self._wire_path(path)
        size, modified = item.size, item.modified
        with contextlib.suppress(ftplib.error_perm):
            session.turn("I")
            found = session.size(wire)
            size = size if found is None else found
        if self._has_mdtm:
            try:
                modified = session.voidcmd(f"MDTM {wire}")[4:].strip()
            except ftplib.error_perm as error:
                self._has_mdtm = not str(error).startswith(_NOT_IMPLEMENTED)
        return size, modified

    def _wire_path(self, path: str) -> str:
        """The whole path as the server knows it; ``path`` holds one character per byte."""
        return f"{self._root}/{path}" if self._root or not path else f"/{path}"

    def _session(self) -> Session:
        return self._pool.mine()

    def _connected(self) -> Session:
        session = logged_in(self._declared, self._project, self._timeout, self._password)
        try:
            if not self._has_feat:
                self._has_feat, self._sums = True, sums_of(session)
            if self._sums is not None and not self._sums.chosen(session):
                self._sums = None
        except BaseException:
            session.close()
            raise
        return session

    def _drop(self) -> None:
        self._pool.drop()

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Around everything that talks to the server; at its end the connection is free for another lane."""
        try:
            yield
        except SourceError:
            raise
        except BaseException as error:
            connected = self._pool.has_mine()
            self._drop()  # what the server still has to say on it would be taken for the answer to something else
            if isinstance(error, OSError | EOFError | ftplib.Error):
                raise ftp_errors.translated(error, what, self._far, connected) from error
            raise
        finally:
            self._pool.rest()


def _entry_of(path: str, name: str, size: int | None, modified: str) -> Entry:
    return Entry(name if name == path else path, name, f"{size}-{modified}", size, time_of(modified))


def _text(path: str) -> str:
    """Bytes from the wire as text: UTF-8 where they are, other bytes kept apart as surrogates."""
    return path.encode("latin-1").decode("utf-8", "surrogateescape")
