"""One connection, shared by all threads under a lock, reopened when it broke. Writers wait for each other on one
advisory lock per schema, so that both databases behave alike: one writer at a time, readers at any time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from startrail.adapters.ledger import migrations
from startrail.adapters.ledger.database import SqlLedger
from startrail.adapters.ledger.postgres.connection import Address, connect
from startrail.adapters.ledger.postgres.failures import reporting
from startrail.adapters.ledger.session import Session
from startrail.adapters.ledger.sqlite import open_ledger as open_sqlite
from startrail.adapters.ledger.statements import Statements
from startrail.ledger.errors import LedgerReadOnly, LedgerRefused
from startrail.ports.ledger import Ledger

BUSY_SECONDS = 20.0

_HERE = Path(__file__).parent
_MIGRATIONS = _HERE / "migrations"
_STATEMENTS = Statements(_HERE / "sql")


def open_ledger(dsn: str, schema: str = "startrail", *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> Ledger:
    """Open the ledger in ``schema``, and make or migrate it first unless ``read_only``.

    Read-only and not there yet: an empty ledger, and nothing is made. ``dsn`` is a libpq connection string or URL.
    """
    address = Address(dsn, schema, busy_seconds)
    connection = connect(address)
    try:
        with reporting(address.where):
            version = _version_quickly(connection, address)
            if version == 0 and read_only:
                connection.close()
                return open_sqlite(":memory:", read_only=True)
            _bring_forward(connection, address, version, read_only)
    except BaseException:
        connection.close()
        raise
    return PostgresLedger(connection, address, read_only=read_only)


class PostgresLedger(SqlLedger):
    """Made by :func:`open_ledger`."""

    def __init__(self, connection: psycopg.Connection, address: Address, *, read_only: bool) -> None:
        self._connection = connection
        self._address = address
        self._read_only = read_only
        self._closed = False
        self._lock = threading.RLock()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._transaction("begin isolation level repeatable read, read only") as session:
            yield session

    @contextmanager
    def _writing(self, *, durable: bool = False) -> Iterator[Session]:
        """Always durable: a server that forgot a lease after its own crash would hand out the same token twice."""
        if self._read_only:
            raise LedgerReadOnly(
                f"{self._address.where} was opened for reading only",
                hint="use a command that writes, such as `startrail run`",
            )
        with self._transaction(_begin_writing(self._address)) as session:
            yield session

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Session]:
        with self._lock, reporting(self._address.where):
            if self._closed:
                raise ValueError("this ledger was closed")
            if self._connection.closed:
                self._connection = connect(self._address)
            with transaction(self._connection, begin):
                yield Session(self._connection.cursor(), _STATEMENTS)


@contextmanager
def transaction(connection: psycopg.Connection, begin: str) -> Iterator[None]:
    """Commit at the end, undo on any exception."""
    try:
        connection.execute(begin)  # pyrefly: ignore  (our own text, not a LiteralString)
        yield
        connection.execute("commit")
    except BaseException:
        if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            _undo(connection)
        raise


def _undo(connection: psycopg.Connection) -> None:
    """A connection that cannot even do this is closed: the server then undoes the transaction by itself."""
    try:
        connection.execute("rollback")
    except psycopg.Error:
        connection.close()


def _begin_writing(address: Address) -> str:
    """Begin, and wait for the schema's one writer's lock; it goes with the transaction."""
    number = int.from_bytes(hashlib.sha256(f"startrail ledger {address.schema}".encode()).digest()[:8], "big", signed=True)
    return f"begin isolation level read committed; select pg_advisory_xact_lock({number})"


def _bring_forward(connection: psycopg.Connection, address: Address, version: int, read_only: bool) -> None:
    known = migrations.newest(_MIGRATIONS)
    if version == known:
        return
    if version > known:
        raise migrations.too_new(address.where, version, known)
    if read_only:
        raise migrations.too_old(address.where, version, known)
    with transaction(connection, _begin_writing(address)):
        version = _version(connection, address)  # another process may have been quicker
        if version == 0:
            connection.execute(psycopg.sql.SQL("create schema if not exists {}").format(psycopg.sql.Identifier(address.schema)))
        for number, text in migrations.missing(_MIGRATIONS, version):
            connection.execute(text)  # pyrefly: ignore  (our own file, not a LiteralString)
            connection.execute(
                "insert into meta (key, value) values (%s, %s) on conflict (key) do update set value = excluded.value",
                (migrations.VERSION_KEY, str(number)),
            )


def _version_quickly(connection: psycopg.Connection, address: Address) -> int:
    """One question in the usual case; the full diagnosis when it fails."""
    try:
        row = connection.execute(_VERSION, (migrations.VERSION_KEY,)).fetchone()
    except psycopg.ProgrammingError:
        return _version(connection, address)
    return migrations.read_version(None if row is None else row[0], address.where)


def _version(connection: psycopg.Connection, address: Address) -> int:
    """0 for a schema that is not there or holds nothing."""
    tables = connection.execute(_TABLES, {"schema": address.schema}).fetchall()
    if not tables:
        return 0
    names = [name for name, _ in tables]
    if "meta" not in names:
        raise migrations.not_a_ledger(address.where, f"it holds other tables ({', '.join(names[:3])})")
    if not all(readable for _, readable in tables):
        raise LedgerRefused(
            f"the user of {address.where} may not read the ledger's tables",
            hint=f'ask the database\'s owner to: grant usage on schema "{address.schema}" and select on its tables',
        )
    columns = connection.execute("select * from meta limit 0").description or []
    if [column.name for column in columns] != ["key", "value"]:
        raise migrations.not_a_ledger(address.where, "its table meta is someone else's")
    row = connection.execute(_VERSION, (migrations.VERSION_KEY,)).fetchone()
    return migrations.read_version(None if row is None else row[0], address.where)


_VERSION = "select value from meta where key = %s"
_TABLES = """
select c.relname, has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relkind in ('r', 'p') order by c.relname
"""
