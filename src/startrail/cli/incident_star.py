"""``startrail incident star``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("star")
@click.argument("id")
@click.option(
    "--format", "form", type=click.Choice(["md", "html", "json"]), default="md", show_default=True, help="How it is written."
)
@options.folder
@options.profile
def command(root: Path, profile_name: str, id: str, form: str) -> int:
    """Print the report of an incident: Situation, Task, Action, Result.

    Every figure names the facts that it was read from; what no fact tells is "not measured".
    """
    from startrail.capabilities.incidents.deeds import find
    from startrail.capabilities.incidents.star import star
    from startrail.capabilities.incidents.star_text import markdown, page

    with Console(form == "json") as console, open_project(root, profile_name, read_only=True) as opened:
        ledger = opened.ports.ledger
        reports = opened.project.reports
        report = star(find(ledger, id), ledger, lambda name: reports[name].recipients if name in reports else ())
        if form == "json":
            console.item(report, "")
            console.result({"incident": report.incident})
        else:
            click.echo(markdown(report) if form == "md" else page(report), nl=False)
        return 0
