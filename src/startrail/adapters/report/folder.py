"""Delivery into a folder: a hidden file beside the final one, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from glob import escape
from pathlib import Path

from startrail.adapters.report.errors import DestinationClosed, DestinationFailed, DestinationFull, NoSuchDestination
from startrail.base.errors import ReportError

_HALF = ".startrail-half"


class Folder:
    """A folder of this machine. One delivery of a name at a time, which the runner's lease sees to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, name: str, write: Callable[[Path], object]) -> str:
        """As the port says. What a killed delivery of this name left behind is removed first."""
        try:
            self._open()
            self._sweep(name)
            half = self._path / f".{name}.{secrets.token_hex(4)}{_HALF}"
            try:
                write(half)
                _sync(half)
                half.replace(self._path / name)
            finally:
                half.unlink(missing_ok=True)
            _sync(self._path)
        except OSError as error:
            raise _told(error, self._path / name) from error
        return str(self._path / name)

    def _open(self) -> None:
        if not self._path.parent.is_dir():
            raise NoSuchDestination(
                f"there is no folder '{self._path.parent}' to deliver into",
                hint=f"mkdir -p '{self._path}', or correct 'destination'",
            )
        self._path.mkdir(exist_ok=True)

    def _sweep(self, name: str) -> None:
        for left in self._path.glob(f".{escape(name)}.????????{_HALF}"):
            left.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _told(error: OSError, path: Path) -> ReportError:
    """The operating system's error as one of ours."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DestinationFull(f"no room to write '{path}'", hint="free some space and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DestinationClosed(f"'{path}' may not be written", hint=f"check the rights of '{path.parent}'")
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST) and not path.parent.is_dir():
        return NoSuchDestination(f"'{path.parent}' is not a folder", hint="correct 'destination'")
    if error.errno == errno.EISDIR or path.is_dir():
        return DestinationClosed(f"'{path}' is a folder", hint="remove it, or give the report another 'file'")
    return DestinationFailed(f"'{path}' could not be written: {error.strerror or error}", hint="run again")
