"""``startrail completion``."""

from __future__ import annotations

import click

from startrail.cli import options
from startrail.cli.console import Console


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options.as_json
def command(shell: str, as_json: bool) -> int:
    """Print the completion script for SHELL; put its output into your shell's start-up file."""
    from click.shell_completion import get_completion_class

    from startrail.cli.app import root

    completer = get_completion_class(shell)
    assert completer is not None, "click knows the three shells"
    script = completer(root, {}, "startrail", "_STARTRAIL_COMPLETE").source()
    with Console(as_json) as console:
        if not as_json:
            click.echo(script)
        console.result({"shell": shell, "script": script})
    return 0
