"""CSV records that the engine's conditions kept out, looked at once more by themselves, some thousands at a time.

The engine says which fields of a record it doubts, so that the judge may look at these alone. A record without doubt was
kept out for its key, which did not grow: it becomes a row in a file of its own, where it can be compared with all others.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from startrail.adapters.loader.attempt import Attempt
from startrail.adapters.loader.blocks import Record
from startrail.adapters.loader.csv.file import Row
from startrail.adapters.loader.csv.queries import Numbered, doubtful
from startrail.adapters.loader.csv.quick import QuickCsv
from startrail.adapters.loader.records import Records
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.model.names import Names
from startrail.ports.loader import LocalFile
from startrail.ports.store import disk_error

_RECORDS = 8192
_BYTES = 8 << 20
_decode = msgspec.json.Decoder(dict[str, str]).decode


class SecondLook:
    """``query`` makes the SQL from that of a path. Records come in ascending order; :meth:`files` in the end."""

    def __init__(self, attempt: Attempt, records: Records, csv: QuickCsv, query: Callable[[str], Numbered]) -> None:
        self._attempt = attempt
        self._records = records
        self._csv = csv
        self._query = query
        self._delimiter = attempt.task.dialect.delimiter.encode()
        self._fields = [field.name for field in attempt.task.contract.fields]
        known = Names(attempt.task.contract)
        self._apart = not any(map(known.may_mean, csv.unknown))
        """Whether fields may be judged by themselves."""
        self._waiting: list[tuple[int, Record]] = []
        self._lines: list[bytes] = []
        self._size = 0
        self._folder = attempt.engine.folder
        self._fine = self._folder / "again.lines"
        self._some = False

    def look(self, ordinal: int, record: Record) -> None:
        """The judge decides it, or it becomes a row, now or later."""
        line = self._line(record)
        self._waiting.append((ordinal, record))
        self._lines.append(b"" if self._csv.left_out(line) else b"%d%b%b" % (ordinal, self._delimiter, line))
        self._size += len(line)
        if len(self._waiting) >= _RECORDS or self._size >= _BYTES:
            self._decide()

    def files(self) -> list[LocalFile]:
        """Rows that nothing is wrong with but that their keys did not grow."""
        self._decide()
        if not self._some:
            return []
        rows = self._attempt.queries.made(self._query(sql.text(str(self._fine))).rows)
        return self._attempt.engine.copy(rows, "again", self._attempt.task.schema)

    def _line(self, record: Record) -> bytes:
        """For the engine; nothing, or no values, where it is not asked."""
        if record.broken:
            return b""
        if self._csv.bare(record.raw):
            return record.raw + b"\n"
        return self._csv.anew(Row(list(_decode(record.line).values()), record.raw))

    def _decide(self) -> None:
        fine: list[bytes] = []
        doubts = self._doubts()
        for (ordinal, record), line in zip(self._waiting, self._lines, strict=True):
            found = doubts.get(ordinal)
            if found == ():
                fine.append(line)
                self._records.hold(ordinal, Record(record.raw, record.raw))
            elif found is None or not self._by_fields(ordinal, record, found):
                self._attempt.aside.decide(ordinal, record, tally=False)
        if fine:
            self._some = True
            self._write("again.lines", "ab", fine)
        self._waiting, self._lines, self._size = [], [], 0

    def _doubts(self) -> dict[int, tuple[str, ...]]:
        """Names of the fields that are in doubt, by ordinal, where the engine can read the record."""
        if not any(self._lines):
            return {}
        self._write("doubts.lines", "wb", self._lines)
        rows = self._attempt.engine.rows(self._query(sql.text(str(self._folder / "doubts.lines"))).doubts)
        return {ordinal: tuple([self._fields[at] for at in doubtful(bits)]) for ordinal, *bits in rows}

    def _by_fields(self, ordinal: int, record: Record, names: tuple[str, ...]) -> bool:
        if not self._apart:
            return False
        values = _decode(record.line)
        members = {name: values[name] for name in (*names, *self._csv.unknown) if name in values}
        told = msgspec.json.encode(members)
        return self._attempt.aside.decide_fields(ordinal, told, names, lambda: record.raw, tally=False)

    def _write(self, name: str, mode: str, lines: list[bytes]) -> None:
        try:
            with (self._folder / name).open(mode) as file:
                file.write(b"".join(lines))
        except OSError as error:
            raise disk_error(error, str(self._folder / name), writing=True) from error
