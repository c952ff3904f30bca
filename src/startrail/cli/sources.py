"""``startrail sources``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "copy": "Copy a source's files to a bucket or folder under their own names, each once.",
    "pause": "Leave a source alone until a time.",
    "resume": "Take a pause back.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.sources_<name>``."""

command: click.Group = lazy_group("sources", SUBCOMMANDS, "Where data comes from.")
