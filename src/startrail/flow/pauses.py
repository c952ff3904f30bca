"""Paused sources, as the facts tell: no run asks them for anything until a time."""

from __future__ import annotations

from datetime import datetime

import msgspec

from startrail.base.time import from_text
from startrail.flow.events import SourcePaused, SourceResumed
from startrail.ports.ledger import Ledger


class Pause(msgspec.Struct, frozen=True, tag_field="type", tag="paused"):
    """In force until an instant, unless it is taken back before."""

    source: str
    until: datetime
    reason: str
    by: str
    at: datetime


class _Told(msgspec.Struct):
    until: str
    reason: str
    by: str


_decoder = msgspec.json.Decoder(_Told)


def paused(ledger: Ledger, now: datetime) -> dict[str, Pause]:
    """The pauses in force, by source. One question to a ledger in which nobody ever paused anything."""
    found: dict[str, Pause] = {}
    for fact in ledger.facts(kind=SourcePaused.fact):
        told = _decoder.decode(fact.payload)
        found[fact.subject] = Pause(fact.subject, from_text(told.until), told.reason, told.by, fact.at)
        resumed = ledger.newest_fact(str(SourceResumed.fact), fact.subject)
        if found[fact.subject].until <= now or (resumed is not None and resumed.seq > fact.seq):
            del found[fact.subject]
    return found
