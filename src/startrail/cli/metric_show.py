"""``startrail metric show``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("show")
@click.argument("name")
@click.option("--values", type=click.IntRange(0), default=5, show_default=True, help="How many recorded values to show.")
@options.common
def command(name: str, values: int, root: Path, profile_name: str, as_json: bool) -> int:
    """Show one metric: its definition, its version, who else reads its table, and the values that runs recorded."""
    import msgspec

    from startrail.base.text import printable
    from startrail.capabilities.metrics.dictionary import find, rows_of
    from startrail.wiring.metrics import entries, recorded_values

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        find(name, opened.project.metrics)
        entry = next(each for each in entries(opened) if each.metric == name)
        facts = recorded_values(opened, name, values)
        lines = [name, *([f"  {printable(entry.description, 500)}"] if entry.description else []), ""]
        lines += [f"  {word:<13} {printable(text, 500)}" for word, text in rows_of(entry)]
        if facts:
            lines += ["", "  recorded values, newest first:"]
            for fact in facts:
                changed = "" if fact.definition == entry.version else "  by an earlier definition"
                value = f"{fact.value} {fact.unit}" if fact.unit else str(fact.value)
                lines.append(f"    {fact.period or 'all time':<12} {value:<24} at {fact.at:%Y-%m-%d %H:%M} UTC{changed}")
        console.item(msgspec.to_builtins(entry) | {"values": facts}, "\n".join(lines))
        console.result({"metric": name})
        return 0
