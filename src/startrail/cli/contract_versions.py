"""``startrail contract versions``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.contracts.versions import Listed


@click.command("versions")
@click.argument("name")
@options.common
def command(name: str, root: Path, profile_name: str, as_json: bool) -> int:
    """List the versions of a contract under which something was loaded, the oldest first.

    Each with its first use, how many deliveries were loaded under it, and whether it may follow the version before: in the
    mode that the contract declares (compatibility), or else in full.
    """
    from startrail.capabilities.contracts.versions import declared_mode, listed
    from startrail.cli.contract_files import find_kept

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        declared = opened.project.contracts.get(name)
        found = listed(name, opened.ports.ledger, None if declared is None else declared_mode(declared))
        if not found:
            find_kept(name, None, opened)  # says why there is none
        for each in found:
            console.item(each, _line(each))
        console.result({"name": name, "versions": len(found)})
        return 0


def _line(each: Listed) -> str:
    from startrail.base.text import printable

    count = f"{each.deliveries:,} deliver{'y' if each.deliveries == 1 else 'ies'}"
    first = f"{printable(each.version, 40):<12} {each.fingerprint[:8]}  since {each.first_used[:16].replace('T', ' ')} UTC"
    lines = [f"{first}  run {each.run}  {count}  {_verdict(each)}"]
    lines += [
        f"{'':<12} {one.kind} at {printable(one.path) or '(whole)'}: {printable(one.message, 300)}" for one in each.breaks or ()
    ]
    return "\n".join(lines)


def _verdict(each: Listed) -> str:
    if each.breaks is None:
        return ""
    return f"{each.mode} compatible" if not each.breaks else f"not {each.mode} compatible with the one before"
