"""``startrail status``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.reports.forecast import Forecast
    from startrail.flow.status import BridgeStatus


@click.command("status")
@options.common
@options.now
@click.option("--history", is_flag=True, help="Instead: how long incidents took, by class of cause.")
@click.option("--days", type=click.IntRange(1, 36_500), default=30, show_default=True, help="With --history: opened since then.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, history: bool, days: int) -> int:
    """Show reports with their deadlines, sources and the last run. Exits with 1 when something waits for a person.

    With --history: median and worst time to detect, notify, acknowledge, mitigate and resolve, from first sight.
    """
    from startrail.base.text import printable
    from startrail.flow.pauses import paused
    from startrail.flow.status import status
    from startrail.wiring.arrivals import lacking, told
    from startrail.wiring.deadlines import forecasts

    with Console(as_json) as console, open_project(root, profile_name, now=now, read_only=True) as opened:
        if history:
            from startrail.cli.status_history import show

            return show(opened, days, console)
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
        for ahead in forecasts(opened):
            console.item(ahead, f"due       {ahead.report}  {due_text(ahead)}")
        for source in found.sources:
            when = f"loaded {source.loaded_at:%Y-%m-%d %H:%M} UTC" if source.loaded_at else "nothing loaded yet"
            held = f"  {source.held} held: {source.why}" if source.held else ""
            console.item(source, f"source    {source.source}  {when}  {source.waiting} waiting{held}")
        late = lacking(opened)
        for each in late:
            console.item(each, f"expected  {each.source}  {told(each)}")
        for pause in paused(opened.ports.ledger, opened.ports.clock.now()).values():
            text = f"until {pause.until:%Y-%m-%d %H:%M} UTC, by {printable(pause.by, 60)}: {printable(pause.reason, 160)}"
            console.item(pause, f"paused    {pause.source}  {text}")
        for held_table in found.held:
            name = held_table.table
            see = f"startrail query 'select * from {name}@failed'"
            console.item(held_table, f"held      {name}: a check failed, the last good data is served; see: {see}")
        for bridge in found.bridges:
            console.item(bridge, _bridge(bridge))
        for alert in found.alerts:
            text = f"{alert.given_up} given up, {alert.waiting} tried and waiting, since {alert.since:%Y-%m-%d %H:%M} UTC"
            console.item(alert, f"alerts    {alert.endpoint}: {text}; see: startrail alerts list")
        healthy = found.healthy and not any(each.state == "missing" for each in late)
        console.result({"healthy": healthy})
        return 0 if healthy else 1


def due_text(found: Forecast) -> str:
    """``2026-10-03 07:00 UTC  on time: expected 06:12 (06:10 to 06:20)``. Times are forecasts, never promises."""
    text = f"{found.due:%Y-%m-%d %H:%M} UTC  {found.state}"
    if found.delivered_at is not None:
        return f"{text} at {found.delivered_at:%H:%M} UTC"
    if found.expected is not None and found.lower is not None and found.upper is not None:
        spread = f"{_clock(found.lower, found)} to {_clock(found.upper, found)}"
        begins = " if a run begins now" if found.waits == ("a run",) else ""
        return f"{text}: expected {_clock(found.expected, found)} UTC{begins}, most likely {spread}" + _waits(found, begins)
    if found.lower is not None:
        text += f": not before {_clock(found.lower, found)} UTC"
        text += f"; how long it takes is not known for {', '.join(found.unknown)}" if found.unknown else ""
    return text + _waits(found)


def _waits(found: Forecast, told: str = "") -> str:
    from startrail.base.text import printable

    return f"; waits for {printable('; '.join(found.waits), 300)}" if found.waits and not told else ""


def _clock(at: datetime, found: Forecast) -> str:
    return f"{at:%H:%M}" if at.date() == found.due.date() else f"{at:%Y-%m-%d %H:%M}"


def _bridge(bridge: BridgeStatus) -> str:
    name = f"bridge    {bridge.metric} to {bridge.to} in {bridge.period}"
    if bridge.holds:
        return f"{name}  {'no number on either side' if bridge.gap is None else f'holds, gap {bridge.gap}'}"
    return f"{name}  broken: {bridge.why}"


def _early(minutes: int | None) -> str:
    if minutes is None:
        return ""
    return f", {minutes} minutes before its deadline" if minutes >= 0 else f", {-minutes} minutes late"
