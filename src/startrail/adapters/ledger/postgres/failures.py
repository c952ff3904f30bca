"""PostgreSQL's errors as ours. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from startrail.base.errors import LedgerError
from startrail.base.text import printable
from startrail.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerDiskFailed,
    LedgerDiskFull,
    LedgerPasswordWrong,
    LedgerReadOnly,
    LedgerRefused,
    LedgerUnreachable,
)

_READ_ONLY = (LedgerReadOnly, "it may not be written", "give the user the right to create and change tables in the schema")
_BUSY = (LedgerBusy, "another process keeps it locked", "find it with: select * from pg_stat_activity; then run again")
_LOST = (LedgerUnreachable, "the connection broke", "check the server and the network, then run again")
_DAMAGED = (LedgerDamaged, "its tables are not what they were", "restore the schema from a backup")
_KINDS: dict[str, tuple[type[LedgerError], str, str]] = {
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "40001": _BUSY,
    "40P01": _BUSY,
    "53100": (LedgerDiskFull, "the server's disk is full", "make room, then run again; nothing was changed"),
    "58030": (LedgerDiskFailed, "the server's disk reported an error", "look at the server's log"),
    "25P03": _LOST,
    "42P01": _DAMAGED,
    "42703": _DAMAGED,
}
_CLASSES: dict[str, tuple[type[LedgerError], str, str]] = {
    "08": _LOST,
    "53": (LedgerUnreachable, "the server is out of connections or memory", "run again later"),
    "57": _LOST,
    "XX": (LedgerDamaged, "the server found damaged data", "look at the server's log"),
}


@contextmanager
def reporting(where: str) -> Iterator[None]:
    """Turn what the driver raises inside into an error of ours; what is a bug stays as it is."""
    try:
        yield
    except psycopg.Error as error:
        known = _kind(error)
        if known is None:
            raise
        kind, what, hint = known
        said = printable(" ".join(str(error).split()), 300)
        raise kind(f"the ledger in {where} cannot be used: {what} ({said})", hint=hint) from error


def _kind(error: psycopg.Error) -> tuple[type[LedgerError], str, str] | None:
    if error.sqlstate is not None:
        return _KINDS.get(error.sqlstate) or _CLASSES.get(error.sqlstate[:2])
    if isinstance(error, psycopg.OperationalError):
        return _at_connecting(error)
    return None


def _at_connecting(error: psycopg.OperationalError) -> tuple[type[LedgerError], str, str]:
    """libpq gives no code here, only what the server said. ``FATAL`` stands in all languages that have Latin letters."""
    said = str(error)
    if (error.pgconn is not None and error.pgconn.needs_password) or "password authentication failed" in said:
        return LedgerPasswordWrong, "user or password are wrong", "correct the secret that `ledger.dsn` of the profile refers to"
    if "starting up" in said or "shutting down" in said or "too many" in said or "FATAL" not in said:
        return LedgerUnreachable, "the server does not answer", "check host, port and network, then run again"
    return LedgerRefused, "the server refused", "correct `ledger.dsn` of the profile: host, database, user"
