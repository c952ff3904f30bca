"""``startrail alerts list``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.model.alert import Outgoing, Route
from startrail.wiring import open_project


@click.command("list")
@options.common
@click.option("--all", "sent_too", is_flag=True, help="Also what was sent, or said already; the newest first.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many alerts at most.")
def command(root: Path, profile_name: str, as_json: bool, sent_too: bool, limit: int) -> int:
    """Show routes, and the alerts that wait or were given up. Exits with 1 when some were given up, or a route names
    a rule that there is not."""
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        declared, silent = opened.profile.alerts, list[tuple[str, str]]()
        if declared is None:
            console.say(f"Profile {profile_name} tells nobody: it has no alerts.")
        for name, route in sorted(opened.project.routes.items()):
            console.item(_route(name, route), f"route     {name}: {_words(route)}")
            silent.extend((name, opener) for opener in route.openers if not _known(opener))
        for name, opener in silent:
            text = f"warning   route {name}: no rule that opens incidents is called '{opener}'; {_near(opener)}"
            console.item({"type": "unknown_opener", "route": name, "opener": opener}, text)
        ledger = opened.ports.ledger
        given_up = ledger.outbox("given_up", limit)
        shown = ledger.outbox("newest", limit) if sent_too else [*given_up, *ledger.outbox("waiting", limit)]
        known = frozenset() if declared is None else frozenset(declared.endpoints)
        for alert in shown:
            console.item(_fields(alert), _line(alert, known, profile_name))
        if not shown:
            console.say("No alert waits.")
        elif given_up:
            console.say(
                "What was given up is tried again with: startrail alerts send --again; or let it be: startrail alerts drop"
            )
        console.result({"shown": len(shown), "given_up": len(given_up)})
        return 1 if given_up or silent else 0


def _known(opener: str) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(rule, opener) for rule in _rules())


def _near(opener: str) -> str:
    from startrail.base.text import did_you_mean

    return did_you_mean(opener, _rules())


def _rules() -> list[str]:
    from startrail.capabilities.incidents.openers import OPENERS

    return sorted({opener.rule for openers in OPENERS.values() for opener in openers})


def _words(route: Route) -> str:
    who = [f"owner {', '.join(route.owners)}"] if route.owners else []
    who += [f"opener {', '.join(route.openers)}"] if route.openers else []
    who += ["changes"] if route.changes else []
    quiet = f"; quiet from {route.quiet.after} to {route.quiet.until} {route.quiet.timezone}" if route.quiet else ""
    return f"{', '.join([f'severity {route.severity} and above', *who])} -> {', '.join(route.to)}{quiet}"


def _route(name: str, route: Route) -> dict[str, object]:
    return {"type": "route", "name": name, "to": route.to, "severity": route.severity, "owners": route.owners}


def _line(alert: Outgoing, known: frozenset[str], profile_name: str) -> str:
    from startrail.base.text import printable

    row = alert.row
    about = f"{row.endpoint}  {row.alert.action} {printable(row.alert.subject, 60)}: {printable(row.alert.title, 100)}"
    if alert.state != "waiting":
        reason = f": {printable(alert.reason, 200)}" if alert.reason else ""
        when = f" {alert.ended_at:%Y-%m-%d %H:%M} UTC" if alert.ended_at else ""
        return f"{alert.state:<9} {about}\n    {alert.state}{when} after {_tries(alert.attempts)}{reason}"
    why = f": {printable(alert.reason, 200)}" if alert.reason else ""
    if row.endpoint not in known:
        why = f": profile {profile_name} has no such endpoint"
    return f"waiting   {about}\n    next try {row.due_at:%Y-%m-%d %H:%M} UTC, {_tries(alert.attempts)} so far{why}"


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _fields(alert: Outgoing) -> dict[str, object]:
    import msgspec

    return {"type": "alert", **msgspec.to_builtins(alert)}
