"""``startrail incident``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "list": "Show what is wrong, and what was.",
    "show": "Show one incident: symptoms, what it affects, what happened.",
    "ack": "Say that you have it in hand.",
    "note": "Add your words to it.",
    "resolve": "End it, with a reason.",
    "star": "Print its report: Situation, Task, Action, Result, from facts alone.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.incident_<name>``."""

command: click.Group = lazy_group("incident", SUBCOMMANDS, "What is wrong, since when, and what was done about it.")
