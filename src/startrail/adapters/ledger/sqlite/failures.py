"""SQLite's errors as ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from startrail.base.errors import LedgerError
from startrail.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFailed,
    LedgerDiskFull,
    LedgerReadOnly,
)

_LITTLE = 64 * 1024
"""Bytes: two of the blocks that SQLite takes for shared memory."""

_KINDS: dict[int, tuple[type[LedgerError], str, str]] = {
    sqlite3.SQLITE_BUSY: (
        LedgerBusy,
        "another process keeps it locked",
        "close the program that has it open (`fuser` on the file names it), then run again",
    ),
    sqlite3.SQLITE_LOCKED: (LedgerBusy, "it is locked", "run again"),
    sqlite3.SQLITE_READONLY: (
        LedgerReadOnly,
        "it cannot be written",
        "give this user the right to write the file and its folder",
    ),
    sqlite3.SQLITE_PERM: (LedgerReadOnly, "it may not be written", "give this user the right to write the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: (
        LedgerReadOnly,
        "it cannot be opened",
        "check that the path is right and that this user may read and write the file and its folder",
    ),
    sqlite3.SQLITE_FULL: (LedgerDiskFull, "its disk is full", "make room, then run again; nothing was changed"),
    sqlite3.SQLITE_IOERR: (LedgerDiskFailed, "its disk reported an error", "look at the disk and the system log, then run again"),
    sqlite3.SQLITE_NOTADB: (
        LedgerDamaged,
        "it is not a database",
        "correct the ledger's path in the profile, or move the file aside and restore a backup",
    ),
    sqlite3.SQLITE_CORRUPT: (LedgerDamaged, "the file is damaged", "move the file aside and restore a backup"),
}


def _is_full(path: str) -> bool:
    """SQLite calls it an I/O error when there is no room for the memory that readers and writers share."""
    try:
        disk = os.statvfs(Path(path).parent)
    except OSError:
        return False
    return disk.f_blocks > 0 and disk.f_bavail * disk.f_frsize < _LITTLE


@contextmanager
def reporting(path: str) -> Iterator[None]:
    """Turn what SQLite raises inside into an error of ours; what is a bug stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        kind_code = None if code is None else code & 0xFF
        known = None if kind_code is None else _KINDS.get(kind_code)
        if known is None:
            raise
        if kind_code == sqlite3.SQLITE_IOERR and _is_full(path):
            known = _KINDS[sqlite3.SQLITE_FULL]
        kind, what, hint = known
        raise kind(f"the ledger {path} cannot be used: {what} ({error})", hint=hint) from error
