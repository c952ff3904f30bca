"""``startrail run``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("run")
@options.common
@options.now
@options.select
@click.option("--wait", type=float, default=600.0, show_default=True, help="Seconds to wait for another runner.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, patterns: tuple[str, ...], wait: float) -> int:
    """Do all that is due: land, load, build, check, publish, deliver.

    What is done is never done again; killed anywhere, the next run goes on from there.
    """
    from startrail.flow.run import run
    from startrail.flow.select import select
    from startrail.wiring.alerts import alerting
    from startrail.wiring.capabilities import capabilities
    from startrail.wiring.graph import graph
    from startrail.wiring.incidents import watchers
    from startrail.wiring.openlineage import telling

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        chosen = select(patterns, graph(opened)) if patterns else select((), {})
        with alerting(opened, console.emit), telling(opened, console.emit) as emit:
            result = run(
                opened.project,
                opened.profile,
                opened.ports,
                capabilities(),
                chosen,
                emit,
                profile_name=profile_name,
                wait=wait,
                watchers=watchers(opened),
            )
        console.result(result)
        return 0 if result.ok else 1
