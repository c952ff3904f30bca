"""What can be wrong with a command line."""

from __future__ import annotations

from pathlib import Path

from startrail.base.errors import UsageError


class BadCommandLine(UsageError):
    """There is no such command, option or argument, or its value has the wrong form.

    The message names the nearest one that there is; ``--help`` after any command shows all of its options.
    """

    code = "ST800"


class BadOutput(UsageError):
    """The file or folder that the command line names cannot be written.

    The folder above it is not there, or this user may not write there. Make the folder, or name another place.
    """

    code = "ST803"


class UnknownAlertTarget(UsageError):
    """The profile has no endpoint and no route of that name.

    Mind the near miss in the hint; ``startrail alerts list`` shows the routes.
    """

    code = "ST693"


def cannot_write(path: Path, error: OSError) -> BadOutput:
    """The operating system's refusal in our words."""
    reason = (error.strerror or type(error).__name__).lower()
    return BadOutput(f"{path} cannot be written: {reason}", hint=f"look at the folder '{path.parent}', or name another place")
