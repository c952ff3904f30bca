"""Connecting to PostgreSQL, and saying where without saying the password."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import conninfo_to_dict

from startrail.adapters.ledger.postgres.failures import reporting
from startrail.ledger.errors import LedgerRefused

_CONNECT_SECONDS = 10
_IDLE_SECONDS = 15
"""A process that was stopped in the middle of a transaction blocks the others no longer than this."""


class Address:
    """A connection string, checked, and a schema."""

    def __init__(self, dsn: str, schema: str, busy_seconds: float) -> None:
        self.schema = schema
        self.busy_seconds = busy_seconds
        try:
            parts = conninfo_to_dict(dsn)
        except psycopg.Error:
            # the driver's own message repeats parts of the text, which may be the password
            raise LedgerRefused(
                "the ledger's dsn is not a PostgreSQL connection string",
                hint="write it as postgresql://user@host:5432/database, or host=... dbname=... user=...",
            ) from None
        self.parameters = {"connect_timeout": _CONNECT_SECONDS, "application_name": "startrail"} | parts
        host = parts.get("host") or parts.get("hostaddr") or "localhost"
        self.where = f"PostgreSQL {host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''} schema {schema}"


def connect(address: Address) -> psycopg.Connection:
    """A connection in autocommit mode whose unqualified names are those of the schema."""
    with reporting(address.where):
        connection = psycopg.connect(**address.parameters, autocommit=True)  # pyrefly: ignore  (options are open-ended)
        connection.execute(
            "select set_config('search_path', %s, false), set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (
                psycopg.sql.Identifier(address.schema).as_string(connection),
                f"{int(address.busy_seconds * 1000)}ms",
                f"{_IDLE_SECONDS}s",
            ),
        )
        return connection
