"""``startrail contract``: a group whose subcommands are imported when they are called.

A subcommand is a module ``startrail.cli.contract_<name>`` with a ``command``, and a line in :data:`SUBCOMMANDS`.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module

import click

SUBCOMMANDS: dict[str, str] = {
    "check": "Say whether a schema may follow older ones.",
    "infer": "Write the contract that a sample file or published table keeps.",
    "import": "Write the contract that a foreign schema describes.",
    "export": "Write a contract as JSON Schema, Avro or Arrow.",
    "versions": "List the versions of a contract that something was loaded under.",
    "show": "Print one of those versions as it was.",
    "test": "Load a file on trial under a contract.",
}
"""Every subcommand with its one line of help."""


class _Lazy(MutableMapping[str, click.Command]):
    """The subcommands as the mapping that click's groups have."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in SUBCOMMANDS:
            raise KeyError(name)
        return import_module(f"startrail.cli.contract_{name}").command

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


@click.group("contract", cls=_Subcommands)
def command() -> None:
    """Check, test and translate data contracts."""


command.commands = _Lazy()
