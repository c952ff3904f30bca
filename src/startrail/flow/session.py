"""One run's surroundings: the project, the ports, and where the run stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from startrail.flow.events import Emit, Event
from startrail.model.run import Lease, NewFact

if TYPE_CHECKING:  # every command opens ports, few use all of them
    from startrail.flow.select import Selection
    from startrail.flow.workspace import Workspace
    from startrail.model.destination import Place
    from startrail.model.profile import Profile
    from startrail.model.project import Project
    from startrail.model.report import Report
    from startrail.model.source import Source
    from startrail.model.step import Step
    from startrail.ports.clock import Clock
    from startrail.ports.feed import Feed
    from startrail.ports.ledger import Ledger
    from startrail.ports.loader import Loader
    from startrail.ports.report import Destination, Parcel, Writer
    from startrail.ports.store import Store
    from startrail.ports.tables import Tables
    from startrail.ports.warehouse import Warehouse


@dataclass(frozen=True)
class Ports:
    """The adapters of one profile. What is heavy to import comes as a function that opens it once."""

    ledger: Ledger
    store: Store
    clock: Clock
    """What time it is for the run; ``--now`` moves it."""
    wall: Clock
    """The machine's own time: leases of several runners must agree on it, whatever a run pretends."""
    tables: Callable[[], Tables]
    warehouse: Callable[[], Warehouse]
    loader: Callable[[], Loader]
    feed: Callable[[Source], Feed]
    writer: Callable[[Report], Writer]
    destination: Callable[[Report, Place, Parcel], Destination]
    engine: str = "duckdb-2"
    """Name and major version of the warehouse, known without importing it; part of fingerprints."""
    told_time: bool = False
    """Whether the clock was set by ``--now``, and not by the machine."""


@dataclass
class Session:
    """Given to the capabilities in every phase of one run."""

    project: Project
    profile: Profile
    ports: Ports
    workspace: Workspace
    selection: Selection
    lease: Lease
    run: str
    show: Emit
    skipped: int = 0
    """Steps that were already done."""
    failed: set[str] = field(default_factory=set)
    """Sources and models (by name) that failed or were blocked in this run: nothing is built on them."""

    _of_steps: dict[str, list[NewFact]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def emit(self, event: Event) -> None:
        """Show an event, and record it when it is a fact. For what a step does there is :meth:`emit_with`."""
        facts = to_facts(event)
        if facts:
            self.ports.ledger.append(facts, run=self.run, at=self.ports.clock.now())
        self.show(event)

    def emit_with(self, step: Step, event: Event) -> None:
        """Show an event of a step's work now; it becomes a fact together with the step's record.

        So a step that is killed before it is recorded, and done again, is told once.
        """
        with self._lock:
            self._of_steps.setdefault(step.key, []).extend(to_facts(event))
        self.show(event)

    def facts_of(self, step: Step) -> list[NewFact]:
        """The facts that the step's work has gathered, and forget them."""
        with self._lock:
            return self._of_steps.pop(step.key, [])


def to_facts(*events: Event) -> tuple[NewFact, ...]:
    """The ledger's form of events, without those that are only to be shown."""
    return tuple(fact for fact in map(_to_fact, events) if fact is not None)


def _to_fact(event: Event) -> NewFact | None:
    import msgspec

    from startrail.ledger.canonical import canonical_json

    if event.fact is None:
        return None
    fields = msgspec.to_builtins(event)
    payload = {name: value for name, value in fields.items() if name not in ("type", "subject")}
    return NewFact(event.fact, event.subject, canonical_json(payload))
