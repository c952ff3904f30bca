"""``startrail contract show``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("show")
@click.argument("named", metavar="NAME[@VERSION]")
@options.common
def command(named: str, root: Path, profile_name: str, as_json: bool) -> int:
    """Print a contract version as it stood when something was first loaded under it; without @VERSION the newest one."""
    from startrail.base.time import to_text
    from startrail.cli.contract_files import find_kept

    name, _, version = named.partition("@")
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        kept = find_kept(name, version or None, opened)
        if not as_json:
            click.echo(kept.document, nl=False)
        console.result({
            "name": kept.ref.name, "version": kept.ref.version, "fingerprint": kept.ref.fingerprint, "path": kept.path,
            "sha256": kept.sha256, "run": kept.run, "at": to_text(kept.at), "document": kept.document,
        })  # fmt: skip
        return 0
