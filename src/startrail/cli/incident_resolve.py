"""``startrail incident resolve``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("resolve")
@click.argument("id")
@click.option("--reason", required=True, help="What was done, or why nothing has to be.")
@click.option("--principle", "principles", multiple=True, metavar="P", help="A leadership principle that it is an example of.")
@click.option("--by", help="Who; default: the user of this process.")
@options.common
@options.now
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, id: str, reason: str, by: str | None,
    principles: tuple[str, ...],
) -> int:  # fmt: skip
    """End it. What is verified from facts ends by itself; should the trouble come back, so does the incident."""
    from startrail.capabilities.incidents.deeds import resolve
    from startrail.capabilities.incidents.stories.principles import principle
    from startrail.wiring.alerts import alerting
    from startrail.wiring.incidents import telling

    shown = tuple(principle(each) for each in principles)
    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened, alerting(opened, console.emit):
        who, at = by or options.user() or "unknown", opened.ports.clock.now()
        incident = resolve(opened.ports.ledger, id, who, reason, at, telling(opened), principles=shown)
        console.say(f"incident {incident.id} is resolved")
        console.result({"incident": incident.id, "state": incident.state})
        return 0
