"""Blocks of lines through the gate; what it refuses as a whole is taken apart, down to the single line."""

from __future__ import annotations

from collections.abc import Iterator

from startrail.adapters.loader.defaults import Defaults
from startrail.adapters.loader.gate import Gate, Passed

_PIECE = 1 << 14
"""Bytes of a piece of a block: what stands in a piece before a refused line is looked at twice."""
_DOUBTED = 8
"""Blocks behind a refused line that go by pieces at once."""


class Sieve:
    """``taken``: records that took a default, by field; it grows."""

    def __init__(self, gate: Gate, defaults: Defaults) -> None:
        self._gate = gate
        self._defaults = defaults
        self._doubt = 0
        """One of the last blocks had lines that were refused, so that as many from here on may too."""
        self.taken: dict[str, int] = {}

    def learn(self, name: str) -> None:
        self._gate.learn(name)

    def sift(self, lines: bytes) -> Iterator[Passed | bytes]:
        """What may go on, and each line, with its end, that must be judged; in order. Between two of them the gate may
        learn. Blank lines are in neither, or within what may go on.

        A piece is cut at the line that the gate stopped in, or in the middle where it does not say; defaults are filled in
        quicker where many records lack them.
        """
        if not lines.endswith(b"\n"):
            lines += b"\n"
        if not self._doubt:
            passed = self._through(lines)
            if passed is not None and not (passed.count > 1 and _single(lines)):
                yield passed
                return
        self._doubt -= self._doubt > 0
        start = 0
        while start < len(lines):
            stop = lines.rfind(b"\n", start, start + _PIECE) + 1 or lines.find(b"\n", start) + 1
            piece = lines[start:stop]
            passed = self._through(piece)
            if passed is not None and (passed.count > 1 or not _single(piece)):
                yield passed
            else:
                yield from self._piece(piece, passed)
            start = stop

    def _piece(self, lines: bytes, passed: Passed | None, *, told: bool = True) -> Iterator[Passed | bytes]:
        """``passed``: what went through of these lines. ``told``: where the gate stopped is of use."""
        while True:
            if _single(lines):
                yield from self._alone(lines, passed)
                return
            if passed is not None:
                yield passed
                return
            record = self._gate.stopped_in if told and not self._defaults.some else None
            surely = record is not None and self._gate.surely
            start, stop = (_middle(lines),) * 2 if record is None else _line(lines, record)
            if start:
                before = self._through(lines[:start])
                surely = surely and before is not None and before.count == record
                yield from self._piece(lines[:start], before, told=told and record is None)  # which should pass now
            if start < stop:
                line = lines[start:stop]
                yield from self._alone(line, None if surely else self._through(line))
            if stop == len(lines):
                return
            lines = lines[stop:]
            passed = self._through(lines)

    def _alone(self, line: bytes, passed: Passed | None) -> Iterator[Passed | bytes]:
        if passed is not None and passed.count <= 1:  # two records in one of many lines: the engine refuses
            yield passed
        elif not line.isspace():
            self._doubt = _DOUBTED
            yield line

    def _through(self, lines: bytes) -> Passed | None:
        """What of the lines may go on, completed with defaults where need be."""
        passed = self._gate.passes(lines)
        filled = self._defaults.fill(lines) if passed is None and self._defaults.some else None
        if filled is not None:
            passed = self._gate.passes(filled.lines)
            for name, rows in filled.taken.items() if passed is not None else ():
                self.taken[name] = self.taken.get(name, 0) + rows
        return passed


def _single(lines: bytes) -> bool:
    return lines.find(b"\n") + 1 == len(lines)


def _middle(lines: bytes) -> int:
    return lines.rfind(b"\n", 0, len(lines) // 2) + 1 or lines.find(b"\n") + 1


def _line(lines: bytes, record: int) -> tuple[int, int]:
    """From where to where the line goes that has this record, where each line that is not blank has one; the last line
    where there are fewer."""
    texts = lines.split(b"\n", record + 1)
    before = texts[:record]
    if len(texts) == record + 2 and all(map(bytes.strip, before)):
        start = sum(map(len, before)) + record
        return start, start + len(texts[record]) + 1
    start, stop = 0, lines.find(b"\n") + 1
    while stop < len(lines) and (record or lines[start:stop].isspace()):
        record -= not lines[start:stop].isspace()
        start, stop = stop, lines.find(b"\n", stop) + 1
    return start, stop
