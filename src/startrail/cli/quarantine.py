"""``startrail quarantine``: a group; what changes something is in ``quarantine_changes``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.quarantine_changes import discard, replay
from startrail.cli.quarantine_patch import patch
from startrail.model.drift import DriftKind
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.contracts.quarantine.standing import Standing
    from startrail.ports.quarantine import QuarantineFiles, Refusal, Tally


@click.group("quarantine")
def command() -> None:
    """Look at refused rows, mend and replay them, or discard them."""


command.add_command(replay)
command.add_command(discard)
command.add_command(patch)


@command.command("list")
@click.option("--source", help="Only deliveries of this source.")
@options.common
def list_(source: str | None, root: Path, profile_name: str, as_json: bool) -> int:
    """List deliveries with refused rows, and those held. Exits with 1 when one is open."""
    from startrail.capabilities.contracts.quarantine.standing import standings
    from startrail.wiring.quarantine import quarantine_files

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = standings(opened.project, opened.ports.ledger, source)
        files = quarantine_files(opened.ports.store)
        for standing in found:
            rules = _rules(standing, files)
            console.item(_plain(standing, rules), _line(standing, rules))
        names = sorted({standing.delivery.source for standing in found} & opened.project.repairs.keys())
        for name in names:
            for step in opened.project.repairs[name].steps:
                console.say(f"repair    {name:<16} {step}")
        is_open = [standing for standing in found if standing.state == "open"]
        rows = sum(standing.counts.quarantined + standing.counts.held for standing in is_open)
        if not found:
            console.say("No delivery has refused rows.")
        console.result({"deliveries": len(found), "open": len(is_open), "rows": rows})
        return 1 if is_open else 0


@command.command("show")
@click.argument("subject", metavar="SOURCE|DELIVERY")
@click.option("--rule", type=click.Choice(get_args(DriftKind)), help="Only records that break this rule.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Records at most.")
@options.common
def show(subject: str, rule: str | None, limit: int, root: Path, profile_name: str, as_json: bool) -> int:
    """Print refused records as they came, with everything that is wrong with each."""
    from startrail.capabilities.contracts.quarantine.standing import discarded, one, standings
    from startrail.wiring.quarantine import quarantine_files

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        files = quarantine_files(opened.ports.store)
        of_source = subject in opened.project.sources
        found = standings(opened.project, opened.ports.ledger, subject if of_source else None)
        chosen = found if of_source else [one(found, subject)]
        count = 0
        for standing in chosen:
            delivery = standing.delivery
            if standing.held is not None:
                console.say(f"{delivery.id}  {delivery.name} is held as a whole: {standing.held}")
            if standing.quarantine is None or count == limit:
                continue
            for refusal in files.rows(standing.quarantine, rule=rule, without=discarded(standing, files), limit=limit - count):
                count += 1
                _show(delivery.id, refusal, console)
        console.result({"rows": count})
        return 0


@command.command("export")
@click.option("--source", help="Only deliveries of this source.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "parquet"]), default="csv", show_default=True, help="Of the file."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Write to this file.")
@options.common
def export(
    source: str | None, form: Literal["csv", "json", "parquet"], out: Path, root: Path, profile_name: str, as_json: bool
) -> int:
    """Write the refused records that are open to a file: raw text, violations, and where each came from."""
    from startrail.capabilities.contracts.quarantine.standing import discarded, standings
    from startrail.cli.errors import cannot_write
    from startrail.ports.quarantine import Part
    from startrail.wiring.quarantine import quarantine_files

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        files = quarantine_files(opened.ports.store)
        parts = [
            Part(standing.delivery.source, standing.delivery.id, standing.delivery.name, standing.quarantine, gone)
            for standing in standings(opened.project, opened.ports.ledger, source)
            if standing.quarantine is not None and standing.state == "open"
            for gone in [discarded(standing, files)]
        ]
        if not parts:
            console.say("No delivery has refused rows; nothing was written.")
            console.result({"rows": 0, "path": None})
            return 0
        try:
            out.open("wb").close()
        except OSError as error:
            raise cannot_write(out, error) from error
        count = files.export(parts, out, form)
        console.say(f"{count:,} rows written to {out}")
        console.result({"rows": count, "path": str(out)})
        return 0


def _rules(standing: Standing, files: QuarantineFiles) -> list[Tally]:
    from startrail.capabilities.contracts.quarantine.standing import discarded

    if standing.quarantine is None or standing.state != "open":
        return []
    return files.tally(standing.quarantine, discarded(standing, files))


def _plain(standing: Standing, rules: list[Tally]) -> dict[str, object]:
    return {
        "type": "quarantined",
        "source": standing.delivery.source,
        "delivery": standing.delivery.id,
        "name": standing.delivery.name,
        "state": standing.state,
        "since": standing.since,
        "counts": standing.counts,
        "groups": standing.groups,
        "under": standing.pinned,
        "held": standing.held,
        "repairs": standing.repairs,
        "rules": rules,
    }


def _line(standing: Standing, rules: list[Tally]) -> str:
    import msgspec

    from startrail.base.text import printable
    from startrail.cli.render import balance

    delivery = standing.delivery
    head = f"{standing.state:<9} {delivery.source:<16} {delivery.id}  {printable(delivery.name, 60)}"
    lines = [f"{head}  since {standing.since:%Y-%m-%d %H:%M} UTC", f"{'':<9} {balance(standing.counts)}"]
    lines += [
        f"{'':<9} {each.rows:>6,} {each.rule} at {printable(each.path)}, such as {printable(each.sample)}" for each in rules
    ]
    if standing.held is not None:
        lines.append(f"{'':<9} held: {printable(standing.held, 400)}")
    groups = [f"{rows:,} {word}" for word, rows in msgspec.structs.asdict(standing.groups).items() if rows]
    if standing.groups.replayed or len(groups) > 1:  # else the balance says it
        lines.append(f"{'':<9} refused rows: {', '.join(groups)}")
    if standing.pinned is not None:
        lines.append(f"{'':<9} loaded under version {printable(standing.pinned, 40)} of its contract, as asked")
    if standing.repairs is not None:
        lines.append(f"{'':<9} with repairs {standing.repairs[:12]}")
    for each in standing.discards:
        lines.append(f"{'':<9} {each.rows:,} discarded by {printable(each.by, 60)}: {printable(each.reason)}")
    return "\n".join(lines)


def _show(delivery: str, refusal: Refusal, console: Console) -> None:
    from startrail.base.text import printable

    lines = [f"{delivery} record {refusal.ordinal}", f"  {printable(refusal.raw, 2000)}"]
    lines += [f"  {each.rule} at {each.path}: expected {each.expected}, got {each.got}" for each in refusal.violations]
    value = {"type": "refused", "delivery": delivery, "ordinal": refusal.ordinal, "raw": refusal.raw}
    console.item(value | {"violations": refusal.violations}, "\n".join(map(_whole, lines)))


def _whole(line: str) -> str:
    from startrail.base.text import printable

    return printable(line, 4000)
