"""``startrail stories``: by itself it shows the bank; its subcommands are imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from startrail.cli import options
from startrail.cli.console import Console
from startrail.cli.lazy import lazy_group
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.incidents.star import Readers
    from startrail.model.story import Story
    from startrail.wiring import Opened

SUBCOMMANDS: dict[str, str] = {
    "show": "Print one story in the plain Markdown form.",
    "import": "Keep your own stories from a Markdown file, as yours.",
    "lint": "Name stories that lack a part or a measured result.",
}
"""Every subcommand with its one line of help; its module is ``startrail.cli.stories_<name>``."""


@click.command("stories")
@options.common
@click.option("--principle", "principles", multiple=True, metavar="P", help="Only stories that show this leadership principle.")
@click.option("--search", "words", multiple=True, metavar="WORDS", help="Only stories that hold all these words.")
@click.option(
    "--export", "target", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write each as a Markdown file."
)
@click.option("--replace", is_flag=True, help="With --export: replace files that say something else.")
def _list(
    root: Path, profile_name: str, as_json: bool, principles: tuple[str, ...], words: tuple[str, ...], target: Path | None,
    replace: bool,
) -> int:  # fmt: skip
    """Show the stories of incidents that are over, and people's own."""
    from startrail.capabilities.incidents.stories.bank import bank, matching
    from startrail.capabilities.incidents.stories.keep import export
    from startrail.capabilities.incidents.stories.lint import lint
    from startrail.capabilities.incidents.stories.principles import principle

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        wanted = frozenset(principle(each) for each in principles)
        found = list(matching(bank(opened.ports.ledger, readers(opened)), wanted, words))
        for story in found:
            console.item(story, line(story))
        files = export(found, target, replace) if target is not None else []
        if not found:
            console.say("No story. An incident becomes one when it is over; your own: startrail stories import FILE")
        if files:
            console.say(f"{len(files)} written to {target}")
        lacking = len({finding.story for finding in lint(found)})
        if lacking:
            console.say(f"{lacking} of them lack a part or a measured result; see: startrail stories lint")
        console.result({"stories": len(found), "lacking": lacking, "files": [str(path) for path in files]})
        return 0


def line(story: Story) -> str:
    """One story on one line, and why it has its tags."""
    from startrail.base.text import printable

    whose = "from facts" if story.by is None else f"by {printable(story.by, 40)}"
    text = f"{story.id}  {story.at:%Y-%m-%d}  {whose:<14} {printable(story.written.title, 160)}"
    reasons = [
        f"    {tag.principle}: {printable(tag.why, 160)} ({'a rule' if tag.by == 'rule' else 'a person'})" for tag in story.tags
    ]
    return "\n".join((text, *reasons))


def readers(opened: Opened) -> Readers:
    """Who reads a report, as the project declares it."""
    reports = opened.project.reports
    return lambda name: reports[name].recipients if name in reports else ()


command: click.Group = lazy_group(
    "stories", SUBCOMMANDS, "Stories of incidents that are over, told from facts, and people's own.", alone=_list
)
