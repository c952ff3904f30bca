"""``startrail ledger``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.group("ledger")
def command() -> None:
    """Look into the ledger, and verify it."""


@command.command("verify")
@options.common
def verify(root: Path, profile_name: str, as_json: bool) -> int:
    """Check the hash chain of all facts; name the first altered row. Exits with 1 when there is one."""
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = opened.ports.ledger.verify()
        if found.altered is None:
            console.say(f"{found.facts} facts, each in its place: the chain holds")
        else:
            console.say(f"fact {found.altered} does not fit the chain: {found.reason}")
        console.result(found)
        return 0 if found.altered is None else 1


@command.command("facts")
@options.common
@click.option("--kind", help="Only facts of this kind, such as delivery.loaded.")
@click.option("--subject", help="Only facts about this source, model or report.")
@click.option("--run", "run_id", help="Only facts of this run.")
@click.option("--limit", type=int, default=50, show_default=True, help="How many at most, the oldest first.")
def facts(
    root: Path, profile_name: str, as_json: bool, kind: str | None, subject: str | None, run_id: str | None, limit: int
) -> int:
    """Print facts in the order in which they happened."""
    from startrail.base.text import printable

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        count = 0
        for fact in opened.ports.ledger.facts(kind=kind, subject=subject, run=run_id, limit=limit):
            count += 1
            when = f"{fact.seq:>6}  {fact.at:%Y-%m-%d %H:%M:%S}"
            console.item(fact, f"{when}  {fact.kind:<24} {printable(fact.subject)}  {printable(fact.payload)}")
        console.result({"facts": count})
        return 0
