"""``startrail incident note``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("note")
@click.argument("id")
@click.argument("text")
@click.option("--principle", "principles", multiple=True, metavar="P", help="A leadership principle that it is an example of.")
@click.option("--by", help="Who; default: the user of this process.")
@options.common
@options.now
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, id: str, text: str, by: str | None,
    principles: tuple[str, ...],
) -> int:  # fmt: skip
    """Add your words to it; its report shows them as yours."""
    from startrail.capabilities.incidents.deeds import note
    from startrail.capabilities.incidents.stories.principles import principle

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        shown, who = tuple(principle(each) for each in principles), by or options.user() or "unknown"
        incident = note(opened.ports.ledger, id, who, text, opened.ports.clock.now(), principles=shown)
        console.say(f"noted in incident {incident.id}")
        console.result({"incident": incident.id, "state": incident.state})
        return 0
