"""``startrail drift``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "list": "Show how deliveries departed from their contracts.",
    "ack": "Let one drift be until a day, with a proof of what it left untouched.",
    "acks": "Show what was acknowledged, and until when.",
    "patch": "Print the change of the contract that adopts a drift.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.drift_<name>``."""

command: click.Group = lazy_group("drift", SUBCOMMANDS, "What changed in the data, since when, and whom it affects.")
