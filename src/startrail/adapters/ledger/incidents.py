"""Incidents in the database: a table beside the facts, changed in their transaction, and never by anything else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from startrail.adapters.ledger import facts as chained
from startrail.adapters.ledger.instants import text_or_none
from startrail.adapters.ledger.session import NO_LIMIT, Session, decoding, storable
from startrail.base.crash import crash_point
from startrail.base.time import to_text
from startrail.ledger.incidents import KINDS, fold
from startrail.model.incident import Incident, Mark
from startrail.model.run import NewFact

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Incident)


def mark(session: Session) -> Mark:
    row = session.one("incidents.mark")
    with decoding("how far its facts were read for incidents"):
        after, revision = row[0].split(" ") if row is not None else ("0", "0")
        return Mark(int(after), int(revision))


def record(session: Session, expected: Mark, after: int, new: Sequence[NewFact], run: str | None, at: datetime) -> bool:
    """False, and nothing changed, when somebody else was here since ``expected`` was read."""
    if mark(session) != expected:
        return False
    appended = chained.append(session, new, run, at)
    if appended:
        crash_point("inside incidents, facts written")
    changed = list(dict.fromkeys(fact.subject for fact in appended if fact.kind in KINDS))
    before = {each.id: each for each in _several(session.all_in("incidents.by_ids", changed))}
    now = fold(appended, before)
    session.many("incidents.put", [_row(now[id_]) for id_ in changed])
    if changed:
        crash_point("inside incidents, table written")
    if appended and appended[0].seq == after + 1:
        after = appended[-1].seq  # nothing came between, and our own facts need not be read
    session.run("incidents.move_mark", mark=f"{after} {expected.revision + (1 if changed else 0)}")
    return True


def differing(session: Session) -> list[str]:
    """Ids of incidents that the table tells otherwise than the facts, or only one of them tells."""
    told = fold(chained.all_of(session, sorted(KINDS)))
    kept = {each.id: each for each in everything(session, NO_LIMIT)}
    return sorted(id_ for id_ in told.keys() | kept.keys() if told.get(id_) != kept.get(id_))


def rebuild(session: Session) -> int:
    """Make the table anew from the facts; how many incidents differed."""
    wrong = len(differing(session))
    told = fold(chained.all_of(session, sorted(KINDS)))
    session.run("incidents.forget")
    session.many("incidents.put", [_row(each) for each in told.values()])
    expected = mark(session)
    session.run("incidents.move_mark", mark=f"{expected.after} {expected.revision + 1}")
    return wrong


def one(session: Session, id_: str) -> Incident | None:
    found = _several(session.all_in("incidents.by_ids", [id_]))
    return found[0] if found else None


def several(session: Session, ended_after: datetime | None, limit: int) -> list[Incident]:
    since = "9999" if ended_after is None else to_text(ended_after)
    return _several(session.all("incidents.standing", since=since, limit=limit))


def everything(session: Session, limit: int) -> list[Incident]:
    return _several(session.all("incidents.newest", limit=limit))


def _several(rows: list[tuple[str, ...]]) -> list[Incident]:
    with decoding("its incidents"):
        return [_decoder.decode(document) for (document,) in rows]


def _row(incident: Incident) -> dict[str, str | int | None]:
    return {
        "id": storable(incident.id), "key": storable(incident.key), "state": incident.state, "severity": incident.severity,
        "cause": incident.cause, "subject": storable(incident.subject), "repeats": incident.repeats, "seq": incident.seq,
        "opened_at": to_text(incident.opened_at), "mitigated_at": text_or_none(incident.mitigated_at),
        "resolved_at": text_or_none(incident.resolved_at), "document": _encoder.encode(incident).decode(),
    }  # fmt: skip
