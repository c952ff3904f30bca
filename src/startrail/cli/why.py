"""``startrail why``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from startrail.base.errors import ModelError
from startrail.cli import options
from startrail.cli.console import Console
from startrail.wiring import open_project

if TYPE_CHECKING:
    from startrail.capabilities.why.gap import Gap
    from startrail.wiring import Opened


@click.command("why")
@click.argument("a", required=False)
@click.argument("b", required=False)
@options.period
@click.option("--at", metavar="INSTANT|SNAPSHOT", help="Read the tables of the first as they were then.")
@click.option("--vs", metavar="INSTANT|SNAPSHOT", help="Read the tables of the second as they were then.")
@click.option("--verify", "check", is_flag=True, help="Replace each slot alone by a query of its own; all must agree.")
@click.option(
    "--evidence",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write the SQL of every line, which runs with startrail query, and the rows behind it.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it as a page with a waterfall."
)
@click.option(
    "--sql-a", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Plain SQL instead of the first metric."
)
@click.option("--sql-b", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Plain SQL instead of the second.")
@click.option(
    "--bridges", is_flag=True, help="Check the declared bridges, of A or of all metrics; exits with 1 when one does not hold."
)
@click.option(
    "--star", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), metavar="FILE|-",
    help="Write it as a section for a report: Situation, Task, Action, Result.",
)  # fmt: skip
@click.option(
    "--patch", is_flag=False, flag_value=Path("-"), type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="[FILE]", help="Propose the change that makes one definition the standard of both, as a diff for git apply.",
)  # fmt: skip
@options.common
def command(
    a: str | None, b: str | None, period: str | None, at: str | None, vs: str | None, check: bool, evidence: Path | None,
    html: Path | None, sql_a: Path | None, sql_b: Path | None, bridges: bool, star: Path | None, patch: Path | None,
    root: Path, profile_name: str, as_json: bool,
) -> int:  # fmt: skip
    """Explain why two metrics differ, or one metric at two times: which difference carries how much, to the cent."""
    if bridges:
        if any((b, at, vs, check, evidence, html, sql_a, sql_b, star, patch)):
            raise click.UsageError("--bridges takes at most one metric, and --period")
        return _bridges(a, period, root, profile_name, as_json)
    from startrail.cli.errors import cannot_write
    from startrail.cli.why_close import Closing
    from startrail.cli.why_page import page
    from startrail.cli.why_text import lines
    from startrail.wiring.why import why

    closing = Closing(star, patch, root)
    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        closing.check(a, b, at, vs, (sql_a, sql_b))
        try:
            found: Gap = why(opened, a, b, period, at, vs, check=check, evidence=evidence, plain=(sql_a, sql_b))
            if html is not None:
                html.write_text("".join(page(found)), encoding="utf-8")
        except OSError as error:
            raise cannot_write(evidence or html or root, error) from error
        except ModelError as refusal:
            if at is None and vs is None:
                _by_key(opened, console, a, b, period, (sql_a, sql_b), refusal)
            raise refusal from None
        more = closing.of(opened, found, a, b, period)
        if not as_json and not closing.on_output:
            for line in lines(found):
                click.echo(line)
        if evidence is not None:
            console.say(f"  evidence written to {evidence}")
        closing.hand_over(console)
        console.result(msgspec.to_builtins(found) | more)
        return 0


def _by_key(
    opened: Opened, console: Console, a: str | None, b: str | None, period: str | None, plain: tuple[Path | None, Path | None],
    refusal: ModelError,
) -> None:  # fmt: skip
    """The next best thing to a gap by cause."""
    from startrail.cli.why_keyed import no_key, shown
    from startrail.wiring.why_keyed import NoKey, by_key

    found = by_key(opened, a, b, period, plain)
    if isinstance(found, NoKey) and found.reason == refusal.message:
        return  # a number that has no value has none by key either
    text = no_key(found) if isinstance(found, NoKey) else "\n".join(shown(found))
    console.item(
        {"type": "no_key" if isinstance(found, NoKey) else "keyed_diff", "additive_by_cause": False, "diff": found}, text
    )


def _bridges(a: str | None, period: str | None, root: Path, profile_name: str, as_json: bool) -> int:
    """One line per bridge and period."""
    from startrail.cli.why_text import bridge_line
    from startrail.wiring.bridges import bridged

    with Console(as_json) as console, open_project(root, profile_name, read_only=True) as opened:
        found = bridged(opened, [a] if a is not None else [], period)
        for each in found:
            console.item({"type": "bridge", "bridge": each}, bridge_line(each))
        broken = sum(1 for each in found if not each.holds)
        console.say(
            f"{len(found)} {'bridge' if len(found) == 1 else 'bridges'}, {broken} of them broken" if found else "no bridges"
        )
        console.result({"bridges": len(found), "broken": broken})
        return 1 if broken else 0
