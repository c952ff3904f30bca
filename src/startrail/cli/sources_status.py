"""``startrail sources status``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

_MOST = 50


@click.command("status")
@options.common
@options.now
@click.option("--history", is_flag=True, help="Also what became of names: renamed, replaced, deleted, missing, arrived.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, history: bool) -> int:
    """Show what has landed of every source, what is growing, and which files are expected, from the ledger alone. No feed is
    asked."""
    from startrail.cli.names import said
    from startrail.wiring.arrivals import expected, told
    from startrail.wiring.names import happened, line
    from startrail.wiring.sources import standing

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        found = standing(opened)
        width = max((len(source.source) for source in found), default=0)
        for source in found:
            last = (
                f"last landed {source.landed_at:%Y-%m-%d %H:%M} UTC ({source.last}{said(source.said)})"
                if source.landed_at
                else "nothing landed yet"
            )
            waiting = f", {source.waiting} waiting to be loaded" if source.waiting else ""
            growing = f", {len(source.growing)} growing" if source.growing else ""
            console.item(source, f"{source.source:<{width}}  {_count(source.deliveries)}, {last}{waiting}{growing}")
            for each in expected(opened, opened.project.sources[source.source]):
                console.item(each, f"{'':<{width}}  {told(each)}")
            if history:
                for each in happened(opened, source.source, _MOST):
                    console.item(each, f"{'':<{width}}  {line(each)}")
        console.result({"sources": len(found)})
        return 0


def _count(deliveries: int) -> str:
    return "1 delivery" if deliveries == 1 else f"{deliveries} deliveries"
