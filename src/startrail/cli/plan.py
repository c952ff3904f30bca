"""``startrail plan``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("plan")
@options.common
@options.now
@options.select
@click.option("--check", is_flag=True, help="Exit with 1 when there is something to do.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, patterns: tuple[str, ...], check: bool) -> int:
    """Show what a run would do now, and why. Reads only: no feed is asked, nothing is written."""
    from startrail.capabilities.contracts.capability import plan_loads
    from startrail.capabilities.metrics.capability import plan_metrics
    from startrail.capabilities.models.capability import plan_models
    from startrail.cli.plans import Note, show_plan
    from startrail.flow.select import select
    from startrail.wiring.graph import graph

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        ports = opened.ports
        names = graph(opened)
        chosen = select(patterns, names)
        planned = [item for item in plan_loads(opened.project, ports.ledger) if item.step.subject in chosen]
        planned += plan_models(opened.project, ports.ledger, ports.engine, ports.clock.now(), chosen)
        measured = plan_metrics(opened.project, ports.ledger, ports.clock.now())
        planned += [item for item in measured if item.step.subject in chosen]
        for contract in opened.project.contracts.values():
            for word in contract.not_enforced:
                console.item(Note(contract.name, word), f"  note     contract {contract.name}: not enforced: {word}")
        show_plan(planned, names, console)
        return 1 if check and planned else 0
