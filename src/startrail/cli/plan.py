"""``startrail plan``."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.cli.plan_history import Asked
    from startrail.wiring import Opened


@click.command("plan")
@options.common
@options.now
@options.select
@click.option("--check", is_flag=True, help="Exit with 1 when there is something to do, or a contract is wrong.")
@click.option("--history", default="30d", show_default=True, help="How far back landed deliveries are replayed on trial.")
@click.option("--no-history", is_flag=True, help="Replay none.")
@click.option("--contract", "tried", metavar="[NAME=]FILE", help="Try the contract in this file in the place of the project's.")
@click.option("--segment", "segments", multiple=True, metavar="COLUMN", help="Tell rows apart by this column; default: found.")
@click.option("--fail-above", metavar="SHARE", help="Exit with 1 when a changed contract would refuse more, such as 0.5%.")
@click.option("--markdown", is_flag=True, help="Print what history says as Markdown, for a pull request.")
@click.option("--full", is_flag=True, help="Replay every field, also where only some of them changed.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, **asked: Any) -> int:
    """Show what a run would do now, and why, and what a changed contract would have done.

    Reads only: no feed is asked, nothing is written. Where a contract is not the one that the last delivery was loaded
    under, the deliveries that landed lately are read again under it, and what would have been refused is shown.
    """
    from startrail.cli.plan_history import Asked, show_history, with_tried

    with Console(as_json) as console:
        wanted = Asked.of(asked)
        with open_project(root, profile_name, now=now, read_only=True) as opened:
            if wanted.tried is not None:
                opened = with_tried(opened, wanted.tried)
            chosen = _chosen(opened, asked["patterns"])
            refused = False if wanted.history is None else show_history(opened, chosen, wanted, console)
            due = _steps(opened, chosen, console, wanted)
            return 1 if refused or (asked["check"] and due) else 0


def _chosen(opened: Opened, patterns: tuple[str, ...]) -> Any:
    from startrail.flow.select import select
    from startrail.wiring.graph import graph

    return select(patterns, graph(opened))


def _steps(opened: Opened, chosen: Any, console: Console, wanted: Asked) -> bool:
    """What a run would do, and whether there is anything; a page of Markdown is only of history."""
    from startrail.capabilities.contracts.capability import plan_loads
    from startrail.capabilities.contracts.drift.adopt import plan_adoptions
    from startrail.capabilities.contracts.replaced.withdraw import plan_replacements
    from startrail.capabilities.contracts.versions import plan_contracts
    from startrail.capabilities.metrics.capability import plan_metrics
    from startrail.capabilities.models.capability import plan_models
    from startrail.cli.plans import Note, show_change, show_plan
    from startrail.wiring.bridges import planned_bridges
    from startrail.wiring.graph import graph
    from startrail.wiring.quarantine import quarantine_files

    ports = opened.ports
    planned = [item for item in plan_loads(opened.project, ports.ledger, ports.clock.now()) if item.step.subject in chosen]
    planned += [item for item in plan_replacements(opened.project, ports.ledger) if item.step.subject in chosen]
    planned += plan_adoptions(opened.project, chosen, ports.ledger, partial(quarantine_files, ports.store))
    planned += plan_models(opened.project, ports.ledger, ports.engine, ports.clock.now(), chosen)
    measured = plan_metrics(opened.project, ports.ledger, ports.clock.now())
    planned += [item for item in (*planned_bridges(opened), *measured) if item.step.subject in chosen]
    changed = plan_contracts(opened.project, ports.ledger)
    due = bool(planned) or any(change.wrong for change in changed)
    if wanted.markdown:
        return due
    for contract in opened.project.contracts.values():
        for word in contract.not_enforced:
            console.item(Note(contract.name, word), f"  note     contract {contract.name}: not enforced: {word}")
    for change in changed:
        show_change(change, console)
    show_plan(planned, graph(opened), console)
    return due
