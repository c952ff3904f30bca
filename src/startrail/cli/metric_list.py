"""``startrail metric list``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("list")
@options.common
def command(root: Path, profile_name: str, as_json: bool) -> int:
    """Show all metrics: status, name, what is computed, owner."""
    from startrail.base.text import printable
    from startrail.wiring.metrics import entries

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = entries(opened)
        width = max((len(entry.metric) for entry in found), default=0)
        for entry in found:
            line = f"{entry.status:<10}  {entry.metric:<{width}}  {printable(entry.formula, 100)}"
            console.item(entry, f"{line}  {printable(entry.owner, 60)}" if entry.owner else line)
        if not found:
            console.say("No metrics: a metric is a file in metrics/, see startrail schema metric.")
        console.result({"metrics": len(found)})
        return 0
