"""``startrail schedule list``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.schedules.upcoming import ScheduleStatus

_STATES = {
    "new": "not watched yet; it counts from the first startrail tick or serve",
    "waits": "waits for its next tick",
    "due": "due; startrail tick runs it",
    "running": "running",
    "died": "its runner died; startrail tick takes it over",
}


@click.command("list")
@options.common
@options.now
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None) -> int:
    """When each schedule runs next, what became of its last tick, and how it stands."""
    from startrail.capabilities.schedules.standing import standing
    from startrail.capabilities.schedules.upcoming import status

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        at = opened.ports.clock.now()
        schedules = standing(opened.project)
        for each in schedules:
            found = status(each, opened.ports, at)
            console.item(found, "\n".join(_lines(found)))
        if not schedules:
            console.say("nothing is scheduled; write schedules/NAME.yml with a cron:")
        console.result({"ok": True, "schedules": len(schedules)})
        return 0


def _lines(found: ScheduleStatus) -> list[str]:
    what = " ".join(found.runs) or "everything"
    lines = [f"{found.schedule}  {found.cron} {found.timezone}  runs {what}", f"  state    {_STATES[found.state]}"]
    for count, each in enumerate(found.next):
        said = f"  ({each.note})" if each.note else ""
        lines.append(f"  {'next' if count == 0 else '':<7}  {each.local:%a %Y-%m-%d %H:%M %z}{said}")
    last = found.last
    if last is not None:
        again = f", attempt {last.attempts}" if last.attempts > 1 else ""
        lines.append(f"  last     {last.at:%Y-%m-%d %H:%M} UTC {last.state}{again}, run {last.run}")
    missed = found.missed
    if missed is not None:
        span = f"{missed.first:%Y-%m-%d %H:%M}" + (f" to {missed.last:%Y-%m-%d %H:%M}" if missed.count > 1 else "")
        lines.append(f"  missed   {missed.count} ({span} UTC): {missed.reason}")
    return lines
