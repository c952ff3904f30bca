"""``startrail drift patch``, and what ``ack`` does with a patch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.contracts.proposal import Proposal


def patch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--patch`` and ``--write``."""
    out = click.option("--patch", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the patch to this file.")
    write = click.option("--write", is_flag=True, help="Change the contract's file, rather than print the patch.")
    return out(write(function))


@click.command("patch")
@click.argument("source")
@click.argument("path")
@click.option("--kind", help="Which kind of drift, where there are several at the path.")
@patch_options
@options.common
@options.now
def command(
    source: str, path: str, kind: str | None, out: Path | None, write: bool, root: Path, profile_name: str, as_json: bool,
    now: datetime | None,
) -> int:  # fmt: skip
    """Print the change of the contract that adopts a drift, as a diff for ``git apply``: types as every value seen says.

    For new_field, undeclared_field, renamed, widened, unknown_value and new_value. SOURCE and PATH as ``startrail drift
    list`` has them.
    """
    from startrail.capabilities.contracts.drift.acknowledge import find
    from startrail.capabilities.contracts.drift.propose import propose
    from startrail.wiring.witness import witness

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        drift = find(opened.project, opened.ports.ledger, source, path, kind)
        proposal = propose(opened.project, drift, opened.ports, witness(opened.ports.store))
        hand_over(proposal, out, write, opened.project.root, console)
        console.result({"ok": True, "file": proposal.path, "why": proposal.why, "patch": proposal.diff, "written": write})
        return 0


def hand_over(proposal: Proposal, out: Path | None, write: bool, root: str, console: Console) -> None:
    """Print the patch, write it to a file, or change the contract itself. Raises BadOutput (ST803)."""
    from startrail.base.text import printable
    from startrail.cli.git_apply import git_apply

    for why in proposal.why:
        console.say(printable(why, 400))
    if write:
        _write(Path(root) / proposal.path, proposal.after)
        console.say(f"{printable(proposal.path)} is changed. Next: startrail plan")
    if out is not None:
        _write(out, proposal.diff)
        following = " ".join(git_apply(str(out), Path(root)))
        console.say(f"the patch is in {printable(str(out))}. Next: {printable(following, 400)}")
    if not write and out is None and not console.as_json:
        click.echo(proposal.diff, nl=False)


def _write(path: Path, text: str) -> None:
    from startrail.base.text import printable
    from startrail.cli.errors import BadOutput

    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadOutput(f"{printable(str(path))} cannot be written: {reason}", hint="name another file with --patch") from error
