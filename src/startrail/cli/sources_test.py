"""``startrail sources test``."""

from __future__ import annotations

from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

_SHOWN = 10


@click.command("test")
@options.common
@click.argument("name")
def command(root: Path, profile_name: str, as_json: bool, name: str) -> int:
    """Try a source's feed: reach it, list it, read from it, and say what would be landed. Lands nothing.

    Exits with 2 and the error when it cannot be reached or read.
    """
    from startrail.base.units import show_size
    from startrail.cli.names import said
    from startrail.model.named import named
    from startrail.wiring.sources import source_of, tested

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        source = source_of(opened, name)
        found = tested(opened, source)
        for offer in found.offers[:_SHOWN]:
            size = "" if offer.size is None else f", {show_size(offer.size)}"
            names = named(source, offer.name)
            shown = {"type": "offer", "name": offer.name, "size": offer.size, "fields": names.fields, "unread": names.problem}
            console.item(shown, f"would land  {offer.name}{size}{said(names)}")
        if len(found.offers) > _SHOWN and not as_json:
            console.say(f"            and {len(found.offers) - _SHOWN} more")
        for growing in found.growing:
            console.item({"type": "growing", "name": growing}, f"growing     {growing}: left for the next run")
        if found.ahead is not None:
            text = f"the newest file is {found.ahead} s in the future: the other side's clock or zone differs from ours"
            console.item({"type": "clock", "seconds_ahead": found.ahead}, f"clock       {text}")
        if found.queue is not None:
            queue = found.queue
            text = f"{queue.waiting} messages wait, {queue.hidden} are being worked on; {_dead(queue.dead_letters)}"
            console.item({"type": "queue", "waiting": queue.waiting, "hidden": queue.hidden}, f"queue       {text}")
        read = f"; {found.read} bytes of the first were read" if found.read is not None else ""
        more = " at least, it has more pages" if found.lazy else ""
        console.say(f"{name} answers: {len(found.offers)} to land{more}, {len(found.growing)} growing{read}. Nothing was landed.")
        console.result({"would_land": len(found.offers), "growing": len(found.growing), "complete": not found.lazy})
        return 0


def _dead(letters: str | None) -> str:
    from startrail.base.text import printable

    if letters is None:
        return "it has no dead-letter queue, so a message that brings no file is taken out and told"
    return f"what is received too often goes to {printable(letters, 120)}"
