"""What a person types: parse, call, print; one file per word.

Exit codes: 0 fine, 1 found something (a failed check, a held delivery, stale models in ``plan --check``), 2 could not.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from typing import NoReturn

_YOUNG = 20_000
"""Objects made before the collector looks for cycles: a start makes many, of which next to none are any."""


def main() -> NoReturn:
    """The ``startrail`` command: it ends the process."""
    gc.set_threshold(_YOUNG, 10, 10)
    from startrail.cli.app import app

    _leave(app())


def _leave(code: int) -> NoReturn:
    """As ``sys.exit``, without taking every module and object apart before the system takes the memory back as a whole."""
    watched = sys.gettrace() is not None or sys.getprofile() is not None
    if watched or any(not thread.daemon for thread in threading.enumerate() if thread is not threading.current_thread()):
        sys.exit(code)
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)  # it says what cannot be written any more
    os._exit(code)


__all__ = ["main"]
