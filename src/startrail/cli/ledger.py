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
    """Check the hash chain of all facts, and that incidents are as the facts tell. Exits with 1 when something is not."""
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = opened.ports.ledger.verify()
        wrong: tuple[str, ...] = ()
        if found.altered is None:
            console.say(f"{found.facts} facts, each in its place: the chain holds")
            wrong = opened.ports.ledger.differing_incidents()  # of altered facts there is nothing to compare
        else:
            console.say(f"fact {found.altered} does not fit the chain: {found.reason}")
        if wrong:
            console.say(f"incidents that are not as the facts tell: {', '.join(wrong[:12])}. Next: startrail ledger rebuild")
        console.result({"facts": found.facts, "altered": found.altered, "reason": found.reason, "incidents": wrong})
        return 0 if found.altered is None and not wrong else 1


@command.command("rebuild")
@options.common
def rebuild(root: Path, profile_name: str, as_json: bool) -> int:
    """Make what is derived from facts anew: the table of incidents. Refuses while the chain does not hold."""
    with Console(as_json) as console, open_project(root, profile_name) as opened:
        found = opened.ports.ledger.verify()
        if found.altered is not None:
            console.say(f"fact {found.altered} does not fit the chain, so nothing is made of it: {found.reason}")
            console.result({"altered": found.altered, "rebuilt": None})
            return 1
        wrong = opened.ports.ledger.rebuild_incidents()
        console.say(f"incidents are as the facts tell; {wrong} were not")
        console.result({"altered": None, "rebuilt": wrong})
        return 0


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
