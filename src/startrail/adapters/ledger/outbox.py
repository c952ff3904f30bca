"""The outbox in the database: alerts written beside their facts, and taken out by whoever holds the endpoint's lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from startrail.adapters.ledger.instants import instant_or_none, text_or_none
from startrail.adapters.ledger.session import Row, Session, decoding
from startrail.base.crash import crash_point
from startrail.base.time import from_text, to_text
from startrail.model.alert import Alert, OutboxRow, OutboxState, Outgoing, Settled, Trouble, rank

_encoder = msgspec.json.Encoder()
_alerts = msgspec.json.Decoder(Alert)
_REACH = 50
"""How far back one looks for the last trigger or resolve of a key; acknowledgements between them are never repeated."""


class _Told(NamedTuple):
    seq: int
    action: str
    rank: int
    state: str
    attempts: int
    due_at: str
    id: str


def add(session: Session, rows: Sequence[OutboxRow], at: datetime) -> None:
    """In the caller's transaction. A repeat of what an endpoint knows already is kept as coalesced, and never sent."""
    for row in rows:
        if session.one("outbox.known", id=row.id) is None:
            _add(session, row, at)
    if rows:
        crash_point("alerts written")


def due_endpoints(session: Session, now: datetime) -> tuple[str, ...]:
    return tuple(row[0] for row in session.all("outbox.due_endpoints", now=to_text(now)))


def claim(session: Session, endpoint: str, now: datetime) -> Outgoing | None:
    """The next row to try, counted as tried from now on."""
    row = session.one("outbox.next", endpoint=endpoint, now=to_text(now))
    if row is None:
        return None
    session.run("outbox.tried", seq=row[0])
    claimed = _outgoing(row)
    return msgspec.structs.replace(claimed, attempts=claimed.attempts + 1)


def settle(session: Session, endpoint: str, settled: Settled, at: datetime) -> bool:
    """False for a row that is settled already."""
    ended = None if settled.state == "waiting" else at
    changed = session.run(
        "outbox.settle",
        seq=settled.seq,
        state=settled.state,
        due_at=to_text(settled.due_at),
        ended_at=text_or_none(ended),
        reason=settled.reason,
    )
    if settled.back:
        session.run("outbox.back", endpoint=endpoint, now=to_text(at))
    if settled.rest_due_at is not None:
        session.run("outbox.rest", endpoint=endpoint, due_at=to_text(settled.rest_due_at))
    return changed > 0


def several(session: Session, which: str, limit: int) -> list[Outgoing]:
    return [_outgoing(row) for row in session.all(f"outbox.{which}", limit=limit)]


def revive(session: Session, now: datetime) -> int:
    return session.run("outbox.revive", now=to_text(now))


def drop(session: Session, now: datetime) -> int:
    return session.run("outbox.drop", at=to_text(now))


def troubles(session: Session) -> list[Trouble]:
    return [
        Trouble(endpoint, state, count, tried or 0, from_text(since))
        for endpoint, state, count, tried, since in session.all("outbox.counts")
    ]


def _add(session: Session, row: OutboxRow, at: datetime) -> None:
    alert, due = row.alert, to_text(row.due_at)
    if alert.action == "change":
        _insert(session, row, due)
        return
    told = [_Told._make(each) for each in session.all("outbox.told", endpoint=row.endpoint, key=alert.key, limit=_REACH)]
    last = next((each for each in told if each.action in ("trigger", "resolve")), None)
    open_ = last if last is not None and last.action == "trigger" else None
    if alert.action == "trigger":
        due = _add_trigger(session, row, due, open_, told, at)
    elif open_ is None:
        _insert(session, row, due, "coalesced", at, "the endpoint was never told of it")
    elif alert.action == "acknowledge" and told[0].action == "acknowledge":
        _insert(session, row, due, "coalesced", at, f"repeats {told[0].id}")
    else:
        _insert(session, row, due)
    session.run("outbox.hasten", endpoint=row.endpoint, key=alert.key, due_at=due)


def _add_trigger(session: Session, row: OutboxRow, due: str, open_: _Told | None, told: list[_Told], at: datetime) -> str:
    """Returns when the endpoint is to be told. A greater severity takes the place of a trigger that nobody has sent yet."""
    if open_ is not None and open_.rank >= rank(row.alert.severity):
        _insert(session, row, due, "coalesced", at, f"repeats {open_.id}")
        return due
    if open_ is not None and open_.state == "waiting" and open_.attempts == 0 and told[0].seq == open_.seq:
        due = min(due, open_.due_at)
        session.run("outbox.coalesce", seq=open_.seq, at=to_text(at), reason=f"grew into {row.id}")
    _insert(session, row, due)
    return due


def _insert(
    session: Session,
    row: OutboxRow,
    due: str,
    state: OutboxState = "waiting",
    at: datetime | None = None,
    reason: str | None = None,
) -> None:
    session.run(
        "outbox.add",
        id=row.id,
        endpoint=row.endpoint,
        key=row.alert.key,
        action=row.alert.action,
        rank=rank(row.alert.severity),
        alert=_encoder.encode(row.alert).decode(),
        state=state,
        due_at=due,
        ended_at=text_or_none(at),
        reason=reason,
    )


def _outgoing(row: Row) -> Outgoing:
    seq, id_, endpoint, alert, state, attempts, wanted_at, due_at, ended_at, reason = row
    with decoding(f"alert {id_}"):
        waiting = OutboxRow(id_, endpoint, _alerts.decode(alert), from_text(due_at))
        return Outgoing(seq, waiting, state, attempts, from_text(wanted_at), instant_or_none(ended_at), reason)
