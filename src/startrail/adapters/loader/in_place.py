"""An NDJSON file that the engine reads where it lies, passing over lines that the judge has decided.

Nothing is copied, so that a file with a few broken lines costs little more than one without. The engine then reads on where
a line is broken: that line is a row of nulls to it, and of a key that stands twice it takes the first value. Therefore such
keys are looked for in all of the file, no row of nothing but nulls is fine, and decided lines are left out by their numbers.
Numbers of the gate, which counts values, and of the engine, which counts lines, part at a line that is no value; the engine
has a row of nulls there, so that the line is read again (``records``), and whoever reads it finds out.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from contextlib import closing

from startrail.adapters.loader.attempt import Attempt
from startrail.adapters.loader.blocks import SKIP, Block, Record
from startrail.adapters.loader.gate import Gate, Passed
from startrail.adapters.loader.growing import Growing
from startrail.adapters.loader.queries import room_for
from startrail.adapters.loader.sieve import Sieve
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.ports.store import disk_error

_LINES_PER_HOLE = 20
"""Where the judge has to decide more than one line in so many, what passes is sooner copied."""
_AT_FIRST = 50
"""Holes that are not too many in any file."""
_MOST_WAITING = 1 << 20
"""Bytes of lines that wait for the judge."""
_MOST_TAUGHT = 100
"""Names of undeclared fields that the gate is told of where lines are copied in the end."""


class InPlace:
    """Goes through the file as far as it can be read so; :attr:`whole` says whether that is to its end. What was found out
    about the blocks before holds in any case, and :meth:`known` tells it."""

    def __init__(self, attempt: Attempt, gate: Gate, sieve: Sieve, growing: Growing) -> None:
        self._attempt = attempt
        self._growing = growing
        self._gate = gate
        self._sieve = sieve
        self._counts = array("q")
        """Records in each block that was gone through."""
        self._sizes = array("q")
        self._holes = array("q")
        """Ordinals of lines that are for the judge."""
        self._waiting: list[bytes] = []
        """The last of these lines: to judge many at a time takes half as long as to judge each between blocks of others."""
        self._waiting_bytes = 0
        self._undeclared: dict[str, None] = {}
        self._at = 0
        self._hole = 0
        self.whole = attempt.task.media == "ndjson" and not attempt.careful and self._goes_through()
        self._judge()
        if self.whole:
            attempt.counts, attempt.sizes = self._counts, self._sizes
        else:
            attempt.rows_in = 0
            for name in () if attempt.task.closed else self._undeclared:
                sieve.learn(name)

    def query(self) -> str:
        """Of the whole file."""
        attempt, longest = self._attempt, room_for(max(self._sizes, default=0))
        path = sql.text(str(attempt.path))
        if not self._holes:
            return attempt.queries.lying(path, longest, growing=self._growing.field)
        numbers = attempt.engine.folder / "decided.txt"
        try:
            numbers.write_text("".join(f"{ordinal}\n" for ordinal in self._holes))
        except OSError as error:
            raise disk_error(error, str(numbers), writing=True) from error
        return attempt.queries.lying(path, longest, sql.text(str(numbers)), self._growing.field)

    def known(self, block: Block) -> bytes | None:
        """What of the next block, beginning with the first, is to be copied; None where the gate has not seen it."""
        if self._at == len(self._counts):
            return None
        attempt, first = self._attempt, self._attempt.rows_in + 1
        attempt.rows_in += self._counts[self._at]
        self._at += 1
        places = set()
        while self._hole < len(self._holes) and self._holes[self._hole] <= attempt.rows_in:
            places.add(self._holes[self._hole] - first)
            self._hole += 1
        return _without(block.lines, places) if places else block.lines

    def _goes_through(self) -> bool:
        attempt = self._attempt
        with closing(attempt.blocks()) as blocks:
            for block in blocks:
                before = attempt.rows_in
                if block.own or not self._block(block.lines):
                    return False
                self._counts.append(attempt.rows_in - before)
                self._sizes.append(len(block.lines))
                self._growing.look_at(block.lines)
                attempt.advance(len(block.lines))
                attempt.cut = not block.lines.endswith(b"\n")
                if self._too_many(before):
                    return False
        return True

    def _block(self, lines: bytes) -> bool:
        """False when it cannot be read so; then nothing of it is for the judge."""
        attempt = self._attempt
        if not self._holes:
            passed = self._gate.passes(lines)
            if passed is not None:
                attempt.rows_in += passed.count
                return True
            if self._gate.wary == "no" or attempt.wary == "yes" or attempt.defaults.some:
                return False
            self._gate.wary = "yes"
        for found in self._sieve.sift(lines):
            if isinstance(found, Passed):
                attempt.rows_in += found.count
                continue
            attempt.rows_in += 1
            self._holes.append(attempt.rows_in)
            self._waiting.append(found[:-1])
            self._waiting_bytes += len(found)
        if self._waiting_bytes > _MOST_WAITING:
            self._judge()
        return True

    def _judge(self) -> None:
        for ordinal, line in zip(self._holes[-len(self._waiting) :], self._waiting, strict=True) if self._waiting else ():
            for name in self._attempt.aside.decide(ordinal, Record(line, line)):
                if len(self._undeclared) < _MOST_TAUGHT:
                    self._undeclared[name.removeprefix("$.")] = None
        self._waiting, self._waiting_bytes = [], 0

    def _too_many(self, before: int) -> bool:
        """Whether of all records, or of those behind ``before``, too many are for the judge."""
        rows, holes = self._attempt.rows_in, len(self._holes)
        if holes <= _AT_FIRST:
            return False
        return holes * _LINES_PER_HOLE > rows or (holes - bisect_right(self._holes, before)) * 2 > rows - before


def _without(lines: bytes, holes: set[int]) -> bytes:
    """The lines with others in place of these records."""
    texts = [line for line in lines.split(b"\n") if line and not line.isspace()]
    return b"".join([SKIP if place in holes else text + b"\n" for place, text in enumerate(texts)])
