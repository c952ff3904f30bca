"""``startrail sources``: a group whose subcommands are imported when they are called."""

from __future__ import annotations

import click

from startrail.cli.lazy import lazy_group

SUBCOMMANDS: dict[str, str] = {
    "copy": "Copy a source's files to a bucket or folder under their own names, each once.",
    "list": "Show all sources: kind of feed, where, into which table.",
    "test": "Try a source's feed: reach it, list it, read from it, and say what would be landed.",
    "peek": "Show the beginning of what a source offers.",
    "status": "Show what has landed of every source, and what is growing.",
    "bundle": "Make a source a function in the cloud: a zip, and Terraform for it.",
    "pause": "Leave a source alone until a time.",
    "resume": "Take a pause back.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.sources_<name>``."""

command: click.Group = lazy_group("sources", SUBCOMMANDS, "See, test, peek into and copy sources; pause and resume them.")
