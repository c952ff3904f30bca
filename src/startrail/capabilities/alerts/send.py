"""Take alerts out of the outbox and bring them to their endpoints, each key in order, whatever dies on the way.

One sender at a time works on an endpoint, under a lease of its own whose token is compared in every transaction. What
was sent and not yet recorded when a sender died is sent again under the same id.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from startrail.base.crash import crash_point
from startrail.base.errors import StartrailError
from startrail.base.text import printable
from startrail.flow.events import AlertFailed, AlertSent, AlertsWaiting, Emit, Event
from startrail.flow.lease import try_lease
from startrail.flow.session import to_facts
from startrail.ledger.errors import LeaseLost
from startrail.model.alert import Later, Outgoing, Refused, Sent, Settled
from startrail.model.run import Lease
from startrail.ports.alerts import Notifier
from startrail.ports.clock import Clock
from startrail.ports.ledger import Ledger

LEASE_SECONDS = 60.0
GIVE_UP_AFTER = timedelta(days=3)
_LEAST_ATTEMPTS = 10
"""A machine that slept for a week does not give up at its first try."""
_MOST_IN_VAIN = 2
"""Alerts one after the other that an endpoint answers and does not take; then the rest waits as well."""
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 900.0
_LONGEST_ASKED = 3600.0


@dataclass
class Sending:
    """What one pass did. ``busy``: endpoints at which another sender works."""

    sent: int = 0
    given_up: int = 0
    later: int = 0
    busy: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    """Endpoints that were still at it when time was up."""
    troubles: dict[str, str] = field(default_factory=dict)


def chance() -> float:
    """Between 0 and 1, so that many senders do not come back at the same moment."""
    return int.from_bytes(os.urandom(4)) / 2**32


@dataclass(frozen=True)
class Sender:
    """``notifiers`` opens the endpoints of this profile by name; ``wall`` is the time that leases go by."""

    ledger: Ledger
    notifiers: Mapping[str, Callable[[], Notifier]]
    clock: Clock
    wall: Clock
    show: Emit
    jitter: Callable[[], float] = chance

    def send(self, seconds: float) -> Sending:
        """Everything due, the endpoints side by side, for at most about ``seconds``; then the rest is left for later.

        An endpoint that still hangs then is left to itself: nothing that it says is recorded any more.
        """
        due = [name for name in self.ledger.due_endpoints(self.clock.now()) if name in self.notifiers]
        if not due:
            return Sending()
        work = _Pass(self, Sending())
        threads = [threading.Thread(target=work.endpoint, args=(name,), name=f"alerts {name}", daemon=True) for name in due]
        for thread in threads:
            thread.start()
        patience = threading.Thread(target=_join, args=(threads,), daemon=True)
        patience.start()
        patience.join(seconds)
        return work.close()


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


class _TimeUp(Exception):
    """The pass is over; whatever a thread still holds is void."""


class _Pass:
    """One pass over the due endpoints. Its lock stands between a thread that comes late and the ledger's end."""

    def __init__(self, sender: Sender, done: Sending) -> None:
        self._of, self._done = sender, done
        self._lock = threading.RLock()
        self._over = False
        self._at_work: set[str] = set()
        self._expires: dict[str, datetime] = {}
        self._defects: list[BaseException] = []

    def close(self) -> Sending:
        with self._lock:
            self._over = True
            self._done.unfinished = tuple(sorted(self._at_work))
            for name, why in sorted(self._done.troubles.items()):
                self._of.show(AlertsWaiting(subject=name, reason=why))
            if self._defects:
                raise self._defects[0]
            return self._done

    def endpoint(self, name: str) -> None:
        """Runs in a thread of its own."""
        try:
            with self._lock:
                self._still()
                self._at_work.add(name)
                lease = try_lease(self._of.ledger, self._of.wall, _lease_name(name), LEASE_SECONDS)
                if lease is None:
                    self._done.busy = (*self._done.busy, name)
            if lease is not None:
                self._work(name, lease)
            with self._lock:
                self._at_work.discard(name)
        except (_TimeUp, LeaseLost):
            pass  # somebody else goes on, with the same ids
        except StartrailError as error:
            with self._lock:
                self._at_work.discard(name)
                self._done.troubles[name] = error.message
        except Exception as error:  # a defect is raised where the caller is
            with self._lock:
                self._at_work.discard(name)
                self._defects.append(error)

    def _work(self, name: str, lease: Lease) -> None:
        try:
            notifier, back, in_vain = self._of.notifiers[name](), True, 0
            while in_vain < _MOST_IN_VAIN and (claimed := self._claim(name, lease)) is not None:
                crash_point("alert claimed")
                outcome = notifier.send(claimed.row.alert, claimed.row.id)
                crash_point("alert sent")
                with self._lock:
                    self._still()
                    self._settle(name, claimed, outcome, lease, back)
                crash_point("alert recorded")
                if isinstance(outcome, Later):
                    in_vain = in_vain + 1 if outcome.answered and not outcome.crowded else _MOST_IN_VAIN
                else:
                    back, in_vain = False, 0
        finally:
            with self._lock:
                if not self._over:
                    self._of.ledger.release(lease)

    def _claim(self, name: str, lease: Lease) -> Outgoing | None:
        """The lease lasts for at least two thirds of its time from here."""
        with self._lock:
            self._still()
            now, held = self._of.wall.now(), self._expires.get(name, lease.expires_at)
            if held - now < timedelta(seconds=LEASE_SECONDS * 2 / 3):
                self._expires[name] = self._of.ledger.renew(lease, LEASE_SECONDS, now).expires_at
            return self._of.ledger.claim_alert(name, lease, self._of.clock.now())

    def _still(self) -> None:
        if self._over:
            raise _TimeUp

    def _settle(self, name: str, claimed: Outgoing, outcome: Sent | Later | Refused, lease: Lease, back: bool) -> None:
        now = self._of.clock.now()
        settled = settle(claimed, outcome, now, self._of.jitter(), back=back)
        event = _event(name, claimed, settled, now)
        self._of.ledger.settle_alert(name, settled, lease, now, to_facts(event) if event is not None else ())
        if event is not None:
            self._of.show(event)
        self._done.sent += settled.state == "sent"
        self._done.given_up += settled.state in ("refused", "failed")
        self._done.later += settled.state == "waiting"
        if isinstance(outcome, Later):
            self._done.troubles[name] = settled.reason or ""


def settle(claimed: Outgoing, outcome: Sent | Later | Refused, now: datetime, jitter: float, *, back: bool = True) -> Settled:
    """What becomes of a row after this try; ``jitter`` is between 0 and 1. ``back``: should it be taken, whatever waits
    for the endpoint is due."""
    if isinstance(outcome, Sent):
        return Settled(claimed.seq, "sent", now, back=back)
    why = printable(outcome.why, 300)
    if isinstance(outcome, Refused):
        return Settled(claimed.seq, "refused", now, why, back=back)
    wait = max(backoff(claimed.attempts, jitter), min(outcome.after_seconds or 0.0, _LONGEST_ASKED))
    due = now + timedelta(seconds=wait)
    given_up = now - claimed.wanted_at >= GIVE_UP_AFTER and claimed.attempts >= _LEAST_ATTEMPTS
    return Settled(claimed.seq, "failed" if given_up else "waiting", due, why, due if outcome.crowded else None)


def backoff(attempts: int, jitter: float) -> float:
    """Seconds until the next try: doubling from 5 s up to 15 minutes, of which up to a half is left to chance."""
    full = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempts - 1, 16))
    return full * (0.5 + jitter / 2)


def _event(name: str, claimed: Outgoing, settled: Settled, now: datetime) -> Event | None:
    alert, waited = claimed.row.alert, max(0.0, (now - claimed.wanted_at).total_seconds())
    if settled.state == "sent":
        return AlertSent(
            subject=alert.subject, endpoint=name, delivery=claimed.row.id, key=alert.key, action=alert.action,
            severity=alert.severity, attempts=claimed.attempts, waited=round(waited, 3),
        )  # fmt: skip
    if settled.state in ("refused", "failed"):
        return AlertFailed(
            subject=alert.subject, endpoint=name, delivery=claimed.row.id, key=alert.key, action=alert.action,
            severity=alert.severity, attempts=claimed.attempts, state=settled.state, reason=settled.reason or "",
        )  # fmt: skip
    return None


def _lease_name(endpoint: str) -> str:
    return f"alerts/{endpoint}"
