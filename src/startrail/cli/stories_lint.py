"""``startrail stories lint``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.stories import readers
from startrail.wiring import open_project


@click.command("lint")
@options.common
def command(root: Path, profile_name: str, as_json: bool) -> int:
    """Name what stories lack: one of the four parts, or a measured result. Exits with 1 when one lacks something."""
    from startrail.capabilities.incidents.stories.bank import bank
    from startrail.capabilities.incidents.stories.lint import lint

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        stories = list(bank(opened.ports.ledger, readers(opened)))
        findings = list(lint(stories))
        for finding in findings:
            console.item(finding, f"{finding.story}  {finding.what}")
        if not findings:
            console.say(f"{len(stories)} stories, each with its four parts and a measured result" if stories else "No story.")
        console.result({"stories": len(stories), "findings": len(findings)})
        return 1 if findings else 0
