"""Groups whose subcommands are imported when they are called: ``startrail.cli.<group>_<name>``, each with a ``command``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import click
from click.core import ParameterSource


class _Modules(MutableMapping[str, click.Command]):
    """The subcommands as the mapping that click's groups have."""

    def __init__(self, group: str, lines: Mapping[str, str]) -> None:
        self._group = group
        self._lines = lines

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._lines:
            raise KeyError(name)
        return import_module(f"startrail.cli.{self._group}_{name}").command

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("subcommands are declared where the group is")

    def __delitem__(self, name: str) -> None:
        raise TypeError("subcommands are declared where the group is")


class _Group(click.Group):
    lines: Mapping[str, str] = {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lines.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.lines and not args[0].startswith("-"):
            from startrail.base.text import did_you_mean

            ctx.fail(f"there is no command '{args[0]}'; {did_you_mean(args[0], self.lines)}")
        return super().resolve_command(ctx, args)


def lazy_group(name: str, lines: Mapping[str, str], help: str, alone: click.Command | None = None) -> click.Group:
    """The group; ``lines`` has every subcommand with its one line of help. ``alone``: what it does without a subcommand."""
    group = _Group(name, help=help)
    group.lines = lines
    group.commands = _Modules(name, lines)
    if alone is not None:
        group.params, group.callback = alone.params, _alone(alone)
        group.invoke_without_command, group.no_args_is_help = True, False
    return group


def _alone(command: click.Command) -> Callable[..., Any]:
    """Options of the group are for the group alone: before a subcommand they would count for nothing."""

    def called(**values: Any) -> Any:
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            return command.callback(**values) if command.callback is not None else None
        for param in command.params:
            if context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE:
                context.fail(f"write {param.opts[-1]} behind '{context.invoked_subcommand}'")
        return None

    return called
