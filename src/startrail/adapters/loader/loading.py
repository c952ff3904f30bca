"""Loading one delivery one way: stream what passes, let the judge decide the rest, then look for repeated keys."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext
from functools import partial
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from startrail.adapters.loader.aside import Aside
from startrail.adapters.loader.avro_file import avro
from startrail.adapters.loader.blocks import PACKED, SKIP, Block, Record, Unreadable, document, ndjson, opened
from startrail.adapters.loader.csv_file import Csv
from startrail.adapters.loader.csv_queries import Habit, typed_rows
from startrail.adapters.loader.csv_quick import QuickCsv, Run
from startrail.adapters.loader.defaults import Defaults
from startrail.adapters.loader.engine import Engine, NotTaken
from startrail.adapters.loader.gate import Gate, Passed, Wary
from startrail.adapters.loader.keys import differ, missing, repeats
from startrail.adapters.loader.native_batch import Batch, Refusal
from startrail.adapters.loader.native_csv import NativeCsv, csv_lines
from startrail.adapters.loader.native_library import Chosen
from startrail.adapters.loader.native_lines import Lines, lines_from, lines_of
from startrail.adapters.loader.native_plan import NativePlan, csv_plan, native_plan, watched
from startrail.adapters.loader.native_repeated import Repeated
from startrail.adapters.loader.native_stream import NativeReader, NativeStream
from startrail.adapters.loader.parquet_direct import direct
from startrail.adapters.loader.parquet_file import parquet, parquet_rows
from startrail.adapters.loader.queries import Queries
from startrail.adapters.loader.shape import Shape
from startrail.adapters.loader.sieve import Sieve
from startrail.adapters.loader.spool import Spool
from startrail.adapters.loader.survey import dates, empty_columns, medians, unnamed
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.base.text import printable
from startrail.model.drift import DriftKind
from startrail.ports.loader import Drift, LoadOutcome, LoadTask, LocalFile, Progress, Violation

_TELL_EVERY = 8_000_000
_MOST_HELD = 32_000_000
_MOST_AHEAD = 50_000
_TYPED = ("parquet", "avro")
"""Media whose dates are no text."""
_LITTLE = 1 << 20
"""Bytes that the engine is told a record may have, where all are shorter: its buffers are as large, and small ones are
sooner written again."""

Way = Literal["direct", "frugal", "quick", "wary", "careful"]
"""direct: columns are taken from a file that has typed ones, without records. frugal: the same with less memory.
wary: keys that stand twice in an object are looked for, since the engine found one. careful: the judge decides all."""


class Loading:
    """One attempt; :meth:`outcome` is called once."""

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
        self._task = task
        self._path = path
        self._engine = engine
        self._aside = aside
        self._progress = progress
        self._careful = way == "careful"
        self._wary: Wary = "yes" if way == "wary" else "first"
        self._direct = way in ("direct", "frugal")
        self._chosen = chosen
        self._threads = threads
        self._quick: QuickCsv | None = None
        self._csv = task.media.startswith("csv")
        self._native_csv = self._csv and chosen.library is not None and way == "quick"
        """The native reader takes it; the wary way is the other reader's."""
        self._queries = Queries(task, "text" if self._csv else "json")
        self._defaults = Defaults(task.contract)
        self._taken: dict[str, int] = {}
        """Records of the quick way that took a default, by field."""
        self._rows_in = 0
        self._unknown_columns: tuple[str, ...] = ()
        self._samples: dict[str, str] = {}
        self._shape: Shape | None = None
        self._unended = False
        self._bytes = 0
        self._told = 0
        self._cut = False
        self._passed = array("q")
        """Records in each block, from the first, that is known to pass the gate."""
        self._counts = array("q")
        """Records in each block of lines that was read."""
        self._at = 0
        self._longest = 0
        """Bytes of the longest block that passed."""
        self._distinct = False
        """Whether no two streamed rows have the same key."""
        self._saved: list[LocalFile] = []
        """Files of rows that the judge accepted, or that may repeat a key."""
        self._held: dict[int, Record] = {}
        self._wanted: frozenset[int] = frozenset()
        """Records that are held, once read, since they may repeat a key."""
        self._staged: frozenset[int] = frozenset()
        """Those of them that the judge need not see."""
        self._early: dict[tuple[str, ...], list[int]] = {}
        """Rows that repeat a key of streamed rows, known before records were read again."""
        self._held_bytes = 0

    def outcome(self) -> LoadOutcome:
        try:
            files = self._streamed()
            files += self._left_over(files)
            files = self._without_repeated(self._without_discarded(files))
            self._survey(files)
        except Unreadable as found:
            if self._direct and self._shape is not None:  # how far it can be read, the other way finds out
                raise NotTaken(found.reason) from found
            return LoadOutcome(self._rows_in, unreadable=found.reason, drift=found.drift, reader=self._reader())
        declared, turned = dates(self._engine, files, self._task.contract, texts=not self._task.media.startswith(_TYPED))
        return LoadOutcome(
            self._rows_in,
            tuple(files),
            self._rejected(),
            self._touched(files),
            self._aside.kept,
            self._drift(),
            mended=self._aside.mended_rows,
            discarded=self._aside.discarded_rows,
            medians=medians(self._engine, files, self._task.contract, lengths=self._csv and not self._task.dialect.header),
            dates=declared,
            turned=turned,
            unended=self._unended,
            reader=self._reader(),
        )

    def _reader(self) -> str:
        if self._csv:
            return "native" if self._native_csv and self._quick is not None else ""
        return "" if self._direct else self._chosen.reader

    def _survey(self, files: list[LocalFile]) -> None:
        """Declared fields that the delivery does not have at all."""
        if self._csv and self._shape is not None:
            self._taken = dict.fromkeys(self._shape.absent, self._rows_in)
        self._aside.taken(self._defaults.told(self._taken))
        if self._shape is not None:
            self._aside.whole += self._shape.drift(self._rows_in)
            return
        if self._csv or not self._rows_in:
            return
        contract, seen = self._task.contract, self._aside.drift()
        null = {drift.path for drift in seen if drift.kind == "null_in_required" and drift.rows == self._rows_in}
        required = [field.name for field in contract.fields if f"$.{field.name}" in null]
        changed = {drift.path for drift in seen if drift.kind == "case_change"}
        empty = [name for name in empty_columns(self._engine, files, contract) if f"$.{name}" not in changed]
        for name in unnamed(self._path, self._task.media, required + empty):
            kind: DriftKind = "missing_required" if name in required else "missing_optional"
            self._aside.whole.append(Drift(kind, f"$.{name}", self._rows_in))

    def _drift(self) -> tuple[Drift, ...]:
        """As seen; a required field that no record has is not told a second time as null in each."""
        found = self._aside.drift()
        missing = {drift.path for drift in found if drift.kind == "missing_required"}
        return tuple(drift for drift in found if drift.kind != "null_in_required" or drift.path not in missing)

    def _shaped(self, shape: Shape) -> None:
        self._shape = shape

    def _blocks(self) -> Generator[Block]:
        if self._task.media == "parquet":
            yield from parquet(self._path, self._task.contract, self._shaped)
            return
        with opened(self._path, self._task.media) as file:
            if self._task.media.startswith("avro"):
                yield from avro(file, self._task.contract, self._shaped)
            elif self._csv:
                csv = self._csv_reader(file)
                self._unknown_columns, self._samples = csv.unknown, csv.samples
                if self._task.dialect.header:
                    self._shaped(csv.shape)
                yield from csv.blocks()
                self._unended = csv.unended
            elif self._task.media.startswith("ndjson"):
                yield from ndjson(file)
            else:
                yield from document(file, self._task.records)

    def _absent(self) -> dict[str, str]:
        """SQL values of columns that a CSV file does not have."""
        if not self._csv:
            return {}
        names = (self._shape.absent if self._shape is not None else ()) if self._task.dialect.header else self._task.named
        return self._defaults.literals(names)

    def _csv_reader(self, file: BinaryIO) -> Csv:
        contract, dialect = self._task.contract, self._task.dialect
        if not dialect.header and self._task.named:  # what the name says does not stand in the lines
            there = tuple(field for field in contract.fields if field.name not in self._task.named)
            contract = msgspec.structs.replace(contract, fields=there)
        if self._careful or not QuickCsv.speaks(dialect):
            return Csv(file, contract, dialect)
        if self._native_csv:
            self._quick = NativeCsv(file, contract, dialect, self._chosen.library)
        else:
            known = () if self._quick is None else self._quick.plain
            self._quick = QuickCsv(file, contract, dialect, wary=self._wary == "yes", known=known)
        return self._quick

    def _query(self, path: str, longest: int, offset: int, whole: int | None = None) -> str:
        """Of a spool that has been filled. ``whole``: or of a CSV file itself, behind so many lines."""
        absent = self._absent()
        if self._quick is None:
            return self._queries.streamed(path, offset, absent, max(2 * longest, _LITTLE))
        habits = {name: habit for name, values in self._quick.first_values().items() if (habit := Habit.of(values))}
        rows = typed_rows(path, self._task, self._quick.names, habits, absent, whole)
        return self._queries.numbered(rows, offset)

    def _streamed(self) -> list[LocalFile]:
        """Everything that passes the gate goes through the engine; what does not, to the judge."""
        if self._direct:
            return self._directly()
        plan = self._native_plan()
        if plan is not None:
            return self._natively(plan)
        natively = self._natively_csv()
        if natively is not None:
            return natively
        head = self._csv_head()
        if head is not None:
            query = self._query(sql.text(str(self._path)), 0, 0, head)
            return self._engine.copy(query, "direct", self._task.schema)
        gate = Gate(self._task.contract, wary=self._wary)
        if self._passes_whole(gate):
            query = self._queries.streamed(sql.text(str(self._path)), longest=max(2 * self._longest, _LITTLE))
            return self._engine.copy(query, "direct", self._task.schema)
        files: list[LocalFile] = []
        with closing(self._blocks()) as source:
            first = next(source, None)
            sieve = Sieve(gate, self._defaults)
            blocks = chain(() if first is None else (first,), source)
            more = first is not None
            while more:
                query = partial(self._query, offset=self._rows_in)
                with Spool(self._engine, query, f"streamed-{self._rows_in}", self._task.schema) as spool:
                    more = self._fill(spool, blocks, sieve)
                files += spool.files
        self._taken = sieve.taken
        self._check_end()
        self._tell_unknown()
        return files

    def _tell_unknown(self) -> None:
        for name in self._unknown_columns:
            self._aside.keep(name, self._rows_in, self._samples.get(name, ""))

    def _directly(self) -> list[LocalFile]:
        """What the conditions keep out is left over for the judge."""
        plan = direct(self._engine, self._path, self._task, self._queries.unique_keys())
        self._shaped(plan.shape)
        self._rows_in = plan.rows
        self._distinct = plan.repeated is not None
        self._wanted = plan.repeated or frozenset()
        self._taken = dict.fromkeys(plan.shape.absent, plan.rows)
        for name in plan.shape.unknown if plan.rows else ():
            self._aside.keep(name, plan.rows, plan.samples[name])
        self._advance(self._path.stat().st_size)
        return self._engine.copy(self._queries.made(plan.query), "direct", self._task.schema)

    def _check_end(self) -> None:
        if self._cut and 0 < self._aside.malformed == self._rows_in:
            raise Unreadable("the file ends in the middle of a record", "truncated")

    def _native_plan(self) -> NativePlan | None:
        """None when the other reader must do it."""
        if self._chosen.library is None or self._careful or self._csv:
            return None
        return native_plan(self._task.contract, closed=self._task.closed)

    def _natively(self, plan: NativePlan) -> list[LocalFile]:
        with (
            opened(self._path, self._task.media) if self._task.media.startswith("ndjson") else nullcontext() as file,
            closing(lines_of(self._blocks()) if file is None else lines_from(file)) as blocks,
        ):
            files = self._batched(plan, blocks)
        self._check_end()
        return files

    def _natively_csv(self) -> list[LocalFile] | None:
        """None when the other reader must do it."""
        if not self._native_csv:
            return None
        with closing(self._blocks()) as source:
            first, csv = next(source, None), self._quick
            if first is not None and isinstance(csv, NativeCsv) and csv.suits:
                plan = csv_plan(self._task.contract, csv.names, self._task.dialect, self._absent())
                if plan is not None:
                    alone = self._task.closed and bool(self._unknown_columns)
                    blocks = chain((first,), source)
                    files = self._batched(plan, blocks if alone else csv_lines(blocks))
                    self._tell_unknown()
                    return files
        self._native_csv, self._quick = False, None
        return None

    def _batched(self, plan: NativePlan, blocks: Iterator[Lines | Block]) -> list[LocalFile]:
        schema = self._task.schema
        plan = watched(plan, self._task.contract, self._queries.unique_keys(), schema)
        query = self._queries.native(plan)
        with closing(Repeated(self._engine.folder)) as repeated:
            with (
                closing(NativeReader(self._chosen.library, plan, self._threads)) as reader,
                NativeStream(reader, self._engine, query, "streamed", schema) as stream,
                closing(reader.batches(blocks)) as batches,
            ):
                for block, found in batches:
                    if isinstance(block, Lines):
                        self._cut = not block.whole
                        self._advance(block.size)
                        for batch in found:
                            again = reader.repeated(batch)
                            stream.push(batch, self._rows_in)
                            self._put_aside(batch, again, repeated)
                            self._decide(batch)
                    else:
                        self._judged(block)
                self._distinct = reader.distinct
            self._saved = repeated.staged(self._chosen.library, plan, self._engine, self._queries, schema)
        return stream.files + self._saved

    def _put_aside(self, batch: Batch, again: list[Refusal], repeated: Repeated) -> None:
        """Rows that may repeat a key, so that only these need be written again if they do."""
        for row in again:
            ordinal = self._rows_in + row.ordinal
            repeated.add(ordinal, batch.line(row.start, row.size))
            raw = batch.raw(row.start, row.size)
            self._hold(ordinal, Record(raw, raw))

    def _decide(self, batch: Batch) -> None:
        """The judge decides what the reader refused; undeclared fields are told in the order of records."""
        base, kept = self._rows_in, deque(batch.kept)
        self._rows_in += batch.records
        for place, rows in batch.defaulted.items():
            name = self._task.contract.fields[place].name
            self._taken[name] = self._taken.get(name, 0) + rows
        for refusal in chain(batch.refused, [None]):
            while kept and (refusal is None or kept[0].ordinal < refusal.ordinal):
                field = kept.popleft()
                self._aside.keep(field.name, field.rows, printable(field.value.decode(), 120))
            if refusal is not None and not self._by_fields(batch, refusal, base):
                self._aside.decide(base + refusal.ordinal, batch.record(refusal), tally=not self._csv)

    def _by_fields(self, batch: Batch, refusal: Refusal, base: int) -> bool:
        """Whether the judge could refuse the record by those fields alone that the reader doubts."""
        if refusal.doubtful is None:
            return False
        names = tuple([self._task.contract.fields[place].name for place in refusal.doubtful])
        raw = partial(batch.raw, refusal.start, refusal.size)
        return self._aside.decide_fields(base + refusal.ordinal, refusal.members, names, raw, tally=not self._csv)

    def _hold(self, ordinal: int, record: Record) -> None:
        """Keep the record at hand, if there is room, so that it need not be read again."""
        self._held_bytes += len(record.line) + len(record.raw)
        if self._held_bytes <= _MOST_HELD:
            self._held[ordinal] = record

    def _passes_whole(self, gate: Gate) -> bool:
        """True when the file can go to the engine as it is, which spares the copy. What passed before the first
        block that did not is remembered, and needs no gate again."""
        if self._careful or self._task.media != "ndjson":
            return False
        with closing(self._blocks()) as blocks:
            for block in blocks:
                passed = None if block.own else gate.passes(block.lines)
                if passed is None or passed.kept:
                    return False
                self._passed.append(passed.count)
                self._longest = max(self._longest, len(block.lines))
                self._advance(len(block.lines))
        self._rows_in = sum(self._passed)
        self._counts = self._passed
        return True

    def _csv_head(self) -> int | None:
        """Lines of the header of a CSV file that can go to the engine as it is; None for another file."""
        task, length, rows = self._task, 0, 0
        if self._careful or task.media != "csv" or task.dialect.encoding != "utf-8":
            return None
        with closing(self._blocks()) as blocks:
            for block in blocks:
                if not isinstance(block, Run) or not block.bare or (task.closed and self._unknown_columns):
                    break
                rows += block.count
                length += block.length
                self._advance(len(block.lines))
        head = None if self._quick is None else self._quick.head
        if rows and head is not None and head[0] + length - self._unended == self._path.stat().st_size:
            self._rows_in = rows
            self._tell_unknown()
            return head[1]
        self._bytes = self._told = 0
        return None

    def _fill(self, spool: Spool, blocks: Iterator[Block], sieve: Sieve) -> bool:
        """Send blocks to the engine; True when it is full and there may be more."""
        for block in blocks:
            self._cut = not block.lines.endswith(b"\n")
            before = self._rows_in
            lines = self._sent(block, sieve)
            self._counts.append(self._rows_in - before)
            if lines:
                spool.write(lines)
            if spool.full:
                return True
        return False

    def _sent(self, block: Block, sieve: Sieve) -> bytes:
        """What of a block goes to the engine; the judge decides the rest."""
        if self._at < len(self._passed):
            self._rows_in += self._passed[self._at]
            self._at += 1
            return block.lines
        self._advance(len(block.lines))
        if self._careful or (self._task.closed and self._unknown_columns):
            self._judged(block)
            return b""
        if not block.own:
            return self._gated(block, sieve)
        self._rows_in += block.count
        self._broken(block)
        return block.lines

    def _gated(self, block: Block, sieve: Sieve) -> bytes:
        """What of a block goes to the engine."""
        stream: list[bytes] = []
        for found in sieve.sift(block.lines):
            if isinstance(found, Passed):
                self._rows_in += found.count
                self._tally(found)
                stream.append(found.lines)
                continue
            self._rows_in += 1
            for name in self._aside.decide(self._rows_in, Record(found[:-1], found[:-1])):
                if not self._task.closed:
                    sieve.learn(name.removeprefix("$."))
            stream.append(SKIP)
        return b"".join(stream)

    def _tally(self, passed: Passed) -> None:
        for name, rows in passed.kept.items():
            self._aside.keep(name, rows)

    def _advance(self, size: int) -> None:
        self._bytes += size
        if self._bytes - self._told >= _TELL_EVERY:
            self._told = self._bytes
            self._progress(self._bytes, 0 if self._task.media.endswith(PACKED) else self._path.stat().st_size)

    def _judged(self, block: Block) -> None:
        for record in block.records():
            self._rows_in += 1
            self._aside.decide(self._rows_in, record, tally=not self._csv)

    def _broken(self, block: Block) -> None:
        if block.broken:
            first, records = self._rows_in - block.count + 1, block.sequence()
            for index in block.broken:
                self._aside.decide(first + index, records[index])

    def _left_over(self, files: list[LocalFile]) -> list[LocalFile]:
        """Records that the engine's conditions kept out are read again for the judge; those it accepts are added."""
        staged = sum(file.rows for file in files)
        if staged + len(self._aside.ordinals) != self._rows_in:
            self._revisit(merge(self._missing(files), self._look_ahead(files)), None)
        if not self._aside.saved_rows:
            return []
        self._aside.flush()
        saved = self._engine.copy(self._queries.saved(self._aside.saved), "saved", self._task.schema)
        self._saved = self._saved + saved
        return saved

    def _look_ahead(self, files: list[LocalFile]) -> list[int]:
        """Rows that already repeat a key, ascending: they are held when records are read again anyway."""
        discarded = self._task.redo is not None and self._task.redo.discarded
        if self._distinct or discarded or not files:
            return []
        for columns in self._queries.unique_keys():
            once = differ(self._engine, self._queries, files, columns)
            self._early[columns] = [] if once else self._repeats(files, columns, None)
        found = frozenset(chain.from_iterable(self._early.values()))
        self._wanted = self._staged = found if len(found) <= _MOST_AHEAD else frozenset()
        return sorted(self._staged)

    def _repeats(self, files: list[LocalFile], columns: tuple[str, ...], among: list[LocalFile] | None) -> list[int]:
        """``among``: of the keys in these files only."""
        return [ordinal for (ordinal,) in self._engine.each(self._queries.repeated(files, columns, among))]

    def _missing(self, files: list[LocalFile]) -> Iterator[int]:
        decided = sorted(self._aside.ordinals)
        position = 0
        for ordinal in missing(self._engine, self._queries, files, self._rows_in):
            while position < len(decided) and decided[position] < ordinal:
                position += 1
            if position == len(decided) or decided[position] != ordinal:
                yield ordinal

    def _revisit(self, ordinals: Iterator[int], violation: Violation | None) -> None:
        """Read these records (ascending) again; judge each, or refuse it for ``violation``.

        Undeclared fields and defaults were counted when the records passed.
        """
        with closing(self._again(ordinals)) as records:
            for ordinal, record in records:
                if violation is not None:
                    self._aside.refuse(ordinal, record, (violation,))
                    continue
                if ordinal not in self._staged:
                    self._aside.decide(ordinal, record, tally=False)
                if ordinal in self._wanted:
                    self._hold(ordinal, record)

    def _again(self, ordinals: Iterator[int]) -> Generator[tuple[int, Record]]:
        """These records of the delivery, which is read as far as it must be."""
        if self._task.media == "parquet":
            yield from parquet_rows(self._path, self._task.contract, ordinals)
            return
        wanted = next(ordinals, None)
        with closing(self._blocks()) as blocks:
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

    def _count(self, index: int, block: Block) -> int:
        """Records of this block, which was counted when it was read first."""
        if block.own:
            return block.count
        return self._counts[index] if index < len(self._counts) else len(block.sequence())

    def _without_discarded(self, files: list[LocalFile]) -> list[LocalFile]:
        """Before keys are compared: what is discarded repeats nothing."""
        gone = self._task.redo.discarded if self._task.redo is not None else frozenset()
        if not files or not gone:
            return files
        kept = self._engine.copy(self._queries.without(files, sorted(gone)), "kept", self._task.schema)
        self._aside.discarded_rows += sum(file.rows for file in files) - sum(file.rows for file in kept)
        return kept

    def _without_repeated(self, files: list[LocalFile]) -> list[LocalFile]:
        """All but the first row of each key that occurs twice are set aside."""
        if not files or (self._distinct and not self._saved):
            return files
        repeated: set[int] = set()
        for columns in self._queries.unique_keys():
            found = list(self._early.get(columns, ()))
            known = self._distinct or columns in self._early
            if self._saved if known else repeats(self._engine, self._queries, files, columns):
                found += self._repeats(files, columns, self._saved if known else None)
            if not found:
                continue
            path = "$." + columns[0] if len(columns) == 1 else "$"
            violation = Violation(path, "duplicate_key", f"{', '.join(columns)} once in a delivery", "a value seen before")
            self._refuse(sorted(set(found) - repeated), violation)
            repeated.update(found)
        if not repeated:
            return files
        gone = sorted(repeated)
        holding = {path for (path,) in self._engine.each(self._queries.holding(files, gone))}
        old = [file for file in files if str(file.path) in holding]
        return [file for file in files if str(file.path) not in holding] + self._engine.copy(
            self._queries.without(old, gone), "unique", self._task.schema
        )

    def _refuse(self, ordinals: list[int], violation: Violation) -> None:
        """Those that are not at hand are read again."""
        for ordinal in ordinals:
            if ordinal in self._held:
                self._aside.refuse(ordinal, self._held[ordinal], (violation,))
        again = [ordinal for ordinal in ordinals if ordinal not in self._held]
        if again:
            self._revisit(iter(again), violation)

    def _rejected(self) -> LocalFile | None:
        if not self._aside.refused_rows:
            return None
        self._aside.flush()
        (file,) = self._engine.copy(self._queries.refused(self._aside.refused), "refused")
        return file

    def _touched(self, files: list[LocalFile]) -> dict[str, int]:
        if not files or self._task.partition is None:
            return {}
        return dict(self._engine.rows(self._queries.touched(files, *self._task.partition)))
