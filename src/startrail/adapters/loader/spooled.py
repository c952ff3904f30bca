"""The way of the engine's own readers: the file as it is, or what of it may go on through a spool. The judge decides the
rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import chain

from startrail.adapters.loader.attempt import Attempt, Staged
from startrail.adapters.loader.blocks import SKIP, Block, Record
from startrail.adapters.loader.csv.queries import Habit, Numbered, numbered_rows, typed_rows
from startrail.adapters.loader.csv.quick import QuickCsv
from startrail.adapters.loader.csv.run import Run
from startrail.adapters.loader.gate import Gate, Passed
from startrail.adapters.loader.growing import Growing
from startrail.adapters.loader.in_place import InPlace
from startrail.adapters.loader.queries import room_for
from startrail.adapters.loader.sieve import Sieve
from startrail.adapters.loader.spool import Spool
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.ports.loader import LoadTask, LocalFile


def spooled(attempt: Attempt) -> Staged:
    """Everything that passes the gate goes through the engine; what does not, to the judge. Raises NotTaken."""
    way = _Spooled(attempt)
    files = way.files()  # which also finds out how the file is read
    return Staged(files, again=None if attempt.quick is None else way.again)


class _Spooled:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._task = attempt.task
        gate = Gate(attempt.task.contract, wary=attempt.wary)
        self._sieve = Sieve(gate, attempt.defaults)
        self._growing = Growing(attempt.task.contract, attempt.queries)
        self._lined = True
        """Whether each CSV record that was sent is one line."""
        self._in_place = InPlace(attempt, gate, self._sieve, self._growing)

    def files(self) -> list[LocalFile]:
        whole = self._whole()
        found = self._through_spools() if whole is None else self._attempt.engine.copy(whole, "direct", self._task.schema)
        self._attempt.check_end()
        self._attempt.tell_unknown()
        return found

    def _whole(self) -> str | None:
        """The query of a file that can go to the engine as it is, which spares the copy."""
        head = self._csv_head()
        if head is not None:
            return self._query(sql.text(str(self._attempt.path)), 0, 0, head)
        return self._in_place.query() if self._in_place.whole else None

    def _through_spools(self) -> list[LocalFile]:
        attempt = self._attempt
        files: list[LocalFile] = []
        with closing(attempt.blocks()) as source:
            first = next(source, None)
            blocks = chain(() if first is None else (first,), source)
            more = first is not None
            while more:
                query = partial(self._query, offset=attempt.rows_in)
                with Spool(attempt.engine, query, f"streamed-{attempt.rows_in}", self._task.schema) as spool:
                    more = self._fill(spool, blocks)
                files += spool.files
        attempt.taken = self._sieve.taken
        return files

    def _query(self, path: str, longest: int, offset: int, whole: int | None = None) -> str:
        """Of a spool that has been filled. ``whole``: or of a CSV file itself, behind so many lines."""
        attempt = self._attempt
        if attempt.quick is None:
            return attempt.queries.streamed(path, offset, attempt.absent(), room_for(longest), self._growing.field)
        rows = typed_rows(path, *self._csv(attempt.quick), whole, lined=self._lined)
        return attempt.queries.numbered(rows, offset, self._growing.field, extra=bool(attempt.quick.unknown))

    def _csv(self, csv: QuickCsv) -> tuple[LoadTask, tuple[str, ...], dict[str, Habit], dict[str, str]]:
        """What the SQL of lines is made from."""
        habits = {name: habit for name, values in csv.first_values().items() if (habit := Habit.of(values))}
        return self._task, csv.names, habits, self._attempt.absent()

    def again(self, path: str) -> Numbered:
        """Of CSV lines that have their ordinals in front."""
        assert self._attempt.quick is not None
        return numbered_rows(path, *self._csv(self._attempt.quick))

    def _csv_head(self) -> int | None:
        """Lines of the header of a CSV file that can go to the engine as it is; None for another file."""
        attempt, rows, length = self._attempt, 0, 0
        if attempt.careful or self._task.media != "csv" or self._task.dialect.encoding != "utf-8":
            return None
        with closing(attempt.blocks()) as blocks:
            for block in blocks:
                if not isinstance(block, Run) or not block.bare or attempt.shut:
                    break
                self._look(block)
                rows += block.count
                length += block.length
                attempt.advance(len(block.lines))
        head = None if attempt.quick is None else attempt.quick.head
        if rows and head is not None and head[0] + length - attempt.unended == attempt.path.stat().st_size:
            attempt.rows_in = rows
            return head[1]
        attempt.begin_again()
        return None

    def _fill(self, spool: Spool, blocks: Iterator[Block]) -> bool:
        """Send blocks to the engine; True when it is full and there may be more."""
        attempt = self._attempt
        for block in blocks:
            attempt.cut = not block.lines.endswith(b"\n")
            before = attempt.rows_in
            lines = self._sent(block)
            attempt.counts.append(attempt.rows_in - before)
            if lines:
                spool.write(lines)
            if spool.full:
                return True
        return False

    def _sent(self, block: Block) -> bytes:
        """What of a block goes to the engine; the judge decides the rest."""
        attempt = self._attempt
        known = self._in_place.known(block)
        if known is not None:
            return known
        attempt.advance(len(block.lines))
        if attempt.careful or attempt.shut:
            attempt.judged(block)
            return b""
        if not block.own:
            self._growing.look_at(block.lines)
            return self._gated(block)
        attempt.rows_in += block.count
        if isinstance(block, Run):
            self._look(block)
            self._lined = self._lined and block.lined
        self._broken(block)
        return block.lines

    def _look(self, block: Run) -> None:
        if self._growing.name in block.names:
            self._growing.look(block.pair(block.names.index(self._growing.name)))

    def _gated(self, block: Block) -> bytes:
        """What of a block goes to the engine."""
        attempt, stream = self._attempt, []
        for found in self._sieve.sift(block.lines):
            if isinstance(found, Passed):
                attempt.rows_in += found.count
                for name, rows in found.kept.items():
                    attempt.aside.keep(name, rows)
                stream.append(found.lines)
                continue
            attempt.rows_in += 1
            for name in attempt.aside.decide(attempt.rows_in, Record(found[:-1], found[:-1])):
                if not self._task.closed:
                    self._sieve.learn(name.removeprefix("$."))
            stream.append(SKIP)
        return b"".join(stream)

    def _broken(self, block: Block) -> None:
        if block.broken:
            first = self._attempt.rows_in - block.count + 1
            for index, record in block.refused():
                self._attempt.aside.decide(first + index, record)
