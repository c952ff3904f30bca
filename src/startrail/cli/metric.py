"""``startrail metric``: a group whose subcommands are imported when they are called.

A subcommand is a module ``startrail.cli.metric_<name>`` with a ``command``, and a line in :data:`SUBCOMMANDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click

SUBCOMMANDS: dict[str, str] = {
    "list": "Show all metrics, one line each.",
    "show": "Show one metric: its definition, its version, what was recorded.",
    "sql": "Print the SELECT that a metric means.",
    "value": "Compute a metric over a period, with the trail that leads back to it.",
    "import": "Write metrics from a MetricFlow manifest or an Apache Ossie file.",
    "export": "Write the metrics as a MetricFlow manifest or an Apache Ossie file.",
}
"""Every subcommand with its one line of help."""


class _Lazy(MutableMapping[str, click.Command]):
    """The subcommands as the mapping that click's groups have."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in SUBCOMMANDS:
            raise KeyError(name)
        return import_module(f"startrail.cli.metric_{name}").command

    def __iter__(self) -> Iterator[str]:
        return iter(SUBCOMMANDS)

    def __len__(self) -> int:
        return len(SUBCOMMANDS)

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("add a line to SUBCOMMANDS")

    def __delitem__(self, name: str) -> None:
        raise TypeError("take the line out of SUBCOMMANDS")


class _Subcommands(click.Group):
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in SUBCOMMANDS and not args[0].startswith("-"):
            from startrail.base.text import did_you_mean

            ctx.fail(f"there is no command '{args[0]}'; {did_you_mean(args[0], SUBCOMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group("metric", cls=_Subcommands)
def command() -> None:
    """The dictionary of metrics: definitions, SQL, values, exchange with other tools."""


command.commands = _Lazy()
