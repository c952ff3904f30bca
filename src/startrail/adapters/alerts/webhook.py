"""A signed POST to an address of the user's own."""

from __future__ import annotations

import msgspec

from startrail.adapters.alerts.guard import Guard
from startrail.adapters.alerts.post import Poster, judged
from startrail.adapters.alerts.signature import ID_HEADER, sign
from startrail.base.time import to_text
from startrail.model.alert import Alert, Later, Refused, Sent
from startrail.ports.clock import Clock


class WebhookNotifier:
    """Every try has the same id and the same body; the time it is signed with is that of the try."""

    def __init__(self, url: str, secret: str, guard: Guard, timeout: float, clock: Clock) -> None:
        self._post = Poster(url, guard, timeout)
        self._secret, self._clock = secret, clock
        self.name = self._post.name

    def send(self, alert: Alert, delivery_id: str) -> Sent | Later | Refused:
        body, now = document(alert, delivery_id), self._clock.now()
        answer = self._post.post(None, body, {ID_HEADER: delivery_id, **sign(self._secret, now, body)})
        return judged(answer, self.name, now)


def document(alert: Alert, delivery_id: str) -> bytes:
    """The body: the alert's own fields, and the id again."""
    fields = msgspec.to_builtins(alert) | {"at": to_text(alert.at), "id": delivery_id, "version": 1}
    return msgspec.json.encode(fields, order="sorted")
