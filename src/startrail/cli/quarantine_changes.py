"""``startrail quarantine replay`` and ``discard``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import Opened, open_project

if TYPE_CHECKING:
    from startrail.capabilities.contracts.quarantine.replay import Replay
    from startrail.ports.quarantine import QuarantineFiles


@click.command("replay")
@click.option("--source", help="Only deliveries of this source.")
@click.option("--delivery", help="Only this delivery, also when nothing of it is open: its id, or how it begins.")
@click.option(
    "--contract", metavar="VERSION", help="Under this older version of the contract; startrail contract versions lists them."
)
@click.option("--dry-run", is_flag=True, help="Only say what would pass now, and what still fails.")
@click.option("--wait", type=float, default=600.0, show_default=True, help="Seconds to wait for another runner.")
@options.common
@options.now
def replay(
    source: str | None, delivery: str | None, contract: str | None, dry_run: bool, wait: float, root: Path, profile_name: str,
    as_json: bool, now: datetime | None,
) -> int:  # fmt: skip
    """Load deliveries with refused rows again, from the landed bytes, under contract and repairs as they are now.

    Twice is as good as once. Of what is made from it, only what changed is built again. What was loaded under an older
    --contract stays so in every run, until the next replay without --contract. Exits with 1 when the run did not succeed;
    with --dry-run, when something would still be refused.
    """
    from startrail.capabilities.contracts.quarantine.replay import Replays, Wanted, check_fit, plan_replays, remaining
    from startrail.capabilities.models.capability import Models
    from startrail.capabilities.reports.capability import Reports
    from startrail.flow.run import run
    from startrail.flow.select import select
    from startrail.flow.workspace import Workspace
    from startrail.wiring.graph import graph
    from startrail.wiring.openlineage import telling
    from startrail.wiring.quarantine import quarantine_files

    wanted = Wanted(source, delivery, contract)
    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=dry_run) as opened:
        ports = opened.ports
        files = quarantine_files(ports.store)
        planned = plan_replays(opened.project, ports.ledger, files, wanted)
        if contract is not None:
            check_fit(planned, Workspace(ports.ledger, ports.tables))
        if dry_run:
            return _dry_run(planned, files, opened, console)
        due = [each for each in planned if each.step is not None]
        if not due:
            _nothing(planned, console)
            console.result({"ok": True, "steps": 0, "published": False, "remaining": _rows(planned)})
            return 0
        chosen = select(sorted({f"{each.source.name}+" for each in due}), graph(opened))
        capabilities = (Replays(wanted, files), Models(None), Reports())
        with telling(opened, console.emit) as emit:
            result = run(
                opened.project, opened.profile, ports, capabilities, chosen, emit, profile_name=opened.profile_name, wait=wait
            )
        left = remaining(opened.project, ports.ledger, wanted)
        console.say(f"still quarantined or held: {_count(left)}" if left else "nothing is quarantined or held any more")
        console.result({"ok": result.ok, "steps": result.steps, "published": result.published, "remaining": left})
        return 0 if result.ok else 1


def _nothing(planned: list[Replay], console: Console) -> None:
    if not planned:
        console.say("No delivery has refused rows; there is nothing to replay.")
        return
    console.say(
        f"Still quarantined or held: {_count(_rows(planned))}. Contract and repairs are those they were judged under.\n"
        "Change the contract, or write contracts/repairs/SOURCE.yml; startrail quarantine show prints the rows."
    )


def _count(rows: int) -> str:
    return f"{rows:,} row" + ("" if rows == 1 else "s")


def _rows(planned: list[Replay]) -> int:
    return sum(each.standing.counts.quarantined + each.standing.counts.held for each in planned)


def _dry_run(planned: list[Replay], files: QuarantineFiles, opened: Opened, console: Console) -> int:
    from startrail.base.text import printable
    from startrail.capabilities.contracts.quarantine.trial import dry_run

    passing = failing = 0
    for each in planned:
        found = dry_run(each, loader=opened.ports.loader(), files=files)
        delivery, before = each.standing.delivery, each.standing.counts
        held = found.counts.rows_in - found.counts.discarded if found.held is not None else 0
        fails = held or found.counts.quarantined
        passes = before.quarantined + before.held - fails
        passing, failing = passing + passes, failing + fails
        lines = [
            f"{delivery.source} {delivery.id}  {printable(delivery.name, 60)}: {_count(passes)} would pass now, {fails:,} not"
        ]
        if found.held is not None:
            lines.append(f"  the whole delivery would be held: {printable(found.held, 400)}")
        lines += [f"  {_count(r.rows)} {r.rule} at {printable(r.path)}, such as {printable(r.sample)}" for r in found.rules]
        value = {"type": "trial", "source": delivery.source, "delivery": delivery.id, "passes": passes, "fails": fails}
        console.item(value | {"held": found.held, "repaired": found.repaired, "rules": found.rules}, "\n".join(lines))
    console.say(f"{_count(passing)} would pass now, {failing:,} not. Nothing was changed.")
    console.result({"ok": not failing, "passes": passing, "fails": failing})
    return 1 if failing else 0


@click.command("discard")
@click.option("--delivery", required=True, help="The delivery: its id, or how it begins.")
@click.option("--ordinals", help="Numbers of the records, such as 12,60; default: all that are quarantined or held.")
@click.option("--reason", required=True, help="Why they need not be loaded.")
@click.option("--by", help="Who decides; default: the user of this machine.")
@click.option("--wait", type=float, default=600.0, show_default=True, help="Seconds to wait for another runner.")
@options.common
@options.now
def discard(
    delivery: str, ordinals: str | None, reason: str, by: str | None, wait: float, root: Path, profile_name: str, as_json: bool,
    now: datetime | None,
) -> int:  # fmt: skip
    """Decide that quarantined rows, or a held delivery, will not be loaded. They count as discarded; no byte is deleted.

    A held delivery is discarded as a whole. No run loads it any more; quarantine replay --delivery does, and takes it back.
    """
    from startrail.capabilities.contracts.quarantine import discard as discarding
    from startrail.wiring.quarantine import quarantine_files

    numbers = _ordinals(ordinals)
    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        files = quarantine_files(opened.ports.store)
        event = discarding.discard(
            opened.project, opened.ports, files, console.emit,
            delivery=delivery, ordinals=numbers, reason=reason, by=_user() if by is None else by, wait=wait,
        )  # fmt: skip
        console.result({"ok": True, "delivery": event.delivery, "rows": event.rows, "by": event.by})
        return 0


def _ordinals(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdecimal() and 0 < len(word) < 19 for word in words):
        raise click.BadParameter(f"'{text}' is not a list of numbers; write 12,60", param_hint="--ordinals")
    return tuple(map(int, words))


def _user() -> str:
    """The name of the user; empty when the system does not know one."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
