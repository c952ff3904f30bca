"""Looks at sources that land and change nothing."""

from __future__ import annotations

import zlib
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from startrail.base.text import did_you_mean, printable
from startrail.capabilities.sources.queue import check_alone
from startrail.model.archive import archive_kind
from startrail.model.named import named
from startrail.model.pattern import Named
from startrail.model.source import Feed as Declared
from startrail.model.source import FolderFeed, FtpFeed, FtpsFeed, HttpFeed, PostgresFeed, S3Feed, SftpFeed, Source
from startrail.ports.feed import Feed, Offer, Seen, asking
from startrail.wiring import Opened
from startrail.wiring.errors import UnknownSource

_READ = 64 << 10


class Described(msgspec.Struct, frozen=True, tag_field="type", tag="source"):
    """A source as declared. ``where`` never holds a secret."""

    source: str
    kind: str
    where: str
    into: str | None


class QueueTested(msgspec.Struct, frozen=True):
    """A queue that may be received from and forgotten from. ``dead_letters``: where it moves what was received too often."""

    waiting: int
    hidden: int
    dead_letters: str | None


class Tested(msgspec.Struct, frozen=True):
    """What a feed answered now. ``read``: bytes of the first offer; ``ahead``: seconds that the newest file is ahead of us.
    ``lazy``: only the first offer was asked for, since the next depends on what is in it."""

    offers: tuple[Offer, ...]
    growing: tuple[str, ...]
    read: int | None
    ahead: int | None
    lazy: bool
    queue: QueueTested | None = None


class Peeked(msgspec.Struct, frozen=True):
    name: str
    lines: tuple[str, ...]
    said: Named = Named()


class Standing(msgspec.Struct, frozen=True, tag_field="type", tag="source"):
    """What the ledger knows of a source."""

    source: str
    deliveries: int
    landed_at: datetime | None
    last: str | None
    waiting: int
    growing: tuple[str, ...]
    said: Named = Named()
    """What the last one's name says."""


def source_of(opened: Opened, name: str) -> Source:
    """Raises UnknownSource."""
    found = opened.project.sources.get(name)
    if found is None:
        shown = printable(name, 60)
        hint = did_you_mean(name, opened.project.sources, "startrail sources list")
        raise UnknownSource(f"the project has no source '{shown}'", affects="the whole command", hint=hint)
    return found


def described(opened: Opened) -> list[Described]:
    return [
        Described(source.name, str(source.feed.__struct_config__.tag), where(source.feed), source.into)
        for _, source in sorted(opened.project.sources.items())
    ]


def tested(opened: Opened, source: Source) -> Tested:
    """Reach, list, and read the beginning of the first offer. Raises SourceError when that does not go."""
    ports = opened.ports
    queue = _try_queue(opened, source)
    feed, now = ports.feed(_listed(source)), ports.clock.now()
    lazy = isinstance(source.feed, (HttpFeed, PostgresFeed))
    try:
        offers = feed.offers(ports.ledger.seen(source.name), now)
        first = next((found for found in map(asking(feed), offers) if found is not None), None)
        read = None if first is None else len(_beginning(feed, first))
        rest = () if lazy or first is None else tuple(offers)
        found = () if first is None else (first, *rest)
        newest = max((offer.time for offer in found if offer.time is not None), default=None)
        ahead = int((newest - now).total_seconds()) if newest is not None else 0
        return Tested(found, tuple(sorted(feed.growing())), read, ahead if ahead > 1 else None, lazy and first is not None, queue)
    finally:
        feed.close()


def peeked(opened: Opened, source: Source, name: str | None, lines: int) -> Peeked | None:
    """The first lines of an offer, as if nothing had landed; None when there is no such offer."""
    feed = opened.ports.feed(_listed(source))
    try:
        for offer in feed.offers(Seen(), opened.ports.clock.now()):
            if (name is None or offer.name == name) and asking(feed)(offer) is not None:
                if archive_kind(offer.name) is not None:
                    return Peeked(
                        offer.name, ("This is an archive; its files are known once it has landed.",), named(source, offer.name)
                    )
                content = _plain(_beginning(feed, offer)).decode(source.csv.encoding, "replace")
                return Peeked(offer.name, tuple(islice(content.splitlines(), lines)), named(source, offer.name))
            if isinstance(source.feed, HttpFeed) and not source.feed.names_files:
                return None  # the next page is known only from this one, which is not landed here
    finally:
        feed.close()
    return None


def standing(opened: Opened) -> list[Standing]:
    ledger, found = opened.ports.ledger, []
    for name in sorted(opened.project.sources):
        deliveries = ledger.deliveries(name)
        last = deliveries[-1] if deliveries else None
        found.append(
            Standing(
                name,
                len(deliveries),
                last.landed_at if last else None,
                last.name if last else None,
                len(ledger.pending(name)) if opened.project.sources[name].contract else 0,
                tuple(sorted(ledger.seen(name).growing)),
                named(opened.project.sources[name], last.name) if last else Named(),
            )
        )
    return found


def where(feed: Declared) -> str:
    """Where a feed looks, for people."""
    match feed:
        case FolderFeed():
            return f"{feed.path.rstrip('/')}/{feed.pattern}"
        case FtpFeed() | FtpsFeed() | SftpFeed():
            return f"{feed.user}@{feed.host}:{feed.path.rstrip('/')}/{feed.pattern}"
        case S3Feed():
            return "/".join(part for part in (f"s3://{feed.bucket}", feed.prefix.strip("/"), feed.pattern) if part)
        case PostgresFeed():
            return feed.table or "query"
        case HttpFeed():
            return feed.url.partition("?")[0]


def _listed(source: Source) -> Source:
    """A bucket is looked at by listing it: a message that somebody only looks at would be hidden from the next run."""
    if not isinstance(source.feed, S3Feed) or source.feed.told_by is None:
        return source
    return msgspec.structs.replace(source, feed=source.feed.listed())


def _try_queue(opened: Opened, source: Source) -> QueueTested | None:
    if not isinstance(source.feed, S3Feed) or source.feed.told_by is None:
        return None
    from startrail.wiring.feeds.s3 import open_queue

    check_alone(source, opened.project)
    queue = open_queue(Path(opened.project.root), source.feed)
    try:
        queue.try_rights()
        state = queue.state()
    finally:
        queue.close()
    return QueueTested(state.waiting, state.hidden, state.dead_letters)


def _beginning(feed: Feed, offer: Offer) -> bytes:
    content, chunks = bytearray(), feed.fetch(offer)
    try:
        for chunk in chunks:
            content += chunk
            if len(content) >= _READ:
                break
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return bytes(content[:_READ])


def _plain(content: bytes) -> bytes:
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        return _unpacked(content)
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return zlib.decompressobj(wbits=31).decompress(content, _READ)
    except zlib.error:
        return content


def _unpacked(content: bytes) -> bytes:
    """As far as the beginning of a zstd stream goes."""
    import io

    from startrail.adapters.archive.zstd import ZstdDamaged, open_zstd

    found, stream = bytearray(), open_zstd(io.BytesIO(content))
    with suppress(EOFError, ZstdDamaged):
        while len(found) < _READ and (data := stream.read1(4096)):  # type: ignore[attr-defined]  (every stream of ours has it)
            found += data
    return bytes(found)
