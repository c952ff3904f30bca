"""How deliveries with refused rows stand: a projection of load steps and of what people discarded. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from startrail.base.text import did_you_mean
from startrail.capabilities.contracts.errors import UnknownDelivery
from startrail.flow.events import Discarded
from startrail.model.delivery import Counts, Delivery
from startrail.model.project import Project
from startrail.model.step import StepRecord
from startrail.ports.ledger import Ledger
from startrail.ports.quarantine import QuarantineFiles

REPLACES = "replaces"
"""Note of a replay's step: the key of the load that it takes the place of."""
LOADED_AS = "as"
"""Note of a replay's step: under which contract, dialect and repairs it loaded, as :func:`replay.content` says it."""
REPAIRS = "repairs"
"""Note of a replay's step: SHA-256 of the file of repairs."""

PINNED = "pinned"
"""Note of a replay's step: it was asked for under this older version of the contract."""

WITHDRAWN = "withdrawn"
"""Note of a step that took all rows of a delivery out: the delivery that took its place."""

State = Literal["open", "replayed", "discarded"]
"""Of a delivery; a held one is open. See :class:`Groups` for its rows."""


class Discard(msgspec.Struct, frozen=True):
    """What a person discarded of a delivery: these ordinals, or (None) all that the file held then; without a file, the
    whole delivery while it was held."""

    quarantine: str | None
    rows: int
    ordinals: tuple[int, ...] | None
    reason: str
    by: str
    delivery: str


class Groups(msgspec.Struct, frozen=True):
    """The rows of a delivery that were ever refused, by how they stand now."""

    open: int = 0
    replayed: int = 0
    """Loaded since."""
    discarded: int = 0
    held: int = 0


class Standing(msgspec.Struct, frozen=True):
    """One delivery of which rows were refused, or that is held as a whole.

    ``load`` is the load that is visible, None for a held delivery; ``tried`` the newest one that was held. ``counts``
    has what was discarded since.
    """

    delivery: Delivery
    state: State
    since: datetime
    """When rows of it were first refused, or it was held."""
    counts: Counts
    load: StepRecord | None
    tried: StepRecord | None
    discards: tuple[Discard, ...] = ()
    refused: int = 0
    """Rows that were refused or held when that first happened."""

    @property
    def groups(self) -> Groups:
        """How its refused rows stand."""
        counts = self.counts
        left = counts.quarantined + counts.held + counts.discarded
        return Groups(counts.quarantined, max(self.refused - left, 0), counts.discarded, counts.held)

    @property
    def pinned(self) -> str | None:
        """The older version of the contract under which its rows were asked to be loaded."""
        return None if self.load is None or self.load.output is None else self.load.output.note.get(PINNED)

    @property
    def held(self) -> str | None:
        """Why it is held; None when it is not."""
        return None if self.load is not None or self.tried is None or self.tried.output is None else self.tried.output.held

    @property
    def quarantine(self) -> str | None:
        """The file with the rows that its visible load refused."""
        return None if self.load is None or self.load.output is None else self.load.output.quarantine

    @property
    def repairs(self) -> str | None:
        """SHA-256 of the file of repairs that its visible load used."""
        return None if self.load is None or self.load.output is None else self.load.output.note.get(REPAIRS)


def standings(project: Project, ledger: Ledger, source: str | None = None) -> list[Standing]:
    """All of them, in order of source and landing. Raises UnknownDelivery (ST380) for a source that is not declared."""
    loading = [each.name for each in project.sources.values() if each.contract is not None]
    if source is not None and source not in loading:
        raise UnknownDelivery(f"no source '{source}' loads under a contract", hint=did_you_mean(source, loading))
    discards = _discards(ledger)
    found: list[Standing] = []
    for name in loading if source is None else [source]:
        for delivery, records in ledger.refused(name):
            standing = _standing(delivery, records, tuple(discards.get((name, delivery.id), ())))
            if standing is not None:
                found.append(standing)
    return found


def one(found: Sequence[Standing], id: str) -> Standing:
    """The delivery with this id, or the beginning of one. Raises UnknownDelivery (ST380)."""
    matching = [standing for standing in found if standing.delivery.id.startswith(id)] if id else []
    if len(matching) != 1:
        many = f"{len(matching)} deliveries begin with" if matching else "nothing is quarantined or held of a delivery"
        raise UnknownDelivery(f"{many} '{id}'", hint="the ids are in: startrail quarantine list")
    return matching[0]


def discarded(standing: Standing, files: QuarantineFiles) -> frozenset[int]:
    """Ordinals of all that people discarded of the delivery."""
    found: set[int] = set()
    for discard in standing.discards:
        if discard.quarantine is None:
            continue  # a replay that loads a delivery takes its rows back in
        found.update(files.ordinals(discard.quarantine) if discard.ordinals is None else discard.ordinals)
    return frozenset(found)


def _standing(delivery: Delivery, records: Sequence[StepRecord], discards: tuple[Discard, ...]) -> Standing | None:
    """``records``: the newest first."""
    load = visible_load(records)
    refused = [record for record in records if _refused(record)]
    if not refused:
        return None
    since = min(record.ended_at or record.started_at for record in refused)
    tried = next((record for record in refused if record.state == "held"), None)
    output = load.output if load is not None else tried.output if tried is not None else None
    if output is None or output.counts is None:
        return None
    if load is not None:  # what was discarded as a whole is in again
        discards = tuple(discard for discard in discards if discard.quarantine is not None)
    counts = output.counts if WITHDRAWN in output.note else _with_discards(output.counts, discards, held=load is None)
    if load is None:
        state: State = "open" if counts.held else "discarded"
    else:
        state = "open" if counts.quarantined else "discarded" if counts.discarded else "replayed"
    return Standing(delivery, state, since, counts, load, tried, discards, _refused(refused[-1]))


def _refused(record: StepRecord) -> int:
    """Rows that it refused, when that stands in the ledger for good."""
    counts = record.output.counts if record.output is not None else None
    if counts is None or record.state not in ("held", "published"):
        return 0
    return counts.held if record.state == "held" else counts.quarantined


def _with_discards(counts: Counts, discards: tuple[Discard, ...], *, held: bool) -> Counts:
    """The counts of a load with what people discarded, also since."""
    if held:
        whole = any(discard.quarantine is None for discard in discards)
        return msgspec.structs.replace(counts, held=0, discarded=counts.held) if whole else counts
    gone = sum(discard.rows for discard in discards)
    later = gone - counts.discarded  # the load knew of the others
    return msgspec.structs.replace(counts, quarantined=counts.quarantined - later, discarded=gone)


def visible_load(records: Iterable[StepRecord]) -> StepRecord | None:
    """The published load that no other published load takes the place of."""
    published = [record for record in records if record.state == "published" and record.output is not None]
    replaced = {record.output.note.get(REPLACES) for record in published if record.output is not None}
    return next((record for record in published if record.key not in replaced), None)


def _discards(ledger: Ledger) -> dict[tuple[str, str], list[Discard]]:
    """By source and delivery. All of them at once: a source has many facts, of which few are discards."""
    found: dict[tuple[str, str], list[Discard]] = {}
    for fact in ledger.facts(kind=Discarded.fact):
        discard = msgspec.json.decode(fact.payload, type=Discard)
        found.setdefault((fact.subject, discard.delivery), []).append(discard)
    return found
