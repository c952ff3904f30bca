"""``startrail alerts drop``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("drop")
@options.common
@options.now
@click.option("--reason", required=True, help="Why nobody needs to be told any more.")
@click.option("--by", help="Who decides; default: the user of this machine.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, reason: str, by: str | None) -> int:
    """Let go of all alerts that were refused or given up. They stay in `alerts list --all`, and the decision is a fact."""
    from startrail.flow.events import AlertsDropped
    from startrail.flow.session import to_facts

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        ledger = opened.ports.ledger
        count = sum(trouble.rows for trouble in ledger.alert_troubles() if trouble.state != "waiting")
        event = AlertsDropped(subject="alerts", alerts=count, by=by or options.user() or "unknown", reason=reason)
        dropped = ledger.drop_alerts(opened.ports.clock.now(), to_facts(event))
        console.say(f"{dropped} alerts dropped.")
        console.result({"dropped": dropped})
        return 0
