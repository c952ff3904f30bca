"""``startrail alerts send``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("send")
@options.common
@options.now
@click.option("--again", is_flag=True, help="Also what was refused or given up.")
@click.option("--wait", type=click.FloatRange(0.1), default=60.0, show_default=True, help="Seconds to go on at most.")
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, again: bool, wait: float) -> int:
    """Send what is due now, as every run does at its end. Exits with 1 when an endpoint did not take an alert."""
    from startrail.flow.events import AlertsRevived
    from startrail.flow.session import to_facts
    from startrail.wiring.alerts import send_due

    with Console(as_json) as console, open_project(root, profile_name, now=now) as opened:
        ledger, clock = opened.ports.ledger, opened.ports.clock
        if again:
            given_up = sum(trouble.rows for trouble in ledger.alert_troubles() if trouble.state != "waiting")
            count = ledger.revive_alerts(clock.now(), to_facts(AlertsRevived(subject="alerts", alerts=given_up)))
            console.say(f"{count} that were given up wait again.")
        done = send_due(opened, console.emit, wait)
        if opened.profile.alerts is None:
            console.say(f"Profile {profile_name} tells nobody: it has no alerts.")
        elif done is None:
            console.say("Nothing is due.")
        elif done.unfinished:
            console.say(f"Still not answered: {', '.join(done.unfinished)}. What is not recorded as sent is sent again.")
        elif done.busy:
            console.say(f"Another process sends to {', '.join(done.busy)} at this moment.")
        console.result({
            "sent": done.sent if done else 0, "waiting": done.later if done else 0, "given_up": done.given_up if done else 0,
        })  # fmt: skip
        return 1 if done is not None and (done.later or done.given_up or done.unfinished or done.troubles) else 0
