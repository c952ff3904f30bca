"""What the ledger knows about drift, told once per kind and place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from startrail.flow.events import Adopted, DriftAcknowledged, DriftFound, NotAdopted, TableEvolved
from startrail.model.contract import Contract
from startrail.model.delivery import Delivery
from startrail.model.drift import DriftKind, DriftVerb, Finding
from startrail.model.proof import Proof
from startrail.ports.ledger import Ledger


class Changed(msgspec.Struct, frozen=True, tag_field="type", tag="drift"):
    """One kind of drift at one path of a source. ``rows`` in all its ``deliveries``; ``verb`` and ``share`` as of the
    latest of them, ``sample`` of the first that had one."""

    source: str
    kind: DriftKind
    path: str
    since: datetime
    until: datetime
    """When it was seen last."""
    first_delivery: str
    """Name of the delivery that showed it first."""
    deliveries: int
    rows: int
    share: float
    verb: DriftVerb
    sample: str = ""
    affects: tuple[str, ...] = ()
    """The models and reports that are made from the source."""
    column_since: datetime | None = None
    """Since when the table has a column for the undeclared field."""
    adopted_at: datetime | None = None
    """When deliveries were last loaded again, since the contract declares the field."""
    adopted: int = 0
    """How many deliveries were."""
    not_adopted: int = 0
    """How many stay as they are, because rows of them would be withdrawn."""
    acknowledged: Ack | None = None
    consumers: tuple[str, ...] = ()
    """Who reads the data, or this field of it, as its contract says."""

    def read_by(self, contract: Contract | None) -> Changed:
        """With the consumers that the contract of the source names."""
        return self if contract is None else msgspec.structs.replace(self, consumers=contract.readers((self.path,)))

    def affecting(self, parents: Mapping[str, frozenset[str]]) -> Changed:
        """With all names of the project that are made, directly or not, from the source."""
        found = {self.source}
        grown = True
        while grown:
            more = {name for name, made_from in parents.items() if made_from & found} - found
            found |= more
            grown = bool(more)
        return msgspec.structs.replace(self, affects=tuple(sorted(found - {self.source})))


class _Told(msgspec.Struct):
    source: str
    delivery: str
    name: str
    finding: Finding


def changes(ledger: Ledger, *, source: str | None = None, kind: str | None = None) -> list[Changed]:
    """The newest first. A delivery that was judged several times counts once, as it was judged last."""
    latest: dict[tuple[str, str, str], dict[str, tuple[_Told, datetime]]] = {}
    since: dict[tuple[str, str, str], datetime] = {}
    for fact in ledger.facts(kind=DriftFound.fact, subject=None):
        told = msgspec.json.decode(fact.payload, type=_Told)
        if (source is None or told.source == source) and (kind is None or told.finding.kind == kind):
            key = (told.source, told.finding.kind, told.finding.path)
            since.setdefault(key, fact.at)
            latest.setdefault(key, {})[told.delivery] = (told, fact.at)
    fates = _fates(ledger)
    acks: dict[tuple[str, str, str], Ack] = {(a.source, a.kind, a.path): a for a in acknowledgements(ledger, source)}
    found = [_fated(_changed(since[key], list(each.values())), fates, acks.get(key)) for key, each in latest.items()]
    return sorted(found, key=lambda change: (-change.since.timestamp(), change.source, change.kind, change.path))


def _changed(since: datetime, seen: list[tuple[_Told, datetime]]) -> Changed:
    first, (last, until) = seen[0][0], max(seen, key=lambda pair: pair[1])
    return Changed(
        source=first.source,
        kind=first.finding.kind,
        path=first.finding.path,
        since=since,
        until=until,
        first_delivery=first.name,
        deliveries=len(seen),
        rows=sum(told.finding.rows for told, _ in seen),
        share=last.finding.share,
        verb=last.finding.verb,
        sample=next((told.finding.sample for told, _ in seen if told.finding.sample), ""),
    )


class _Fate(msgspec.Struct):
    """What became of one undeclared field."""

    column: datetime | None = None
    at: datetime | None = None
    adopted: set[str] = msgspec.field(default_factory=set)
    left: set[str] = msgspec.field(default_factory=set)


class _Reloaded(msgspec.Struct):
    source: str
    delivery: str
    fields: tuple[str, ...]


class _Grown(msgspec.Struct):
    source: str
    columns: dict[str, str]


def _fates(ledger: Ledger) -> dict[tuple[str, str], _Fate]:
    """By source and path."""
    found: dict[tuple[str, str], _Fate] = {}
    for fact in ledger.facts(kind=TableEvolved.fact):
        told = msgspec.json.decode(fact.payload, type=_Grown)
        for name in told.columns:
            fate = found.setdefault((told.source, f"$.{name}"), _Fate())
            fate.column = fate.column or fact.at
    for kind in (NotAdopted.fact, Adopted.fact):
        for fact in ledger.facts(kind=kind):
            again = msgspec.json.decode(fact.payload, type=_Reloaded)
            for name in again.fields:
                fate = found.setdefault((again.source, f"$.{name}"), _Fate())
                if kind == Adopted.fact:
                    fate.at = fact.at
                    fate.adopted.add(again.delivery)
                    fate.left.discard(again.delivery)
                else:
                    fate.left.add(again.delivery)
    return found


def _fated(change: Changed, fates: Mapping[tuple[str, str], _Fate], ack: Ack | None) -> Changed:
    fate = fates.get((change.source, change.path)) if change.kind in ("new_field", "undeclared_field") else None
    if fate is None:
        return msgspec.structs.replace(change, acknowledged=ack)
    return msgspec.structs.replace(
        change, acknowledged=ack, column_since=fate.column, adopted_at=fate.at, adopted=len(fate.adopted),
        not_adopted=len(fate.left),
    )  # fmt: skip


def showing(ledger: Ledger, source: str, kind: str, path: str) -> dict[str, str]:
    """The deliveries that show the drift: id and name, in the order in which they were judged."""
    found: dict[str, str] = {}
    for fact in ledger.facts(kind=DriftFound.fact, subject=source):
        told = msgspec.json.decode(fact.payload, type=_Told)
        if (told.finding.kind, told.finding.path) == (kind, path):
            found[told.delivery] = told.name
    return found


class Ack(msgspec.Struct, frozen=True, tag_field="type", tag="acknowledgement"):
    """One acknowledgement, as it stands. ``until``: its last day, in UTC."""

    source: str
    kind: DriftKind
    path: str
    until: str
    by: str
    at: datetime
    note: str = ""
    proof: Proof | None = None

    def active(self, now: datetime) -> bool:
        """True to the end of its last day."""
        return now.astimezone(UTC).date().isoformat() <= self.until

    @property
    def ended_at(self) -> datetime:
        return datetime.fromisoformat(self.until).replace(tzinfo=UTC) + timedelta(days=1)


class Acks(msgspec.Struct, frozen=True):
    """What counts as acknowledged now of one source: (kind, path)."""

    active: frozenset[tuple[DriftKind, str]] = frozenset()
    untold: frozenset[tuple[DriftKind, str]] = frozenset()
    """Acknowledged once; that has ended, and no delivery has shown the drift since."""

    @staticmethod
    def of(ledger: Ledger, source: str, now: datetime) -> Acks:
        """Reads the acknowledgements of a source, and where one has ended, what was told since."""
        found = acknowledgements(ledger, source)
        ended = {(ack.kind, ack.path): ack.ended_at for ack in found if not ack.active(now)}
        return Acks(
            frozenset((ack.kind, ack.path) for ack in found if ack.active(now)),
            frozenset(ended) - _told_since(ledger, source, ended) if ended else frozenset(),
        )


def acknowledgements(ledger: Ledger, source: str | None = None) -> list[Ack]:
    """The newest of each source, kind and path, in order of time."""
    found: dict[tuple[str, str, str], Ack] = {}
    for fact in ledger.facts(kind=DriftAcknowledged.fact):
        if source is None or fact.subject == source:
            ack = msgspec.convert(msgspec.json.decode(fact.payload) | {"type": "acknowledgement", "at": fact.at}, Ack)
            found.pop((ack.source, ack.kind, ack.path), None)
            found[ack.source, ack.kind, ack.path] = ack
    return list(found.values())


def acknowledged_for(ledger: Ledger, delivery: Delivery) -> frozenset[tuple[DriftKind, str]]:
    """(kind, path) of what was acknowledged of the source for a time that ends after the delivery landed."""
    found = acknowledgements(ledger, delivery.source)
    return frozenset((ack.kind, ack.path) for ack in found if delivery.landed_at < ack.ended_at)


def _told_since(ledger: Ledger, source: str, ended: Mapping[tuple[DriftKind, str], datetime]) -> frozenset[tuple[DriftKind, str]]:
    found: set[tuple[DriftKind, str]] = set()
    for fact in ledger.facts(kind=DriftFound.fact, subject=source):
        finding = msgspec.json.decode(fact.payload, type=_Told).finding
        end = ended.get((finding.kind, finding.path))
        if end is not None and fact.at >= end:
            found.add((finding.kind, finding.path))
    return frozenset(found)
