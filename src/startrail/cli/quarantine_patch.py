"""``startrail quarantine patch``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.contracts.remedies.patch import Draft


@click.command("patch")
@click.option("--source", help="Only deliveries of this source.")
@click.option("--delivery", help="Only this delivery: its id, or how it begins.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the patch to this file.")
@click.option("--write", is_flag=True, help="Change the files themselves.")
@options.common
def patch(
    source: str | None, delivery: str | None, out: Path | None, write: bool, root: Path, profile_name: str, as_json: bool
) -> int:
    """Propose what would let refused rows in: a patch of contracts and repairs that git apply takes.

    At most one change for each rule and field, only where the rows show it beyond doubt, and each tried on the landed bytes.
    Read it before you apply it: it says what the rows are like, not whether they are right. Exits with 1 when rows are left
    for which it has no proposal.
    """
    from startrail.capabilities.contracts.quarantine.replay import Wanted, plan_replays
    from startrail.capabilities.contracts.remedies.patch import draft
    from startrail.wiring.quarantine import quarantine_files

    if out is not None and write:
        raise click.UsageError("--out and --write exclude each other")
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        ports = opened.ports
        files = quarantine_files(ports.store)
        planned = plan_replays(opened.project, ports.ledger, files, Wanted(source, delivery))
        found = draft(planned, opened.project, ports.ledger, ports.loader(), files)
        _show(found, console, plain=out is None and not write)
        if write:
            for proposal in found.proposals:
                _save(Path(opened.project.root) / proposal.path, proposal.after)
        elif out is not None and found.proposals:
            _save(out, found.diff)
        _end(found, out, write, console)
        return 0 if found.passes == found.rows else 1


def _show(found: Draft, console: Console, *, plain: bool) -> None:
    """The patch on standard output, what it is about beside it."""
    from startrail.base.text import printable

    for proposal in found.proposals:
        for sentence in proposal.why:
            console.say(f"{proposal.path}: {printable(sentence, 300)}")
        if console.as_json:
            console.item({"type": "proposal", "path": proposal.path, "why": proposal.why, "diff": proposal.diff}, "")
    for each in found.unmended:
        rows = f"{each.rows:,} row{'' if each.rows == 1 else 's'}"
        told = f"no proposal for {each.rule} at {printable(each.path)} in {rows}: {printable(each.reason, 300)}"
        if console.as_json:
            console.item(each, "")
        console.say(told)
    if plain and not console.as_json:
        click.echo(found.diff, nl=False)


def _end(found: Draft, out: Path | None, write: bool, console: Console) -> None:
    from startrail.base.text import printable

    if not found.rows:
        console.say("No delivery has refused rows; there is nothing to propose.")
    elif found.proposals:
        where = "The files are changed" if write else f"Written to {printable(str(out))}" if out is not None else "With this"
        told = f"{found.passes:,} of {found.rows:,} open rows would be loaded"
        following = "startrail quarantine replay" if write else "git apply it, then: startrail quarantine replay"
        console.say(f"{where}{'; ' if where != 'With this' else ' '}{told}. Next: {following}")
    console.result({"rows": found.rows, "passes": found.passes, "files": [proposal.path for proposal in found.proposals]})


def _save(path: Path, text: str) -> None:
    from startrail.base.text import printable
    from startrail.cli.errors import BadOutput

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadOutput(f"{printable(str(path))} cannot be written: {reason}", hint="check its permissions") from error
