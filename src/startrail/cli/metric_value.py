"""``startrail metric value``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.metrics.value import Answer, Value


@click.command("value")
@click.argument("name")
@options.period
@options.split
@click.option("--at", metavar="INSTANT|SNAPSHOT", help="From the tables as they were then; a snapshot is one of the source's.")
@click.option("--record", is_flag=True, help="Append the value to the ledger as a fact.")
@options.common
def command(
    name: str, period: str | None, by: str | None, at: str | None, record: bool, root: Path, profile_name: str, as_json: bool
) -> int:
    """Compute a metric over a period, exactly, and name the definition and the table versions it came from."""
    from startrail.wiring.metrics import record_value, value

    groups = options.names(by)
    if record and groups:
        raise click.UsageError("--record takes a value that is not split; leave --by out")
    if record and at is not None:
        raise click.UsageError("--record records the value of the tables as they are; leave --at out")
    with Console(as_json) as console, open_project(root, profile_name, read_only=not record) as opened:
        answer = value(opened, name, period, groups, at)
        if record:
            record_value(opened, answer)
        for each in answer.values:
            console.item(
                {"type": "value", "by": dict(zip(answer.by, each.by, strict=True)), **_fields(each)}, _line(answer, each)
            )
        for line in _trail(answer):
            console.say(line)
        if record:
            console.say("  recorded as the fact metric.valued")
        console.result(answer)
        return 0


def _fields(value: Value) -> dict[str, object]:
    return {field: getattr(value, field) for field in value.__struct_fields__ if field != "by"}


def _line(answer: Answer, value: Value) -> str:
    from startrail.base.text import printable

    number = "none" if value.value is None else _digits(value.value)
    unit = f" {answer.unit}" if answer.unit and value.value is not None else ""
    groups = "  ".join(printable(str(item), 60) for item in value.by)
    return f"{groups}  {number}{unit}" if groups else f"{number}{unit}"


def _digits(value: object) -> str:
    from decimal import Decimal

    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}" if isinstance(value, int) else str(value)


def _trail(answer: Answer) -> list[str]:
    """What a person needs to trust the number, on standard error."""
    period = answer.period
    lines = [f"  definition {answer.definition[:12]} of {answer.metric}"]
    if period is not None:
        lines.append(f"  period {period.name}: {period.first} to {period.last} in {answer.timezone}")
    lines += [f"  from {each.table}@{each.snapshot}, published {(each.published_at or '')[:19]} UTC" for each in answer.inputs]
    rows = sum(value.rows or 0 for value in answer.values)
    if any(value.rows is not None for value in answer.values):
        nulls, skipped = (sum(getattr(value, word) for value in answer.values) for word in ("nulls", "skipped"))
        extra = f", {nulls:,} without a value" if nulls else ""
        extra += f", {skipped:,} left out for want of a rate" if skipped else ""
        lines.append(f"  {rows:,} {'row' if rows == 1 else 'rows'}{extra}")
    if any(value.rounded for value in answer.values):
        lines.append("  rounded after 12 decimal places; numerator and denominator are exact: --json")
    return [*lines, *(f"  note: {note}" for note in answer.notes)]
