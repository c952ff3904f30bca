"""A plan as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from startrail.cli.console import Console
from startrail.flow.capability import Planned

if TYPE_CHECKING:
    from startrail.capabilities.contracts.versions import ContractChange


class PlanLine(msgspec.Struct, frozen=True, tag_field="type", tag="planned"):
    """All steps of one subject that are planned for one reason."""

    kind: str
    subject: str
    why: str
    because: str
    partitions: tuple[str, ...]
    affects: tuple[str, ...]
    """What is made from it, at any distance: models and reports."""
    later: bool = False


class Note(msgspec.Struct, frozen=True, tag_field="type", tag="note"):
    """Something that a contract says and loading does not enforce."""

    contract: str
    not_enforced: str


class PlanResult(msgspec.Struct, frozen=True):
    """How much there is to do."""

    steps: int
    later: int


def show_plan(planned: list[Planned], names: Mapping[str, frozenset[str]], console: Console) -> None:
    """Print the lines and the result."""
    lines = group(planned, names)
    for line in lines:
        console.item(line, _text(line))
    later = sum(1 for item in planned if item.later)
    result = PlanResult(steps=len(planned) - later, later=later)
    if not lines:
        console.say("Nothing to do: every partition of every model is up to date with what has landed.")
    else:
        left = f", {later} left for later" if later else ""
        following = ". Next: startrail run" if result.steps else ""
        console.say(f"{result.steps} {'step' if result.steps == 1 else 'steps'} to do{left}{following}")
    console.result(result)


def show_change(change: ContractChange, console: Console) -> None:
    """A contract that changed, and what is wrong with that."""
    from startrail.base.text import printable

    version, before = printable(change.version, 40), printable(change.before, 40)
    head = f"  contract {change.contract}: version {version} after {before}"
    lines = [f"{head}, {_verdict(change)}" if change.mode else head]
    if change.reused:
        lines.append(f"           warning: version {version} says something else than before; raise the version in the contract")
    for each in change.incompatibilities:
        lines.append(f"           {each.kind} at {printable(each.path) or '(whole)'}: {printable(each.message, 300)}")
        lines.append(f"           to do: {printable(each.change, 300)}")
    console.item(change, "\n".join(lines))


def _verdict(change: ContractChange) -> str:
    return f"not {change.mode} compatible" if change.incompatibilities else f"{change.mode} compatible"


def group(planned: list[Planned], names: Mapping[str, frozenset[str]]) -> list[PlanLine]:
    """One line per subject and reason, in the order of the plan."""
    found: dict[tuple[str, str, str, bool], list[str]] = {}
    because: dict[tuple[str, str, str, bool], str] = {}
    for item in planned:
        key = (item.step.kind, item.step.subject, item.why, item.later)
        found.setdefault(key, []).append(item.step.partition)
        because.setdefault(key, item.because)
    return [
        PlanLine(kind, subject, why, because[kind, subject, why, later], tuple(parts), affected(subject, names), later)
        for (kind, subject, why, later), parts in found.items()
    ]


def affected(name: str, names: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Everything that is made from ``name``, directly or not, sorted."""
    reached: set[str] = set()
    front = {name}
    while front:
        front = {child for child, parents in names.items() if parents & front} - reached
        reached |= front
    return tuple(sorted(reached))


def _text(line: PlanLine) -> str:
    parts = line.partitions
    which = (
        ""
        if parts in (("all",), ()) or line.kind == "load"
        else f" {parts[0]}"
        if len(parts) == 1
        else f" {parts[0]} … {parts[-1]}"
    )
    count = f" ({len(parts)})" if len(parts) > 1 else ""
    then = f"\n      affects {', '.join(line.affects)}" if line.affects else ""
    return f"  {line.why:<8} {line.kind} {line.subject}{which}{count}: {line.because}{then}"
