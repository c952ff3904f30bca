"""Which changes of incidents are worth telling somebody.

Plain values: what carries them, and to whom, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from startrail.model import alert
from startrail.model import incident as i
from startrail.model.alert import IncidentChange, OutboxRow
from startrail.model.incident import Change, Incident

Tell = Callable[[Sequence[tuple[Incident, Change]]], Sequence[OutboxRow]]
"""From changes that are about to be recorded to what is written with them for those who are to be told."""


def nobody(_: Sequence[tuple[Incident, Change]]) -> Sequence[OutboxRow]:
    """Tell nobody."""
    return ()


def messages(changes: Sequence[tuple[Incident, Change]], at: datetime) -> list[IncidentChange]:
    """What to tell: each incident as it stands after all of its changes, the changes in their order.

    An incident that is opened and resolved in one go, or that never was graver than info, is told to nobody.
    """
    unheard = _unheard(changes)
    told: list[IncidentChange] = []
    for incident, change in changes:
        news = _news(change)
        if news is not None and incident.severity != "info" and incident.id not in unheard:
            told.append(_message(incident, change, news, at))
    return told


def _unheard(changes: Sequence[tuple[Incident, Change]]) -> set[str]:
    """Incidents that begin with these changes and are over with them."""
    first: dict[str, alert.Change] = {}
    last: dict[str, alert.Change] = {}
    for incident, change in changes:
        news = _news(change)
        if news in ("opened", "resolved"):
            first.setdefault(incident.id, news)
            last[incident.id] = news
    return {id_ for id_, news in first.items() if news == "opened" and last[id_] == "resolved"}


def _message(incident: Incident, change: Change, news: alert.Change, at: datetime) -> IncidentChange:
    details = {
        "cause": incident.cause,
        "about": incident.subject,
        "affects": ", ".join(each.name for each in incident.affected[:20]),
        "see": f"startrail incident show {incident.id}",
    }
    opener = incident.symptoms[0].rule if incident.symptoms else ""
    return IncidentChange(
        incident.id, incident.id, news, incident.severity, incident.title, at, _text(change), opener=opener, details=details
    )


def _news(change: Change) -> alert.Change | None:
    match change:
        case i.Opened() | i.Reopened():
            return "opened"
        case i.Escalated():
            return "escalated"
        case i.Acknowledged():
            return "acknowledged"
        case i.Resolved():
            return "resolved"
        case _:
            return None


def _text(change: Change) -> str:
    match change:
        case i.Opened() | i.Reopened():
            return "; ".join(symptom.what for symptom in change.symptoms[:5])
        case i.Escalated() | i.Resolved():
            return change.reason
        case i.Acknowledged():
            return change.note
        case _:
            return ""
