"""``startrail stories import``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", help="Whose words they are; default: the user of this process.")
@options.common
@options.now
def command(root: Path, profile_name: str, as_json: bool, now: datetime | None, file: Path, by: str | None) -> int:
    """Keep the stories of a Markdown file, marked as yours. All of them or none; one that is kept already stays.

    Each has **Situation**, **Task**, **Action** and **Result** in bold or as headings, under a heading as its title. Under the
    same title by the same person, the newer words count.
    """
    from startrail.base.text import printable
    from startrail.capabilities.incidents.stories.bank import kept
    from startrail.capabilities.incidents.stories.keep import keep, stories_of
    from startrail.capabilities.incidents.stories.lint import lint

    with Console(as_json) as console:
        found = stories_of(file)
        with open_project(root, profile_name, now=now) as opened:
            ledger = opened.ports.ledger
            done = keep(ledger, found, by or options.user() or "unknown", opened.ports.clock.now())
            there = kept(ledger)
            for id_, new in done:
                story = there[id_]
                words = "kept" if new else "was kept already"
                console.item(story, f"{id_}  {words}: {printable(story.written.title, 160)}")
            for finding in lint(there[id_] for id_, _ in done):
                console.item(finding, f"{finding.story}  {finding.what}")
            console.result({"stories": len(done), "new": sum(new for _, new in done)})
            return 0
