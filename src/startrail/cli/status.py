"""``startrail status``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("status")
@options.common
def command(root: Path, profile_name: str, as_json: bool) -> int:
    """Show reports, sources and the last run. Exits with 1 when something waits for a person."""
    from startrail.base.text import printable
    from startrail.flow.status import status

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = status(opened.project, opened.ports.ledger, opened.ports.clock.now())
        last = found.last_run
        if last is None:
            console.say("No run yet. Next: startrail run")
        else:
            console.item(
                {"type": "last_run", "run": last.id, "state": last.state},
                f"last run  {last.id}  {last.state}  {last.started_at:%Y-%m-%d %H:%M} UTC",
            )
        for incident in found.incidents:
            title = printable(incident.title, 160)
            console.item(incident, f"incident  {incident.id}  {incident.severity}, {incident.state}: {title}")
        for report in found.reports:
            when = f"delivered {report.delivered_at:%Y-%m-%d %H:%M} UTC" if report.delivered_at else "not delivered yet"
            console.item(report, f"report    {report.report}  {when}{_early(report.minutes_early)}  {report.path or ''}".rstrip())
        for source in found.sources:
            when = f"loaded {source.loaded_at:%Y-%m-%d %H:%M} UTC" if source.loaded_at else "nothing loaded yet"
            held = f"  {source.held} held: {source.why}" if source.held else ""
            console.item(source, f"source    {source.source}  {when}  {source.waiting} waiting{held}")
        for held_table in found.held:
            name = held_table.table
            see = f"startrail query 'select * from {name}@failed'"
            console.item(held_table, f"held      {name}: a check failed, the last good data is served; see: {see}")
        for alert in found.alerts:
            text = f"{alert.given_up} given up, {alert.waiting} tried and waiting, since {alert.since:%Y-%m-%d %H:%M} UTC"
            console.item(alert, f"alerts    {alert.endpoint}: {text}; see: startrail alerts list")
        console.result({"healthy": found.healthy})
        return 0 if found.healthy else 1


def _early(minutes: int | None) -> str:
    if minutes is None:
        return ""
    return f", {minutes} minutes before its deadline" if minutes >= 0 else f", {-minutes} minutes late"
