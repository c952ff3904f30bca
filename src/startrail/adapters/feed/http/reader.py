"""What a landed page says: is it empty, where is the next one, how far does its cursor reach."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, cast

import msgspec

from startrail.ledger.cursor import later
from startrail.model import source
from startrail.ports.feed import FeedFailed

_LARGEST_LOOKED_INTO = 1 << 20
"""An answer that is not one of several pages is looked into only below this size: is it an empty list?"""


class Page(msgspec.Struct, frozen=True):
    empty: bool = False
    next: str | None = None
    cursor: str | None = None


class PageReader:
    """Reads as little as the declaration needs. ``latest``: a cursor beyond it is not believed, since one record
    with a wrong clock would hide all later ones."""

    def __init__(self, declared: source.HttpFeed, dialect: source.Dialect) -> None:
        self._declared = declared
        self._dialect = dialect
        self._records = _path(declared.records, "records")
        self._next = _path(declared.next, "next") if declared.next else ()
        self.latest = datetime.max.replace(tzinfo=UTC)

    def read(self, file: BinaryIO, name: str, cursor: str | None) -> Page:
        """``cursor`` is what earlier pages reached. Raises FeedFailed when the page is not what it must be."""
        declared = self._declared
        if declared.next is None and declared.page is None and declared.cursor is None:
            content = file.read(_LARGEST_LOOKED_INTO + 1)
            if not content or len(content) > _LARGEST_LOOKED_INTO or declared.format != "json":
                return Page(empty=not content)
            file = io.BytesIO(content)
        try:
            with _unpacked(file) as plain:
                return self._read(plain, name, cursor)
        except (msgspec.MsgspecError, UnicodeError, csv.Error, gzip.BadGzipFile, EOFError, RecursionError) as error:
            if declared.next is None and declared.page is None and declared.cursor is None:
                return Page()  # not ours to judge: nothing hangs on it
            raise FeedFailed(
                f"'{name}' cannot be read as {declared.format}, so what follows it is not known: {error}",
                affects="it is landed as it is; the pages after it are not fetched",
                hint="see what the server sent, and check `format` and `records` in the source's feed",
            ) from error

    def _read(self, file: BinaryIO, name: str, cursor: str | None) -> Page:
        following = None
        if self._declared.format == "json":
            content = file.read()
            if not content.strip():
                return Page(empty=True, cursor=cursor)
            document = msgspec.json.decode(content, type=msgspec.Raw)
            values = self._in_document(document, name)
            following = _following(_at(document, self._next)) if self._next else None
        elif self._declared.format == "ndjson":
            values = self._in_lines(file)
        elif self._declared.format == "csv":
            values = self._in_csv(file)
        else:
            return Page(empty=not file.read(1), cursor=cursor)
        empty = True
        for value in values:
            empty = False
            if value is not None and self._is_believable(value):
                cursor = later(cursor, value)
        return Page(empty, following, cursor)

    def _in_document(self, document: msgspec.Raw, name: str) -> Iterator[str | None]:
        records = _at(document, self._records)
        if records is None or not bytes(records).lstrip().startswith(b"["):
            if records is not None and bytes(records).strip() == b"null":
                return
            raise FeedFailed(
                f"'{name}' has no array of records at {self._declared.records}",
                affects="it is landed as it is; the pages after it are not fetched",
                hint="check `records` in the source's feed",
            )
        for record in msgspec.json.decode(records, type=list[msgspec.Raw]):
            yield self._value(record)

    def _in_lines(self, file: BinaryIO) -> Iterator[str | None]:
        for line in file:
            if line.strip():
                yield self._value(msgspec.Raw(line))

    def _in_csv(self, file: BinaryIO) -> Iterator[str | None]:
        dialect = self._dialect
        with io.TextIOWrapper(file, encoding=dialect.encoding, newline="") as text:
            rows = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote or None)
            header = next(rows, []) if dialect.header else []
            cursor = self._declared.cursor
            column = header.index(cursor) if cursor is not None and cursor in header else None
            for row in rows:
                if row:
                    yield row[column] if column is not None and column < len(row) else None

    def _value(self, record: msgspec.Raw) -> str | None:
        """The record's cursor field as text; None when it has none. A broken record is the loader's to report."""
        if self._declared.cursor is None:
            return None
        try:
            found = msgspec.json.decode(record, type=dict[str, msgspec.Raw]).get(self._declared.cursor)
            value = None if found is None else msgspec.json.decode(found, type=str | int | None)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        return None if value is None or isinstance(value, bool) else str(value)

    def _is_believable(self, value: str) -> bool:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return True
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) <= self.latest


def _path(text: str, setting: str) -> tuple[str, ...]:
    """``$`` or ``$.a.b`` as names."""
    first, *names = text.split(".")
    if first != "$" or not all(names):
        raise FeedFailed(f"'{text}' is not a path", hint=f"write `{setting}` as $ or $.data.orders")
    return tuple(names)


def _at(document: msgspec.Raw, path: tuple[str, ...]) -> msgspec.Raw | None:
    """The JSON text at a path; None when something on the way is not there."""
    found: msgspec.Raw | None = document
    for name in path:
        if found is None or not bytes(found).lstrip().startswith(b"{"):
            return None
        found = msgspec.json.decode(found, type=dict[str, msgspec.Raw]).get(name)
    return found


def _following(raw: msgspec.Raw | None) -> str | None:
    """An address or a token; null, false and empty text mean that this was the last page."""
    value = None if raw is None else msgspec.json.decode(raw, type=str | int | bool | None)
    return str(value) if value and value is not True else None


def _unpacked(file: BinaryIO) -> BinaryIO:
    head = file.read(2)
    file.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if head == b"\x1f\x8b" else file
