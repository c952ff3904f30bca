"""What a person types: parse, call, print; one file per word.

Exit codes: 0 fine, 1 found something (a failed check, a held delivery, stale models in ``plan --check``), 2 could not.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The ``startrail`` command."""
    from startrail.cli.app import app

    sys.exit(app())


__all__ = ["main"]
