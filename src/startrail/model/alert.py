"""Alerts: what is told to whom, and the rows in which it waits until it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from startrail.base.span import Span
from startrail.model.quantities import Duration, Secret, Url, WallTime, Zone

Severity = Literal["info", "warning", "error", "page"]
"""How much a person is needed; ``page`` wakes somebody."""
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error", "page")
"""From the least to the greatest."""
Action = Literal["trigger", "acknowledge", "resolve", "change"]
Change = Literal["opened", "escalated", "acknowledged", "resolved"]


def rank(severity: Severity) -> int:
    """Greater means more urgent."""
    return SEVERITIES.index(severity)


class IncidentChange(msgspec.Struct, frozen=True):
    """A change of an incident that is worth telling. Plain values: whoever decides knows nothing of endpoints."""

    incident: str
    """Id of the incident."""
    key: str
    """Its dedup key: all that is told of one incident has the same."""
    change: Change
    severity: Severity
    title: str
    at: datetime
    text: str = ""
    owner: str | None = None
    opener: str = ""
    """The rule that opened it, as routes name it."""
    details: dict[str, str] = {}
    link: str | None = None


class Alert(msgspec.Struct, frozen=True):
    """One message, the same for every kind of endpoint. Its texts are neutral: nothing in them is markup or a mention."""

    action: Action
    key: str
    severity: Severity
    title: str
    at: datetime
    text: str = ""
    details: dict[str, str] = {}
    source: str = ""
    """Who says it: the project."""
    link: str | None = None
    subject: str = ""
    """The incident, or whatever else it is about."""


class OutboxRow(msgspec.Struct, frozen=True):
    """An alert for one endpoint, to be written together with the facts that caused it.

    ``id`` follows from the content: written twice, it is one row, and every try to send it carries the same id.
    """

    id: str
    endpoint: str
    alert: Alert
    due_at: datetime


OutboxState = Literal["waiting", "sent", "coalesced", "refused", "failed", "dropped"]
"""``coalesced``: another row of the same key says it already. ``refused``: the endpoint will never take it.
``failed``: given up after days of trying. ``dropped``: a person let what was given up be."""


class Outgoing(msgspec.Struct, frozen=True):
    """A row of the outbox as it stands. ``wanted_at`` is when it was first due, ``due_at`` when it is tried next."""

    seq: int
    row: OutboxRow
    state: OutboxState
    attempts: int
    wanted_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None


class Settled(msgspec.Struct, frozen=True):
    """What became of one try. ``due_at`` is the next try of a row that waits on.

    ``rest_due_at``: nothing else goes to this endpoint before. ``back``: the endpoint takes alerts again, so whatever
    waited for that is due now.
    """

    seq: int
    state: OutboxState
    due_at: datetime
    reason: str | None = None
    rest_due_at: datetime | None = None
    back: bool = False


class Trouble(msgspec.Struct, frozen=True, tag_field="type", tag="alerts"):
    """Rows of one endpoint that wait, or were given up. ``tried``: of these, how many were tried in vain."""

    endpoint: str
    state: OutboxState
    rows: int
    tried: int
    since: datetime


class Sent(msgspec.Struct, frozen=True):
    """The endpoint took it."""


class Later(msgspec.Struct, frozen=True):
    """Not now. ``after_seconds``: what the endpoint asked for; ``crowded``: it wants nothing else before either;
    ``answered``: somebody is there, so that another alert may fare better."""

    why: str
    after_seconds: float | None = None
    crowded: bool = False
    answered: bool = False


class Refused(msgspec.Struct, frozen=True):
    """The endpoint will not take this alert, whenever it comes."""

    why: str


# -- declarations --------------------------------------------------------------------------------------
class PagerDuty(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pagerduty"):
    """A PagerDuty service, through Events API v2."""

    routing_key: Secret
    """Integration key of the service; a secret reference."""
    url: Url = "https://events.pagerduty.com"
    """Address of the API; another host than PagerDuty's own must stand in ``hosts``."""
    timeout: Duration = "10s"
    """How long one answer may take."""


class AppriseUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="apprise"):
    """Any service that the package apprise speaks to: mail, chat, push. Needs the extra ``alerts``."""

    url: Secret
    """The apprise URL, which holds tokens; a secret reference."""
    timeout: Duration = "10s"
    """How long one answer may take."""


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="webhook"):
    """A signed POST of JSON to an address of your own."""

    url: Url
    """The whole address; its host must stand in ``hosts``."""
    secret: Secret
    """The key of the signature; a secret reference."""
    timeout: Duration = "10s"
    """How long one answer may take."""


class LogFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="log"):
    """A file that gets one line of JSON per alert: for tests, and for profiles that shall disturb nobody."""

    path: str = ".startrail/alerts.ndjson"
    """The file; a relative path starts at the project folder."""


Endpoint = PagerDuty | AppriseUrl | Webhook | LogFile


class Alerts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where alerts of this profile go. A profile without it tells nobody."""

    endpoints: dict[str, Endpoint]
    """By the name that routes use. Every endpoint that a route names must be here."""
    hosts: tuple[str, ...] = ()
    """Hosts that webhooks may go to: ``hooks.example``, ``*.example``; an address or network (``10.0.0.0/8``) that is
    not public must be listed itself."""
    patience: Duration = "15s"
    """How long a run waits at its end while alerts are sent; what is left goes later."""


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours in which only severity ``page`` is told at once; the rest waits for their end."""

    after: WallTime
    """When they begin, as ``22:00``."""
    until: WallTime
    """When they end, as ``07:00``; before ``after`` means the next day."""
    timezone: Zone = "UTC"
    """The zone of both times."""


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which incidents are told to which endpoints. What is empty matches everything."""

    to: tuple[str, ...]
    """Names of endpoints, which the profile declares."""
    span: Span
    severity: Severity = "warning"
    """The least severity that is told."""
    owners: tuple[str, ...] = ()
    """Only incidents of these owners."""
    openers: tuple[str, ...] = ()
    """Only incidents opened by these rules; ``*`` stands for anything, as in ``"* failed"``."""
    quiet: Quiet | None = None
    """Hours in which only pages come through."""
    changes: bool = False
    """Whether changes that people make are told as well, to those who look for the cause of an incident."""
