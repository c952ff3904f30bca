"""What a person does about an incident: acknowledge, note, resolve."""

from __future__ import annotations

from datetime import datetime

from startrail.capabilities.incidents.errors import IncidentOver, IncidentsBusy, NoReason, UnknownIncident
from startrail.capabilities.incidents.tell import Tell, nobody
from startrail.ledger.incidents import to_fact
from startrail.model.incident import Acknowledged, Change, Incident, Noted, Resolved
from startrail.ports.ledger import Ledger

_ALL = 1_000_000
_TRIES = 50


def find(ledger: Ledger, id: str) -> Incident:
    """By its id or the beginning of it. Raises UnknownIncident."""
    exact = ledger.incident(id)
    if exact is not None:
        return exact
    found = [each for each in ledger.incidents(limit=_ALL) if each.id.startswith(id)] if id else []
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} incidents have an id that begins with '{id}'" if found else f"there is no incident '{id}'"
    known = ", ".join(each.id for each in found[:12])
    raise UnknownIncident(what, hint=f"known: {known}" if known else "see: startrail incident list --all")


def acknowledge(ledger: Ledger, id: str, by: str, note: str, now: datetime, tell: Tell = nobody) -> Incident:
    """A person has it in hand. Raises UnknownIncident, IncidentOver."""
    return _record(ledger, id, Acknowledged(by=_writable(by), note=_writable(note)), now, tell)


def note(ledger: Ledger, id: str, by: str, text: str, now: datetime, principles: tuple[str, ...] = ()) -> Incident:
    """A person says something; also of an incident that is over. Raises UnknownIncident, NoReason."""
    return _record(ledger, id, Noted(by=_writable(by), text=_said(text), principles=principles), now)


def resolve(
    ledger: Ledger, id: str, by: str, reason: str, now: datetime, tell: Tell = nobody, *, principles: tuple[str, ...] = ()
) -> Incident:
    """A person ends it, and says why. Raises UnknownIncident, IncidentOver, NoReason."""
    return _record(ledger, id, Resolved(by=_writable(by), reason=_said(reason), principles=principles), now, tell)


def _record(ledger: Ledger, id: str, change: Change, now: datetime, tell: Tell = nobody) -> Incident:
    for _ in range(_TRIES):
        mark = ledger.incident_mark()
        incident = find(ledger, id)
        if incident.state == "resolved" and not isinstance(change, Noted):
            raise IncidentOver(f"incident {incident.id} is resolved: {incident.reason}", hint="startrail incident list")
        fact, outbox = to_fact(incident.id, change), tell([(incident, change)])
        if ledger.record_incidents(mark, mark.after, [fact], run=None, at=now, outbox=outbox):
            return find(ledger, incident.id)
    raise IncidentsBusy("other processes keep recording incidents", affects="nothing was changed", hint="try again")


def _said(text: str) -> str:
    if not text.strip():
        raise NoReason("the text is empty", affects="nothing was changed", hint='write it in quotation marks: "mended upstream"')
    return _writable(text.strip())


def _writable(text: str) -> str:
    """What a terminal gave us as bytes that are no text is written out."""
    return text.encode("utf-8", "backslashreplace").decode()
