"""Which endpoints are told of a change: a pure function from changes, routes and the time to rows of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.neutral import neutral
from startrail.capabilities.alerts.quiet import quiet_until
from startrail.model.alert import Action, Alert, Change, IncidentChange, OutboxRow, Route, rank

ACTIONS: Mapping[Change, Action] = {
    "opened": "trigger",
    "escalated": "trigger",
    "acknowledged": "acknowledge",
    "resolved": "resolve",
}
TITLE, TEXT, DETAIL, NAME = 1_000, 4_000, 2_000, 100
"""Most characters of each text."""
_MOST_DETAILS = 50
_LONGEST_KEY = 200


def rows_of(
    changes: Sequence[IncidentChange], routes: Mapping[str, Route], now: datetime, *, source: str
) -> tuple[OutboxRow, ...]:
    """In the order of the changes; several routes to one endpoint are one row, due when the first of them says.

    Acknowledged and resolved go to every endpoint that may have been told of the incident, whatever its severity was
    then; the outbox knows which ones were.
    """
    return tuple(row for change in changes for row in _rows(_alert(change, source), _due(change, routes, now)))


def change_rows(
    title: str, text: str, routes: Mapping[str, Route], now: datetime, *, source: str, link: str | None = None
) -> tuple[OutboxRow, ...]:
    """A change that somebody made, for the routes that want changes. No one is paged by it."""
    alert = Alert(
        "change", fingerprint("change", source, title, now.isoformat()), "info", neutral(title, TITLE, lines=False), now,
        neutral(text, TEXT), source=neutral(source, NAME, lines=False), link=_safe_link(link),
        subject=neutral(source, NAME, lines=False),
    )  # fmt: skip
    due: dict[str, datetime] = {}
    for route in routes.values():
        if route.changes:
            at = _delay(route, "info", now)
            for endpoint in route.to:
                due[endpoint] = min(at, due.get(endpoint, at))
    return tuple(_rows(alert, due))


def _due(change: IncidentChange, routes: Mapping[str, Route], now: datetime) -> dict[str, datetime]:
    """Endpoint -> when it is to be told."""
    ends = change.change in ("acknowledged", "resolved")
    due: dict[str, datetime] = {}
    for route in routes.values():
        if ends or matches(route, change):
            at = _delay(route, change.severity, now)
            for endpoint in route.to:
                due[endpoint] = min(at, due.get(endpoint, at))
    return due


def matches(route: Route, change: IncidentChange) -> bool:
    """Whether the route tells of an incident like this."""
    return (
        rank(change.severity) >= rank(route.severity)
        and (not route.owners or change.owner in route.owners)
        and (not route.openers or any(fnmatchcase(change.opener, pattern) for pattern in route.openers))
    )


def _delay(route: Route, severity: str, now: datetime) -> datetime:
    if route.quiet is None or severity == "page":
        return now
    return quiet_until(route.quiet, now) or now


def _rows(alert: Alert, due: Mapping[str, datetime]) -> Iterable[OutboxRow]:
    content = msgspec.json.encode(alert).decode()
    for endpoint, at in sorted(due.items()):
        yield OutboxRow(fingerprint("alert", endpoint, content), endpoint, alert, at)


def _alert(change: IncidentChange, source: str) -> Alert:
    details = {"incident": change.incident, "owner": change.owner or "", "opener": change.opener} | change.details
    return Alert(
        ACTIONS[change.change],
        safe_key(change.key),
        change.severity,
        neutral(change.title, TITLE, lines=False) or "an incident without a title",
        change.at,
        neutral(change.text, TEXT),
        {
            neutral(name, NAME, lines=False): neutral(value, DETAIL)
            for name, value in list(details.items())[:_MOST_DETAILS]
            if value
        },
        neutral(source, NAME, lines=False),
        _safe_link(change.link),
        neutral(change.incident, NAME, lines=False),
    )


def safe_key(key: str) -> str:
    """The dedup key itself where every endpoint can hold it, else its fingerprint."""
    plain = key.isascii() and key.isprintable() and neutral(key, _LONGEST_KEY + 1) == key
    return key if plain and 0 < len(key) <= _LONGEST_KEY else fingerprint(key)


def _safe_link(link: str | None) -> str | None:
    """An http address without anything that could end it early; else none."""
    if link is None or not link.isascii() or not link.isprintable() or any(each in link for each in " <>\"'`|\\"):
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in ("http", "https") and parts.hostname and len(link) <= 2_000 else None
