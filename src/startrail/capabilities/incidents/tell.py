"""Which changes of incidents are worth a message to somebody.

Plain values: what carries them, and to whom, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from startrail.model import incident as i
from startrail.model.incident import Change, Incident, Severity

News = Literal["opened", "escalated", "acknowledged", "resolved"]


class Message(msgspec.Struct, frozen=True):
    """``key`` is the same for all messages about one incident. ``title`` may hold text from data."""

    incident: str
    key: str
    news: News
    severity: Severity
    title: str
    text: str = ""


def messages(changes: Iterable[tuple[Incident, Change]]) -> list[Message]:
    """What to tell: each incident as it stands after all of its changes, the changes in their order.

    An incident that is opened and resolved in one go, or that never was graver than info, is told to nobody.
    """
    told: list[Message] = []
    changes = list(changes)
    over = {incident.id for incident, change in changes if isinstance(change, i.Resolved)}
    for incident, change in changes:
        news = _news(change)
        unheard = news == "opened" and incident.id in over
        if news is None or unheard or incident.severity == "info":
            continue
        if news == "resolved" and any(isinstance(c, i.Opened) and other.id == incident.id for other, c in changes):
            continue
        told.append(Message(incident.id, incident.id, news, incident.severity, incident.title, _text(change)))
    return told


def _news(change: Change) -> News | None:
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
