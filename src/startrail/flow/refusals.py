"""Why archives were not unpacked, as the ledger tells it."""

from __future__ import annotations

import msgspec

from startrail.flow.events import ArchiveRefused
from startrail.model.delivery import Delivery
from startrail.model.source import Source
from startrail.ports.ledger import Ledger


class _Told(msgspec.Struct, frozen=True):
    """The fact's payload."""

    source: str
    name: str
    code: str
    reason: str
    declared: str


def standing_refusal(archive: Delivery, source: Source, ledger: Ledger) -> ArchiveRefused | None:
    """The refusal of an archive under what its source declares now; None when that was not tried yet."""
    fact = ledger.newest_fact(str(ArchiveRefused.fact), archive.id)
    if fact is None:
        return None
    told = msgspec.json.decode(fact.payload, type=_Told)
    return ArchiveRefused(subject=archive.id, **msgspec.structs.asdict(told)) if told.declared == repr(source.archive) else None
