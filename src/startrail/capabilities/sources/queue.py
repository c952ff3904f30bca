"""Feeds that a queue tells what is new: what the ledger has to know of the queue."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from startrail.base.crash import crash_point
from startrail.base.text import printable
from startrail.flow.events import Emit, MessageSetAside, Swept
from startrail.flow.session import to_facts
from startrail.model.project import Project
from startrail.model.source import S3Feed, Source
from startrail.ports.clock import Clock
from startrail.ports.feed import Feed, Offer, Queued, QueueShared, Seen
from startrail.ports.ledger import Memory


class _Told(msgspec.Struct):
    message: str


def with_sweep(seen: Seen, feed: Feed, ledger: Memory, remembered: str) -> Seen:
    """What is seen, with when the feed was last listed as a whole. ``remembered``: the subject of that fact."""
    if not isinstance(feed, Queued):
        return seen
    last = ledger.newest_fact(Swept.fact or "", remembered)
    return msgspec.structs.replace(seen, swept=last.at if last is not None else None)


def recorder(feed: Feed) -> Callable[[Offer], None]:
    """What tells the feed that the ledger knows what it offered: a message may be forgotten."""
    return feed.recorded if isinstance(feed, Queued) else lambda _: None


def settle_queue(
    feed: Feed, source: Source, ledger: Memory, remembered: str, *, run: str | None, clock: Clock, emit: Emit
) -> None:
    """Record each message that brought no file, once, before it is taken out; and that everything was listed."""
    if not isinstance(feed, Queued):
        return
    strays = feed.strays()
    known = _told(ledger, source) if strays else set()
    for stray in strays:
        aside = MessageSetAside(
            subject=source.name, source=source.name, message=stray.message, reason=stray.reason, text=stray.text, left=stray.left
        )
        if stray.message not in known:
            ledger.append(to_facts(aside), run=run, at=clock.now())
            emit(aside)
        crash_point("after recording delivery")
        feed.set_aside(stray)
    if feed.swept():
        ledger.append(to_facts(Swept(subject=remembered, source=source.name)), run=run, at=clock.now())


def check_alone(source: Source, project: Project) -> None:
    """Raise QueueShared when another source takes messages from the same queue."""
    queue = _queue(source)
    others = (each for each in project.sources.values() if each.name != source.name)
    other = next((each for each in others if queue is not None and _queue(each) == queue), None)
    if other is not None:
        raise QueueShared(
            f"'{source.name}' and '{other.name}' take messages from one queue, {printable(queue or '')}",
            at=source.span,
            affects=f"source {source.name}; nothing was received",
            hint="give each a queue of its own: an SNS topic hands every event to several",
        )


def _told(ledger: Memory, source: Source) -> set[str]:
    facts = ledger.facts(kind=MessageSetAside.fact, subject=source.name)
    return {msgspec.json.decode(fact.payload, type=_Told).message for fact in facts}


def _queue(source: Source) -> str | None:
    told_by = source.feed.told_by if isinstance(source.feed, S3Feed) else None
    return told_by.queue.rstrip("/") if told_by is not None else None
