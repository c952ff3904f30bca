"""``startrail dictionary``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("dictionary")
@click.argument("search", nargs=-1)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a page of Markdown.")
@options.common
def command(search: tuple[str, ...], as_markdown: bool, root: Path, profile_name: str, as_json: bool) -> int:
    """Search the dictionary of metrics: definitions, owners, status, who else reads the same table, versions."""
    from startrail.base.text import printable
    from startrail.capabilities.metrics.dictionary import markdown, rows_of
    from startrail.wiring.metrics import entries

    if as_markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other")
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = entries(opened, search)
        if as_markdown:
            click.echo(markdown(found), nl=False)
            return 0
        for entry in found:
            lines = [entry.metric, *([f"  {printable(entry.description, 500)}"] if entry.description else [])]
            lines += [f"  {word:<13} {printable(text, 300)}" for word, text in rows_of(entry)]
            console.item(entry, "\n".join([*lines, ""]))
        if not found:
            words = printable(" ".join(search), 80)
            console.say(f"No metric has all of: {words}." if search else "No metrics: a metric is a file in metrics/.")
        console.result({"metrics": len(found)})
        return 0
