"""Objects of a bucket that a queue tells of, so that the bucket is listed now and then only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Protocol

import msgspec
import obstore

from startrail.adapters.feed.listing import Entry, safe_name
from startrail.adapters.feed.s3 import S3Feed, Version, stamp_of
from startrail.adapters.feed.s3_events import NotAnEvent, ObjectEvent, read_message
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.clock import Clock
from startrail.ports.feed import Offer, Seen, StillGrowing, Stray

_AT_ONCE = 10
_SHOWN = 500


class Message(msgspec.Struct, frozen=True):
    """``handle`` is of this receipt, ``id`` of the message."""

    id: str
    handle: str
    body: str


class Messages(Protocol):
    """A queue. What was received is hidden from others until its time is over, unless it is forgotten or released before."""

    hold_seconds: float
    """For how long a message is hidden."""

    def receive(self) -> Sequence[Message]:
        """A few; none when there are no more for now."""
        ...

    def forget(self, messages: Sequence[Message]) -> None: ...

    def hide(self, messages: Sequence[Message]) -> None:
        """For the whole time from now on."""
        ...

    def release(self, messages: Sequence[Message]) -> None:
        """Let others have them at once."""
        ...

    def has_dead_letters(self) -> bool:
        """Whether the queue itself moves away what was received too often."""
        ...

    def close(self) -> None: ...


class _Parcel:
    """A message, and the offers (name and stamp) that have to be recorded before it may be forgotten."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.waits: set[tuple[str, str]] = set()


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
        self._messages, self._most = messages, told_by.most
        self._sweep = parse_duration(told_by.sweep) if sweeps else None
        self._only_newest = False
        self._offered: dict[str, str] = {}
        self._landed: dict[str, str] = {}
        self._told: dict[tuple[str, str], Entry] = {}
        self._refused: dict[tuple[str, str], SourceError] = {}
        self._parcels: dict[tuple[str, str], list[_Parcel]] = {}
        self._open: dict[str, _Parcel] = {}
        self._done: list[Message] = []
        self._strays: dict[str, tuple[Stray, Message]] = {}
        self._listed, self._unswept = False, set[tuple[str, str]]()
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._hiding: threading.Thread | None = None

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        self._begin_anew()
        self._landed = dict(seen.landed)
        for events in self._received():
            yield from self._new(events)
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
            self._settle(parcel)
        if len(self._done) >= _AT_ONCE:
            self._forget()

    def strays(self) -> tuple[Stray, ...]:
        return tuple(stray for stray, _ in self._strays.values())

    def set_aside(self, stray: Stray) -> None:
        with self._lock:
            found = self._strays.pop(stray.message, None)
        if found is not None and not stray.left and found[1].id not in self._open:
            self._done.append(found[1])

    def swept(self) -> bool:
        return self._listed and not self._unswept

    def close(self) -> None:
        """What was received and is not safe is for the next run, or for the next try of this one, at once."""
        self._stop.set()
        if self._hiding is not None:
            self._hiding.join()
        try:
            with contextlib.suppress(SourceError):  # then they come again later, and are known
                self._forget()
                self._begin_anew()
        finally:
            self._messages.close()
            super().close()

    def _begin_anew(self) -> None:
        """What an earlier listing received and nobody recorded is to be offered again."""
        with self._lock:
            self._messages.release(self._held())
            self._open, self._strays = {}, {}
        self._parcels, self._told, self._refused, self._offered = {}, {}, {}, {}
        self._listed, self._unswept = False, set()
        self._listing.listed = None

    def _received(self) -> Iterator[list[tuple[_Parcel, ObjectEvent]]]:
        """The events of a few messages at a time, of each key in the order in which they happened."""
        taken, known = 0, set[str]()
        while taken < self._most:
            self._forget()
            batch = [message for message in self._messages.receive() if message.id not in known]
            if not batch:
                return  # also when there is nothing but what came before: that is for the next run
            taken += len(batch)
            events: list[tuple[_Parcel, ObjectEvent]] = []
            for message in batch:
                known.add(message.id)
                events.extend(self._opened(message))
            self._keep_hidden()
            yield sorted(events, key=lambda each: (each[1].key, each[1].order))

    def _opened(self, message: Message) -> Iterator[tuple[_Parcel, ObjectEvent]]:
        try:
            events = read_message(message.body)
        except NotAnEvent as error:
            self._stray(message, f"it {error}")
            return
        elsewhere = next((event for event in events if event.bucket != self._declared.bucket), None)
        if elsewhere is not None:
            self._stray(message, f"it tells of the bucket '{printable(elsewhere.bucket, 80)}', not of this one")
            return
        parcel = _Parcel(message)
        with self._lock:
            self._open[message.id] = parcel
        wanted = [event for event in events if event.kind == "created" and self._path(event.key) is not None]
        if not wanted:
            self._settle(parcel)
        for event in wanted:
            yield parcel, event

    def _path(self, key: str) -> str | None:
        """The path below the prefix, when it is one that the pattern wants."""
        start = f"{self._prefix}/" if self._prefix else ""
        path = key.removeprefix(start)
        return path if path and key.startswith(start) and self._listing.wants(path) else None

    def _new(self, events: list[tuple[_Parcel, ObjectEvent]]) -> Iterator[Offer]:
        with ThreadPoolExecutor(_AT_ONCE) as looking:
            found = list(looking.map(self._look, (event for _, event in events)))
        failed = [entry for entry in found if isinstance(entry, SourceError)]
        if failed and len(failed) == len(found):
            raise failed[0]  # the bucket is away, or closed to us: more messages would only be received in vain
        offers: dict[tuple[str, str], Offer] = {}
        gone: list[tuple[_Parcel, str]] = []
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
            self._stray(parcel.message, f"'{name}' is gone", left=False)
        for parcel in {id(parcel): parcel for parcel, _ in events}.values():
            self._settle(parcel)
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
        entry = Entry(path, safe_name(path), stamp_of(meta), meta["size"], meta["last_modified"])
        return (
            entry
            if event.version is None or self._only_newest
            else Version(**msgspec.structs.asdict(entry), version=event.version)
        )

    def _meta(self, event: ObjectEvent, path: str) -> obstore.ObjectMeta:
        """Raises StillGrowing when there is nothing. The answer to HEAD has no words, so that a bucket that is away looks
        just like an object that is: then GET says which of them it is."""
        version = None if self._only_newest else event.version
        options: dict[str, Any] = {} if version is None else {"version": version}
        with self._errors(path):
            try:
                return obstore.get(self._bucket, event.key, options={**options, "head": True}).meta  # pyrefly: ignore
            except FileNotFoundError:
                return obstore.get(self._bucket, event.key, options=options).meta  # pyrefly: ignore

    def _entry(self, offer: Offer) -> Entry:
        return self._told.get((offer.name, offer.stamp)) or super()._entry(offer)

    def _settle(self, parcel: _Parcel) -> None:
        """Forget the message soon when all it told of is safe, and nobody has to be told of it first."""
        message = parcel.message
        if parcel.waits:
            return
        with self._lock:
            settled = self._open.pop(message.id, None) is not None
        if settled and message.id not in self._strays:
            self._done.append(message)

    def _stray(self, message: Message, reason: str, *, left: bool | None = None) -> None:
        """One that nothing will ever come of is the queue's to move away, when it does."""
        left = self._messages.has_dead_letters() if left is None else left
        text = printable(message.body, _SHOWN)
        with self._lock:
            self._strays[message.id] = (Stray(printable(message.id, 100), reason, text, left), message)

    def _held(self) -> list[Message]:
        """What nobody else is to have for now."""
        held = {parcel.message.id: parcel.message for parcel in self._open.values()}
        held.update((message.id, message) for stray, message in self._strays.values() if not stray.left)
        return list(held.values())

    def _forget(self) -> None:
        while self._done:
            few = self._done[:_AT_ONCE]
            self._messages.forget(few)
            del self._done[: len(few)]

    def _keep_hidden(self) -> None:
        if self._hiding is None:
            self._hiding = threading.Thread(target=self._hide_again, name="messages", daemon=True)
            self._hiding.start()

    def _hide_again(self) -> None:
        while not self._stop.wait(self._messages.hold_seconds / 3):
            with self._lock:
                held = self._held()
            try:
                self._messages.hide(held)
            except SourceError:
                continue  # then they may come twice, which changes nothing
