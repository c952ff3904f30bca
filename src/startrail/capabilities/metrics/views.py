"""Views as they were: the text under which each was published at a moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from startrail.base.text import printable
from startrail.base.time import to_text
from startrail.capabilities.metrics.errors import NoSuchMoment, UnknownView
from startrail.flow.events import Published
from startrail.model.step import Fact, StepRecord
from startrail.model.table import View
from startrail.ports.ledger import Ledger


class Then(msgspec.Struct, frozen=True):
    """A view as it was, and what it read."""

    view: View
    reads: tuple[str, ...]


class _Payload(msgspec.Struct):
    tables: tuple[str, ...] = ()
    views: dict[str, str] = {}


def views_at(names: Iterable[str], at: datetime, ledger: Ledger) -> dict[str, Then]:
    """Each of these views as it was visible at an instant. Raises NoSuchMoment, UnknownView."""
    wanted = set(names)
    newest: dict[str, tuple[Fact, _Payload]] = {}
    for fact in ledger.facts(kind=Published.fact) if wanted else ():
        if _milliseconds(fact.at) > at:
            break
        if any(name in fact.payload for name in wanted):
            payload = msgspec.json.decode(fact.payload, type=_Payload)
            newest |= {name: (fact, payload) for name in wanted if name in payload.tables}
    return {name: _then(name, newest.get(name), at, ledger) for name in sorted(wanted)}


def _milliseconds(at: datetime) -> datetime:
    """Snapshots of tables know their moment to the millisecond, and what is published with them counts from then on."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _then(name: str, newest: tuple[Fact, _Payload] | None, at: datetime, ledger: Ledger) -> Then:
    if newest is None:
        raise NoSuchMoment(f"{name} was not published yet at {to_text(at)}", hint="name a later moment")
    fact, payload = newest
    record = _by_key(payload.views.get(name), ledger) or _of_run(name, fact, ledger)
    if record is None or record.output is None or record.output.view is None:
        raise UnknownView(
            f"what the view {printable(name, 80)} was at {to_text(at)} cannot be told",
            affects="the number of that moment; none is given",
            hint="name a later moment: startrail metric show NAME lists what runs recorded",
        )
    return Then(View(name, record.output.view), record.output.reads)


def _by_key(key: str | None, ledger: Ledger) -> StepRecord | None:
    return ledger.steps([key]).get(key) if key is not None else None


def _of_run(name: str, fact: Fact, ledger: Ledger) -> StepRecord | None:
    """Older publications do not name the step: it is that of their run, or the only one there ever was."""
    known = [each for each in ledger.history(kind="build", subject=name) if each.output is not None and each.output.view]
    own = [each for each in known if each.run == fact.run] or known
    return own[0] if len(own) == 1 else None
