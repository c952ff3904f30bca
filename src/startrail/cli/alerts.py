"""``startrail alerts``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "list": "Show routes, and the alerts that wait or were given up.",
    "send": "Send what is due now.",
    "drop": "Let go of alerts that were given up.",
    "test": "Send a test alert to an endpoint, or to all endpoints of a route.",
    "change": "Tell those who want it that somebody changed something.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.alerts_<name>``."""

command: click.Group = lazy_group("alerts", SUBCOMMANDS, "See which alerts wait, send what is due, test an endpoint or a route.")
