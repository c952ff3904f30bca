"""``startrail drift list``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.flow.drift import Changed
    from startrail.model.contract import Contract
    from startrail.model.project import Project


@click.command("list")
@options.common
@options.now
@click.option("--source", help="Only of this source.")
@click.option("--kind", help="Only of this kind, such as new_field.")
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, source: str | None, kind: str | None
) -> int:  # fmt: skip
    """Show how deliveries departed from their contracts: since when, in how many rows, with a sample, and what became of it."""
    from startrail.flow.drift import changes
    from startrail.wiring.graph import graph

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        found = changes(opened.ports.ledger, source=source, kind=kind)
        names = graph(opened) if found else {}
        found = [change.affecting(names).read_by(_contract(opened.project, change.source)) for change in found]
        for change in found:
            console.item(change, _shown(change, opened.ports.clock.now()))
        if not found:
            console.say("No drift: every delivery was as its contract says.")
        console.result({"drift": len(found)})
        return 0


def _contract(project: Project, source: str) -> Contract | None:
    declared = project.sources.get(source)
    return None if declared is None or declared.contract is None else project.contracts.get(declared.contract)


def _shown(change: Changed, now: datetime) -> str:
    from startrail.base.text import printable

    sample = f"  such as {printable(change.sample, 200)}" if change.sample else ""
    rows = f"{change.rows:,} {'row' if change.rows == 1 else 'rows'}"
    lines = [
        f"{change.source:<20} {change.kind:<17} {printable(change.path, 80):<24} {change.verb}",
        f"    since {change.since:%Y-%m-%d %H:%M} UTC ({printable(change.first_delivery, 80)}), {rows} in "
        f"{_count(change.deliveries)}{sample}",
    ]
    if change.column_since is not None:
        lines.append(f"    a column of the table since {change.column_since:%Y-%m-%d %H:%M} UTC")
    if change.adopted_at is not None:
        lines.append(f"    adopted on {change.adopted_at:%Y-%m-%d %H:%M} UTC: {_count(change.adopted)} loaded again")
    if change.not_adopted:
        lines.append(f"    not adopted in {_count(change.not_adopted)}: startrail plan says why")
    if change.acknowledged is not None:
        ack = change.acknowledged
        until = f"until {ack.until}" if ack.active(now) else f"until {ack.until}, which is over"
        lines.append(
            f"    acknowledged by {printable(ack.by, 80)} {until}" + (f": {printable(ack.note, 200)}" if ack.note else "")
        )
    if change.affects:
        lines.append(f"    affects {', '.join(change.affects)}")
    if change.consumers:
        lines.append(f"    read by {', '.join(printable(name, 80) for name in change.consumers)}")
    return "\n".join(lines)


def _count(deliveries: int) -> str:
    return f"{deliveries:,} {'delivery' if deliveries == 1 else 'deliveries'}"
