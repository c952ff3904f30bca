"""Objects in a bucket of any S3 API, over obstore."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import obstore
from obstore.exceptions import BaseError

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing, safe_name
from startrail.adapters.feed.s3.refusals import not_askable, refusal, translated
from startrail.adapters.s3.api import account_of
from startrail.adapters.s3.bucket import open_bucket
from startrail.adapters.s3.listing import Found, NotListed, listed
from startrail.adapters.s3.wire import Wire
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

_BLOCK = 1 << 20
_LONGEST = timedelta(hours=6)
"""For a whole object."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MD5 = re.compile(r'"([0-9a-f]{32})"')


class Version(Entry, frozen=True, kw_only=True):
    """One version of an object in a bucket that keeps versions."""

    version: str


class S3Feed(FileFeed):
    """``access_key`` and ``secret_key`` are the resolved secrets; without them obstore finds the environment's own."""

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
        self._retries, self._timeout = retries, parse_duration(declared.timeout)
        self._account = account_of(declared, access_key, secret_key)
        with self._errors(declared.bucket):
            self._bucket = open_bucket(
                declared,
                access_key=access_key,
                secret_key=secret_key,
                timeout=self._timeout,
                longest=_LONGEST,
                retries=retries,
            )

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
        options: dict[str, Any] = {"if_match": entry.stamp} if entry.stamp.startswith('"') else {}
        if isinstance(entry, Version):
            options = {"version": entry.version}
        if start:
            options["range"] = {"offset": start}
        with self._errors(offer.name):
            result = obstore.get(self._bucket, self._key(entry.path), options=options)  # pyrefly: ignore  (open-ended options)
            if stamp_of(result.meta) != offer.stamp:
                raise StillGrowing(f"'{offer.name}' was replaced since it was listed", hint="it is left for the next run")
            for chunk in result.stream(min_chunk_size=_BLOCK):
                received += len(chunk)
                yield from _pieces(bytes(chunk))
        if offer.size is not None and received > offer.size:
            raise SizeUntrue(
                f"the bucket lists '{offer.name}' with {offer.size} bytes, and sends {received}", hint="see the log of the S3 API"
            )
        if offer.size is not None and received < offer.size:
            raise FeedIncomplete(f"'{offer.name}' ended after {received} of {offer.size} bytes", hint="run again")

    def _entry(self, offer: Offer) -> Entry:
        return self._listing.entry(offer)

    def close(self) -> None:
        """Connections are the library's own."""

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
        """By the library when only that finds the keys of who asks; it ends where there is a name that it cannot ask for."""
        if self._account is None:
            with self._errors(self._declared.prefix or self._declared.bucket):
                for batch in obstore.list(self._bucket, prefix=self._prefix or None):
                    for found in batch:
                        yield Found(found["path"], found["e_tag"] or "", found["size"], found["last_modified"])
            return
        try:
            wire = Wire(self._account.endpoint, timeout=self._timeout.total_seconds())
            for found in listed(wire, self._account, f"{self._prefix}/" if self._prefix else "", retries=self._retries):
                if found.size or not found.key.endswith("/"):  # which is how folders are shown
                    yield found
        except NotListed as error:
            what = printable(self._declared.prefix or self._declared.bucket)
            raise refusal(error.answer, printable(self._declared.bucket), what) from error

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise translated(error, printable(self._declared.bucket), printable(what)) from error


def stamp_of(found: obstore.ObjectMeta) -> str:
    """Equal when the content stood still: the ETag where there is one."""
    return _stamp(found["e_tag"], found["size"], found["last_modified"])


def _stamp(tag: str | None, size: int, modified: datetime) -> str:
    return tag or f"{size}-{modified.isoformat()}"


def _can_be_asked_for(path: str) -> bool:
    """The library makes another name of some, and none of others."""
    return path == _plain(path) and not _CONTROL.search(path)


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))


def _pieces(chunk: bytes) -> Iterator[bytes]:
    """The library may hand over far more than was asked for at least."""
    if len(chunk) <= _BLOCK:
        yield chunk
    else:
        for start in range(0, len(chunk), _BLOCK):
            yield chunk[start : start + _BLOCK]
