"""What became of names at sources, as facts tell it."""

from __future__ import annotations

from collections import deque
from datetime import datetime

import msgspec

from startrail.base.text import printable
from startrail.flow.events import (
    SourceDeleted,
    SourceExpectedArrived,
    SourceExpectedDropped,
    SourceExpectedMissing,
    SourceRenamed,
    SourceReplaced,
)
from startrail.model.listing import Renamed, Replaced
from startrail.model.step import Fact
from startrail.wiring import Opened

_KINDS = (
    SourceRenamed, SourceReplaced, SourceDeleted, SourceExpectedMissing, SourceExpectedArrived, SourceExpectedDropped
)  # fmt: skip


class Happened(msgspec.Struct, frozen=True, tag_field="type", tag="happened"):
    """One fact about names of a source. ``names``: those that the fact has, of ``count``."""

    source: str
    at: datetime
    fact: str
    count: int
    names: tuple[str, ...]
    note: str = ""


class _Told(msgspec.Struct):
    count: int = 1
    files: tuple[msgspec.Raw, ...] = ()
    names: tuple[str, ...] = ()
    file: str = ""
    due: str = ""
    minutes_late: int | None = None


def happened(opened: Opened, source: str, most: int) -> list[Happened]:
    """The newest facts about names of a source, in order of time."""
    ledger = opened.ports.ledger
    facts = [fact for kind in _KINDS for fact in deque(ledger.facts(kind=str(kind.fact), subject=source), maxlen=most)]
    return [_happened(fact) for fact in sorted(facts, key=lambda fact: fact.seq)[-most:]]


def _happened(fact: Fact) -> Happened:
    told = msgspec.json.decode(fact.payload, type=_Told)
    names = told.names or ((told.file,) if told.file else ())
    note = ""
    if fact.kind == SourceRenamed.fact:
        names = tuple(f"{each.old} > {each.new}" for each in (msgspec.json.decode(raw, type=Renamed) for raw in told.files))
    elif fact.kind == SourceReplaced.fact:
        names = tuple(msgspec.json.decode(raw, type=Replaced).name for raw in told.files)
    elif told.due:
        late = f", {told.minutes_late} min late" if told.minutes_late is not None else ""
        note = f"expected by {told.due[:16].replace('T', ' ')} UTC{late}"
    word = fact.kind.removeprefix("source.").removeprefix("expected_")
    return Happened(fact.subject, fact.at, word, told.count, names, note)


def line(each: Happened) -> str:
    """One line for people."""
    shown = ", ".join(printable(name, 120) for name in each.names[:5])
    more = f" and {each.count - 5:,} more" if each.count > 5 else ""
    note = f"  {each.note}" if each.note else ""
    return f"{each.at:%Y-%m-%d %H:%M} UTC  {each.fact:<8}  {shown}{more}{note}"
