"""Incidents, the alerts about them, and what people keep of them."""

from __future__ import annotations

from startrail.flow.events.event import Event


class IncidentChanged(Event, frozen=True, tag="incident_changed"):
    """An incident was opened, mitigated, resolved …: shown as it stands then. Its own facts are named ``incident.*``."""

    incident: str
    change: str
    state: str
    severity: str
    title: str
    reason: str = ""


class MitigationRefused(Event, frozen=True, tag="mitigation_refused"):
    """A person asked for a mitigation that the book has no more of, or that the project does not allow."""

    fact = "mitigation.refused"
    mitigation: str
    reason: str
    by: str


class StoryKept(Event, frozen=True, tag="story_kept"):
    """A person's own story is kept, in their words. Kept again under the same title, the newer words count."""

    fact = "story.kept"
    by: str
    title: str
    situation: str = ""
    task: str = ""
    action: str = ""
    result: str = ""
    principles: tuple[str, ...] = ()
    about: str = ""


class AlertSent(Event, frozen=True, tag="alert_sent"):
    """An endpoint took an alert. ``subject`` is the incident, or whatever it was about."""

    fact = "alert.sent"
    endpoint: str
    delivery: str
    """Every try carried this id."""
    key: str
    action: str
    severity: str
    attempts: int
    waited: float
    """Seconds since it was first due."""


class AlertFailed(Event, frozen=True, tag="alert_failed"):
    """An alert was refused for good, or given up after days of trying. ``startrail alerts send --again`` tries it again."""

    fact = "alert.failed"
    endpoint: str
    delivery: str
    key: str
    action: str
    severity: str
    attempts: int
    state: str
    reason: str


class AlertsRevived(Event, frozen=True, tag="alerts_revived"):
    """A person let alerts wait again that were given up."""

    fact = "alert.revived"
    alerts: int


class AlertsDropped(Event, frozen=True, tag="alerts_dropped"):
    """A person decided that alerts which were given up are wanted no more."""

    fact = "alert.dropped"
    alerts: int
    by: str
    reason: str


class AlertsWaiting(Event, frozen=True, tag="alerts_waiting"):
    """An endpoint does not take alerts now; they wait in the ledger. Shown, never recorded."""

    reason: str
