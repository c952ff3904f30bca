"""One attempt at loading a delivery: what the rooms through which its records go have in common."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from startrail.adapters.loader.aside import Aside
from startrail.adapters.loader.avro.file import avro
from startrail.adapters.loader.blocks import PACKED, Block, Unreadable, document, ndjson, opened
from startrail.adapters.loader.csv.file import Csv
from startrail.adapters.loader.csv.queries import Numbered
from startrail.adapters.loader.csv.quick import QuickCsv
from startrail.adapters.loader.defaults import Defaults
from startrail.adapters.loader.engine import Engine
from startrail.adapters.loader.gate import Wary
from startrail.adapters.loader.native.csv import NativeCsv
from startrail.adapters.loader.native.library import Chosen
from startrail.adapters.loader.parquet.file import parquet
from startrail.adapters.loader.queries import Queries
from startrail.adapters.loader.shape import Shape
from startrail.ports.loader import LoadTask, LocalFile, Progress

_TELL_EVERY = 8_000_000

Way = Literal["direct", "frugal", "quick", "wary", "careful"]
"""direct: columns are taken from a file that has typed ones, without records. frugal: the same with less memory.
wary: keys that stand twice in an object are looked for, since the engine found one. careful: the judge decides all."""


class Staged(msgspec.Struct):
    """Rows that became files, which nobody sees yet."""

    files: list[LocalFile]
    apart: list[LocalFile] = []
    """Those of them whose rows the judge accepted, or that may repeat a key."""
    distinct: bool = False
    """Whether no two rows of the others have the same key."""
    wanted: frozenset[int] = frozenset()
    """Records that may repeat a key, and are worth to be held when they are read."""
    again: Callable[[str], Numbered] | None = None
    """What CSV lines at a path mean that have their ordinals in front, where the engine can look at them once more."""


class Attempt:
    """``way`` says how; what was found out about the delivery gathers here."""

    def __init__(
        self,
        task: LoadTask,
        path: Path,
        engine: Engine,
        aside: Aside,
        progress: Progress,
        chosen: Chosen,
        threads: int,
        way: Way,
    ) -> None:
        self.task = task
        self.path = path
        self.engine = engine
        self.aside = aside
        self.chosen = chosen
        self.threads = threads
        self.careful = way == "careful"
        self.wary: Wary = "yes" if way == "wary" else "first"
        self.direct = way in ("direct", "frugal")
        self.csv = task.media.startswith("csv")
        self.native_csv = self.csv and chosen.library is not None and way == "quick"
        """The native reader takes it; the wary way is the other reader's."""
        self.queries = Queries(task, "text" if self.csv else "json")
        self.defaults = Defaults(task.contract)
        self.quick: QuickCsv | None = None
        self.shape: Shape | None = None
        self.unended = False
        self.cut = False
        """The last block did not end with a line."""
        self.rows_in = 0
        self.counts = array("q")
        """Records in each block of lines that was read."""
        self.sizes = array("q")
        """Bytes of each block, where blocks can be read alone."""
        self.taken: dict[str, int] = {}
        """Records that took a default without the judge, by field."""
        self._unknown_columns: tuple[str, ...] = ()
        self._samples: dict[str, str] = {}
        self._progress = progress
        self._bytes = 0
        self._told = 0

    @property
    def reader(self) -> str:
        """Which reader of records it was, where there is a choice."""
        if self.csv:
            return "native" if self.native_csv and self.quick is not None else ""
        return "" if self.direct else self.chosen.reader

    @property
    def shut(self) -> bool:
        """Whether every record of the file has an undeclared field, and none may pass with it."""
        return self.task.closed and bool(self._unknown_columns)

    def blocks(self) -> Generator[Block]:
        """The delivery from its start."""
        if self.task.media == "parquet":
            yield from parquet(self.path, self.task.contract, self.shaped)
            return
        with opened(self.path, self.task.media) as file:
            if self.task.media.startswith("avro"):
                yield from avro(file, self.task.contract, self.shaped)
            elif self.csv:
                csv = self._csv_reader(file)
                self._unknown_columns, self._samples = csv.unknown, csv.samples
                if self.task.dialect.header:
                    self.shaped(csv.shape)
                yield from csv.blocks()
                self.unended = csv.unended
            elif self.task.media.startswith("ndjson"):
                yield from ndjson(file)
            else:
                yield from document(file, self.task.records)

    def shaped(self, shape: Shape) -> None:
        """The columns are known."""
        self.shape = shape

    def absent(self) -> dict[str, str]:
        """SQL values of columns that a CSV file does not have."""
        if not self.csv:
            return {}
        names = (self.shape.absent if self.shape is not None else ()) if self.task.dialect.header else self.task.named
        return self.defaults.literals(names)

    def advance(self, size: int) -> None:
        """So many bytes were read."""
        self._bytes += size
        if self._bytes - self._told >= _TELL_EVERY:
            self._told = self._bytes
            self._progress(self._bytes, 0 if self.task.media.endswith(PACKED) else self.path.stat().st_size)

    def begin_again(self) -> None:
        """What was read so far will be read once more."""
        self._bytes = self._told = 0

    def check_end(self) -> None:
        """Raises Unreadable when the last line, which is cut off, is all that there is."""
        if self.cut and 0 < self.aside.malformed == self.rows_in:
            raise Unreadable("the file ends in the middle of a record", "truncated")

    def tell_unknown(self) -> None:
        """Undeclared columns are in every record."""
        for name in self._unknown_columns:
            self.aside.keep(name, self.rows_in, self._samples.get(name, ""))

    def judged(self, block: Block) -> None:
        """The judge decides all records of the block."""
        for record in block.records():
            self.rows_in += 1
            self.aside.decide(self.rows_in, record, tally=not self.csv)

    def _csv_reader(self, file: BinaryIO) -> Csv:
        contract, dialect = self.task.contract, self.task.dialect
        if not dialect.header and self.task.named:  # what the name says does not stand in the lines
            there = tuple(field for field in contract.fields if field.name not in self.task.named)
            contract = msgspec.structs.replace(contract, fields=there)
        if self.careful or not QuickCsv.speaks(dialect):
            return Csv(file, contract, dialect)
        if self.native_csv:
            self.quick = NativeCsv(file, contract, dialect, self.chosen.library)
        else:
            known = () if self.quick is None else self.quick.found
            self.quick = QuickCsv(file, contract, dialect, wary=self.wary == "yes", known=known)
        return self.quick
