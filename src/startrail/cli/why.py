"""``startrail why``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.why.gap import Gap


@click.command("why")
@click.argument("a")
@click.argument("b", required=False)
@options.period
@click.option("--at", metavar="INSTANT|SNAPSHOT", help="Read the tables of the first as they were then.")
@click.option("--vs", metavar="INSTANT|SNAPSHOT", help="Read the tables of the second as they were then.")
@click.option("--verify", "check", is_flag=True, help="Replace each slot alone by a query of its own; all must agree.")
@click.option(
    "--evidence",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the SQL of every line, which runs with startrail query, and the rows behind it.",
)
@options.common
def command(
    a: str, b: str | None, period: str | None, at: str | None, vs: str | None, check: bool, evidence: Path | None, root: Path,
    profile_name: str, as_json: bool,
) -> int:  # fmt: skip
    """Explain why two metrics differ, or one metric at two times: which difference carries how much, to the cent."""
    from startrail.cli.errors import cannot_write
    from startrail.cli.why_text import lines
    from startrail.wiring.why import why

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        try:
            found: Gap = why(opened, a, b, period, at, vs, check=check, evidence=evidence)
        except OSError as error:
            raise cannot_write(evidence or root, error) from error
        if not as_json:
            for line in lines(found):
                click.echo(line)
        if evidence is not None:
            console.say(f"  evidence written to {evidence}")
        console.result(found)
        return 0
