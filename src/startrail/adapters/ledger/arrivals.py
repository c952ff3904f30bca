"""Names at sources in the database, and which files were expected: a part of ``SqlLedger``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal

from startrail.adapters.ledger import facts, leases
from startrail.adapters.ledger.instants import instant_or_none
from startrail.adapters.ledger.session import Row, Session, decoding, storable
from startrail.base.crash import crash_point
from startrail.base.time import from_text, to_text
from startrail.model.expect import Arrival, LandedName
from startrail.model.listing import NameChanges, RememberedName, Superseded
from startrail.model.run import Lease, NewFact

_LAST = "\U0010ffff"
_STATES: dict[int, Literal["waits", "loaded"]] = {0: "waits", 1: "loaded", 3: "loaded"}


class SqlArrivals(ABC):
    """Fulfils ``ports.arrivals.Arrivals``."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _writing(self, *, durable: bool = False) -> AbstractContextManager[Session]: ...

    def expecting(self) -> dict[str, dict[str, datetime]]:
        with self._reading() as session:
            return _expecting(session)

    def expect(self, wanted: Mapping[str, Collection[str]], at: datetime) -> None:
        with self._writing() as session:
            before = _expecting(session)
            for source, whats in before.items():
                for what in whats.keys() - set(map(storable, wanted.get(source, ()))):
                    session.run("arrivals.forget", source=source, what=what)
            since = to_text(at)
            rows = [{"source": s, "what": storable(what), "since": since} for s, whats in wanted.items() for what in whats]
            session.many("arrivals.declare", rows)

    def arrivals(self, source: str, since: datetime) -> list[Arrival]:
        with self._reading() as session:
            return [_arrival(row) for row in session.all("arrivals.of_source", source=source, since=to_text(since))]

    def missing(self) -> list[Arrival]:
        with self._reading() as session:
            return [_arrival(row) for row in session.all("arrivals.missing")]

    def record_arrivals(self, found: Sequence[tuple[Arrival, NewFact]], *, run: str | None, at: datetime) -> list[Arrival]:
        with self._writing() as session:
            news = [pair for pair in found if session.run("arrivals.record", **_values(pair[0])) > 0]
            facts.append(session, [fact for _, fact in news], run, at)
            crash_point("inside arrivals, facts written")
            return [arrival for arrival, _ in news]

    def landed_names(self, source: str, prefix: str, after: datetime) -> list[LandedName]:
        with self._reading() as session:
            rows = session.all("arrivals.landed", source=source, first=prefix, beyond=prefix + _LAST, since=to_text(after))
        with decoding(f"names of {source}"):
            return [LandedName(name, from_text(first or last), from_text(last)) for name, first, last in rows]

    def compare_names(
        self,
        source: str,
        compare: Callable[[list[RememberedName]], tuple[NameChanges, Sequence[NewFact]]],
        lease: Lease,
        *,
        whole: bool,
        run: str,
        at: datetime,
    ) -> NameChanges:
        with self._writing() as session:
            leases.require(session, lease)
            rows = session.all("arrivals.names", source=source)
            changes, told = compare([RememberedName(name, now, then, bool(gone)) for name, now, then, gone in rows])
            session.many("arrivals.go", [{"source": source, "name": name, "at": to_text(at)} for name in changes.gone])
            session.many("arrivals.come_back", [{"source": source, "name": name} for name in changes.back])
            session.many("arrivals.settle", [{"source": source, "name": name} for name in changes.settled])
            if whole:
                session.run("arrivals.look", source=source, at=to_text(at))
            facts.append(session, told, run, at)
            if told:
                crash_point("inside names, facts written")
            return changes

    def superseded(self, source: str) -> list[Superseded]:
        with self._reading() as session:
            rows = session.all("arrivals.superseded", source=source)
        return [Superseded(id_, name, loaded == 1, by, _STATES.get(state, "gone")) for id_, name, loaded, by, state in rows]

    def returned(self, source: str) -> list[str]:
        with self._reading() as session:
            return [row[0] for row in session.all("arrivals.returned", source=source)]

    def looked(self, source: str) -> datetime | None:
        with self._reading() as session:
            row = session.one("arrivals.looked", source=source)
            return None if row is None else instant_or_none(row[0])


def _expecting(session: Session) -> dict[str, dict[str, datetime]]:
    found: dict[str, dict[str, datetime]] = {}
    with decoding("what is expected"):
        for source, what, since in session.all("arrivals.declared"):
            found.setdefault(source, {})[what] = from_text(since)
    return found


def _values(arrival: Arrival) -> dict[str, str]:
    return {
        "source": arrival.source,
        "what": storable(arrival.what),
        "due": to_text(arrival.due),
        "state": arrival.state,
        "file": storable(arrival.file),
        "at": to_text(arrival.at),
    }


def _arrival(row: Row) -> Arrival:
    source, what, due, state, file, at = row
    with decoding(f"arrivals of {source}"):
        return Arrival(source, what, from_text(due), state, file, from_text(at))
