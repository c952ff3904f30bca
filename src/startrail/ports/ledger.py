"""The ledger: everything that happened, and the catalog of what is visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from startrail.model.alert import OutboxRow, Outgoing, Settled, Trouble
from startrail.model.delivery import Delivery
from startrail.model.incident import Incident, Mark
from startrail.model.run import Hold, Lease, NewFact, Publication, Run, RunState, Verification, Visible
from startrail.model.schedule import Tick, TickRecord, Watch
from startrail.model.step import Fact, StepRecord, Took
from startrail.model.table import Pointer, TableChange, TableName
from startrail.model.version import ContractRef, KeptContract
from startrail.ports.arrivals import Arrivals
from startrail.ports.feed import Seen


class Arrival(msgspec.Struct, frozen=True):
    """A delivery to be recorded: the stamp it came under, and the facts that tell of it if it is new."""

    delivery: Delivery
    stamp: str
    facts: tuple[NewFact, ...] = ()


class Memory(Protocol):
    """What copying needs of a ledger; a bucket can have it too."""

    def append(self, facts: Sequence[NewFact], *, run: str | None, at: datetime) -> None: ...

    def newest_fact(self, kind: str, subject: str) -> Fact | None: ...

    def facts(self, *, kind: str | None = None, subject: str | None = None) -> Iterator[Fact]: ...

    def record_growing(self, source: str, growing: dict[str, str], lease: Lease) -> None: ...

    def seen(self, source: str) -> Seen: ...


class Ledger(Arrivals, Protocol):
    """One database. Each method is one transaction. Instants are given by the caller (its Clock).

    Methods that take ``facts`` append them in that same transaction: what happened and the fact of it are never apart.
    Rows for the ``outbox`` go with them. Methods that take a ``lease`` compare its token inside their transaction and
    raise LeaseLost (ST503) when a newer holder exists. Safe to share between threads.
    """

    # -- facts: append-only, each chained by hash to the one before -------------------------------------
    def append(self, facts: Sequence[NewFact], *, run: str | None, at: datetime, outbox: Sequence[OutboxRow] = ()) -> None: ...

    def append_once(self, fact: NewFact, told: Callable[[Fact], bool], *, run: str | None, at: datetime) -> bool:
        """Append it unless the newest fact of its kind about its subject tells it already; both in one transaction, so
        that of several processes one tells it."""
        ...

    def newest_fact(self, kind: str, subject: str) -> Fact | None: ...

    def facts(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        run: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[Fact]:
        """In order of ``seq``, those with a greater seq than ``after``."""
        ...

    def latest_fact(self) -> Fact | None: ...

    def verify(self) -> Verification: ...

    # -- runs ------------------------------------------------------------------------------------------
    def start_run(
        self,
        run: Run,
        lease: Lease,
        facts: Callable[[tuple[str, ...]], Sequence[NewFact]] | None = None,
        tick: Tick | None = None,
    ) -> tuple[str, ...]:
        """Record a run; runs still marked running become abandoned, and their ids are returned. Raises RunTaken (ST521) when
        the id is known.

        ``facts`` is given these ids. ``tick`` becomes the run's in the same transaction, or TickTaken (ST520) is raised
        and no run is recorded; it ends with the run."""
        ...

    def end_run(self, run: str, state: RunState, at: datetime, facts: Sequence[NewFact] = ()) -> None:
        """A run that was found dead stays abandoned, and its own end is no fact any more."""
        ...

    def runs(self, limit: int = 20) -> list[Run]:
        """Newest first."""
        ...

    # -- schedules -------------------------------------------------------------------------------------
    def watches(self, until: datetime | None = None) -> dict[str, Watch]:
        """By name, as of one moment. ``until``: ticks claimed only then or later, and over, are left out."""
        ...

    def watch(self, watch: Watch, facts: Sequence[NewFact], at: datetime) -> bool:
        """Watch a schedule from now on, or one that has another expression or zone than before. False: it is watched so."""
        ...

    def decide_ticks(self, name: str, before: datetime, through: datetime, facts: Sequence[NewFact], at: datetime) -> bool:
        """No tick after ``before``, as far as ``through``, will run. False when it was decided otherwise meanwhile."""
        ...

    def give_up_tick(self, tick: Tick, facts: Sequence[NewFact], at: datetime) -> bool:
        """The tick of a dead run (``takes_over``) becomes missed. False when somebody else has it."""
        ...

    def newest_ticks(self, schedule: str, limit: int = 1) -> list[TickRecord]:
        """Newest first."""
        ...

    # -- deliveries ------------------------------------------------------------------------------------
    def record_delivery(self, delivery: Delivery, stamp: str, lease: Lease, facts: Sequence[NewFact] = ()) -> bool:
        """Remember the delivery and the (name, stamp) it came under. False when the same bytes are already
        a delivery of this source (the new name is remembered all the same, the facts are not)."""
        ...

    def record_deliveries(self, arrivals: Sequence[Arrival], lease: Lease) -> list[bool]:
        """The same for several, in this order and all in one transaction; whether each was new."""
        ...

    def packed(self, source: str) -> list[Delivery]:
        """Archives that landed and were neither unpacked nor given up, in order of landing; none that came in another."""
        ...

    def record_members(
        self, archive: Delivery, members: Sequence[Arrival], lease: Lease, facts: Callable[[list[bool]], Sequence[NewFact]]
    ) -> list[bool]:
        """The files of an archive become deliveries, and it is unpacked: all in one transaction, with the ``facts`` that
        follow from which of them are new. Empty when the archive is unpacked or given up already."""
        ...

    def record_growing(self, source: str, growing: dict[str, str], lease: Lease) -> None:
        """Replace what the last listing of this source left for the next time."""
        ...

    def seen(self, source: str) -> Seen: ...

    def delivery(self, id: str) -> Delivery | None: ...

    def deliveries(self, source: str | None = None) -> list[Delivery]:
        """In order of landing."""
        ...

    def pending(self, source: str) -> list[tuple[Delivery, tuple[StepRecord, ...]]]:
        """Deliveries without a published load step, in order of landing, each with the load steps it does have."""
        ...

    def refused(self, source: str) -> list[tuple[Delivery, tuple[StepRecord, ...]]]:
        """Deliveries of which a load, published or held, refused rows, in order of landing, each with all its load
        steps, newest first. Takes as long as there are such deliveries, however many others there are."""
        ...

    def loads(self, deliveries: Sequence[str]) -> dict[str, list[StepRecord]]:
        """All load steps of these deliveries, oldest first."""
        ...

    def loads_before(self, delivery: Delivery, limit: int) -> list[StepRecord]:
        """Load steps of the newest ``limit`` loaded deliveries of the same source that landed before this one; newest
        first, by end."""
        ...

    def discard_delivery(self, id: str, at: datetime, facts: Sequence[NewFact], lease: Lease) -> None:
        """A delivery that was never loaded is pending no more. A later load of it counts all the same."""
        ...

    # -- contracts: the documents under which something was loaded -------------------------------------
    def record_contract(self, kept: KeptContract, lease: Lease, facts: Sequence[NewFact] = ()) -> bool:
        """Keep the document, unless this name, version and meaning is there already: then False, and no facts."""
        ...

    def contract_refs(self) -> frozenset[ContractRef]:
        """All that are kept."""
        ...

    def contract_versions(self, name: str) -> list[KeptContract]:
        """In order of their first use."""
        ...

    def loads_under(self, name: str) -> dict[ContractRef, int]:
        """How many deliveries were loaded under each version, and published."""
        ...

    # -- steps -----------------------------------------------------------------------------------------
    def record_step(self, record: StepRecord, lease: Lease, facts: Sequence[NewFact] = ()) -> None:
        """Insert, or replace the record with the same key unless that one is published."""
        ...

    def steps(self, keys: Iterable[str]) -> dict[str, StepRecord]: ...

    def history(
        self, *, kind: str | None = None, subject: str | None = None, run: str | None = None, limit: int | None = None
    ) -> list[StepRecord]:
        """Newest first, by end."""
        ...

    def took(self, subject: str, limit: int) -> list[Took]:
        """How long the newest ended steps of a subject took, whatever their kind; newest first."""
        ...

    # -- incidents: what facts show to be wrong --------------------------------------------------------
    def incident_mark(self) -> Mark:
        """How far facts were read for incidents."""
        ...

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
        """Append facts ``incident.*`` with what they come to, and note that facts up to ``after`` were read.

        False, and nothing changes, when another process recorded something since ``mark`` was read: look again."""
        ...

    def incidents(self, *, limit: int = 100) -> list[Incident]:
        """Those that changed last, first."""
        ...

    def incident(self, id: str) -> Incident | None: ...

    def differing_incidents(self) -> tuple[str, ...]:
        """Ids of incidents that are not as the facts tell. None, unless somebody else wrote into the database."""
        ...

    def rebuild_incidents(self) -> int:
        """Make all incidents anew from the facts. How many were not as they tell."""
        ...

    def standing_incidents(self, ended_after: datetime | None = None) -> list[Incident]:
        """All that are not resolved, and those that were resolved after an instant; the last changed first."""
        ...

    # -- what is visible -------------------------------------------------------------------------------
    def pointers(self) -> dict[TableName, Pointer]: ...

    def versions(self) -> dict[str, dict[str, str]]:
        """Published version of each partition of each table: table -> partition -> version."""
        ...

    def views(self) -> dict[str, StepRecord]:
        """The published build step of each view, by name."""
        ...

    def visible(self) -> Visible:
        """The three of them as of one moment, so that no publication falls between."""
        ...

    def publish(self, publication: Publication, lease: Lease) -> None:
        """Move all pointers (compare-and-set), mark the steps published, set versions, append the facts: all or
        nothing. Raises PublishConflict (ST502) when a pointer is not what ``prepared`` expected. A publication
        id that is already recorded changes nothing."""
        ...

    def hold(self, hold: Hold, lease: Lease) -> None: ...

    def held(self, table: TableName) -> TableChange | None:
        """The change of the newest hold that names the table, unless a later publication does or the hold has ended."""
        ...

    def held_tables(self) -> tuple[TableName, ...]:
        """Tables for which :meth:`held` has a change, in order of name."""
        ...

    def end_holds(self, run: str, at: datetime, facts: Sequence[NewFact], lease: Lease) -> None:
        """Forget all held changes: what they held is no longer wanted, since everything wanted is published."""
        ...

    # -- leases ----------------------------------------------------------------------------------------
    def acquire(self, name: str, holder: str, seconds: float, now: datetime) -> Lease | None:
        """Take a free, expired or own lease with the next token; None while another holder has it."""
        ...

    def take_over(self, lease: Lease, holder: str, seconds: float, now: datetime) -> Lease | None:
        """Take a lease whose holder is known to be dead; None when it has changed hands meanwhile."""
        ...

    def holder(self, name: str) -> Lease | None: ...

    def renew(self, lease: Lease, seconds: float, now: datetime) -> Lease: ...

    def release(self, lease: Lease) -> None: ...

    # -- outbox: alerts on their way -------------------------------------------------------------------
    def due_endpoints(self, now: datetime) -> tuple[str, ...]:
        """Endpoints for which something is due, in order of name."""
        ...

    def claim_alert(self, endpoint: str, lease: Lease, now: datetime) -> Outgoing | None:
        """The most urgent due alert that is the oldest waiting one of its key, counted as tried. Claimed and never
        settled, it is handed out again."""
        ...

    def settle_alert(self, endpoint: str, settled: Settled, lease: Lease, at: datetime, facts: Sequence[NewFact] = ()) -> None:
        """Record what became of a try. A row that is settled already stays as it is, and the facts are not written."""
        ...

    def outbox(self, which: Literal["waiting", "given_up", "newest"], limit: int = 100) -> list[Outgoing]:
        """``waiting`` oldest first; ``given_up`` (refused or failed) and ``newest`` newest first."""
        ...

    def revive_alerts(self, at: datetime, facts: Sequence[NewFact] = ()) -> int:
        """Let what was given up wait again; returns how many. Facts only when there are any."""
        ...

    def drop_alerts(self, at: datetime, facts: Sequence[NewFact] = ()) -> int:
        """Forget what was given up, as a person decided; returns how many. Facts only when there are any."""
        ...

    def alert_troubles(self) -> list[Trouble]:
        """What waits and what was given up, by endpoint and state."""
        ...

    # -- cache: derived values that may be lost --------------------------------------------------------
    def cached(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]: ...

    def cache(self, kind: str, values: dict[str, bytes]) -> None:
        """Keep what can be computed again; a ledger that is open for reading only keeps nothing."""
        ...

    def close(self) -> None: ...
