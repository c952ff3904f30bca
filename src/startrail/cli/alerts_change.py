"""``startrail alerts change``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("change")
@options.common
@options.now
@click.argument("title")
@click.option("--text", default="", help="More about it.")
@click.option("--link", help="Where to read on: an http address.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, title: str, text: str, link: str | None) -> int:
    """Tell those who want it that somebody changed something: to the routes with `changes: true`. Nobody is paged."""
    from startrail.capabilities.alerts.routing import change_rows
    from startrail.wiring.alerts import send_due

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        ports, at = opened.ports, opened.ports.clock.now()
        wanted = opened.project.routes if opened.profile.alerts is not None else {}
        rows = change_rows(title, text, wanted, at, source=opened.project.name, link=link)
        if rows:
            ports.ledger.append((), run=None, at=at, outbox=rows)
        done = send_due(opened, console.emit)
        if not rows:
            console.say(f"No route of profile {profile_name} wants to know of changes: give one `changes: true`.")
        console.result({"endpoints": len(rows), "sent": done.sent if done else 0})
        return 0
