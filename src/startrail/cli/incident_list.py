"""``startrail incident list``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.model.incident import Incident


@click.command("list")
@options.common
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most, the newest first.")
def command(root: Path, profile_name: str, as_json: bool, everything: bool, limit: int) -> int:
    """Show the incidents that are not over; those that changed last, first. Exits with 1 when one waits for a person."""
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        ledger = opened.ports.ledger
        standing = ledger.standing_incidents()
        found = ledger.incidents(limit=limit) if everything else standing[:limit]
        for incident in found:
            console.item(incident, line(incident))
        if not found:
            console.say("No incident." if everything else "No open incident; those that are over: startrail incident list --all")
        waiting = sum(1 for each in standing if waits(each))
        console.result({"incidents": len(found), "waiting": waiting})
        return 1 if waiting else 0


def line(incident: Incident) -> str:
    """One incident on one line."""
    from startrail.base.text import printable

    again = f"  seen again {incident.repeats:,} times" if incident.repeats else ""
    return (
        f"{incident.id}  {incident.severity:<8} {incident.state:<13} {incident.opened_at:%Y-%m-%d %H:%M} UTC  "
        f"{printable(incident.title, 160)}{again}"
    )


def waits(incident: Incident) -> bool:
    """True when nobody has it in hand and what was done by itself is not enough."""
    return incident.state == "open" and incident.severity != "info"
