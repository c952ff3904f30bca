"""An NDJSON file that the engine reads where it lies, passing over lines that the judge has decided.

Nothing is copied, so that a file with a few broken lines costs little more than one without. The engine then reads on where
a line is broken: that line is a row of nulls to it, and of a key that stands twice it takes the first value. Therefore such
keys are looked for in all of the file, no row of nothing but nulls is fine, and decided lines are left out by their numbers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from contextlib import closing

from startrail.adapters.loader.attempt import Attempt
from startrail.adapters.loader.blocks import SKIP, Block, Record
from startrail.adapters.loader.gate import Gate, Passed
from startrail.adapters.loader.growing import Growing
from startrail.adapters.loader.sieve import Sieve, one_a_line
from startrail.adapters.warehouse.duckdb import types as sql

_LINES_PER_HOLE = 20
"""Where the judge has to decide more than one line in so many, what passes is sooner copied."""
_AT_FIRST = 50
"""Holes that are not too many in any file."""
_LITTLE = 1 << 20
"""Bytes that the engine is told a record may have, where all are shorter: its buffers are as large, and small ones are
sooner written again."""


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
        self._at = 0
        self._hole = 0
        self._undeclared: dict[str, None] = {}
        self.whole = attempt.task.media == "ndjson" and not attempt.careful and self._goes_through()
        if self.whole:
            attempt.counts, attempt.sizes = self._counts, self._sizes
        else:
            attempt.rows_in = 0
            for name in () if attempt.task.closed else self._undeclared:
                sieve.learn(name)

    def query(self) -> str:
        """Of the whole file."""
        attempt, longest = self._attempt, max(2 * max(self._sizes, default=0), _LITTLE)
        path, holes = sql.text(str(attempt.path)), attempt.aside.ordinals
        if not holes:
            return attempt.queries.lying(path, longest, growing=self._growing.field)
        numbers = attempt.engine.folder / "decided.txt"
        numbers.write_text("".join(f"{ordinal}\n" for ordinal in holes))
        return attempt.queries.lying(path, longest, sql.text(str(numbers)), self._growing.field)

    def known(self, block: Block) -> bytes | None:
        """What of the next block, beginning with the first, is to be copied; None where the gate has not seen it."""
        if self._at == len(self._counts):
            return None
        attempt, first = self._attempt, self._attempt.rows_in + 1
        attempt.rows_in += self._counts[self._at]
        self._at += 1
        holes, decided = set(), attempt.aside.ordinals
        while self._hole < len(decided) and decided[self._hole] <= attempt.rows_in:
            holes.add(decided[self._hole] - first)
            self._hole += 1
        return _without(block.lines, holes) if holes else block.lines

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
        """False when it cannot be read so; then nothing of it was decided."""
        attempt = self._attempt
        if not attempt.aside.ordinals:
            passed = self._gate.passes(lines)
            if passed is not None and (self._gate.wary == "no" or one_a_line(passed.count, lines)):
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
            for name in attempt.aside.decide(attempt.rows_in, Record(found[:-1], found[:-1])):
                self._undeclared[name.removeprefix("$.")] = None
        return True

    def _too_many(self, before: int) -> bool:
        """Whether of all records, or of those behind ``before``, too many were decided."""
        rows, holes = self._attempt.rows_in, self._attempt.aside.ordinals
        if len(holes) <= _AT_FIRST:
            return False
        return len(holes) * _LINES_PER_HOLE > rows or (len(holes) - bisect_right(holes, before)) * 2 > rows - before


def _without(lines: bytes, holes: set[int]) -> bytes:
    """The lines with others in place of these records."""
    texts = [line for line in lines.split(b"\n") if line and not line.isspace()]
    return b"".join([SKIP if place in holes else text + b"\n" for place, text in enumerate(texts)])
