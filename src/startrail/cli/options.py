"""Options that several commands share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Instant(click.ParamType):
    """``2026-10-03T08:15+02:00``; without an offset it is UTC."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"'{value}' is not an instant; write it as 2026-10-03T08:15+02:00", param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


folder = click.option(
    "-C", "--project", "root", type=click.Path(file_okay=False, path_type=Path), default=Path(),
    help="The project folder; default: this one.",
)  # fmt: skip
profile = click.option(
    "--profile", "profile_name", default="local", show_default=True, help="Which profile of startrail.yml to use."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print NDJSON events instead of text.")
now = click.option("--now", type=Instant(), help="Pretend that it is this instant, as in 2026-10-03T08:15+02:00.")
select = click.option(
    "--select", "patterns", multiple=True, metavar="NAME",
    help="Only this source, model or report; +NAME with all it is made from, NAME+ with all made from it.",
)  # fmt: skip


period = click.option(
    "--period", help="2026, 2026-Q4, 2026-10, 2026-W40, 2026-10-05, or A..B; default: all time.", metavar="PERIOD"
)
split = click.option(
    "--by", metavar="NAME,...", help="Split by declared dimensions, and by hour, day, week, month, quarter, year."
)


def names(text: str | None) -> tuple[str, ...]:
    """``country, month`` as names."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """``-C``, ``--profile`` and ``--json``."""
    return folder(profile(as_json(function)))


def user() -> str:
    """The name of the user of this process; empty when the system does not know one."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
