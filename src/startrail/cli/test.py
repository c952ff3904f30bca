"""``startrail test``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("test")
@options.common
@options.select
def command(root: Path, profile_name: str, as_json: bool, patterns: tuple[str, ...]) -> int:
    """Run the unit tests of the models: given rows, expected rows. Exits with 1 when one fails."""
    from startrail.capabilities.models.testing import run_tests
    from startrail.flow.select import select
    from startrail.wiring.graph import graph

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        chosen = select(patterns, graph(opened))
        results = run_tests(opened.project, opened.ports, chosen)
        for result in results:
            console.item(result, result.text())
        failed = sum(1 for result in results if not result.passed)
        console.say(f"{len(results) - failed} of {len(results)} tests passed")
        console.result({"tests": len(results), "failed": failed})
        return 1 if failed else 0
