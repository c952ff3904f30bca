"""Objects of a bucket that a queue tells of, so that the bucket is listed now and then only."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from email.message import Message

import msgspec

from startrail.adapters.feed.custody import Custody, Messages, Parcel
from startrail.adapters.feed.listing import Entry, safe_name
from startrail.adapters.feed.s3.events import NotAnEvent, ObjectEvent, read_message
from startrail.adapters.feed.s3.feed import S3Feed, Version, modified_of, size_of, stamp_of
from startrail.adapters.s3.answer import Unanswered
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import Offer, Seen, StillGrowing, Stray

_LOOKS_AT_ONCE = 10


class S3QueueFeed(S3Feed):
    """What the queue tells of is looked up in the bucket and offered; a listing follows when the last one is old.

    A message only says where to look: what is landed is the version it names in a bucket that keeps versions, else the
    object as it is then. So messages may come twice, late, and in any order."""

    def __init__(
        self,
        declared: source.S3Feed,
        clock: Clock,
        messages: Messages,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        retries: int = 4,
        sweeps: bool = True,
    ) -> None:
        super().__init__(declared, clock, access_key=access_key, secret_key=secret_key, retries=retries)
        told_by = declared.told_by or source.S3Events("")
        self._custody, self._most = Custody(messages), told_by.most
        self._sweep = parse_duration(told_by.sweep) if sweeps else None
        self._only_newest = False
        self._offered: dict[str, str] = {}
        self._landed: dict[str, str] = {}
        self._told: dict[tuple[str, str], Entry] = {}
        self._refused: dict[tuple[str, str], SourceError] = {}
        self._parcels: dict[tuple[str, str], list[Parcel]] = {}
        self._listed, self._unswept = False, set[tuple[str, str]]()

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        self._begin_anew()
        self._landed = dict(seen.landed)
        for parcels in self._custody.received(self._most):
            events = [each for parcel in parcels for each in self._opened(parcel)]
            yield from self._new(sorted(events, key=lambda each: (each[1].key, each[1].order)))
        if self._sweep is None or (seen.swept is not None and now - seen.swept < self._sweep):
            return
        on_their_way = dict(iter(self._parcels))  # names and stamps
        for offer in super().offers(msgspec.structs.replace(seen, landed=self._landed | on_their_way), now):
            self._unswept.add((offer.name, offer.stamp))
            if not self._only_newest or self._offered.setdefault(offer.name, offer.stamp) == offer.stamp:
                yield offer
        self._listed = True

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        refused = self._refused.get((offer.name, offer.stamp))
        if refused is not None:
            raise refused
        return super().fetch(offer)

    def only_newest(self) -> None:
        self._only_newest = True

    def recorded(self, offer: Offer) -> None:
        is_what = (offer.name, offer.stamp)
        self._landed[offer.name] = offer.stamp
        self._unswept.discard(is_what)
        self._told.pop(is_what, None)
        for parcel in self._parcels.pop(is_what, ()):
            parcel.waits.discard(is_what)
            self._custody.settle(parcel)

    def strays(self) -> tuple[Stray, ...]:
        return self._custody.strays()

    def set_aside(self, stray: Stray) -> None:
        self._custody.set_aside(stray)

    def swept(self) -> bool:
        return self._listed and not self._unswept

    def close(self) -> None:
        """What was received and is not safe is for the next run, or for the next try of this one, at once."""
        self._custody.close()
        super().close()

    def _begin_anew(self) -> None:
        """What an earlier listing received and nobody recorded is to be offered again."""
        self._custody.release()
        self._parcels, self._told, self._refused, self._offered = {}, {}, {}, {}
        self._listed, self._unswept = False, set()
        self._listing.listed = None

    def _opened(self, parcel: Parcel) -> Iterator[tuple[Parcel, ObjectEvent]]:
        """The events of a message that this feed wants."""
        try:
            events = read_message(parcel.message.body)
        except NotAnEvent as error:
            self._custody.stray(parcel, f"it {error}")
            return
        elsewhere = next((event for event in events if event.bucket != self._declared.bucket), None)
        if elsewhere is not None:
            reason = f"it tells of the bucket '{printable(elsewhere.bucket, 80)}', not of this one"
            self._custody.stray(parcel, reason)
            return
        wanted = [event for event in events if event.kind == "created" and self._path(event.key) is not None]
        if not wanted:
            self._custody.settle(parcel)
        for event in wanted:
            yield parcel, event

    def _path(self, key: str) -> str | None:
        """The path below the prefix, when it is one that the pattern wants."""
        start = f"{self._prefix}/" if self._prefix else ""
        path = key.removeprefix(start)
        return path if path and key.startswith(start) and self._listing.wants(path) else None

    def _new(self, events: list[tuple[Parcel, ObjectEvent]]) -> Iterator[Offer]:
        with ThreadPoolExecutor(_LOOKS_AT_ONCE) as looking:
            found = list(looking.map(self._look, (event for _, event in events)))
        failed = [entry for entry in found if isinstance(entry, SourceError)]
        if failed and len(failed) == len(found):
            raise failed[0]  # the bucket is away, or closed to us: more messages would only be received in vain
        offers: dict[tuple[str, str], Offer] = {}
        gone: list[tuple[Parcel, str]] = []
        for (parcel, event), entry in zip(events, found, strict=True):
            name = safe_name(self._path(event.key) or event.key)
            if entry is None:
                gone.append((parcel, name))
                continue
            offer = Offer(name, "?") if isinstance(entry, SourceError) else Offer(name, entry.stamp, entry.size, entry.time)
            is_what = (name, offer.stamp)
            if self._landed.get(name) == offer.stamp:
                continue
            if isinstance(entry, SourceError):
                self._refused[is_what] = entry
            else:
                self._told[is_what] = entry
            parcel.waits.add(is_what)
            if self._only_newest and self._offered.setdefault(name, offer.stamp) != offer.stamp:
                continue  # it was replaced meanwhile: the message waits for the next time
            if is_what not in self._parcels:
                offers[is_what] = offer
            self._parcels.setdefault(is_what, []).append(parcel)
        for parcel, name in gone:
            self._custody.stray(parcel, f"'{name}' is gone", understood=True)
        for parcel in {id(parcel): parcel for parcel, _ in events}.values():
            self._custody.settle(parcel)
        yield from offers.values()

    def _look(self, event: ObjectEvent) -> Entry | SourceError | None:
        """What is there now; None when nothing is."""
        path = self._path(event.key) or event.key
        try:
            meta = self._meta(event, path)
        except StillGrowing:
            return None
        except SourceError as error:
            return error
        entry = Entry(path, safe_name(path), stamp_of(meta), size_of(meta), modified_of(meta))
        version = None if self._only_newest else event.version
        return entry if version is None else Version(**msgspec.structs.asdict(entry), version=version)

    def _meta(self, event: ObjectEvent, path: str) -> Message:
        """Raises StillGrowing when there is nothing. The answer to HEAD has no words, so that a bucket that is away looks
        just like an object that is: then GET says which of them it is."""
        query = {} if self._only_newest or event.version is None else {"versionId": event.version}
        with self._errors(path):
            try:
                return self._bucket.send("HEAD", event.key, query).headers
            except Unanswered as error:
                if error.answer.meaning != "no object":
                    raise
                with closing(self._bucket.fetch(event.key, query)) as found:
                    return found.headers

    def _entry(self, offer: Offer) -> Entry:
        return self._told.get((offer.name, offer.stamp)) or super()._entry(offer)
