"""Deliveries in the database, and what each source's last listing showed."""

from __future__ import annotations

from startrail.adapters.ledger import steps
from startrail.adapters.ledger.instants import instant_or_none, text_or_none
from startrail.adapters.ledger.session import Row, Session, decoding
from startrail.base.time import from_text, to_text
from startrail.ledger.cursor import later
from startrail.model.delivery import Delivery
from startrail.model.step import StepRecord
from startrail.ports.feed import Seen


def record(session: Session, delivery: Delivery, stamp: str) -> bool:
    new = _record(session, delivery, stamp, within=False)
    if delivery.cursor is not None:
        greatest = later(_cursor(session, delivery.source), delivery.cursor)
        session.run("deliveries.move_cursor", source=delivery.source, cursor=greatest)
    return new


def record_member(session: Session, delivery: Delivery) -> bool:
    """One that came in an archive: no listing shows its name."""
    return _record(session, delivery, "", within=True)


def _record(session: Session, delivery: Delivery, stamp: str, *, within: bool) -> bool:
    new = session.run(
        "deliveries.record",
        id=delivery.id,
        source=delivery.source,
        name=delivery.name,
        sha256=delivery.sha256,
        size=delivery.size,
        landed_at=to_text(delivery.landed_at),
        media=delivery.media,
        run=delivery.run,
        source_time=text_or_none(delivery.source_time),
        cursor=delivery.cursor,
        parent=delivery.parent,
    )
    session.run(
        "deliveries.remember_name", source=delivery.source, name=delivery.name, stamp=stamp, delivery=delivery.id,
        at=to_text(delivery.landed_at), within=int(within),
    )  # fmt: skip
    return new > 0


def packed(session: Session, source: str) -> list[Delivery]:
    return [_delivery(row) for row in session.all("deliveries.packed", source=source)]


def unpacked(session: Session, id_: str) -> bool:
    """False when it is so already, or given up."""
    return session.run("deliveries.unpacked", id=id_) > 0


def record_growing(session: Session, source: str, growing: dict[str, str]) -> None:
    session.run("deliveries.forget_growing", source=source)
    rows = [{"source": source, "name": name, "stamp": stamp} for name, stamp in growing.items()]
    session.many("deliveries.remember_growing", rows)


def seen(session: Session, source: str) -> Seen:
    landed = dict(session.all("deliveries.names", source=source))
    growing = dict(session.all("deliveries.growing", source=source))
    return Seen(landed, growing, _cursor(session, source))


def one(session: Session, id_: str) -> Delivery | None:
    row = session.one("deliveries.one", id=id_)
    return None if row is None else _delivery(row)


def several(session: Session, source: str | None) -> list[Delivery]:
    rows = session.all("deliveries.all") if source is None else session.all("deliveries.of_source", source=source)
    return [_delivery(row) for row in rows]


def pending(session: Session, source: str) -> list[tuple[Delivery, tuple[StepRecord, ...]]]:
    waiting = [_delivery(row) for row in session.all("deliveries.pending", source=source)]
    tried: dict[str, list[StepRecord]] = {}
    for record_ in steps.loads_of(session, [delivery.id for delivery in waiting]):
        tried.setdefault(record_.step.partition, []).append(record_)
    return [(delivery, tuple(tried.get(delivery.id, ()))) for delivery in waiting]


def refused(session: Session, source: str) -> list[tuple[Delivery, tuple[StepRecord, ...]]]:
    found = [_delivery(row) for row in session.all("deliveries.refused", source=source)]
    loads: dict[str, list[StepRecord]] = {}
    for record_ in reversed(steps.loads_of(session, [delivery.id for delivery in found])):
        loads.setdefault(record_.step.partition, []).append(record_)
    return [(delivery, tuple(loads.get(delivery.id, ()))) for delivery in found]


def loads_before(session: Session, delivery: Delivery, limit: int) -> list[StepRecord]:
    rows = session.all("deliveries.loaded_before", source=delivery.source, landed_at=to_text(delivery.landed_at), limit=limit)
    return steps.loads_of(session, [row[0] for row in rows])[::-1]


def discard(session: Session, id_: str) -> None:
    session.run("deliveries.discard", id=id_)


def _cursor(session: Session, source: str) -> str | None:
    row = session.one("deliveries.cursor", source=source)
    return None if row is None else row[0]


def _delivery(row: Row) -> Delivery:
    id_, source, name, sha256, size, landed_at, media, run, source_time, cursor, parent = row
    with decoding(f"delivery {id_}"):
        return Delivery(
            id_, source, name, sha256, size, from_text(landed_at), media, run, instant_or_none(source_time), cursor, parent
        )  # fmt: skip
