"""``startrail init``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--example", type=click.Choice(["shop", "commits", "revenue"]), help="Start from an example instead of an empty project."
)
@click.option("--days", type=click.IntRange(1, 31), default=2, show_default=True, help="Days of data for the shop.")
@options.as_json
def command(folder: Path, example: str | None, days: int, as_json: bool) -> int:
    """Start a project in FOLDER, empty or from an example."""
    from startrail import examples

    with Console(as_json) as console:
        try:
            if example is None:
                examples.write_empty(folder)
                console.say(f"An empty project stands in {folder}. Next: declare a source in {folder / 'sources'}")
            else:
                examples.write(example, folder, days=days)
                console.say(f"The {example} example stands in {folder}. Next: cd {folder} && startrail run")
        except OSError as error:
            from startrail.cli.errors import cannot_write

            raise cannot_write(folder, error) from error
        console.result({"folder": str(folder), "example": example})
    return 0
