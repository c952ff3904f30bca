"""``startrail metric sql``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("sql")
@click.argument("name")
@options.period
@options.split
@options.common
def command(name: str, period: str | None, by: str | None, root: Path, profile_name: str, as_json: bool) -> int:
    """Print the SELECT that a metric means. It runs as it stands: startrail query "$(startrail metric sql NAME)"."""
    from startrail.wiring.metrics import sql

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        text = sql(opened, name, period, options.names(by))
        if not as_json:
            click.echo(text)
        console.result({"metric": name, "sql": text})
        return 0
