"""SQLite's errors as ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from startrail.base.errors import LedgerError
from startrail.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFailed,
    LedgerDiskFull,
    LedgerReadOnly,
)

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


@contextmanager
def reporting(path: str) -> Iterator[None]:
    """Turn what SQLite raises inside into an error of ours; what is a bug stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        known = None if code is None else _KINDS.get(code & 0xFF)
        if known is None:
            raise
        kind, what, hint = known
        raise kind(f"the ledger {path} cannot be used: {what} ({error})", hint=hint) from error
