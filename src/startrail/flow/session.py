"""One run's surroundings: the project, the ports, and where the run stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from startrail.flow.events import Emit, Event
from startrail.flow.select import Selection
from startrail.flow.workspace import Workspace
from startrail.model.profile import Profile
from startrail.model.project import Project
from startrail.model.report import Report
from startrail.model.run import Lease, NewFact
from startrail.model.source import Source
from startrail.ports.clock import Clock
from startrail.ports.feed import Feed
from startrail.ports.ledger import Ledger
from startrail.ports.loader import Loader
from startrail.ports.report import Destination, Writer
from startrail.ports.store import Store
from startrail.ports.tables import Tables
from startrail.ports.warehouse import Warehouse


@dataclass(frozen=True)
class Ports:
    """The adapters of one profile. What is heavy to import comes as a function that opens it once."""

    ledger: Ledger
    store: Store
    clock: Clock
    tables: Callable[[], Tables]
    warehouse: Callable[[], Warehouse]
    loader: Callable[[], Loader]
    feed: Callable[[Source], Feed]
    writer: Callable[[Report], Writer]
    destination: Callable[[Report], Destination]
    engine: str = "duckdb-2"
    """Name and major version of the warehouse, known without importing it; part of fingerprints."""


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

    def emit(self, event: Event) -> None:
        """Show an event, and record it when it is a fact."""
        fact = to_fact(event)
        if fact is not None:
            self.ports.ledger.append([fact], run=self.run, at=self.ports.clock.now())
        self.show(event)


def to_fact(event: Event) -> NewFact | None:
    """The ledger's form of an event; None when it is only to be shown."""
    import msgspec

    if event.fact is None:
        return None
    fields = msgspec.to_builtins(event)
    payload = {name: value for name, value in fields.items() if name not in ("type", "subject")}
    return NewFact(event.fact, event.subject, msgspec.json.encode(payload, order="sorted").decode())
