"""Which adapter serves which endpoint of the profile, and when alerts are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from startrail.base.errors import StartrailError
from startrail.base.units import parse_duration
from startrail.flow.errors import ClockSetBack
from startrail.flow.events import AlertsWaiting, Emit
from startrail.model.alert import AppriseUrl, Endpoint, IncidentChange, LogFile, OutboxRow, PagerDuty
from startrail.wiring import Opened

if TYPE_CHECKING:  # most runs have nothing to send
    from startrail.capabilities.alerts.send import Sending
    from startrail.ports.alerts import Notifier


@contextmanager
def alerting(opened: Opened, show: Emit) -> Iterator[None]:
    """When the block ends, also with an error, alerts that are due are sent. That never makes anything fail."""
    try:
        yield
    except ClockSetBack:
        raise  # facts must be in order of time, also those of alerts
    except StartrailError:
        _try(opened, show)
        raise
    _try(opened, show)


def _try(opened: Opened, show: Emit) -> None:
    try:
        send_due(opened, show)
    except StartrailError as error:
        show(AlertsWaiting(subject="alerts", reason=error.message))


def send_due(opened: Opened, show: Emit, seconds: float | None = None) -> Sending | None:
    """Send what is due, for at most about ``seconds``, or as long as the profile says. None when it tells nobody, or
    nothing is due."""
    alerts, ports = opened.profile.alerts, opened.ports
    if alerts is None or not set(ports.ledger.due_endpoints(ports.clock.now())) & alerts.endpoints.keys():
        return None
    from startrail.capabilities.alerts.send import Sender

    patience = parse_duration(alerts.patience).total_seconds() if seconds is None else seconds
    return Sender(ports.ledger, notifiers(opened), ports.clock, ports.wall, show).send(patience)


def alert_rows(opened: Opened, changes: Sequence[IncidentChange]) -> tuple[OutboxRow, ...]:
    """What the outbox gets for changes of incidents. A profile without alerts tells nobody."""
    if opened.profile.alerts is None or not changes:
        return ()
    from startrail.capabilities.alerts.routing import rows_of

    return rows_of(changes, opened.project.routes, opened.ports.clock.now(), source=opened.project.name)


def notifiers(opened: Opened) -> Mapping[str, Callable[[], Notifier]]:
    """Every endpoint of the profile; a secret is looked up when its endpoint is opened."""
    alerts = opened.profile.alerts
    declared = {} if alerts is None else alerts.endpoints
    return {name: partial(_open, opened, name, endpoint) for name, endpoint in declared.items()}


def _open(opened: Opened, name: str, endpoint: Endpoint) -> Notifier:
    from startrail.adapters.secrets import resolve

    root, alerts = Path(opened.project.root), opened.profile.alerts
    hosts = () if alerts is None else alerts.hosts
    if isinstance(endpoint, LogFile):
        from startrail.adapters.alerts.log_file import LogNotifier

        return LogNotifier(root / endpoint.path)
    timeout = parse_duration(endpoint.timeout).total_seconds()
    if isinstance(endpoint, AppriseUrl):
        from startrail.adapters.alerts.apprise import AppriseNotifier

        return AppriseNotifier(name, resolve(endpoint.url, root), timeout)
    from startrail.adapters.alerts.guard import Guard

    if isinstance(endpoint, PagerDuty):
        from startrail.adapters.alerts.pagerduty import OWN_HOSTS, PagerDutyNotifier

        guard = Guard(hosts, OWN_HOSTS)
        return PagerDutyNotifier(endpoint.url, resolve(endpoint.routing_key, root), guard, timeout, opened.ports.wall)
    from startrail.adapters.alerts.webhook import WebhookNotifier

    return WebhookNotifier(endpoint.url, resolve(endpoint.secret, root), Guard(hosts), timeout, opened.ports.wall)
