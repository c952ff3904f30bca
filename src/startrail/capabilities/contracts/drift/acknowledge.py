"""Acknowledging: a person knows of one drift and lets it be until a day. With it goes a proof of what it left untouched.

It is one fact. As long as it holds, the drift is no news, and where the policy would hold a delivery for it the delivery
loads. To acknowledge the same again changes nothing; another day or note takes the place of the earlier one.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from startrail.base.text import did_you_mean, printable
from startrail.capabilities.contracts.drift.proof import prove
from startrail.capabilities.contracts.errors import BadEnd, NoPerson, NotAcceptable, SeveralDrifts, UnknownDrift
from startrail.capabilities.contracts.policy import may_load, reaction
from startrail.flow.drift import Ack, Changed, acknowledgements, changes, showing
from startrail.flow.events import DriftAcknowledged, Emit
from startrail.flow.lease import holding
from startrail.flow.session import Ports, to_facts
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.ports.ledger import Ledger
from startrail.ports.witness import Witness


class Wish(msgspec.Struct, frozen=True):
    """What a person says. ``kind`` None: the only one there is at the path. ``until``: the last day."""

    source: str
    path: str
    until: str
    by: str
    kind: str | None = None
    note: str = ""


class Acknowledged(msgspec.Struct, frozen=True):
    """The drift, and what stands in the ledger of it now; ``new`` False: it stood there already."""

    drift: Changed
    ack: Ack
    new: bool
    held: int
    """Deliveries that it lets in at the next run."""


def acknowledge(project: Project, ports: Ports, witness: Witness, show: Emit, wish: Wish, *, wait: float = 600.0) -> Acknowledged:
    """Prove, then record. Raises UnknownDrift (ST331), SeveralDrifts (ST332), NotAcceptable (ST333), ProofFailed (ST334),
    BadEnd (ST336), NoPerson (ST382), RunnerBusy."""
    if not wish.by.strip():
        raise NoPerson("acknowledging drift needs a person", hint="give --by NAME")
    now = ports.clock.now()
    until = _last_day(wish.until, now)
    with holding(ports.ledger, ports.wall, show, wait):  # no run may load meanwhile what is being compared
        drift = find(project, ports.ledger, wish.source, wish.path, wish.kind)
        source = project.sources[drift.source]
        _check(drift, source)
        held = _held(drift, ports.ledger)
        known = [ack for ack in acknowledgements(ports.ledger, source.name) if (ack.kind, ack.path) == (drift.kind, drift.path)]
        if known and known[0].active(now) and (known[0].until, known[0].note) == (until, wish.note.strip()):
            return Acknowledged(drift, known[0], False, held)
        proof = prove(project, source, showing(ports.ledger, source.name, drift.kind, drift.path), drift.since, ports, witness)
        event = DriftAcknowledged(
            subject=source.name, source=source.name, kind=drift.kind, path=drift.path, until=until, by=wish.by.strip(),
            note=wish.note.strip(), proof=proof,
        )  # fmt: skip
        ports.ledger.append(to_facts(event), run=None, at=ports.clock.now())
    show(event)
    return Acknowledged(drift, acknowledgements(ports.ledger, source.name)[-1], True, held)


def find(project: Project, ledger: Ledger, source: str, path: str, kind: str | None) -> Changed:
    """The drift at this path. Raises UnknownDrift (ST331) and SeveralDrifts (ST332)."""
    loading = [each.name for each in project.sources.values() if each.contract is not None]
    if source not in loading:
        raise UnknownDrift(f"no source '{printable(source, 60)}' loads under a contract", hint=did_you_mean(source, loading))
    there = changes(ledger, source=source)
    wanted = {path, f"$.{path}"}
    found = [each for each in there if each.path in wanted and kind in (None, each.kind)]
    if not found:
        of_kind = f" of kind {printable(kind, 40)}" if kind is not None else ""
        known = {each.path for each in there} if kind is None else {each.kind for each in there if each.path in wanted}
        raise UnknownDrift(
            f"source {source} shows no drift{of_kind} at {printable(path, 80)}",
            hint=did_you_mean(path if kind is None else kind, known, f"startrail drift list --source {source}"),
        )
    if len(found) > 1:
        kinds = sorted(each.kind for each in found)
        raise SeveralDrifts(
            f"source {source} shows {', '.join(kinds)} at {printable(path, 80)}", hint=f"say which one: --kind {kinds[0]}"
        )
    return found[0]


def _last_day(text: str, now: datetime) -> str:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise BadEnd(f"'{printable(text, 40)}' is no date", hint="write it as --until 2026-12-31") from None
    if day < now.astimezone(UTC).date():
        raise BadEnd(f"{day} is over", hint="give a day that is not over yet")
    return day.isoformat()


def _check(drift: Changed, source: Source) -> None:
    wanted = reaction(source.drift, drift.kind).do
    if wanted == "stop":
        raise NotAcceptable(
            f"the source says stop for {drift.kind}, which nobody can acknowledge away",
            at=source.span,
            hint=f"say in the source: drift: {{{drift.kind}: hold}}, and acknowledge then",
        )
    if wanted == "hold" and may_load(source.drift, drift.kind) is None:
        raise NotAcceptable(
            f"a delivery with {drift.kind} at {drift.path} could not be loaded even if somebody wanted it",
            at=source.span,
            affects=f"{source.name}: what is held stays held",
            hint="mend the data or the contract, then: startrail quarantine replay",
        )


def _held(drift: Changed, ledger: Ledger) -> int:
    showing_it = showing(ledger, drift.source, drift.kind, drift.path)
    pending = ledger.pending(drift.source)
    return sum(1 for delivery, records in pending if delivery.id in showing_it and any(r.state == "held" for r in records))
