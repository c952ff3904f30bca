"""The way of the native reader: lines become rows in the library, and the judge decides what it refuses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing, nullcontext
from functools import partial
from itertools import chain

from startrail.adapters.loader.attempt import Attempt, Staged
from startrail.adapters.loader.blocks import Block, Record, opened
from startrail.adapters.loader.native.batch import Batch, Refusal
from startrail.adapters.loader.native.csv import NativeCsv, csv_lines
from startrail.adapters.loader.native.lines import Lines, lines_from, lines_of
from startrail.adapters.loader.native.plan import NativePlan, csv_plan, native_plan, watched
from startrail.adapters.loader.native.repeated import Repeated
from startrail.adapters.loader.native.stream import NativeReader, NativeStream
from startrail.adapters.loader.records import Records
from startrail.base.text import printable


def natively(attempt: Attempt, records: Records) -> Staged | None:
    """None when the other reader must do it."""
    if attempt.csv:
        return _csv(attempt, records)
    if attempt.chosen.library is None or attempt.careful:
        return None
    plan = native_plan(attempt.task.contract, closed=attempt.task.closed)
    return None if plan is None else _json(attempt, records, plan)


def _json(attempt: Attempt, records: Records, plan: NativePlan) -> Staged:
    media = attempt.task.media
    with (
        opened(attempt.path, media) if media.startswith("ndjson") else nullcontext() as file,
        closing(lines_of(attempt.blocks()) if file is None else lines_from(file)) as blocks,
    ):
        staged = _Natively(attempt, records).staged(plan, blocks)
    attempt.check_end()
    return staged


def _csv(attempt: Attempt, records: Records) -> Staged | None:
    if not attempt.native_csv:
        return None
    with closing(attempt.blocks()) as source:
        first, csv = next(source, None), attempt.quick
        if first is not None and isinstance(csv, NativeCsv) and csv.suits:
            plan = csv_plan(attempt.task.contract, csv.names, attempt.task.dialect, attempt.absent())
            if plan is not None:
                blocks = chain((first,), source)
                staged = _Natively(attempt, records).staged(plan, blocks if attempt.shut else csv_lines(blocks))
                attempt.tell_unknown()
                return staged
    attempt.native_csv, attempt.quick = False, None
    return None


class _Natively:
    def __init__(self, attempt: Attempt, records: Records) -> None:
        self._attempt = attempt
        self._records = records
        self._fields = attempt.task.contract.fields

    def staged(self, plan: NativePlan, blocks: Iterator[Lines | Block]) -> Staged:
        attempt = self._attempt
        schema, library = attempt.task.schema, attempt.chosen.library
        plan = watched(plan, attempt.task.contract, attempt.queries.unique_keys(), schema)
        with closing(Repeated(attempt.engine.folder)) as repeated:
            with (
                closing(NativeReader(library, plan, attempt.threads)) as reader,
                NativeStream(reader, attempt.engine, attempt.queries.native(plan), "streamed", schema) as stream,
                closing(reader.batches(blocks)) as batches,
            ):
                for block, found in batches:
                    if not isinstance(block, Lines):
                        attempt.judged(block)
                        continue
                    attempt.cut = not block.whole
                    attempt.advance(block.size)
                    for batch in found:
                        again = reader.repeated(batch)
                        stream.push(batch, attempt.rows_in)
                        self._put_aside(batch, again, repeated)
                        self._decide(batch)
                distinct = reader.distinct
            apart = repeated.staged(library, plan, attempt.engine, attempt.queries, schema)
        return Staged(stream.files + apart, apart, distinct)

    def _put_aside(self, batch: Batch, again: list[Refusal], repeated: Repeated) -> None:
        """Rows that may repeat a key, so that only these need be written again if they do."""
        for row in again:
            ordinal = self._attempt.rows_in + row.ordinal
            repeated.add(ordinal, batch.line(row.start, row.size))
            raw = batch.raw(row.start, row.size)
            self._records.hold(ordinal, Record(raw, raw))

    def _decide(self, batch: Batch) -> None:
        """The judge decides what the reader refused; undeclared fields are told in the order of records."""
        attempt = self._attempt
        base, kept = attempt.rows_in, deque(batch.kept)
        attempt.rows_in += batch.records
        for place, rows in batch.defaulted.items():
            name = self._fields[place].name
            attempt.taken[name] = attempt.taken.get(name, 0) + rows
        for refusal in chain(batch.refused, [None]):
            while kept and (refusal is None or kept[0].ordinal < refusal.ordinal):
                field = kept.popleft()
                attempt.aside.keep(field.name, field.rows, printable(field.value.decode(), 120))
            if refusal is not None and not self._by_fields(batch, refusal, base):
                attempt.aside.decide(base + refusal.ordinal, batch.record(refusal), tally=not attempt.csv)

    def _by_fields(self, batch: Batch, refusal: Refusal, base: int) -> bool:
        """Whether the judge could refuse the record by those fields alone that the reader doubts."""
        if refusal.doubtful is None:
            return False
        names = tuple([self._fields[place].name for place in refusal.doubtful])
        raw = partial(batch.raw, refusal.start, refusal.size)
        ordinal = base + refusal.ordinal
        return self._attempt.aside.decide_fields(ordinal, refusal.members, names, raw, tally=not self._attempt.csv)
