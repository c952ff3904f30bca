"""``startrail demo``: three days of a small shop, told as they happen."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console


@click.command("demo")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"))
@options.as_json
def command(folder: Path, as_json: bool) -> int:
    """Run three days of a small shop in FOLDER, with real servers on loopback.

    On the third night the API changes without a word, and the run is killed in the middle. The report is on time.
    Then, in FOLDER/revenue, two numbers that should agree differ by 50,000.00, and each reason is named.
    """
    from startrail.cli.story import tell

    with Console(as_json) as console:
        return tell(folder, console)
