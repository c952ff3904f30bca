"""Archives become the files in them: each a delivery, all at once or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from startrail.base.crash import crash_point
from startrail.base.text import printable, safe_name
from startrail.base.units import parse_size
from startrail.capabilities.sources.content import Content
from startrail.capabilities.sources.identity import delivery_id
from startrail.capabilities.sources.media import media_of
from startrail.flow.events import ArchiveRefused, Emit, Landed, Unpacked
from startrail.flow.refusals import standing_refusal
from startrail.flow.session import to_facts
from startrail.model.archive import member_name
from startrail.model.delivery import Delivery
from startrail.model.named import named
from startrail.model.pattern import name_pattern
from startrail.model.run import Lease, NewFact
from startrail.model.source import Archive, Source
from startrail.ports.archive import ArchiveTooLarge, ArchiveUnreadable, Bounds, Member, Unpacker
from startrail.ports.clock import Clock
from startrail.ports.ledger import Arrival, Ledger
from startrail.ports.store import Store

_MOST_TOLD = 10
_LONGEST_PATH = 200


def unpack(
    source: Source,
    *,
    unpacker: Unpacker,
    ledger: Ledger,
    store: Store,
    lease: Lease,
    run: str,
    clock: Clock,
    emit: Emit,
) -> tuple[Delivery, ...]:
    """Unpack what landed of this source and is an archive; returns the new deliveries.

    The bytes of every file within are in the store before any of them is recorded, and all are recorded with the archive
    itself. One that cannot be unpacked is told, once under the same declaration, and stays as it is.
    """
    if source.archive is None:
        return ()
    found: list[Delivery] = []
    refused: list[ArchiveRefused] = []
    for archive in ledger.packed(source.name):
        outcome: list[Delivery] | ArchiveRefused | None = standing_refusal(archive, source, ledger)
        if outcome is None:
            outcome = _Unpacking(source, archive, source.archive, unpacker, ledger, store, lease, run, clock, emit).all()
        if isinstance(outcome, ArchiveRefused):
            refused.append(outcome)
        else:
            found += outcome
    if refused and source.contract is None:  # where there is one, the archive is held
        raise _not_unpacked(source, refused)
    return tuple(found)


def _not_unpacked(source: Source, refused: list[ArchiveRefused]) -> ArchiveUnreadable | ArchiveTooLarge:
    more = f"; and {len(refused) - 1} more" if len(refused) > 1 else ""
    kind = ArchiveTooLarge if refused[0].code == ArchiveTooLarge.code else ArchiveUnreadable
    hint = "have sound ones sent, or say otherwise under `archive` in the source"
    return kind(f"{refused[0].reason}{more}", at=source.span, affects="nothing of it became a delivery", hint=hint)


class _Unpacking:
    """Of one archive."""

    def __init__(
        self, source: Source, archive: Delivery, declared: Archive, unpacker: Unpacker, ledger: Ledger, store: Store,
        lease: Lease, run: str, clock: Clock, emit: Emit,
    ) -> None:  # fmt: skip
        self._source, self._archive, self._declared, self._unpacker = source, archive, declared, unpacker
        self._ledger, self._store, self._lease, self._run = ledger, store, lease, run
        self._clock, self._emit = clock, emit
        self._others: list[str] = []

    def all(self) -> list[Delivery] | ArchiveRefused:
        crash_point("before unpacking")
        try:
            members = self._stored()
        except (ArchiveUnreadable, ArchiveTooLarge) as error:
            return self._refuse(error)
        crash_point("after unpacking bytes")
        landed = [self._landed(member) for member in members]
        arrivals = [Arrival(member, "", to_facts(event)) for member, event in zip(members, landed, strict=True)]
        told: list[Unpacked] = []

        def facts(new: list[bool]) -> Sequence[NewFact]:
            told.append(self._unpacked(new))
            return to_facts(*told)

        new = self._ledger.record_members(self._archive, arrivals, self._lease, facts)
        crash_point("after recording members")
        for event, is_new in zip(landed, new, strict=False):
            if is_new:
                self._emit(event)
        for unpacked in told:
            self._emit(unpacked)
        return [member for member, is_new in zip(members, new, strict=False) if is_new]

    def _stored(self) -> list[Delivery]:
        """The bytes of all wanted files are in the store."""
        declared = self._declared
        bounds = Bounds(declared.files, parse_size(declared.size), declared.ratio)
        found: dict[str, Delivery] = {}
        with self._store.open(self._archive.key) as file:
            for member in self._members(file, bounds):
                delivery = self._store_one(member)
                if delivery.name in found:
                    raise ArchiveUnreadable(
                        f"the archive '{printable(self._archive.name, 120)}' holds '{delivery.name}' twice",
                        affects="nothing of it is loaded",
                        hint="have it packed anew",
                    )
                found[delivery.name] = delivery
        return list(found.values())

    def _members(self, file: object, bounds: Bounds) -> Iterator[Member]:
        wanted = name_pattern(self._declared.members).matches
        kind, name = self._archive.media, self._archive.name
        return self._unpacker.members(file, kind, name, bounds, wanted, self._passed)  # type: ignore[arg-type]  (its kind was asked)

    def _passed(self, path: str) -> None:
        if len(self._others) < _MOST_TOLD:
            self._others.append(printable(path, _LONGEST_PATH))

    def _store_one(self, member: Member) -> Delivery:
        content = Content(member.content)
        name = member_name(self._archive.name, safe_name(member.path))

        def key() -> str | None:
            delivery = self._delivery(name, content)
            return None if self._is_safe(delivery) else delivery.key

        self._store.put_as(content, key)
        return self._delivery(name, content)

    def _is_safe(self, delivery: Delivery) -> bool:
        return self._ledger.delivery(delivery.id) is not None and self._store.size(delivery.key) == delivery.size

    def _delivery(self, name: str, content: Content) -> Delivery:
        return Delivery(
            id=delivery_id(self._source, content.sha256, name, self._ledger),
            source=self._source.name,
            name=name,
            sha256=content.sha256,
            size=content.size,
            landed_at=self._clock.now(),
            media=media_of(name, self._source.feed.format, content.head),
            run=self._run,
            source_time=self._archive.source_time,
            parent=self._archive.id,
        )

    def _landed(self, member: Delivery) -> Landed:
        said = named(self._source, member.name)
        return Landed(
            subject=self._source.name, source=self._source.name, delivery=member.id, name=member.name, size=member.size,
            sha256=member.sha256, fields=said.fields, unread=said.problem, parent=member.parent,
        )  # fmt: skip

    def _unpacked(self, new: list[bool]) -> Unpacked:
        return Unpacked(
            subject=self._source.name, source=self._source.name, delivery=self._archive.id, name=self._archive.name,
            files=sum(new), known=len(new) - sum(new), others=tuple(self._others),
        )  # fmt: skip

    def _refuse(self, error: ArchiveUnreadable | ArchiveTooLarge) -> ArchiveRefused:
        event = ArchiveRefused(
            subject=self._archive.id, source=self._source.name, name=self._archive.name, code=error.code, reason=error.message,
            declared=repr(self._declared),
        )  # fmt: skip
        (fact,) = to_facts(event)
        self._ledger.append_once(fact, lambda told: told.payload == fact.payload, run=self._run, at=self._clock.now())
        self._emit(event)
        return event
