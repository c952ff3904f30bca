"""Opening a SQLite file for writing, for reading, or one in memory."""

from __future__ import annotations

import sqlite3
import stat
import time
from pathlib import Path

from startrail.adapters.ledger import migrations
from startrail.ledger.errors import LedgerReadOnly

_HEADER_BYTES = 100
_UNOPENABLE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}


def exists(path: Path) -> bool:
    """An empty file counts as none: it is what a process leaves that died while making a ledger. What may not be
    looked at counts as there, so that opening it says why not."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return not stat.S_ISREG(found.st_mode) or found.st_size > 0


def connect_memory() -> sqlite3.Connection:
    return _configured(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))


def connect_writer(path: Path, busy_seconds: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerReadOnly(
            f"the ledger's folder {path.parent} cannot be made: {error.strerror}",
            hint="make the folder, or correct the ledger's path in the profile",
        ) from error
    _refuse_foreign(path)
    connection = _open(path, "rwc", busy_seconds)
    try:
        _use_wal(connection, busy_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """In a folder that cannot be written, or on a full disk, SQLite cannot share memory with a writer. When there
    is no log of one either, nobody writes, and the file can be read as it lies."""
    _refuse_foreign(path)
    connection = _open(path, "ro", busy_seconds)
    try:
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(path.name + "-wal")
        if error.sqlite_errorcode & 0xFF not in _UNOPENABLE or (log.exists() and log.stat().st_size > 0):
            raise
        return _open(path, "ro&immutable=1", busy_seconds)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_foreign(path: Path) -> None:
    """SQLite itself takes a file shorter than its header for an empty database, and would write over it."""
    try:
        found = path.stat()
    except OSError:
        return  # not there, or SQLite will say why not
    if stat.S_ISDIR(found.st_mode):
        raise migrations.not_a_ledger(str(path), "it is a folder")
    if stat.S_ISREG(found.st_mode) and 0 < found.st_size < _HEADER_BYTES:
        raise migrations.not_a_ledger(str(path), "it is some other short file")
    if stat.S_ISREG(found.st_mode) and found.st_size >= _HEADER_BYTES and not _has_log(path):
        _refuse_other_tables(path)


def _has_log(path: Path) -> bool:
    """Whether the header says that the database is in WAL mode, as every ledger in use is."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:20] == b"\x02\x02"
    except OSError:
        return True  # SQLite will say why not


def _refuse_other_tables(path: Path) -> None:
    """Before the mode is switched, which would write into another program's database."""
    connection = _open(path, "ro", 0)
    try:
        names = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    finally:
        connection.close()
    if names and "meta" not in names:
        raise migrations.not_a_ledger(str(path), "it is another program's database")


def _open(path: Path, mode: str, busy_seconds: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return _configured(sqlite3.connect(address, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False))


def _configured(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("pragma trusted_schema = off")
    return connection


def _use_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """SQLite does not wait by itself for another process that switches the same new file at this moment."""
    tries = max(1, int(busy_seconds / 0.02))
    for left in range(tries, 0, -1):
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or left == 1:
                raise
            time.sleep(0.02)
