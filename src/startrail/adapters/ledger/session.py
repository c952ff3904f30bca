"""What the logic of the ledger sees of a database: named statements inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec

from startrail.adapters.ledger.statements import Statements
from startrail.ledger.errors import LedgerDamaged

Value = str | int | bytes | None
Row = tuple[Any, ...]

NO_LIMIT = 2**62
_CHUNK = 10_000


class Cursor(Protocol):
    """The part of a DB-API cursor that both drivers share."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, query: Any, params: Any = ..., /) -> Any: ...
    def executemany(self, query: Any, params: Any, /) -> Any: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class Session:
    """One open transaction."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        self._cursor = cursor
        self._statements = statements

    def all(self, name: str, /, **values: Value) -> list[Row]:
        self._cursor.execute(self._statements[name], values)
        return self._cursor.fetchall()

    def one(self, name: str, /, **values: Value) -> Row | None:
        self._cursor.execute(self._statements[name], values)
        return self._cursor.fetchone()

    def run(self, name: str, /, **values: Value) -> int:
        """Execute; returns the number of rows changed."""
        self._cursor.execute(self._statements[name], values)
        return self._cursor.rowcount

    def many(self, name: str, rows: Sequence[Mapping[str, Value]]) -> int:
        """Execute once per row; returns the number of rows changed in all."""
        if not rows:
            return 0
        self._cursor.executemany(self._statements[name], rows)
        return self._cursor.rowcount

    def all_in(self, name: str, keys: Iterable[str], /, **values: Value) -> list[Row]:
        """For a statement with a list ``:keys``: any number of keys, in chunks, each bound as one JSON text."""
        return [row for chunk in _chunks(keys) for row in self.all(name, keys=chunk, **values)]

    def run_in(self, name: str, keys: Iterable[str]) -> int:
        """Like :meth:`all_in`, for a statement that changes rows."""
        return sum(self.run(name, keys=chunk) for chunk in _chunks(keys))


def _chunks(keys: Iterable[str]) -> Iterator[str]:
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), _CHUNK):
        yield msgspec.json.encode(wanted[start : start + _CHUNK]).decode()


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Rows that are not what we write become an error that says so."""
    try:
        yield
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        raise LedgerDamaged(
            f"the ledger's record of {what} cannot be read: {error}",
            hint="see what was altered with `startrail ledger verify`",
        ) from error


def storable(text: str) -> str:
    """Text that every database can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
