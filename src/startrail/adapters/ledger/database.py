"""The Ledger port over a SQL database, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Literal

from startrail.adapters.ledger import (
    cache,
    contracts,
    deliveries,
    facts,
    incidents,
    leases,
    outbox,
    publishing,
    runs,
    steps,
    ticks,
)
from startrail.adapters.ledger.arrivals import SqlArrivals
from startrail.adapters.ledger.session import NO_LIMIT, Session
from startrail.base.crash import crash_point
from startrail.model.alert import OutboxRow, Outgoing, Settled, Trouble
from startrail.model.delivery import Delivery
from startrail.model.incident import Incident, Mark
from startrail.model.run import Hold, Lease, NewFact, Publication, Run, RunState, Verification, Visible
from startrail.model.schedule import Tick, TickRecord, Watch
from startrail.model.step import Fact, StepRecord, Took
from startrail.model.table import Pointer, TableChange, TableName
from startrail.model.version import ContractRef, KeptContract
from startrail.ports.feed import Seen
from startrail.ports.ledger import Arrival


class SqlLedger(SqlArrivals, ABC):
    """Fulfils ``ports.ledger.Ledger``. A dialect says how a transaction begins and ends, and holds the SQL."""

    _read_only: bool

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Session]:
        """A transaction that sees one state of the database."""

    @abstractmethod
    def _writing(self, *, durable: bool = False) -> AbstractContextManager[Session]:
        """A transaction that excludes every other writer from its begin to its end; any exception undoes it.

        ``durable``: what it commits survives a power cut, and with it all that was committed before.
        """

    @abstractmethod
    def close(self) -> None: ...

    # -- facts -----------------------------------------------------------------------------------------
    def append(self, facts: Sequence[NewFact], *, run: str | None, at: datetime, outbox: Sequence[OutboxRow] = ()) -> None:
        with self._writing() as session:
            _append(session, facts, run, at)
            _put_out(session, outbox, at)

    def append_once(self, fact: NewFact, told: Callable[[Fact], bool], *, run: str | None, at: datetime) -> bool:
        with self._writing() as session:
            newest = facts.newest_about(session, fact.kind, fact.subject)
            if newest is not None and told(newest):
                return False
            _append(session, [fact], run, at)
            crash_point("inside forecast, fact written")
            return True

    def newest_fact(self, kind: str, subject: str) -> Fact | None:
        with self._reading() as session:
            return facts.newest_about(session, kind, subject)

    def facts(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        run: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[Fact]:
        return facts.pages(self._reading, kind=kind, subject=subject, run=run, after=after, limit=limit)

    def latest_fact(self) -> Fact | None:
        with self._reading() as session:
            return facts.latest(session)

    def verify(self) -> Verification:
        return contracts.verify(self._reading, facts.verify(self._reading))

    # -- runs ------------------------------------------------------------------------------------------
    def start_run(
        self,
        run: Run,
        lease: Lease,
        facts: Callable[[tuple[str, ...]], Sequence[NewFact]] | None = None,
        tick: Tick | None = None,
    ) -> tuple[str, ...]:
        with self._leased(lease) as session:
            abandoned = runs.start(session, run, lease)
            if tick is not None:
                ticks.claim(session, tick, run)
            if facts is not None:
                _append(session, facts(abandoned), run.id, run.started_at)
            return abandoned

    def end_run(self, run: str, state: RunState, at: datetime, facts: Sequence[NewFact] = ()) -> None:
        with self._writing() as session:
            ended = runs.end(session, run, state, at)
            if ended:
                ticks.end(session, run, state, at)
            _append(session, facts if ended else (), run, at)

    def runs(self, limit: int = 20) -> list[Run]:
        with self._reading() as session:
            return runs.newest(session, limit)

    # -- schedules -------------------------------------------------------------------------------------
    def watches(self, until: datetime | None = None) -> dict[str, Watch]:
        with self._reading() as session:
            return ticks.watches(session, until)

    def watch(self, watch: Watch, facts: Sequence[NewFact], at: datetime) -> bool:
        with self._writing() as session:
            new = ticks.watch(session, watch)
            _append(session, facts if new else (), None, at)
            return new

    def decide_ticks(self, name: str, before: datetime, through: datetime, facts: Sequence[NewFact], at: datetime) -> bool:
        with self._writing() as session:
            ours = ticks.decide(session, name, before, through)
            _append(session, facts if ours else (), None, at)
            return ours

    def give_up_tick(self, tick: Tick, facts: Sequence[NewFact], at: datetime) -> bool:
        with self._writing() as session:
            ours = ticks.give_up(session, tick, at)
            _append(session, facts if ours else (), tick.takes_over, at)
            return ours

    def newest_ticks(self, schedule: str, limit: int = 1) -> list[TickRecord]:
        with self._reading() as session:
            return ticks.newest(session, schedule, limit)

    # -- deliveries ------------------------------------------------------------------------------------
    def record_delivery(self, delivery: Delivery, stamp: str, lease: Lease, facts: Sequence[NewFact] = ()) -> bool:
        return self.record_deliveries([Arrival(delivery, stamp, tuple(facts))], lease)[0]

    def record_deliveries(self, arrivals: Sequence[Arrival], lease: Lease) -> list[bool]:
        with self._leased(lease) as session:
            return _arrived(session, arrivals)

    def packed(self, source: str) -> list[Delivery]:
        with self._reading() as session:
            return deliveries.packed(session, source)

    def record_members(
        self, archive: Delivery, members: Sequence[Arrival], lease: Lease, facts: Callable[[list[bool]], Sequence[NewFact]]
    ) -> list[bool]:
        with self._leased(lease) as session:
            if not deliveries.unpacked(session, archive.id):
                return []
            new = [deliveries.record_member(session, member.delivery) for member in members]
            told = [fact for member, is_new in zip(members, new, strict=True) if is_new for fact in member.facts]
            at, run = (members[-1].delivery.landed_at, members[-1].delivery.run) if members else (archive.landed_at, archive.run)
            _append(session, (*told, *facts(new)), run, at)
            return new

    def record_growing(self, source: str, growing: dict[str, str], lease: Lease) -> None:
        with self._leased(lease) as session:
            deliveries.record_growing(session, source, growing)

    def seen(self, source: str) -> Seen:
        with self._reading() as session:
            return deliveries.seen(session, source)

    def delivery(self, id: str) -> Delivery | None:
        with self._reading() as session:
            return deliveries.one(session, id)

    def deliveries(self, source: str | None = None) -> list[Delivery]:
        with self._reading() as session:
            return deliveries.several(session, source)

    def pending(self, source: str) -> list[tuple[Delivery, tuple[StepRecord, ...]]]:
        with self._reading() as session:
            return deliveries.pending(session, source)

    def refused(self, source: str) -> list[tuple[Delivery, tuple[StepRecord, ...]]]:
        with self._reading() as session:
            return deliveries.refused(session, source)

    def loads(self, deliveries: Sequence[str]) -> dict[str, list[StepRecord]]:
        found: dict[str, list[StepRecord]] = {}
        with self._reading() as session:
            for record in steps.loads_of(session, deliveries):
                found.setdefault(record.step.partition, []).append(record)
        return found

    def loads_before(self, delivery: Delivery, limit: int) -> list[StepRecord]:
        with self._reading() as session:
            return deliveries.loads_before(session, delivery, limit)

    def discard_delivery(self, id: str, at: datetime, facts: Sequence[NewFact], lease: Lease) -> None:
        with self._leased(lease) as session:
            deliveries.discard(session, id)
            _append(session, facts, None, at)

    # -- contracts -------------------------------------------------------------------------------------
    def record_contract(self, kept: KeptContract, lease: Lease, facts: Sequence[NewFact] = ()) -> bool:
        with self._leased(lease) as session:
            new = contracts.record(session, kept)
            _append(session, facts if new else (), kept.run, kept.at)
            return new

    def contract_refs(self) -> frozenset[ContractRef]:
        with self._reading() as session:
            return contracts.refs(session)

    def contract_versions(self, name: str) -> list[KeptContract]:
        with self._reading() as session:
            return contracts.versions(session, name)

    def loads_under(self, name: str) -> dict[ContractRef, int]:
        with self._reading() as session:
            return contracts.loads(session, name)

    # -- steps -----------------------------------------------------------------------------------------
    def record_step(self, record: StepRecord, lease: Lease, facts: Sequence[NewFact] = ()) -> None:
        with self._leased(lease) as session:
            steps.record(session, record)
            _append(session, facts, record.run, record.ended_at or record.started_at)

    def steps(self, keys: Iterable[str]) -> dict[str, StepRecord]:
        with self._reading() as session:
            return steps.by_keys(session, keys)

    def took(self, subject: str, limit: int) -> list[Took]:
        with self._reading() as session:
            return steps.took(session, subject, limit)

    def history(
        self, *, kind: str | None = None, subject: str | None = None, run: str | None = None, limit: int | None = None
    ) -> list[StepRecord]:
        with self._reading() as session:
            return steps.history(session, kind, subject, run, limit)

    # -- incidents -------------------------------------------------------------------------------------
    def incident_mark(self) -> Mark:
        with self._reading() as session:
            return incidents.mark(session)

    def record_incidents(
        self,
        mark: Mark,
        after: int,
        facts: Sequence[NewFact],
        *,
        run: str | None,
        at: datetime,
        outbox: Sequence[OutboxRow] = (),
    ) -> bool:
        with self._writing() as session:
            recorded = incidents.record(session, mark, after, facts, run, at)
            _put_out(session, outbox if recorded else (), at)
            return recorded

    def differing_incidents(self) -> tuple[str, ...]:
        with self._reading() as session:
            return tuple(incidents.differing(session))

    def rebuild_incidents(self) -> int:
        with self._writing() as session:
            return incidents.rebuild(session)

    def incidents(self, *, limit: int = 100) -> list[Incident]:
        with self._reading() as session:
            return incidents.everything(session, limit)

    def incident(self, id: str) -> Incident | None:
        with self._reading() as session:
            return incidents.one(session, id)

    def standing_incidents(self, ended_after: datetime | None = None) -> list[Incident]:
        with self._reading() as session:
            return incidents.several(session, ended_after, NO_LIMIT)

    # -- what is visible -------------------------------------------------------------------------------
    def pointers(self) -> dict[TableName, Pointer]:
        with self._reading() as session:
            return publishing.pointers(session)

    def versions(self) -> dict[str, dict[str, str]]:
        with self._reading() as session:
            return publishing.versions(session)

    def views(self) -> dict[str, StepRecord]:
        with self._reading() as session:
            return steps.views(session)

    def visible(self) -> Visible:
        with self._reading() as session:
            return Visible(publishing.pointers(session), publishing.versions(session), steps.views(session))

    def publish(self, publication: Publication, lease: Lease) -> None:
        """Before the lease is compared: a publication that did happen is not a failure, whoever asks again."""
        with self._writing(durable=True) as session:
            if publishing.number_of(session, publication) is not None:
                return
            leases.require(session, lease)
            publishing.publish(session, publication)

    def hold(self, hold: Hold, lease: Lease) -> None:
        with self._leased(lease) as session:
            publishing.hold(session, hold)

    def held(self, table: TableName) -> TableChange | None:
        with self._reading() as session:
            return publishing.held_change(session, table)

    def held_tables(self) -> tuple[TableName, ...]:
        with self._reading() as session:
            return publishing.held_tables(session)

    def end_holds(self, run: str, at: datetime, facts: Sequence[NewFact], lease: Lease) -> None:
        with self._leased(lease) as session:
            publishing.end_holds(session)
            _append(session, facts, run, at)

    # -- leases ----------------------------------------------------------------------------------------
    def acquire(self, name: str, holder: str, seconds: float, now: datetime) -> Lease | None:
        with self._writing() as session:
            return leases.acquire(session, name, holder, seconds, now)

    def take_over(self, lease: Lease, holder: str, seconds: float, now: datetime) -> Lease | None:
        with self._writing() as session:
            return leases.take_over(session, lease, holder, seconds, now)

    def holder(self, name: str) -> Lease | None:
        with self._reading() as session:
            return leases.holder(session, name)

    def renew(self, lease: Lease, seconds: float, now: datetime) -> Lease:
        with self._writing() as session:
            return leases.renew(session, lease, seconds, now)

    def release(self, lease: Lease) -> None:
        with self._writing() as session:
            leases.release(session, lease)

    # -- outbox ----------------------------------------------------------------------------------------
    def due_endpoints(self, now: datetime) -> tuple[str, ...]:
        with self._reading() as session:
            return outbox.due_endpoints(session, now)

    def claim_alert(self, endpoint: str, lease: Lease, now: datetime) -> Outgoing | None:
        with self._leased(lease) as session:
            return outbox.claim(session, endpoint, now)

    def settle_alert(self, endpoint: str, settled: Settled, lease: Lease, at: datetime, facts: Sequence[NewFact] = ()) -> None:
        with self._leased(lease) as session:
            changed = outbox.settle(session, endpoint, settled, at)
            _append(session, facts if changed else (), None, at)

    def outbox(self, which: Literal["waiting", "given_up", "newest"], limit: int = 100) -> list[Outgoing]:
        with self._reading() as session:
            return outbox.several(session, which, limit)

    def revive_alerts(self, at: datetime, facts: Sequence[NewFact] = ()) -> int:
        with self._writing() as session:
            count = outbox.revive(session, at)
            _append(session, facts if count else (), None, at)
            return count

    def drop_alerts(self, at: datetime, facts: Sequence[NewFact] = ()) -> int:
        with self._writing() as session:
            count = outbox.drop(session, at)
            _append(session, facts if count else (), None, at)
            return count

    def alert_troubles(self) -> list[Trouble]:
        with self._reading() as session:
            return outbox.troubles(session)

    # -- cache -----------------------------------------------------------------------------------------
    def cached(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        with self._reading() as session:
            return cache.get(session, kind, keys)

    def cache(self, kind: str, values: dict[str, bytes]) -> None:
        if self._read_only:
            return  # a value that is not kept is computed again
        with self._writing() as session:
            cache.put(session, kind, values)

    @contextmanager
    def _leased(self, lease: Lease) -> Iterator[Session]:
        with self._writing() as session:
            leases.require(session, lease)
            yield session


def _arrived(session: Session, arrivals: Sequence[Arrival]) -> list[bool]:
    """The facts of all of them are chained at once: of one run, at the instant of the last."""
    new = [deliveries.record(session, arrival.delivery, arrival.stamp) for arrival in arrivals]
    told = [fact for arrival, is_new in zip(arrivals, new, strict=True) if is_new for fact in arrival.facts]
    if told:
        _append(session, told, arrivals[-1].delivery.run, arrivals[-1].delivery.landed_at)
    return new


_append = facts.append  # `append` names its parameters after the port, which hides the modules
_put_out = outbox.add
