"""``startrail init``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--example", type=click.Choice(["shop", "commits"]), help="Start from an example instead of an empty project.")
@click.option("--days", type=click.IntRange(1, 31), default=2, show_default=True, help="Days of data for the shop.")
def command(folder: Path, example: str | None, days: int) -> int:
    """Start a project in FOLDER, empty or from an example."""
    from startrail import examples

    if example is None:
        examples.write_empty(folder)
        click.echo(f"An empty project stands in {folder}. Next: declare a source in {folder / 'sources'}")
    else:
        examples.write(example, folder, days=days)
        click.echo(f"The {example} example stands in {folder}. Next: cd {folder} && startrail run")
    return 0
