"""``startrail drift ack``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.drift_patch import hand_over, patch_options
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.model.proof import Compared, Proof


@click.command("ack")
@click.argument("source")
@click.argument("path")
@click.option("--kind", help="Which kind of drift, where there are several at the path.")
@click.option("--until", required=True, metavar="DATE", help="The last day on which it holds, in UTC.")
@click.option("--note", default="", help="Why, for whoever reads it later.")
@click.option("--by", help="Who knows of it; default: the user of this machine.")
@click.option("--wait", type=float, default=600.0, show_default=True, help="Seconds to wait for another runner.")
@patch_options
@options.common
@options.now
def command(
    source: str, path: str, kind: str | None, until: str, note: str, by: str | None, wait: float, out: Path | None, write: bool,
    root: Path, profile_name: str, as_json: bool, now: datetime | None,
) -> int:  # fmt: skip
    """Let one drift be until a day: SOURCE and PATH as ``startrail drift list`` has them.

    Until then it is no news, and a delivery that is held for it alone is loaded by the next run. First it is proven that
    rows without the drift are as they were before it, and that rows with it are stored as they landed; a difference
    refuses the acknowledgement. Where a change of the contract would adopt the drift, it is printed.
    """
    from startrail.capabilities.contracts.drift.acknowledge import Wish, acknowledge
    from startrail.capabilities.contracts.drift.propose import PATCHED, propose
    from startrail.capabilities.contracts.errors import NoPatch
    from startrail.project.odcs_edit import CannotEdit
    from startrail.wiring.witness import witness

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        eyes = witness(opened.ports.store)
        wish = Wish(source, path, until, _user() if by is None else by, kind, note)
        found = acknowledge(opened.project, opened.ports, eyes, console.emit, wish, wait=wait)
        if not found.new:
            console.say(
                f"{found.ack.kind} at {found.ack.path} is acknowledged until {found.ack.until} already, by {found.ack.by}"
            )
        if found.ack.proof is not None:
            for line in _told(found.ack.proof):
                console.say(line)
        if found.held:
            console.say(f"{found.held} held {'delivery' if found.held == 1 else 'deliveries'} may load now. Next: startrail run")
        text = None
        if found.drift.kind in PATCHED:
            try:
                proposal = propose(opened.project, found.drift, opened.ports, eyes)
                text = proposal.diff
                hand_over(proposal, out, write, opened.project.root, console)
            except (NoPatch, CannotEdit) as error:
                console.say(f"no patch: {error.message}; {error.hint}")
        console.result({
            "ok": True, "new": found.new, "source": found.ack.source, "kind": found.ack.kind, "path": found.ack.path,
            "until": found.ack.until, "by": found.ack.by, "note": found.ack.note, "held": found.held, "proof": found.ack.proof,
            "patch": text,
        })  # fmt: skip
        return 0


def _told(proof: Proof) -> list[str]:
    lines = []
    if proof.others is not None:
        lines.append(f"proven    {_figures(proof.others)} without the drift are as they were in snapshot {proof.snapshot_before}")
    if proof.drifted is not None:
        lines.append(f"proven    {_figures(proof.drifted)} with the drift are stored as they landed")
    sides = [side for side in (proof.others, proof.drifted) if side is not None]
    words = [*(word for side in sides for word in side.skipped), *proof.unproven]
    return lines + [f"unproven  {word}" for word in words]


def _figures(compared: Compared) -> str:
    figures, many = compared.after, len(compared.columns)
    deliveries = "delivery" if compared.deliveries == 1 else "deliveries"
    rows = f"{figures.rows:,} row" + ("" if figures.rows == 1 else "s")
    return f"{rows} of {compared.deliveries:,} {deliveries} (checksum {figures.checksum} of {many} columns)"


def _user() -> str:
    """The name of the user; empty when the system does not know one."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
