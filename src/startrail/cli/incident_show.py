"""``startrail incident show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.incident_list import line
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.model.incident import Incident


@click.command("show")
@click.argument("id")
@options.common
def command(root: Path, profile_name: str, as_json: bool, id: str) -> int:
    """Show one incident: symptoms, what it affects, what happened. The first digits of its ID are enough."""
    from startrail.base.text import printable
    from startrail.capabilities.incidents.deeds import find
    from startrail.ledger.incidents import KINDS

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        incident = find(opened.ports.ledger, id)
        console.item(incident, _shown(incident))
        for fact in opened.ports.ledger.facts(subject=incident.id):
            if fact.kind in KINDS:
                what = fact.kind.removeprefix("incident.")
                console.item(fact, f"{fact.seq:>6}  {fact.at:%Y-%m-%d %H:%M:%S}  {what:<13} {printable(fact.payload, 160)}")
        console.result({"incident": incident.id, "state": incident.state})
        return 0


def _shown(incident: Incident) -> str:
    from startrail.base.text import printable

    lines = [line(incident)]
    for symptom in incident.symptoms:
        gone = f"  gone (fact {symptom.cleared})" if symptom.cleared is not None else ""
        lines.append(f"    {printable(symptom.subject, 60)}: {printable(symptom.what, 200)}, seen {symptom.seen:,} times{gone}")
    if incident.affected:
        lines.append(f"    affects {', '.join(printable(each.name, 60) for each in incident.affected)}")
    if incident.acts:
        lines.append(f"    done     {', '.join(incident.acts)}")
    if incident.reason:
        lines.append(f"    {incident.state}: {printable(incident.reason, 200)}")
    return "\n".join(lines)
