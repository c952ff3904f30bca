"""``startrail tick``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console, show_error
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.schedules.tick import Ticked


@click.command("tick")
@options.common
@options.now
@click.option("--wait", type=float, default=60.0, show_default=True, help="Seconds to wait for another runner.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, wait: float) -> int:
    """Run every schedule that is due now, each tick once, and exit.

    Call it as often as you like, from as many machines as you like. Exits with 1 when a tick failed, was held or was missed.
    """
    from startrail.wiring.schedules import tick_once

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        ticked = tick_once(opened, console.emit, wait=wait)
        tell(ticked, console)
        return exit_code(ticked)


def tell(ticked: Ticked, console: Console) -> None:
    """The errors of runs, and for people what happened when nothing did."""
    for error in ticked.errors:
        show_error(error, json=console.as_json, ends=False)
    if ticked.waiting:
        console.say(f"another runner works; due after it: {', '.join(ticked.waiting)}")
    elif not ticked.ran and not ticked.missed and not ticked.errors:
        console.say("nothing is due; see: startrail schedule list")
    console.result({
        "ok": ticked.ok,
        "ran": ticked.ran,
        "missed": ticked.missed,
        "skipped": ticked.skipped,
        "waiting": ticked.waiting,
        "errors": len(ticked.errors),
    })  # fmt: skip


def exit_code(ticked: Ticked) -> int:
    """2 when a run could not be done at all, 1 when one found something or a tick was missed."""
    return 2 if ticked.errors else 0 if ticked.ok else 1
