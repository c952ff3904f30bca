"""Where the rows went of the deliveries that an incident is about: as their last loads say."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from startrail.capabilities.incidents.openers import symptoms
from startrail.flow.events import Adopted, DeliveryHeld, Discarded, DriftFound, Loaded, Replayed
from startrail.model.delivery import Counts
from startrail.model.incident import Incident
from startrail.model.star import Entry, Figure
from startrail.ports.ledger import Ledger

_SHOWING = (str(DriftFound.fact), str(DeliveryHeld.fact))
_LOADS = (str(Loaded.fact), str(Adopted.fact), str(Replayed.fact))


class _Told(msgspec.Struct):
    delivery: str = ""
    counts: Counts | None = None
    rows: int = 0


class _Rows:
    """What the facts of one source say of some of its deliveries."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[Counts, int]] = {}
        self.replayed: list[int] = []
        self.discarded: dict[int, int] = {}


def rows_of(incident: Incident, ledger: Ledger) -> Iterable[Entry]:
    """Nothing for an incident that is about no delivery."""
    wanted = _deliveries(incident, ledger)
    if not wanted:
        return
    rows = _Rows()
    for subject in sorted({symptom.subject for symptom in incident.symptoms if symptom.delivery is not None}):
        _read(subject, wanted, rows, ledger)
    seqs = tuple(sorted(seq for _, seq in rows.counts.values()))
    total = sum((counts for counts, _ in rows.counts.values()), Counts())
    if not seqs:
        yield Entry("Rows: {rows}.", {"rows": Figure(None)})
        return
    discarded = sum(rows.discarded.values())
    behind = (*seqs, *rows.discarded)
    figures = {
        "deliveries": Figure(f"{len(seqs):,}", seqs),
        "in": Figure(f"{total.rows_in:,}", seqs),
        "loaded": Figure(f"{total.loaded:,}", seqs),
        "quarantined": Figure(f"{total.quarantined - min(discarded, total.quarantined):,}", behind),
        "held": Figure(f"{total.held:,}", seqs),
        "discarded": Figure(f"{total.discarded + min(discarded, total.quarantined):,}", behind),
        "lost": Figure(
            f"{total.rows_in - total.loaded - total.quarantined - total.held - total.discarded:,}", seqs
        ),
    }  # fmt: skip
    yield Entry(
        "Rows of the deliveries concerned ({deliveries}): {in} in = {loaded} loaded + {quarantined} quarantined + {held} held"
        " + {discarded} discarded; {lost} lost.",
        figures,
    )
    if rows.replayed:
        yield Entry("Loaded again: {times}.", {"times": Figure(f"{len(rows.replayed):,} times", tuple(rows.replayed))})


def _deliveries(incident: Incident, ledger: Ledger) -> frozenset[str]:
    found: set[str] = set()
    for symptom in incident.symptoms:
        if symptom.delivery is None:
            continue
        for fact in ledger.facts(subject=symptom.subject, after=symptom.first - 1):
            if fact.seq > symptom.last:
                break
            if fact.kind in _SHOWING and any(seen.key == symptom.key for seen in symptoms([fact])):
                found.add(msgspec.json.decode(fact.payload, type=_Told).delivery)
    return frozenset(found)


def _read(source: str, wanted: frozenset[str], rows: _Rows, ledger: Ledger) -> None:
    for fact in ledger.facts(subject=source):
        if fact.kind not in _LOADS and fact.kind != Discarded.fact:
            continue
        told = msgspec.json.decode(fact.payload, type=_Told)
        if told.delivery not in wanted:
            continue
        if fact.kind == Discarded.fact:
            rows.discarded[fact.seq] = told.rows
        elif told.counts is not None:
            rows.counts[told.delivery] = (told.counts, fact.seq)
            if fact.kind == Replayed.fact:
                rows.replayed.append(fact.seq)
