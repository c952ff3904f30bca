"""Facts in the database: appended under the head, read in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

from startrail.adapters.ledger.session import NO_LIMIT, Session, decoding, storable
from startrail.ledger import chain
from startrail.ledger.chain import Head, Link
from startrail.ledger.errors import LedgerDamaged
from startrail.model.run import NewFact, Verification
from startrail.model.step import Fact

Reading = Callable[[], AbstractContextManager[Session]]

_PAGE = 1000
_BEFORE_ALL = -(2**63)


def append(session: Session, facts: Sequence[NewFact], run: str | None, at: datetime) -> list[Fact]:
    """Chain the facts to the head; returns them as they are now. The caller's transaction excludes all other writers."""
    if not facts:
        return []
    safe = [msgspec.structs.replace(fact, subject=storable(fact.subject), payload=storable(fact.payload)) for fact in facts]
    links, head = chain.extend(_head(session), safe, run, at)
    session.many("facts.append", [link._asdict() for link in links])
    session.run("facts.move_head", head=f"{head.seq} {head.hash}")
    return [link.fact() for link in links]


def pages(
    reading: Reading, *, kind: str | None, subject: str | None, run: str | None, after: int, limit: int | None
) -> Iterator[Fact]:
    """Each page is a transaction of its own, so that a slow reader blocks nobody."""
    by = "run" if run is not None else "subject" if subject is not None else "kind" if kind is not None else "seq"
    left = NO_LIMIT if limit is None else limit
    while left > 0:
        size = min(left, _PAGE)
        with reading() as session:
            rows = session.all(f"facts.by_{by}", kind=kind, subject=subject, run=run, after=after, limit=size)
        for row in rows:
            yield _fact(row)
        if len(rows) < size:
            return
        after = rows[-1][0]
        left -= size


def all_of(session: Session, kinds: Iterable[str]) -> list[Fact]:
    """All facts of these kinds, in order, as of the session."""
    rows = [row for kind in kinds for row in session.all("facts.by_kind", kind=kind, after=_BEFORE_ALL, limit=NO_LIMIT)]
    return sorted(map(_fact, rows), key=lambda fact: fact.seq)


def latest(session: Session) -> Fact | None:
    row = session.one("facts.latest")
    return None if row is None else _fact(row)


def newest_about(session: Session, kind: str, subject: str) -> Fact | None:
    row = session.one("facts.newest_about", kind=kind, subject=storable(subject))
    return None if row is None else _fact(row)


def verify(reading: Reading) -> Verification:
    """Check what was recorded when checking began; facts appended meanwhile wait for the next time."""
    with reading() as session:
        head = _head(session)
        last = session.one("facts.last_seq")
    upto = max(head.seq, last[0] if last is not None and isinstance(last[0], int) else 0)
    return chain.verify(_links(reading, upto), head)


def _links(reading: Reading, upto: int) -> Iterator[Link]:
    after = _BEFORE_ALL
    while True:
        with reading() as session:
            rows = session.all("facts.raw", after=after, upto=upto, limit=_PAGE)
        yield from map(Link._make, rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


def _head(session: Session) -> Head:
    row = session.one("facts.head")
    if row is None:
        raise LedgerDamaged("the ledger has lost the recorded end of its facts", hint="restore the ledger from a backup")
    with decoding("the end of its facts"):
        seq, hash_ = row[0].split(" ")
        return Head(int(seq), hash_)


def _fact(row: tuple[object, ...]) -> Fact:
    with decoding(f"fact {row[0]}"):
        return Link._make(row).fact()
