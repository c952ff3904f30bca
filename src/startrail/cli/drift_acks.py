"""``startrail drift acks``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("acks")
@options.common
@options.now
@click.option("--source", help="Only of this source.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, source: str | None) -> int:
    """Show what was acknowledged: active until when, or ended; by whom; and the proof that was made."""
    from startrail.base.text import printable
    from startrail.flow.drift import acknowledgements

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        today = opened.ports.clock.now()
        found = acknowledgements(opened.ports.ledger, source)
        for ack in found:
            state = "active" if ack.active(today) else "ended"
            proof = ack.proof
            proven = sum(side is not None for side in (proof.others, proof.drifted)) if proof is not None else 0
            note = f": {printable(ack.note, 200)}" if ack.note else ""
            text = (
                f"{state:<7} {ack.source:<20} {ack.kind:<17} {printable(ack.path, 80):<24} until {ack.until}\n"
                f"    by {printable(ack.by, 80)} on {ack.at:%Y-%m-%d %H:%M} UTC, {proven} of 2 proofs{note}"
            )
            console.item({"type": "acknowledgement", "state": state, **_fields(ack)}, text)
        if not found:
            console.say("Nothing was acknowledged.")
        console.result({"active": sum(ack.active(today) for ack in found), "ended": sum(not ack.active(today) for ack in found)})
        return 0


def _fields(ack: object) -> dict[str, object]:
    import msgspec

    return {name: value for name, value in msgspec.to_builtins(ack).items() if name != "type"}
