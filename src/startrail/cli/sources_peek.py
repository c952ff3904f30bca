"""``startrail sources peek``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("peek")
@options.common
@click.option("--file", "file", help="Which file; otherwise the first by name.")
@click.option("--lines", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many lines.")
@click.argument("name")
def command(root: Path, profile_name: str, as_json: bool, file: str | None, lines: int, name: str) -> int:
    """Show the beginning of what a source offers, landed before or not. Reads little, lands nothing."""
    from startrail.base.text import printable
    from startrail.cli.names import said
    from startrail.wiring.sources import peeked, source_of

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = peeked(opened, source_of(opened, name), file, lines)
        if found is None:
            console.say(f"{name} offers nothing" + (f" of the name {printable(file, 80)}." if file else "."))
            console.result({"found": False})
            return 1
        console.say(found.name + said(found.said))
        for line in found.lines:
            console.item({"type": "line", "text": line}, printable(line, 200))
        console.result({"found": True, "name": found.name, "fields": found.said.fields, "unread": found.said.problem})
        return 0
