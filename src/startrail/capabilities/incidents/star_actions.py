"""What was done about an incident, in its order: by Startrail and by people, with when, who, and the facts that show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from startrail.capabilities.incidents.spans import count, instant
from startrail.flow.events import Adopted, Discarded, DriftAcknowledged, Replayed, SourceExpectedArrived, Withdrawn
from startrail.model import incident as i
from startrail.model.delivery import Counts
from startrail.model.incident import BY_ITSELF, Change, Incident
from startrail.model.star import Entry, Figure
from startrail.model.step import Fact
from startrail.ports.ledger import Ledger

_DEEDS = frozenset(
    str(each.fact) for each in (Adopted, Replayed, Discarded, DriftAcknowledged, SourceExpectedArrived, Withdrawn)
)  # fmt: skip


class _Deed(msgspec.Struct):
    """The fields of all these facts that count here."""

    delivery: str = ""
    name: str = ""
    by: str = ""
    kind: str = ""
    path: str = ""
    note: str = ""
    reason: str = ""
    until: str = ""
    rows: int = 0
    what: str = ""
    file: str = ""
    due: str = ""
    minutes_late: int | None = None
    fields: tuple[str, ...] = ()
    before: Counts = Counts()
    counts: Counts = Counts()


def actions(
    incident: Incident, told: Sequence[tuple[Fact, Change]], deliveries: frozenset[str], ledger: Ledger
) -> Iterator[Entry]:  # fmt: skip
    """In order of facts; last, how to look at all of it again."""
    found = {fact.seq: entry for fact, change in told if (entry := _of_change(fact, change)) is not None}
    first = min((symptom.first for symptom in incident.symptoms if symptom.first), default=told[0][0].seq)
    last = incident.seq if incident.state == "resolved" else None
    for subject in sorted({symptom.subject for symptom in incident.symptoms}):
        for fact in ledger.facts(subject=subject, after=first):
            if last is not None and fact.seq > last:
                break
            if fact.kind in _DEEDS and (entry := _of_deed(fact, incident, deliveries)) is not None:
                found[fact.seq] = entry
    yield from (found[seq] for seq in sorted(found))
    yield Entry("To look again: {command}.", words={"command": f"startrail incident show {incident.id}"})


def _of_change(fact: Fact, change: Change) -> Entry | None:
    text = _said(change)
    if text is None:
        return None
    by = getattr(change, "by", BY_ITSELF)
    words = {"who": "Startrail" if by == BY_ITSELF else by, "what": text}
    evidence: tuple[int, ...] = getattr(change, "evidence", ())
    if not evidence:
        return Entry("{at} {who}: {what}", {"at": instant(fact)}, words, person=by != BY_ITSELF)
    figures = {"at": instant(fact), "evidence": count(len(evidence), "fact", evidence)}
    return Entry("{at} {who}: {what} (shown by {evidence})", figures, words, person=by != BY_ITSELF)


def _said(change: Change) -> str | None:
    match change:
        case i.Acted():
            return f"{change.mitigation}: {change.what}"
        case i.Refused():
            return f"{change.mitigation} refused: {change.reason}"
        case i.Mitigated():
            return f"verified: {change.reason}"
        case i.Escalated():
            return f"escalated to {change.severity}: {change.reason}"
        case i.Reopened():
            return "it came back; opened again"
        case i.Acknowledged():
            return "acknowledged" + (f": {change.note}" if change.note else "")
        case i.Noted():
            return f"note: {change.text}"
        case i.Resolved():
            return f"resolved: {change.reason}"
        case _:
            return None


def _of_deed(fact: Fact, incident: Incident, deliveries: frozenset[str]) -> Entry | None:
    deed = msgspec.json.decode(fact.payload, type=_Deed)
    at, words = {"at": instant(fact)}, {"who": deed.by or "Startrail", "subject": fact.subject}
    if fact.kind == DriftAcknowledged.fact:
        if f"drift {fact.subject} {deed.kind} {deed.path}" not in {symptom.key for symptom in incident.symptoms}:
            return None
        words |= {"what": f"{deed.kind} at {deed.path}", "note": f": {deed.note}" if deed.note else ""}
        until = at | {"until": Figure(deed.until, (fact.seq,))}
        return Entry("{at} {who}: acknowledged drift of {subject}, {what}, until {until}{note}", until, words, person=True)
    if fact.kind == SourceExpectedArrived.fact:
        if f"freshness {fact.subject} {deed.due} {deed.what}" not in {symptom.key for symptom in incident.symptoms}:
            return None
        late = Figure(None if deed.minutes_late is None else f"{deed.minutes_late:,} min", (fact.seq,))
        return Entry("{at} {file} landed, {late} after it was expected", at | {"late": late}, {"file": deed.file})
    if deed.delivery not in deliveries:
        return None
    if fact.kind == Discarded.fact:
        figures = at | {"rows": count(deed.rows, "row", (fact.seq,))}
        words |= {"reason": deed.reason}
        return Entry("{at} {who}: discarded {rows} of {subject}: {reason}", figures, words, person=True)
    how = "replayed" if fact.kind == Replayed.fact else "loaded again, since the contract declares " + ", ".join(deed.fields)
    how = "taken out, since a new version of it came" if fact.kind == Withdrawn.fact else how
    words |= {"how": how, "name": deed.name}
    return Entry("{at} {who}: {name} {how}: {rows}", at | {"rows": _rows(deed, fact.seq)}, words)


def _rows(deed: _Deed, seq: int) -> Figure:
    parts: Iterable[tuple[str, int, int]] = (
        ("loaded", deed.before.loaded, deed.counts.loaded),
        ("quarantined", deed.before.quarantined, deed.counts.quarantined),
        ("held", deed.before.held, deed.counts.held),
    )
    return Figure(
        ", ".join(f"{now:,} {what} ({before:,} before)" for what, before, now in parts if before or now) or "0 rows", (seq,)
    )
