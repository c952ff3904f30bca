"""``startrail incident ack``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("ack")
@click.argument("id")
@click.option("--note", default="", help="A sentence to go with it.")
@click.option("--by", help="Who; default: the user of this process.")
@options.common
@options.now
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, id: str, note: str, by: str | None
) -> int:  # fmt: skip
    """Say that you have it in hand: it repeats no message until it gets graver."""
    from startrail.capabilities.incidents.deeds import acknowledge
    from startrail.wiring.alerts import alerting
    from startrail.wiring.incidents import telling

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened, alerting(opened, console.emit):
        who = by or options.user() or "unknown"
        incident = acknowledge(opened.ports.ledger, id, who, note, opened.ports.clock.now(), telling(opened))
        console.say(f"incident {incident.id} is {incident.state}, by {who}")
        console.result({"incident": incident.id, "state": incident.state})
        return 0
