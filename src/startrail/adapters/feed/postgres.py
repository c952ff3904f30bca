"""Rows of a PostgreSQL table or query as NDJSON, read in one snapshot."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from startrail.adapters.feed.listing import safe_name
from startrail.base.errors import SourceError
from startrail.base.text import printable
from startrail.base.units import parse_duration
from startrail.model import source
from startrail.ports.feed import FeedFailed, FeedForbidden, FeedMissing, FeedUnreachable, Fetched, Offer, Seen

_ROWS = 5_000
"""Fetched from the server at a time."""
_BLOCK = 1 << 18
_Row = tuple[str, str | None]

# Values are written as JSON by the server, so what decides about their text is fixed for the session.
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
}


class PostgresFeed:
    """``dsn`` is the resolved connection string.

    All of it happens in one transaction that is read only and repeatable: rows that are written meanwhile belong to
    the next run. Rows come in order of the cursor, or of their own text, so the same rows are the same bytes.
    """

    lanes = 1

    def __init__(self, declared: source.PostgresFeed, *, dsn: str) -> None:
        if (declared.table is None) == (declared.query is None):
            raise FeedFailed("the feed names not exactly one of table and query", hint="keep one of them")
        self._declared = declared
        self._seconds = parse_duration(declared.timeout).total_seconds()
        try:
            parts = conninfo_to_dict(dsn)
        except psycopg.Error:  # the driver's own words repeat parts of the text, which may be the password
            hint = "write it as postgresql://user@host:5432/database"
            raise FeedFailed("the feed's dsn is not a PostgreSQL connection string", hint=hint) from None
        self._parameters = {"connect_timeout": 10, "application_name": "startrail"} | parts
        host = parts.get("host") or parts.get("hostaddr") or "localhost"
        self._where = f"PostgreSQL {host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"
        self._connection: psycopg.Connection | None = None
        self._rows: Iterator[_Row] = iter(())
        self._reached: str | None = None

    def offers(self, seen: Seen, now: datetime) -> Iterator[Offer]:
        """One, or none when there is no row beyond the cursor."""
        declared = self._declared
        name = declared.table or f"query {hashlib.sha256((declared.query or '').encode()).hexdigest()[:8]}"
        since = seen.cursor if declared.cursor else None
        try:
            with self._errors():
                self._rows = self._selected(since)
                first = next(self._rows, None)
            if first is not None:
                self._rows = _chained(first, self._rows)
                yield Offer(safe_name(name if since is None else f"{name} after {since}"), "")
        finally:
            self.close()

    def growing(self) -> dict[str, str]:
        return {}

    def listed(self) -> None:
        """What is there cannot be told from new rows."""

    def fetch(self, offer: Offer) -> Iterator[bytes]:
        waiting, size = [], 0
        with self._errors():
            for text, cursor in self._rows:
                if self._declared.cursor is not None and cursor is None:
                    raise FeedFailed(
                        f"'{offer.name}' has rows whose cursor '{self._declared.cursor}' is null",
                        affects="nothing of it was landed: such rows could never be told from new ones",
                        hint="choose a column that is never null, or leave them out by a `query`",
                    )
                self._reached = cursor
                line = text.replace("\n", " ").replace("\r", " ").encode() + b"\n"  # only between the tokens of a json value
                waiting.append(line)
                size += len(line)
                if size >= _BLOCK:
                    yield b"".join(waiting)
                    waiting, size = [], 0
            yield b"".join(waiting)

    def landed(self, offer: Offer, content: Callable[[], BinaryIO]) -> Fetched:
        return Fetched(cursor=self._reached if self._declared.cursor else None)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _selected(self, since: str | None) -> Iterator[_Row]:
        connection = self._connection = psycopg.connect(**self._parameters)  # pyrefly: ignore  (options are open-ended)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        settings = {**_SETTINGS, "statement_timeout": f"{int(self._seconds * 1000)}ms"}
        for name, value in settings.items():
            connection.execute("select set_config(%s, %s, true)", (name, value))
        with connection.cursor(name="startrail_feed") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(self._statement(since))
            yield from cursor

    def _statement(self, since: str | None) -> sql.Composed:
        declared = self._declared
        if declared.table is not None:
            rows: sql.Composable = sql.SQL("select * from {}").format(sql.Identifier(*declared.table.split(".")))
        else:
            rows = sql.SQL((declared.query or "").rstrip().rstrip(";"))  # pyrefly: ignore  (declared text, in a reading transaction)
        row = sql.SQL("row_to_json(_row)::text")
        if declared.cursor is None:
            # bytes decide, not the collation of the server
            return sql.SQL('select {row}, null from (\n{rows}\n) _row order by {row} collate "C"').format(row=row, rows=rows)
        column = sql.SQL("_row.{}").format(sql.Identifier(declared.cursor))
        beyond = sql.SQL("") if since is None else sql.SQL("where {} > {}").format(column, sql.Literal(since))
        return sql.SQL(
            'select {row}, {column}::text from (\n{rows}\n) _row {beyond} order by {column}, {row} collate "C"'
        ).format(row=row, column=column, rows=rows, beyond=beyond)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: psycopg.Error) -> SourceError:
        told = printable(error.diag.message_primary or str(error).partition("\n")[0], 200)
        state = error.sqlstate or ""
        if state.startswith("28"):
            return FeedForbidden(f"{self._where} refuses this user: {told}", hint="check the secret that `dsn` refers to")
        if state == "42501":
            return FeedForbidden(f"{self._where}: {told}", hint="grant this user SELECT on it")
        if state in ("42P01", "3F000", "3D000", "42703"):
            return FeedMissing(f"{self._where}: {told}", hint="check `table`, `query` and `cursor` in the source's feed")
        if state == "57014":
            return FeedUnreachable(f"{self._where} took longer than {self._declared.timeout}", hint="raise `timeout` of the feed")
        if not state or state.startswith(("08", "57", "53", "40")):
            if "password authentication failed" in told:
                return FeedForbidden(f"{self._where} refuses this user", hint="check the secret that `dsn` refers to")
            return FeedUnreachable(f"{self._where} does not answer: {told}", hint="check `dsn`, the network and the server")
        return FeedFailed(
            f"{self._where} refused the query: {told}", hint="check `table`, `query` and `cursor` in the source's feed"
        )


def _chained(first: _Row, rest: Iterator[_Row]) -> Iterator[_Row]:
    yield first
    yield from rest
