"""``startrail sources resume``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("resume")
@click.argument("source")
@click.option("--reason", default="", help="Why.")
@click.option("--by", help="Who; default: the user of this process.")
@options.common
@options.now
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, source: str, reason: str, by: str | None
) -> int:  # fmt: skip
    """Take a pause back: the next run asks the source again."""
    from startrail.capabilities.incidents.pause import resume
    from startrail.wiring.incidents import look_now

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        resume(opened.project, opened.ports.ledger, source, reason, by or options.user() or "unknown", opened.ports.clock.now())
        look_now(opened, console.emit)
        console.say(f"{source} is asked again. Next: startrail run")
        console.result({"source": source, "paused": False})
        return 0
