"""Records that are needed once more: kept at hand when they were read, or read again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from startrail.adapters.loader.attempt import Attempt
from startrail.adapters.loader.blocks import Block, Record
from startrail.adapters.loader.engine import NotTaken
from startrail.adapters.loader.keys import missing
from startrail.adapters.loader.parquet.file import parquet_rows
from startrail.ports.loader import LocalFile, Violation

_MOST_HELD = 32_000_000
_AT_A_TIME = 1 << 16
"""Bytes of records that are judged one after the other, which takes less time than each after more was read."""


class Records:
    """Of one attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._held: dict[int, Record] = {}
        self._held_bytes = 0
        self.wanted: frozenset[int] = frozenset()
        """Records that are held, once read, since they may repeat a key."""
        self.staged: frozenset[int] = frozenset()
        """Those of them that the judge need not see."""

    def hold(self, ordinal: int, record: Record) -> None:
        """Keep the record at hand, if there is room, so that it need not be read again."""
        self._held_bytes += len(record.line) + len(record.raw)
        if self._held_bytes <= _MOST_HELD:
            self._held[ordinal] = record

    def judge(self, ordinal: int, record: Record) -> None:
        """One that is accepted now may be one that was kept out since its key did not grow."""
        aside = self._attempt.aside
        before = aside.saved_rows
        aside.decide(ordinal, record, tally=False)
        if aside.saved_rows > before:
            self.hold(ordinal, record)

    def visit(self, ordinals: Iterator[int], decide: Callable[[int, Record], object]) -> None:
        """Read these (ascending) again, and decide those that are not staged."""
        with closing(self._again(ordinals)) as records:
            for some in _gathered(records):
                for ordinal, record in some:
                    if ordinal not in self.staged:
                        decide(ordinal, record)
                        self._compare(ordinal)
                    if ordinal in self.wanted:
                        self.hold(ordinal, record)

    def _compare(self, ordinal: int) -> None:
        """Raises NotTaken when a file is read in place, and a line is no value though the gate saw one: lines and values then
        have other numbers."""
        if self._attempt.sizes and self._attempt.aside.malformed == ordinal:
            raise NotTaken(f"line {ordinal} is not the record that passed")

    def refuse(self, ordinals: list[int], violation: Violation) -> None:
        """Refuse these (ascending) for it. Those that are not at hand are read again."""
        for ordinal in ordinals:
            if ordinal in self._held:
                self._attempt.aside.refuse(ordinal, self._held[ordinal], (violation,))
        again = [ordinal for ordinal in ordinals if ordinal not in self._held]
        if again:
            with closing(self._again(iter(again))) as records:
                for ordinal, record in records:
                    self._attempt.aside.refuse(ordinal, record, (violation,))

    def undecided(self, files: list[LocalFile]) -> Iterator[int]:
        """Ordinals that no staged row has, and that nobody decided."""
        attempt = self._attempt
        decided = sorted(attempt.aside.ordinals)
        position = 0
        for ordinal in missing(attempt.engine, attempt.queries, files, attempt.rows_in):
            while position < len(decided) and decided[position] < ordinal:
                position += 1
            if position == len(decided) or decided[position] != ordinal:
                yield ordinal

    def _again(self, ordinals: Iterator[int]) -> Generator[tuple[int, Record]]:
        """These records of the delivery, which is read as far as it must be."""
        if self._attempt.task.media == "parquet":
            yield from parquet_rows(self._attempt.path, self._attempt.task.contract, ordinals)
            return
        if self._attempt.sizes:
            yield from self._again_in_place(ordinals)
            return
        wanted = next(ordinals, None)
        with closing(self._attempt.blocks()) as blocks:
            following = 1
            for index, block in enumerate(blocks):
                first, following = following, following + self._count(index, block)
                if wanted is None:
                    return
                if wanted >= following:
                    continue
                records = block.sequence()
                while wanted is not None and wanted < following:
                    yield wanted, records[wanted - first]
                    wanted = next(ordinals, None)

    def _again_in_place(self, ordinals: Iterator[int]) -> Generator[tuple[int, Record]]:
        """Only blocks with such a record are read. Raises NotTaken for one with more or fewer records than lines."""
        attempt = self._attempt
        following, place = 1, attempt.path.stat().st_size - sum(attempt.sizes)
        wanted = next(ordinals, None)
        with attempt.path.open("rb", buffering=0) as file:
            for count, size in zip(attempt.counts, attempt.sizes, strict=True):
                first, following, start, place = following, following + count, place, place + size
                if wanted is None:
                    return
                if wanted >= following:
                    continue
                file.seek(start)
                lines = file.read(size).removesuffix(b"\n").split(b"\n")
                if len(lines) != count:
                    lines = [line for line in lines if line and not line.isspace()]
                if len(lines) != count:
                    raise NotTaken(f"{len(lines)} lines have {count} records")
                while wanted is not None and wanted < following:
                    line = lines[wanted - first]
                    yield wanted, Record(line, line)
                    wanted = next(ordinals, None)

    def _count(self, index: int, block: Block) -> int:
        """Records of this block, which was counted when it was read first."""
        if block.own:
            return block.count
        counts = self._attempt.counts
        return counts[index] if index < len(counts) else len(block.sequence())


def _gathered(records: Iterator[tuple[int, Record]]) -> Iterator[list[tuple[int, Record]]]:
    """Some at a time, in order."""
    some: list[tuple[int, Record]] = []
    size = 0
    for ordinal, record in records:
        some.append((ordinal, record))
        size += len(record.line)
        if size > _AT_A_TIME:
            yield some
            some, size = [], 0
    yield some
