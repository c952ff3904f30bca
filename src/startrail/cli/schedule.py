"""``startrail schedule``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "list": "When each schedule runs next, what became of its last tick, and how it stands.",
    "install": "Write what makes schedules run: systemd, cron, Kubernetes or GitHub.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.schedule_<name>``."""

command: click.Group = lazy_group("schedule", SUBCOMMANDS, "When what runs next, and the glue that makes it run.")
