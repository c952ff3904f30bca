"""``startrail backfill``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("backfill")
@click.argument("model")
@click.option("--from", "first", required=True, metavar="PARTITION", help="First partition, such as 2026-10-01.")
@click.option("--to", "last", required=True, metavar="PARTITION", help="Last partition, included.")
@click.option("--force", is_flag=True, help="Also rebuild partitions that are up to date.")
@click.option("--yes", is_flag=True, help="Do it; without this, only show what it takes.")
@options.common
@options.now
def command(
    model: str, first: str, last: str, force: bool, yes: bool, root: Path, profile_name: str, as_json: bool, now: datetime | None
) -> int:
    """Rebuild partitions of MODEL between two dates, also those beyond its lookback.

    Shows partitions, rows and bytes first; --yes does it. What reads the model follows as usual.
    """
    from startrail.capabilities.models.backfill import estimate
    from startrail.capabilities.models.capability import Reopen
    from startrail.flow.run import run
    from startrail.flow.select import select
    from startrail.wiring.capabilities import capabilities
    from startrail.wiring.graph import graph
    from startrail.wiring.openlineage import telling

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=not yes) as opened:
        reopen = Reopen(model, first, last, force)
        size = estimate(opened.project, opened.ports, reopen)
        console.item(
            size,
            f"{model}: {len(size.partitions)} partition(s) from {size.partitions[0]} to {size.partitions[-1]}, "
            f"about {size.rows:,} rows and {size.bytes:,} bytes to replace",
        )
        if not yes:
            console.say("Nothing was changed. To do it, add --yes")
            console.result(size)
            return 0
        chosen = select((f"{model}+",), graph(opened))
        with telling(opened, console.emit) as emit:
            result = run(
                opened.project, opened.profile, opened.ports, capabilities(reopen), chosen, emit, profile_name=profile_name
            )
        console.result(result)
        return 0 if result.ok else 1
