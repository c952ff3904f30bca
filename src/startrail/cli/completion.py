"""``startrail completion``."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script for SHELL; put its output into your shell's start-up file."""
    from click.shell_completion import get_completion_class

    from startrail.cli.app import root

    completer = get_completion_class(shell)
    assert completer is not None, "click knows the three shells"
    click.echo(completer(root, {}, "startrail", "_STARTRAIL_COMPLETE").source())
    return 0
