"""One connection, shared by all threads under a lock; the file in WAL mode, so readers and a writer never wait for
each other."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from startrail.adapters.ledger import contracts, facts, migrations
from startrail.adapters.ledger.database import SqlLedger
from startrail.adapters.ledger.session import Session
from startrail.adapters.ledger.sqlite import connection as sqlite_connection
from startrail.adapters.ledger.sqlite.failures import reporting
from startrail.adapters.ledger.statements import Statements
from startrail.ledger.errors import LedgerReadOnly
from startrail.model.run import Verification

MEMORY = ":memory:"
BUSY_SECONDS = 20.0

_HERE = Path(__file__).parent
_MIGRATIONS = _HERE / "migrations"
_STATEMENTS = Statements(_HERE / "sql")


def open_ledger(path: str | Path, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> SqliteLedger:
    """Open the ledger, and make or migrate it first unless ``read_only``. ``:memory:`` is one of its own.

    Read-only and not there yet: an empty ledger, and no file is made. ``busy_seconds`` is how long a transaction
    waits for another process before it gives up with LedgerBusy (ST506).
    """
    where = str(path)
    with reporting(where):
        if where == MEMORY or (read_only and not sqlite_connection.exists(Path(path))):
            return _empty(where, read_only)
        connect = sqlite_connection.connect_reader if read_only else sqlite_connection.connect_writer
        connection = connect(Path(path), busy_seconds)
        try:
            version = _version(connection, where)
            if version == 0 and read_only:
                connection.close()
                return _empty(where, read_only)
            _bring_forward(connection, where, version, read_only)
        except BaseException:
            connection.close()
            raise
    return SqliteLedger(connection, where, read_only=read_only)


class SqliteLedger(SqlLedger):
    """Made by :func:`open_ledger`."""

    def __init__(self, connection: sqlite3.Connection, path: str, *, read_only: bool) -> None:
        self._connection = connection
        self._path = path
        self._read_only = read_only
        self._lock = threading.RLock()

    def verify(self) -> Verification:
        """As the port says; text that is not UTF-8, which only tampering can leave, is judged and not stumbled over."""
        return contracts.verify(self._reading_anything, facts.verify(self._reading_anything))

    def close(self) -> None:
        with self._lock, reporting(self._path):
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._lock, reporting(self._path), transaction(self._connection, "begin"):
            yield Session(self._connection.cursor(), _STATEMENTS)

    @contextmanager
    def _reading_anything(self) -> Iterator[Session]:
        with self._lock:
            self._connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            try:
                with self._reading() as session:
                    yield session
            finally:
                self._connection.text_factory = str

    @contextmanager
    def _writing(self, *, durable: bool = False) -> Iterator[Session]:
        """Not ``durable``: a power cut may lose the last commits, never their order, and no kill loses any."""
        if self._read_only:
            raise LedgerReadOnly(
                f"{self._path} was opened for reading only", hint="use a command that writes, such as `startrail run`"
            )
        with self._lock, reporting(self._path):
            self._connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            with transaction(self._connection, "begin immediate"):
                yield Session(self._connection.cursor(), _STATEMENTS)


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """Commit at the end, undo on any exception."""
    connection.execute(begin)
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _empty(where: str, read_only: bool) -> SqliteLedger:
    connection = sqlite_connection.connect_memory()
    _bring_forward(connection, where, 0, read_only=False)
    return SqliteLedger(connection, where, read_only=read_only)


def _bring_forward(connection: sqlite3.Connection, where: str, version: int, read_only: bool) -> None:
    known = migrations.newest(_MIGRATIONS)
    if version == known:
        return
    if version > known:
        raise migrations.too_new(where, version, known)
    if read_only:
        raise migrations.too_old(where, version, known)
    with transaction(connection, "begin immediate"):
        version = _version(connection, where)  # another process may have been quicker
        for number, text in migrations.missing(_MIGRATIONS, version):
            _script(connection, text)
            connection.execute(
                "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
                (migrations.VERSION_KEY, str(number)),
            )


def _version(connection: sqlite3.Connection, where: str) -> int:
    """0 for a database with nothing in it."""
    try:
        row = connection.execute("select value from meta where key = ?", (migrations.VERSION_KEY,)).fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        row = None
    if row is not None:
        return migrations.read_version(row[0], where)
    names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table' limit 3")]
    if names:
        raise migrations.not_a_ledger(where, f"it holds other tables ({', '.join(names)})")
    return 0


def _script(connection: sqlite3.Connection, text: str) -> None:
    """Statement by statement, because ``executescript`` would commit the transaction around it."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
