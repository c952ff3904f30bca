"""``startrail alerts test``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import Opened, open_project

if TYPE_CHECKING:
    from startrail.model.alert import Alert


@click.command("test")
@options.common
@options.now
@click.argument("name", metavar="ROUTE|ENDPOINT")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, name: str) -> int:
    """Send a test alert to an endpoint, or to all endpoints of a route, and resolve it. Exits with 1 when one is not taken.

    It goes at once and past the ledger, also in quiet hours.
    """
    from startrail.base.errors import StartrailError
    from startrail.base.ids import token
    from startrail.model.alert import Later, Sent
    from startrail.wiring.alerts import notifiers

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        failed = 0
        for endpoint in _endpoints(opened, profile_name, name):
            why, key = "", f"startrail-test-{token(6)}"
            try:
                notifier = notifiers(opened)[endpoint]()
                for alert in _alerts(opened, key):
                    outcome = notifier.send(alert, f"{key}-{alert.action}")
                    if not isinstance(outcome, Sent):
                        why = ("does not take it now: " if isinstance(outcome, Later) else "refuses it: ") + outcome.why
                        break
            except StartrailError as error:
                why = f"cannot be used: {error}"
            failed += bool(why)
            told = {"type": "tested", "endpoint": endpoint, "taken": not why, "why": why}
            console.item(told, f"{endpoint:<20} {why or 'took a test alert, and its end'}")
        console.result({"failed": failed})
        return 1 if failed else 0


def _endpoints(opened: Opened, profile_name: str, name: str) -> list[str]:
    from startrail.base.text import did_you_mean, printable
    from startrail.cli.errors import UnknownAlertTarget

    endpoints = opened.profile.alerts.endpoints if opened.profile.alerts is not None else {}
    route = opened.project.routes.get(name)
    found = [each for each in endpoints if each == name or (route is not None and each in route.to)]
    if not found:
        known = [*endpoints, *opened.project.routes] if endpoints else []
        raise UnknownAlertTarget(
            f"profile {profile_name} has no endpoint or route '{printable(name, 60)}'",
            affects="the test; nothing was sent",
            hint=did_you_mean(name, known, "declare endpoints under alerts: of the profile, in startrail.yml"),
        )
    return found


def _alerts(opened: Opened, key: str) -> list[Alert]:
    from startrail.base.neutral import neutral
    from startrail.model.alert import Alert

    source, now = neutral(opened.project.name, 100, lines=False), opened.ports.clock.now()
    text = "Somebody tries whether alerts arrive. Nothing is wrong."
    return [
        Alert("trigger", key, "info", "A test of alerts", now, text, source=source, subject="test"),
        Alert("resolve", key, "info", "A test of alerts", now, text, source=source, subject="test"),
    ]
