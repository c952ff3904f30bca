"""``startrail sources list``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("list")
@options.common
def command(root: Path, profile_name: str, as_json: bool) -> int:
    """Show all sources: kind of feed, where, into which table. No feed is asked."""
    from startrail.base.text import printable
    from startrail.wiring.sources import described

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = described(opened)
        width = max((len(source.source) for source in found), default=0)
        for source in found:
            into = f"-> {source.into}" if source.into else "(only lands)"
            console.item(source, f"{source.source:<{width}}  {source.kind:<8}  {printable(source.where, 80)}  {into}")
        if not found:
            console.say("No sources: a source is a file in sources/, see startrail schema source.")
        console.result({"sources": len(found)})
        return 0
