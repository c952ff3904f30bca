"""Where the rows went of the deliveries that an incident is about: as their last loads say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from startrail.capabilities.incidents.spans import count
from startrail.flow.events import Adopted, DeliveryHeld, Discarded, DriftFound, Loaded, Replayed, Withdrawn
from startrail.model.delivery import Counts
from startrail.model.incident import Incident
from startrail.model.star import Entry, Figure
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

_SHOWING = (str(DriftFound.fact), str(DeliveryHeld.fact))
_AGAIN = {str(Replayed.fact): "replayed", str(Adopted.fact): "adopted", str(Withdrawn.fact): "withdrawn"}
_LOADS = (str(Loaded.fact), *_AGAIN)


class _Told(msgspec.Struct):
    delivery: str = ""
    counts: Counts | None = None
    rows: int = 0
    before: Counts | None = None
    repaired: int = 0


class _Rows:
    """What the facts of one source say of some of its deliveries."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[Counts, int]] = {}
        self.again: dict[str, dict[int, _Told]] = {}
        """``replayed``, ``adopted`` or ``withdrawn`` -> what each of these facts says."""
        self.discarded: dict[str, list[int]] = {}
        """The facts by which people discarded rows since the last load; that load says itself what was discarded before."""

    @property
    def deciding(self) -> tuple[int, ...]:
        """Those facts, of all deliveries."""
        return tuple(sorted(seq for seqs in self.discarded.values() for seq in seqs))

    def load(self, delivery: str, counts: Counts, seq: int) -> None:
        self.counts[delivery] = counts, seq
        self.discarded.pop(delivery, None)

    def discard(self, delivery: str, rows: int, seq: int) -> None:
        """Of a held delivery all rows, of another one quarantined ones."""
        if delivery not in self.counts:
            return
        old, load = self.counts[delivery]
        held = min(rows, old.held)
        quarantined = min(rows - held, old.quarantined)
        new = msgspec.structs.replace(
            old, held=old.held - held, quarantined=old.quarantined - quarantined, discarded=old.discarded + held + quarantined
        )
        self.counts[delivery] = new, load
        self.discarded.setdefault(delivery, []).append(seq)


def rows_of(incident: Incident, wanted: frozenset[str], ledger: Ledger) -> Iterable[Entry]:
    """Nothing for an incident that is about no delivery."""
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
    behind = tuple(sorted((*seqs, *rows.deciding)))
    figures = {
        "deliveries": Figure(f"{len(seqs):,}", seqs),
        "in": Figure(f"{total.rows_in:,}", seqs),
        "loaded": Figure(f"{total.loaded:,}", seqs),
        "quarantined": Figure(f"{total.quarantined:,}", behind),
        "held": Figure(f"{total.held:,}", behind),
        "discarded": Figure(f"{total.discarded:,}", behind),
        "lost": Figure(
            f"{total.rows_in - total.loaded - total.quarantined - total.held - total.discarded:,}", seqs
        ),
    }  # fmt: skip
    yield Entry(
        "Rows of the deliveries concerned ({deliveries}): {in} in = {loaded} loaded + {quarantined} quarantined + {held} held"
        " + {discarded} discarded; {lost} lost.",
        figures,
    )
    for how, loads in rows.again.items():
        figures = {
            "times": count(len(loads), "time", tuple(loads)),
            "rows": count(sum(told.counts.rows_in for told in loads.values() if told.counts), "row", tuple(loads)),
            "gained": Figure(f"{sum(_gained(told) for told in loads.values()):+,}", tuple(loads)),
        }
        if how == "replayed":
            figures["repaired"] = count(sum(told.repaired for told in loads.values()), "row", tuple(loads))
        mended = ", {repaired} by a repair" if how == "replayed" else ""
        yield Entry(f"Deliveries {how}: {{times}}, {{rows}}; loaded rows {{gained}}{mended}.", figures)


def _gained(told: _Told) -> int:
    return told.counts.loaded - told.before.loaded if told.counts and told.before else 0


def deliveries_of(incident: Incident, sightings: Mapping[str, Sequence[Fact]]) -> frozenset[str]:
    """The deliveries that showed the incident's symptoms; ``sightings``: the facts that did, by symptom."""
    return frozenset(
        msgspec.json.decode(fact.payload, type=_Told).delivery
        for symptom in incident.symptoms
        if symptom.delivery is not None
        for fact in sightings[symptom.key]
        if fact.kind in _SHOWING
    )


def _read(source: str, wanted: frozenset[str], rows: _Rows, ledger: Ledger) -> None:
    for fact in ledger.facts(subject=source):
        if fact.kind not in _LOADS and fact.kind != Discarded.fact:
            continue
        told = msgspec.json.decode(fact.payload, type=_Told)
        if told.delivery not in wanted:
            continue
        if fact.kind == Discarded.fact:
            rows.discard(told.delivery, told.rows, fact.seq)
        elif told.counts is not None:
            rows.load(told.delivery, told.counts, fact.seq)
            if fact.kind in _AGAIN:
                rows.again.setdefault(_AGAIN[fact.kind], {})[fact.seq] = told
