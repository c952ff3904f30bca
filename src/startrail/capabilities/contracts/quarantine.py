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

State = Literal["open", "replayed", "discarded"]


class Discard(msgspec.Struct, frozen=True):
    """What a person discarded of a delivery: these ordinals, or (None) all that the file held then."""

    quarantine: str
    rows: int
    ordinals: tuple[int, ...] | None
    reason: str
    by: str
    delivery: str


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
    found: list[Standing] = []
    for name in loading if source is None else [source]:
        by_delivery: dict[str, list[StepRecord]] = {}
        for record in ledger.history(kind="load", subject=name):
            by_delivery.setdefault(record.step.partition, []).append(record)
        discards = _discards(ledger, name)
        for delivery in ledger.deliveries(name):
            records = by_delivery.get(delivery.id, [])
            standing = _standing(delivery, records, tuple(each for each in discards if each.delivery == delivery.id))
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
        found.update(files.ordinals(discard.quarantine) if discard.ordinals is None else discard.ordinals)
    return frozenset(found)


def _standing(delivery: Delivery, records: Sequence[StepRecord], discards: tuple[Discard, ...]) -> Standing | None:
    load = visible_load(records)
    refused = [
        record
        for record in records
        if record.output is not None
        and record.output.counts is not None
        and (record.state == "held" or (record.state == "published" and record.output.counts.quarantined))
    ]
    if not refused:
        return None
    since = min(record.ended_at or record.started_at for record in refused)
    tried = next((record for record in refused if record.state == "held"), None)
    output = load.output if load is not None else tried.output if tried is not None else None
    if output is None or output.counts is None:
        return None
    counts = output.counts
    gone = sum(discard.rows for discard in discards)
    later = gone - counts.discarded  # the load knew of the others
    counts = msgspec.structs.replace(counts, quarantined=counts.quarantined - later, discarded=gone)
    state: State = "open" if counts.quarantined or load is None else "discarded" if gone else "replayed"
    return Standing(delivery, state, since, counts, load, tried, discards)


def visible_load(records: Iterable[StepRecord]) -> StepRecord | None:
    """The published load that no other published load takes the place of."""
    published = [record for record in records if record.state == "published" and record.output is not None]
    replaced = {record.output.note.get(REPLACES) for record in published if record.output is not None}
    return next((record for record in published if record.key not in replaced), None)


def _discards(ledger: Ledger, source: str) -> list[Discard]:
    facts = ledger.facts(kind=Discarded.fact, subject=source)
    return [msgspec.json.decode(fact.payload, type=Discard) for fact in facts]
