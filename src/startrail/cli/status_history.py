"""``startrail status --history``: how long incidents took."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from startrail.cli.console import Console

if TYPE_CHECKING:
    from startrail.capabilities.incidents.history import CauseHistory
    from startrail.wiring import Opened


def show(opened: Opened, days: int, console: Console) -> int:
    """Median and worst of each phase by class of cause; what is not over stands apart."""
    from startrail.capabilities.incidents.history import read
    from startrail.capabilities.incidents.spans import span

    found = read(opened.ports.ledger, opened.ports.clock.now(), days)
    for cause in found.causes:
        console.item(cause, _shown(cause))
    for each in found.still_open:
        console.item(each, f"open      {each.incident}  {each.cause}, {each.state}, for {span(timedelta(seconds=each.seconds))}")
    if not found.causes and not found.still_open:
        console.say(f"No incident was opened in the last {days} days.")
    console.result({"days": days, "incidents": sum(each.incidents for each in found.causes), "open": len(found.still_open)})
    return 0


def _shown(cause: CauseHistory) -> str:
    from startrail.capabilities.incidents.spans import span
    from startrail.capabilities.incidents.times import PHASES
    from startrail.model.star import NOT_MEASURED

    again = f", opened again {cause.reopened} times" if cause.reopened else ""
    lines = [f"{cause.cause:<10}{cause.incidents} incident{'' if cause.incidents == 1 else 's'}{again}"]
    for phase in PHASES:
        spread = cause.phases.get(phase)
        if spread is None:
            lines.append(f"    {phase:<12}{NOT_MEASURED}")
            continue
        middle, worst = (span(timedelta(seconds=each)) for each in (spread.median_seconds, spread.worst_seconds))
        first, last = spread.facts
        lines.append(
            f"    {phase:<12}median {middle}, worst {worst} ({spread.worst}, facts {first} and {last}), of {spread.measured}"
        )
    return "\n".join(lines)
