"""``startrail sources pause``."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


class Length(click.ParamType):
    """``2h``, ``3 days``."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from startrail.base.units import parse_duration

        try:
            return parse_duration(str(value))
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is not a duration; write it as 2h, 90min or 3 days", param, ctx)


@click.command("pause")
@click.argument("source")
@click.option("--for", "length", type=Length(), help="How long, as 2h or 3 days.")
@click.option("--until", type=options.Instant(), help="Until when, as 2026-10-03T12:00+02:00.")
@click.option("--reason", required=True, help="Why.")
@click.option("--by", help="Who; default: the user of this process.")
@options.common
@options.now
def command(
    root: Path, profile_name: str, as_json: bool, now: datetime | None, source: str, length: timedelta | None,
    until: datetime | None, reason: str, by: str | None,
) -> int:  # fmt: skip
    """Leave a source alone until a time: no run asks it for anything, and what is made from it uses the data there is.

    How often one source may be paused is bounded: mitigations: in incidents/*.yml.
    """
    from startrail.capabilities.incidents.errors import PauseRefused
    from startrail.capabilities.incidents.mitigations import book
    from startrail.capabilities.incidents.pause import pause
    from startrail.wiring.incidents import look_now

    if (length is None) == (until is None):
        raise click.UsageError("give one of --for and --until")
    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        at = opened.ports.clock.now()
        end = until if until is not None else at + (length or timedelta())
        bounds = book(opened.project.mitigations)
        try:
            found = pause(opened.project, opened.ports.ledger, bounds, source, end, reason, by or options.user() or "unknown", at)
        except PauseRefused:
            look_now(opened, console.emit)
            raise
        look_now(opened, console.emit)
        console.say(f"{source} is paused until {found.until:%Y-%m-%d %H:%M} UTC. Take it back: startrail sources resume {source}")
        console.result(found)
        return 0
