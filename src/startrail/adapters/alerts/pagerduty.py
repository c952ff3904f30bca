"""PagerDuty Events API v2: https://developer.pagerduty.com/docs/events-api-v2/overview/

Triggers, acknowledges and resolves of one incident carry one ``dedup_key``, so a trigger that comes twice is one alert
there. Change events have no such key: one that is sent again after a crash is there twice.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from startrail.adapters.alerts.guard import Guard
from startrail.adapters.alerts.post import Answer, Poster, judged
from startrail.base.text import printable
from startrail.base.time import to_text
from startrail.model.alert import Alert, Later, Refused, Sent, Severity
from startrail.ports.clock import Clock

OWN_HOSTS = ("events.pagerduty.com", "events.eu.pagerduty.com")
MOST_BYTES = 512 * 1024
_ROOM = 4 * 1024
"""What is kept free below the limit for what the API counts besides."""
_SUMMARY = 1024
_SEVERITIES: dict[Severity, str] = {"page": "critical", "error": "error", "warning": "warning", "info": "info"}

Json = dict[str, object]


class PagerDutyNotifier:
    """One service."""

    def __init__(self, url: str, routing_key: str, guard: Guard, timeout: float, clock: Clock) -> None:
        self._post = Poster(url, guard, timeout)
        self._key, self._clock = routing_key, clock
        self._base = urlsplit(url).path.rstrip("/")
        self.name = self._post.name

    def send(self, alert: Alert, delivery_id: str) -> Sent | Later | Refused:
        path = "/v2/change/enqueue" if alert.action == "change" else "/v2/enqueue"
        answer = self._post.post(self._base + path, event(alert, delivery_id, self._key), {})
        return judged(answer, self.name, self._clock.now(), what=self._complaint(answer))

    def _complaint(self, answer: Answer | Later) -> str:
        """What the API says is wrong, without the key should it repeat it."""
        if isinstance(answer, Later) or answer.status != 400:
            return ""
        try:
            told = msgspec.json.decode(answer.body, type=_Complaint)
        except msgspec.MsgspecError:
            return ""
        text = "; ".join([told.message, *told.errors]).replace(self._key, "…")
        return f": {printable(text, 160)}"


class _Complaint(msgspec.Struct):
    message: str = ""
    errors: list[str] = []


def event(alert: Alert, delivery_id: str, routing_key: str) -> bytes:
    """The body of the request, at most :data:`MOST_BYTES`; details that do not fit are left out, and that is said."""
    if alert.action in ("acknowledge", "resolve"):
        return msgspec.json.encode({"routing_key": routing_key, "event_action": alert.action, "dedup_key": alert.key})
    details = {"delivery": delivery_id, **({"text": alert.text} if alert.text else {}), **alert.details}
    left_out: list[str] = []
    while True:
        body = msgspec.json.encode(_event(alert, _saying(details, left_out), routing_key))
        if len(body) <= MOST_BYTES - _ROOM or len(details) <= 1:
            return body
        longest = max((name for name in details if name != "delivery"), key=lambda name: len(details[name]))
        left_out.append(longest)
        del details[longest]


def _saying(details: dict[str, str], left_out: list[str]) -> dict[str, str]:
    if not left_out:
        return details
    names = ", ".join(name[:60] for name in left_out[:20])
    return details | {"left out": f"{len(left_out)} details too long for PagerDuty: {names}"}


def _event(alert: Alert, details: dict[str, str], routing_key: str) -> Json:
    payload: Json = {
        "summary": alert.title[:_SUMMARY],
        "source": alert.source or "startrail",
        "timestamp": to_text(alert.at),
        "custom_details": details,
    }
    links: Json = {} if alert.link is None else {"links": [{"href": alert.link, "text": "Startrail"}]}
    if alert.action == "change":
        return {"routing_key": routing_key, "payload": payload, **links}
    payload["severity"] = _SEVERITIES[alert.severity]
    return {
        "routing_key": routing_key, "event_action": "trigger", "dedup_key": alert.key, "client": "Startrail", "payload": payload,
    } | links  # fmt: skip
