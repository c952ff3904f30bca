"""Landing: bytes first. Nothing is parsed before it is in the store under its own digest."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from startrail.base.crash import crash_point
from startrail.base.errors import SourceError, StartrailError
from startrail.capabilities.sources.abreast import Abreast, Outcome
from startrail.capabilities.sources.changes import compare, events
from startrail.capabilities.sources.content import Content
from startrail.capabilities.sources.identity import delivery_id
from startrail.capabilities.sources.media import media_of
from startrail.capabilities.sources.pace import moving
from startrail.capabilities.sources.queue import recorder, settle_queue, with_sweep
from startrail.flow.events import Emit, Event, Growing, Landed
from startrail.flow.session import to_facts
from startrail.model.delivery import Delivery
from startrail.model.listing import NameChanges, RememberedName
from startrail.model.named import named
from startrail.model.run import Lease, NewFact
from startrail.model.source import Source
from startrail.ports.clock import Clock
from startrail.ports.feed import Feed, Fetched, Offer, StillGrowing
from startrail.ports.ledger import Arrival, Ledger
from startrail.ports.store import Store


class NotAllLanded(SourceError):
    """Several of a source's files or pages could not be landed; the others were.

    Each is named with its own error. The next run tries exactly those again.
    """

    code = "ST210"


class NotAllLandedYet(NotAllLanded):
    """Several of a source's files or pages could not be landed for now; the others were.

    They are tried again, in this run and in the next one. Each is named with its own error.
    """

    code = "ST211"
    transient = True


def land(
    source: Source,
    feed: Feed,
    *,
    ledger: Ledger,
    store: Store,
    lease: Lease,
    run: str,
    clock: Clock,
    emit: Emit,
) -> tuple[Delivery, ...]:
    """Make a delivery of everything new that the feed offers, and return these, in order of landing.

    One that fails does not stop the others. Raises at the end: the error itself, or NotAllLanded (ST210, ST211).
    Bytes that this source has delivered before are no new delivery, whatever their name. ``emit`` shows events; the
    fact of a landing is recorded with the delivery.
    """
    return _Landing(source, feed, ledger, store, lease, run, clock, emit).all()


class _Received(msgspec.Struct, frozen=True):
    offer: Offer
    delivery: Delivery


class _Landing:
    """One call of :func:`land`. Lanes bring bytes into the store; all else happens in the caller's thread, in order."""

    def __init__(
        self, source: Source, feed: Feed, ledger: Ledger, store: Store, lease: Lease, run: str, clock: Clock, emit: Emit
    ) -> None:
        self._source, self._feed, self._ledger, self._store = source, feed, ledger, store
        self._lease, self._run, self._clock, self._emit = lease, run, clock, emit
        self._lanes, self._recorded = Abreast(feed, self._receive), recorder(feed)
        self._new: list[Delivery] = []
        self._failed: list[tuple[str, SourceError]] = []
        self._left: set[str] = set()

    def all(self) -> tuple[Delivery, ...]:
        kept: _Received | None = None
        with self._lanes as lanes:
            for outcomes in lanes.outcomes(self._offers()):
                ready: list[_Received] = []
                for outcome in outcomes:
                    received = self._looked_at(outcome)
                    if received is None:
                        continue
                    ready += () if kept is None else (kept,)
                    kept = received
                    if received.delivery.cursor is None:
                        ready.append(received)
                        kept = None
                self._record(ready)
        # Records come in any order of the cursor, so it may move only when every page is safe: with the last one.
        if kept is not None:
            self._record([kept], moves_cursor=not self._failed)
        self._report_growing()
        self._compare_names()
        name, run = self._source.name, self._run
        settle_queue(self._feed, self._source, self._ledger, name, run=run, clock=self._clock, emit=self._emit)
        self._raise_failures()
        return tuple(self._new)

    def _offers(self) -> Iterator[Offer]:
        name = self._source.name
        seen = with_sweep(self._ledger.seen(name), self._feed, self._ledger, name)
        try:
            yield from self._feed.offers(seen, self._clock.now())
        except SourceError as error:
            self._failed.append(("", error))

    def _receive(self, offer: Offer) -> Delivery:
        """Bring the bytes into the store. Runs in a lane."""
        crash_point("before land")
        content = Content(self._lanes.flowing(moving(self._feed.fetch(offer), self._clock, offer.name)))

        def key() -> str | None:
            delivery = self._delivery(offer, content)
            return None if self._is_safe(delivery) else delivery.key

        self._store.put_as(content, key, size=offer.size)
        crash_point("after landing bytes")
        return self._delivery(offer, content)

    def _looked_at(self, outcome: Outcome[Delivery]) -> _Received | None:
        """Let the feed look at the bytes. None when they did not come, or when there is nothing in them."""
        offer, delivery = outcome.offer, outcome.value
        if delivery is None:
            self._not_received(offer, outcome.error)
            return None
        fetched = self._look(offer, delivery)
        if fetched.empty:
            return None
        return _Received(offer, msgspec.structs.replace(delivery, landed_at=self._clock.now(), cursor=fetched.cursor))

    def _not_received(self, offer: Offer, error: StartrailError | None) -> None:
        if isinstance(error, StillGrowing):
            self._tell_left(offer.name)
        elif isinstance(error, SourceError):
            self._failed.append((offer.name, error))
        elif error is not None:
            raise error

    def _delivery(self, offer: Offer, content: Content) -> Delivery:
        """What the bytes are when all of them have passed."""
        return Delivery(
            id=delivery_id(self._source, content.sha256, offer.name, self._ledger),
            source=self._source.name,
            name=offer.name,
            sha256=content.sha256,
            size=content.size,
            landed_at=self._clock.now(),
            media=media_of(offer.name, self._source.feed.format, content.head),
            run=self._run,
            source_time=offer.time,
        )

    def _is_safe(self, delivery: Delivery) -> bool:
        """Only what the ledger knows was synced for certain: a file that is merely there may not survive a power cut."""
        return self._ledger.delivery(delivery.id) is not None and self._store.size(delivery.key) == delivery.size

    def _look(self, offer: Offer, delivery: Delivery) -> Fetched:
        try:
            return self._feed.landed(offer, lambda: self._store.open(delivery.key))
        except SourceError as error:  # unreadable bytes are a delivery all the same: loading holds it and says why
            self._failed.append((offer.name, error))
            return Fetched()

    def _record(self, received: list[_Received], *, moves_cursor: bool = False) -> None:
        """One transaction for all of them."""
        if not received:
            return
        arrivals = [self._arrival(each, each.delivery.cursor if moves_cursor else None) for each in received]
        recorded = self._ledger.record_deliveries([arrival for arrival, _ in arrivals], self._lease)
        for each, (arrival, landed), new in zip(received, arrivals, recorded, strict=True):
            if new:
                crash_point("after recording delivery")
                self._new.append(arrival.delivery)
                self._emit(landed)
            self._recorded(each.offer)

    def _arrival(self, received: _Received, cursor: str | None) -> tuple[Arrival, Landed]:
        delivery = msgspec.structs.replace(received.delivery, cursor=cursor)
        said = named(self._source, delivery.name)
        landed = Landed(
            subject=self._source.name,
            source=self._source.name,
            delivery=delivery.id,
            name=delivery.name,
            size=delivery.size,
            sha256=delivery.sha256,
            fields=said.fields,
            unread=said.problem,
        )
        return Arrival(delivery, received.offer.stamp, tuple(to_facts(landed))), landed

    def _report_growing(self) -> None:
        growing = self._feed.growing()
        self._ledger.record_growing(self._source.name, growing, self._lease)
        for name in growing:
            self._tell_left(name)

    def _tell_left(self, name: str) -> None:
        if name not in self._left:
            self._left.add(name)
            self._emit(Growing(subject=self._source.name, source=self._source.name, name=name))

    def _compare_names(self) -> None:
        """Tell what was renamed, replaced and deleted, unless the listing broke off."""
        if not self._source.keeps_names or any(not name for name, _ in self._failed):
            return
        told: list[Event] = []

        def judge(remembered: list[RememberedName]) -> tuple[NameChanges, tuple[NewFact, ...]]:
            changes = compare(remembered, self._feed.listed())
            told[:] = events(self._source.name, changes)
            return changes, to_facts(*told)

        name, now = self._source.name, self._clock.now()
        self._ledger.compare_names(name, judge, self._lease, whole=True, run=self._run, at=now)
        for event in told:
            self._emit(event)

    def _raise_failures(self) -> None:
        if not self._failed:
            return
        if len(self._failed) == 1:
            raise self._failed[0][1]
        kind = NotAllLandedYet if all(error.transient for _, error in self._failed) else NotAllLanded
        told = "; ".join(_one_line(error) for _, error in self._failed[:5])
        more = f"; and {len(self._failed) - 5} more" if len(self._failed) > 5 else ""
        raise kind(
            f"{len(self._failed)} deliveries of '{self._source.name}' could not be landed: {told}{more}",
            at=self._source.span,
            affects=f"{len(self._new)} others of this source were landed",
            hint=self._failed[0][1].hint,
        )


def _one_line(error: StartrailError) -> str:
    return f"{error.code} {error.message}"
