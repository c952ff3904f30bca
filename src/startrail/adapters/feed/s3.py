"""Objects in a bucket of any S3 API, over obstore."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import BaseError, PreconditionError

from startrail.adapters.feed.files import FileFeed
from startrail.adapters.feed.listing import Entry, Listing, safe_name
from startrail.adapters.s3.answer import answer_of
from startrail.adapters.s3.bucket import open_bucket
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import (
    FeedFailed,
    FeedForbidden,
    FeedIncomplete,
    FeedMissing,
    FeedUnreachable,
    Offer,
    OtherBytes,
    SizeUntrue,
    StillGrowing,
)

_BLOCK = 1 << 20
_LONGEST = timedelta(hours=6)
"""For a whole object."""
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
        self._listing = Listing(declared.pattern, clock, whole=True)
        with self._errors(declared.bucket):
            self._bucket = open_bucket(
                declared,
                access_key=access_key,
                secret_key=secret_key,
                timeout=parse_duration(declared.timeout),
                longest=_LONGEST,
                retries=retries,
            )

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
        with self._errors(self._declared.prefix or self._declared.bucket):
            for batch in obstore.list(self._bucket, prefix=self._prefix or None):
                for found in batch:
                    path = found["path"][start:]
                    if path and self._listing.wants(path):
                        yield Entry(path, safe_name(path), stamp_of(found), found["size"], found["last_modified"])

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise self._translated(error, printable(what)) from error

    def _translated(self, error: Exception, what: str) -> SourceError:
        bucket, answer = printable(self._declared.bucket), answer_of(error)
        if isinstance(error, PreconditionError):
            return StillGrowing(f"'{what}' was replaced since it was listed", hint="it is left for the next run")
        if isinstance(error, FileNotFoundError) and answer.meaning != "no bucket":
            return StillGrowing(f"'{what}' is gone since it was listed")
        match answer.meaning:
            case "no bucket":
                where = "check `bucket`, `region` and `endpoint` in the source's feed"
                return FeedMissing(f"there is no bucket '{bucket}'", hint=where)
            case "refused":
                keys = "check the secrets of `access_key` and `secret_key`; reading takes s3:ListBucket and s3:GetObject"
                return FeedForbidden(f"the bucket '{bucket}' refuses access to '{what}': {answer.told}", hint=keys)
            case "clock":
                return FeedForbidden(
                    f"the bucket '{bucket}' refuses access to '{what}': its clock and the one of this machine differ",
                    hint="set the clock of this machine right, as with NTP",
                )
            case "no keys":
                keys = "give the feed `access_key` and `secret_key` as env:NAME"
                return FeedForbidden(f"no keys for the bucket '{bucket}' were found", hint=keys)
            case "busy":
                network = "run again; check `endpoint` and the network if it stays"
                return FeedUnreachable(f"the bucket '{bucket}' did not answer for '{what}': {answer.told}", hint=network)
            case "beyond the end":
                return FeedIncomplete(
                    f"'{what}' ended before its announced end: {answer.told}",
                    hint="run again; see the log of the S3 API if it stays",
                )
            case "elsewhere":
                where = "check `region` and `endpoint` in the source's feed"
                return FeedFailed(f"the bucket '{bucket}' sends us elsewhere for '{what}': {answer.told}", hint=where)
        where = "check `bucket`, `region` and `endpoint`"
        if "invalid path" in answer.told:
            where = "have that object renamed, or let `prefix` name a place without it: no //, ., .. and control characters"
            return FeedFailed(f"the bucket '{bucket}' has a name that cannot be asked for: {answer.told}", hint=where)
        return FeedFailed(f"the bucket '{bucket}' refused '{what}': {answer.told}", hint=where)


def stamp_of(found: obstore.ObjectMeta) -> str:
    """Equal when the content stood still: the ETag where there is one."""
    return found["e_tag"] or f"{found['size']}-{found['last_modified'].isoformat()}"


def _pieces(chunk: bytes) -> Iterator[bytes]:
    """The library may hand over far more than was asked for at least."""
    if len(chunk) <= _BLOCK:
        yield chunk
    else:
        for start in range(0, len(chunk), _BLOCK):
            yield chunk[start : start + _BLOCK]
