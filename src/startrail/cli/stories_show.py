"""``startrail stories show``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.stories import readers
from startrail.wiring import open_project


@click.command("show")
@click.argument("id")
@options.common
def command(root: Path, profile_name: str, as_json: bool, id: str) -> int:
    """Print one story in the plain Markdown form. The first digits of its ID are enough."""
    from startrail.capabilities.incidents.stories.bank import bank, find
    from startrail.capabilities.incidents.stories.keep import markdown

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        story = find(bank(opened.ports.ledger, readers(opened)), id)
        console.item(story, markdown(story).rstrip("\n"))
        console.result({"story": story.id})
        return 0
