"""What history says of a changed contract: asked for, worked out, and shown as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from startrail.base.units import parse_duration, parse_share
from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.contracts.rehearse.scope import Proposal, Window
    from startrail.capabilities.contracts.rehearse.total import History
    from startrail.wiring import Opened


class Asked(msgspec.Struct, frozen=True):
    """What the command line says of history; ``history`` None: none is wanted. ``tried``: name (or None) and file."""

    history: timedelta | None
    segments: tuple[str, ...]
    tried: tuple[str | None, Path] | None
    fail_above: Fraction | None
    markdown: bool
    full: bool

    @staticmethod
    def of(options: Mapping[str, Any]) -> Asked:
        """Raises click.UsageError for what cannot be read."""
        try:
            history = None if options["no_history"] else parse_duration(options["history"])
            share = None if options["fail_above"] is None else parse_share(options["fail_above"])
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        if history is None and (options["tried"] or options["segments"] or share is not None or options["markdown"]):
            raise click.UsageError("--no-history leaves nothing for the other options about history")
        return Asked(history, options["segments"], _tried(options["tried"]), share, options["markdown"], options["full"])


def _tried(text: str | None) -> tuple[str | None, Path] | None:
    if text is None:
        return None
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals and not Path(text).exists() else (None, Path(text))


def with_tried(opened: Opened, tried: tuple[str | None, Path]) -> Opened:
    """The project with the contract of this file in the place of its own. Raises UnknownProposal (ST390)."""
    from startrail.base.text import did_you_mean, printable
    from startrail.capabilities.contracts.rehearse.errors import UnknownProposal
    from startrail.cli.contract_files import read_contract_file

    contract = read_contract_file(tried[1].absolute())
    name = tried[0] or contract.name
    project = opened.project
    used = sorted({source.contract for source in project.sources.values() if source.contract})
    if name not in used:
        raise UnknownProposal(
            f"no source loads under a contract '{printable(name, 60)}'",
            affects="the whole plan",
            hint=f"{did_you_mean(name, used)}; say which one it stands for: --contract NAME={printable(str(tried[1]), 200)}",
        )
    contract = msgspec.structs.replace(contract, name=name)
    return replace(opened, project=msgspec.structs.replace(project, contracts=project.contracts | {name: contract}))


def show_history(opened: Opened, chosen: Collection[str], asked: Asked, console: Console) -> bool:
    """Print what history says of each changed contract; True when more would be refused than may be."""
    from startrail.capabilities.contracts.rehearse.scope import Window, proposals

    assert asked.history is not None
    until = opened.ports.clock.now()
    window = Window(until - asked.history, until, asked.segments, whole=asked.full)
    tried = None if asked.tried is None else asked.tried[0] or _name(asked.tried[1])
    found = [
        history
        for proposal in proposals(opened.project, opened.ports.ledger, chosen, tried)
        if (history := _of(proposal, opened, window, console)) is not None
    ]
    above = False
    if asked.markdown and not console.as_json:
        from startrail.cli.plan_markdown import page

        click.echo(page(found), nl=False)
    for history in found:
        above |= asked.fail_above is not None and _share(history) > asked.fail_above
        if console.as_json or not asked.markdown:
            from startrail.cli.plan_text import text

            console.item(history, text(history))
    if asked.fail_above is not None and not above:
        console.say(f"No changed contract would refuse more than {float(asked.fail_above * 100):g}% of the rows.")
    return above


def _share(history: History) -> Fraction:
    refused = history.quarantined + history.held
    return Fraction(refused, history.rows) if history.rows else Fraction(0)


def _name(path: Path) -> str:
    from startrail.project.odcs import contract_name

    return contract_name(str(path))


def _of(proposal: Proposal, opened: Opened, window: Window, console: Console) -> History | None:
    from startrail.capabilities.contracts.rehearse.scope import jobs
    from startrail.capabilities.contracts.rehearse.total import total
    from startrail.cli.plans import affected
    from startrail.flow.events import Progress
    from startrail.wiring.graph import graph
    from startrail.wiring.moved import moved_metrics
    from startrail.wiring.quarantine import quarantine_files
    from startrail.wiring.rehearsal import open_rehearser, rehearse_all

    ports = opened.ports
    store = ports.store
    found = jobs(
        proposal, opened.project, ports.ledger, window,
        files=quarantine_files(store), rehearser=open_rehearser(Path(opened.project.root), store), engine=ports.engine,
    )  # fmt: skip
    name = proposal.source.name
    if not found:
        return None

    def told(done: int, all_of_them: int) -> None:
        console.emit(Progress(subject=f"history of {name}", done=done, total=all_of_them, unit="deliveries"))

    results = rehearse_all(opened, found, told)
    parts = {job.part.fields for job in found if job.part is not None}
    reread = tuple(dict.fromkeys(field for fields in sorted(parts) for field in fields)) if parts else None
    history = total(proposal, results, affected(name, graph(opened)), reread)
    return msgspec.structs.replace(history, metrics=moved_metrics(opened, history, results))
