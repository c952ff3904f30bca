"""What can be wrong with a command line."""

from __future__ import annotations

from startrail.base.errors import UsageError


class BadCommandLine(UsageError):
    """There is no such command, option or argument, or its value has the wrong form.

    The message names the nearest one that there is; ``--help`` after any command shows all of its options.
    """

    code = "ST800"


class BadOutput(UsageError):
    """The file that ``--out`` names cannot be written.

    Its folder is not there, or this user may not write there. Make the folder, or name another file.
    """

    code = "ST803"
