"""What becomes of deliveries under their contracts."""

from __future__ import annotations

from startrail.flow.events.event import Event
from startrail.model.delivery import Counts
from startrail.model.drift import Finding
from startrail.model.proof import Proof
from startrail.model.version import RECORDED


class Loaded(Event, frozen=True, tag="loaded"):
    """A delivery's rows have their dispositions."""

    fact = "delivery.loaded"
    source: str
    delivery: str
    name: str
    counts: Counts
    kept: dict[str, int] = {}
    """Unknown fields kept in ``_extra`` and in how many rows."""


class DriftFound(Event, frozen=True, tag="drift_found"):
    """A delivery departs from its contract in one way at one path."""

    fact = "drift.found"
    source: str
    delivery: str
    name: str
    finding: Finding
    first: bool = False
    """True when earlier deliveries of the source, the newest two hundred, did not show it."""


class ContractRecorded(Event, frozen=True, tag="contract_recorded"):
    """A contract is about to be loaded under for the first time; the ledger keeps its document from now on."""

    fact = RECORDED
    name: str
    version: str
    fingerprint: str
    sha256: str
    """Of the document."""
    path: str


class VersionReused(Event, frozen=True, tag="version_reused"):
    """A contract means something else than before under the same version number."""

    fact = "contract.version_reused"
    name: str
    version: str
    fingerprint: str
    before: str
    """The fingerprint that the number stood for."""


class TableEvolved(Event, frozen=True, tag="table_evolved"):
    """A raw table got columns that its contract does not declare, or wider ones, since its source accepts them."""

    fact = "table.evolved"
    source: str
    table: str
    delivery: str
    name: str
    columns: dict[str, str]
    """Name and type of each column that is new or wider."""


class Adopted(Event, frozen=True, tag="adopted"):
    """A delivery was loaded again since its contract came to declare fields that it had kept in ``_extra``."""

    fact = "delivery.adopted"
    source: str
    delivery: str
    name: str
    fields: tuple[str, ...]
    """As the delivery has them: ``coupon``, ``items[].size``."""
    before: Counts
    counts: Counts
    changed: tuple[str, ...] | None = None
    """Partitions whose rows are others now."""


class NotAdopted(Event, frozen=True, tag="not_adopted"):
    """A delivery stays as it is, though its contract declares fields now that it had kept: rows of it would be withdrawn."""

    fact = "delivery.not_adopted"
    source: str
    delivery: str
    name: str
    fields: tuple[str, ...]
    reason: str


class Withdrawn(Event, frozen=True, tag="withdrawn"):
    """The rows of a delivery were taken out of their table, since its file came again with other bytes (``on_replace``)."""

    fact = "delivery.withdrawn"
    source: str
    delivery: str
    name: str
    by: str
    """The delivery that takes its place."""
    before: Counts
    counts: Counts


class DriftAcknowledged(Event, frozen=True, tag="drift_acknowledged"):
    """A person knows of one drift, and lets it be until a day."""

    fact = "drift.acknowledged"
    source: str
    kind: str
    path: str
    until: str
    """The last day on which it holds, in UTC."""
    by: str
    note: str = ""
    proof: Proof | None = None


class Replayed(Event, frozen=True, tag="replayed"):
    """A delivery was loaded again, under its contract and the repairs as they are now; its rows have new dispositions."""

    fact = "delivery.replayed"
    source: str
    delivery: str
    name: str
    before: Counts
    counts: Counts
    repaired: int = 0
    """Rows that a repair made keep the contract."""
    repairs: str | None = None
    """SHA-256 of the file of repairs."""
    changed: tuple[str, ...] | None = None
    """Partitions whose rows are others now; None: all that the delivery has rows in."""
    under: str | None = None
    """The older version of its contract that was asked for; None: the contract as it was then."""


class Discarded(Event, frozen=True, tag="discarded"):
    """A person decided that quarantined rows will never be loaded. Their bytes stay."""

    fact = "quarantine.discarded"
    source: str
    delivery: str
    rows: int
    quarantine: str | None
    """Store key of the file that holds the rows; None: the delivery was held as a whole, and is discarded as a whole."""
    ordinals: tuple[int, ...] | None
    """Numbers of the records in the delivery; None: all of that file, or of the delivery."""
    reason: str
    by: str


class DeliveryHeld(Event, frozen=True, tag="delivery_held"):
    """A whole delivery was set aside; the last good data stays served."""

    fact = "delivery.held"
    source: str
    delivery: str
    name: str
    reason: str
