"""What mitigations need and what keeps incidents open, looked up in the ledger: asked only when something is wrong."""

from __future__ import annotations

import msgspec

from startrail.flow.events import Adopted, DriftFound, Loaded, Replayed
from startrail.model.delivery import Counts
from startrail.model.drift import Finding
from startrail.model.incident import Symptom
from startrail.model.project import Project
from startrail.model.source import Source
from startrail.ports.ledger import Ledger

_LOADS = (str(Loaded.fact), str(Replayed.fact), str(Adopted.fact))


class _Load(msgspec.Struct):
    delivery: str
    counts: Counts


class _Drift(msgspec.Struct):
    delivery: str
    finding: Finding


def counts_of(source: str, delivery: str, ledger: Ledger) -> Counts | None:
    """What became of a delivery's rows when it was loaded last, as the newest fact of it tells."""
    found: tuple[int, Counts] | None = None
    for kind in _LOADS:
        newest = ledger.newest_fact(kind, source)
        if newest is None or (told := msgspec.json.decode(newest.payload, type=_Load)).delivery != delivery:
            facts = [
                (fact.seq, msgspec.json.decode(fact.payload, type=_Load)) for fact in ledger.facts(kind=kind, subject=source)
            ]
            facts = [(seq, each) for seq, each in facts if each.delivery == delivery]
        else:
            facts = [(newest.seq, told)]
        for seq, each in facts:
            if found is None or seq > found[0]:
                found = seq, each.counts
    return None if found is None else found[1]


def is_served(source: Source | None, ledger: Ledger) -> bool:
    """Whether a source's table is published with any data."""
    return source is None or source.into is None or bool(ledger.versions().get(source.into))


def waiting_rows(project: Project, source: str, ledger: Ledger) -> frozenset[str]:
    """Deliveries of a source with rows in quarantine."""
    from startrail.capabilities.contracts.quarantine.standing import standings

    declared = project.sources.get(source)
    if declared is None or declared.contract is None:
        return frozenset()
    return frozenset(each.delivery.id for each in standings(project, ledger, source) if each.counts.quarantined)


def shown_by(symptom: Symptom, ledger: Ledger) -> frozenset[str]:
    """The deliveries of which facts told the drift."""
    found: set[str] = set()
    for fact in ledger.facts(kind=DriftFound.fact, subject=symptom.subject, after=symptom.first - 1):
        told = msgspec.json.decode(fact.payload, type=_Drift)
        if symptom.key == f"drift {symptom.subject} {told.finding.kind} {told.finding.path}":
            found.add(told.delivery)
    return frozenset(found)
