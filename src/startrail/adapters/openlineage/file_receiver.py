"""Events as the lines of a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from startrail.base.text import printable
from startrail.ports.openlineage import ReceiverAway


class FileReceiver:
    """Appends each event as one line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = printable(str(path))

    def take(self, event: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                line = event + b"\n"
                written = os.write(handle, line)
                if written != len(line):
                    os.ftruncate(handle, os.fstat(handle).st_size - written)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(handle)
        except OSError as error:
            raise ReceiverAway(f"'{self.name}' cannot be written: {error.strerror or error}") from error
