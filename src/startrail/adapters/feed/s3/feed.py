"""Objects in a bucket of any S3 API."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing, safe_name
from startrail.adapters.feed.s3.refusals import not_askable, refusal
from startrail.adapters.s3.answer import Unanswered
from startrail.adapters.s3.api import account_of, unanswered
from startrail.adapters.s3.bucket import Bucket
from startrail.adapters.s3.listing import Found
from startrail.adapters.s3.wire import WireError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import (
    FeedIncomplete,
    Offer,
    OtherBytes,
    Seen,
    SizeUntrue,
    StillGrowing,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MD5 = re.compile(r'"([0-9a-f]{32})"')


class Version(Entry, frozen=True, kw_only=True):
    """One version of an object in a bucket that keeps versions."""

    version: str


class S3Feed(FileFeed):
    """``access_key`` and ``secret_key`` are the resolved secrets; without them the environment's own are found."""

    def __init__(
        self,
        declared: source.S3Feed,
        clock: Clock,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        retries: int = 4,
    ) -> None:
        self._declared = declared
        self.lanes = declared.transfers
        self._prefix = declared.prefix.strip("/")
        self._tags_are_md5 = True
        self._odd: list[str] = []
        self._listing = Listing(declared.pattern, clock, whole=True)
        account, timeout = account_of(declared, access_key, secret_key), parse_duration(declared.timeout).total_seconds()
        self._bucket = Bucket(account, timeout=timeout, retries=retries)

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        """As the port says; objects that are wanted and cannot be asked for are told of after the others."""
        yield from super().offers(seen, now)
        if self._odd:
            more = f", and {len(self._odd) - 1} more" if len(self._odd) > 1 else ""
            raise not_askable(printable(self._declared.bucket), self._odd[0] + more)

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        """An ETag is the object's MD5, unless it came in parts, or is encrypted with a key of its own."""
        told = _MD5.fullmatch(offer.stamp)
        if told is None or not self._tags_are_md5:
            yield from super().fetch(offer)
            return
        digest = hashlib.md5(usedforsecurity=False)
        for block in super().fetch(offer):
            digest.update(block)
            yield block
        if digest.hexdigest() != told[1]:
            self._read_again(offer, digest.hexdigest())

    def _read_again(self, offer: Offer, before: str) -> None:
        """What comes the same way twice is what is there: then the ETags of this bucket say nothing."""
        digest = hashlib.md5(usedforsecurity=False)
        for block in super().fetch(offer):
            digest.update(block)
        if digest.hexdigest() != before:
            raise OtherBytes(
                f"'{offer.name}' arrived with other bytes than the bucket '{printable(self._declared.bucket)}' has",
                hint="run again; if it stays, look for what changes bytes on the way",
            )
        self._tags_are_md5 = False

    def _read(self, offer: Offer, start: int) -> Iterator[bytes]:
        entry, received = self._entry(offer), start
        if not _can_be_asked_for(entry.path):
            raise not_askable(printable(self._declared.bucket), offer.name)
        query = {"versionId": entry.version} if isinstance(entry, Version) else {}
        headers = {"if-match": entry.stamp} if not query and entry.stamp.startswith('"') else {}
        if start:
            headers["range"] = f"bytes={start}-"
        with self._errors(offer.name), contextlib.closing(self._bucket.fetch(self._key(entry.path), query, headers)) as found:
            if stamp_of(found.headers) != offer.stamp:
                raise StillGrowing(f"'{offer.name}' was replaced since it was listed", hint="it is left for the next run")
            if start and not found.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                told = f"'{offer.name}' broke off after {start} bytes, and the bucket does not go on from there"
                raise FeedIncomplete(told, hint="run again")
            for block in found.blocks():
                received += len(block)
                yield block
        if offer.size is not None and received > offer.size:
            raise SizeUntrue(
                f"the bucket lists '{offer.name}' with {offer.size} bytes, and sends {received}", hint="see the log of the S3 API"
            )
        if offer.size is not None and received < offer.size:
            raise FeedIncomplete(f"'{offer.name}' ended after {received} of {offer.size} bytes", hint="run again")

    def _entry(self, offer: Offer) -> Entry:
        return self._listing.entry(offer)

    def close(self) -> None:
        """Who waits for the bucket need not wait any longer."""
        super().close()
        self._bucket.close()

    def _entries(self) -> Iterator[Entry]:
        start = len(self._prefix) + 1 if self._prefix else 0
        self._odd = []
        for found in self._found():
            path = found.key[start:]
            if not path or not self._listing.wants(_plain(path)):
                continue
            if _can_be_asked_for(path):
                yield Entry(path, safe_name(path), _stamp(found.tag, found.size, found.modified), found.size, found.modified)
            else:
                self._odd.append(safe_name(path))

    def _found(self) -> Iterator[Found]:
        with self._errors(self._declared.prefix or self._declared.bucket):
            for found in self._bucket.listed(f"{self._prefix}/" if self._prefix else ""):
                if found.size or not found.key.endswith("/"):  # which is how folders are shown
                    yield found

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except Unanswered as error:
            raise refusal(error.answer, printable(self._declared.bucket), printable(what)) from error
        except WireError as error:
            raise refusal(unanswered(error).answer, printable(self._declared.bucket), printable(what)) from error


def stamp_of(headers: Message) -> str:
    """Equal when the content stood still: the ETag where there is one."""
    return _stamp(headers.get("ETag"), size_of(headers), modified_of(headers))


def size_of(headers: Message) -> int:
    """Of the whole object, also where a range of it was asked for."""
    total = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    return int(total) if total.isascii() and total.isdigit() else 0


def modified_of(headers: Message) -> datetime:
    """When it was written; long ago where that is not said."""
    try:
        return parsedate_to_datetime(headers.get("Last-Modified", ""))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _stamp(tag: str | None, size: int, modified: datetime) -> str:
    return tag or f"{size}-{modified.isoformat()}"


def _can_be_asked_for(path: str) -> bool:
    """Others would be another name where files are kept, or on the way there."""
    return path == _plain(path) and not _CONTROL.search(path)


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))
