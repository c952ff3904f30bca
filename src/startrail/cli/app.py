"""The command tree. A command's module is imported when it is called, so that ``--help`` stays quick."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

COMMANDS: dict[str, str] = {
    "init": "Start a project folder, empty or from an example.",
    "run": "Do all that is due: land, load, build, check, publish, deliver.",
    "tick": "Run every schedule that is due now, each tick once, and exit.",
    "serve": "Run schedules as they become due, until it is stopped.",
    "schedule": "When what runs next, and the glue that makes it run.",
    "adopt": "Take a cron job's SQL script in as it is, with its schedule.",
    "plan": "Show what a run would do now, and why.",
    "status": "Show reports, sources and the last run.",
    "sources": "See, test, peek into and copy sources; pause and resume them.",
    "query": "Ask published tables, also table@snapshot and table@failed.",
    "test": "Run the unit tests of the models.",
    "backfill": "Rebuild partitions of one model, saying first what it takes.",
    "ledger": "Look into the ledger, and verify it.",
    "lineage": "Show where a column comes from and what it feeds, also in any SQL file.",
    "drift": "What changed in the data, since when, and whom it affects.",
    "contract": "Check, test and translate data contracts.",
    "incident": "What is wrong, since when, and what was done about it; its report from facts.",
    "stories": "Incidents that are over as stories in STAR form, and your own; search, export, import, lint.",
    "alerts": "See which alerts wait, send what is due, test an endpoint or a route.",
    "quarantine": "Look at refused rows, mend and replay them, or discard them.",
    "metric": "The dictionary of metrics: definitions, SQL, values, exchange with other tools.",
    "why": "Explain why two numbers differ: which difference of definition carries how much, to the cent.",
    "dictionary": "Search the dictionary of metrics.",
    "schema": "Print the JSON Schemas of all declarations.",
    "demo": "Three days of a small shop, with real servers, a schema change and a crash.",
    "completion": "Print the completion script for a shell.",
}
"""Every command with its one line of help; its module is ``startrail.cli.<name>``."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return import_module(f"startrail.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from startrail.base.text import did_you_mean

            ctx.fail(f"there is no command '{args[0]}'; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from startrail import __version__

        click.echo(f"startrail {__version__}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit.")
def root() -> None:
    """Keep the report on time, and say why a number changed.

    Start with: startrail init --example shop DIR
    """


def app() -> int:
    """Run the command line; returns the exit code. Only a defect of Startrail shows a traceback."""
    try:
        return int(root.main(prog_name="startrail", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 0
    except click.ClickException as error:
        from startrail.cli.console import show_error  # not at start: --help must stay quick
        from startrail.cli.errors import BadCommandLine

        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "startrail"
        show_error(BadCommandLine(error.format_message(), hint=f"{where} --help"), json="--json" in sys.argv, begin=True)
        return 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; nothing is half done: run again to go on", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from startrail.base.errors import StartrailError

        if not isinstance(error, StartrailError):
            raise
        from startrail.cli.console import show_error

        show_error(error, json="--json" in sys.argv)
        return 2
