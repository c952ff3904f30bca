"""Blocks of lines through the gate; what it refuses as a whole is taken apart, down to the single line."""

from __future__ import annotations

from collections.abc import Iterator

from startrail.adapters.loader.defaults import Defaults
from startrail.adapters.loader.gate import Gate, Passed


class Sieve:
    """``taken``: records that took a default, by field; it grows."""

    def __init__(self, gate: Gate, defaults: Defaults) -> None:
        self._gate = gate
        self._defaults = defaults
        self._doubt = False
        """The last block had lines that were refused, so this one may too."""
        self.taken: dict[str, int] = {}

    def learn(self, name: str) -> None:
        self._gate.learn(name)

    def sift(self, lines: bytes) -> Iterator[Passed | bytes]:
        """What may go on, and each line, with its end, that must be judged; in order. Between two of them the gate may
        learn. Blank lines are in neither."""
        if not lines.endswith(b"\n"):
            lines += b"\n"
        if self._defaults.some:
            yield from self._halves(lines)
            return
        passed = None if self._doubt else self._through(lines)
        if passed is not None and not (passed.count > 1 and _single(lines)):
            yield passed
            return
        self._doubt = False
        yield from self._one_by_one([text for text in lines.split(b"\n") if text and not text.isspace()])

    def _halves(self, lines: bytes) -> Iterator[Passed | bytes]:
        """Defaults are filled in quicker where many records lack them."""
        passed = self._through(lines)
        if _single(lines):
            if passed is not None and passed.count <= 1:  # two records in one of many lines: the engine refuses
                yield passed
            elif not lines.isspace():
                yield lines
        elif passed is not None:
            yield passed
        else:
            middle = lines.rfind(b"\n", 0, len(lines) // 2) + 1 or lines.find(b"\n") + 1
            yield from self._halves(lines[:middle])
            yield from self._halves(lines[middle:])

    def _one_by_one(self, texts: list[bytes]) -> Iterator[Passed | bytes]:
        at = 0
        while at < len(texts):
            records = self._gate.until_refused(texts, at)
            stop = at + len(records)
            if records:
                yield from self._together(records, texts[at:stop])
            if stop < len(texts):
                yield self._alone(texts[stop])
            at = stop + 1

    def _together(self, records: list[object], texts: list[bytes]) -> Iterator[Passed | bytes]:
        passed = self._gate.made(records, b"\n".join([*texts, b""]))
        if passed is not None:
            yield passed
            return
        for text in texts:
            yield self._alone(text)

    def _alone(self, text: bytes) -> Passed | bytes:
        passed = self._through(text + b"\n")
        if passed is not None and passed.count == 1:
            return passed
        self._doubt = True
        return text + b"\n"

    def _through(self, lines: bytes) -> Passed | None:
        """What of the lines may go on, completed with defaults where need be."""
        passed = self._gate.passes(lines)
        filled = self._defaults.fill(lines) if passed is None else None
        if filled is not None:
            passed = self._gate.passes(filled.lines)
            for name, rows in filled.taken.items() if passed is not None else ():
                self.taken[name] = self.taken.get(name, 0) + rows
        return passed


def _single(lines: bytes) -> bool:
    return lines.find(b"\n") + 1 == len(lines)
