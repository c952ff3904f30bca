"""Rehearsing a delivery: read again what must be, and compare row by row with what is recorded.

rehearsal_fields: reading only some fields. rehearsal_compare: the comparison. Nothing is left behind.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from startrail.adapters.loader.aside import Aside
from startrail.adapters.loader.engine import MEMORY, Engine
from startrail.adapters.loader.loader import DuckdbLoader
from startrail.adapters.loader.queries import Queries
from startrail.adapters.loader.rehearsal.compare import Comparison
from startrail.adapters.loader.rehearsal.fields import FieldsAgain, NotSure, PartRead
from startrail.adapters.warehouse.duckdb import types as sql
from startrail.ports.loader import Judge, Landed, LoadOutcome, LocalFile, Progress
from startrail.ports.rehearsal import RehearsalTask, Rehearsed

_LOOKED_AT = 100_000
"""Rows that show how many values a column has."""


class DuckdbRehearser:
    """One delivery at a time, with one thread: many are rehearsed beside each other. Scratch files lie in folders of
    their own under ``scratch`` and are gone at the end."""

    def __init__(self, store: Landed, scratch: Path, *, memory: int = MEMORY) -> None:
        self._store = store
        self._scratch = scratch
        self._memory = memory

    def rehearse(self, task: RehearsalTask, judge: Judge, part: Judge, progress: Progress) -> Rehearsed:
        if task.part is not None:
            try:
                return self._some_fields(task, judge, part, progress)
            except NotSure:
                pass  # what cannot be known from some fields is known from all
        return self._everything(task, judge, progress)

    def few_values(self, files: tuple[str, ...], columns: tuple[str, ...], most: int, each: int = 1) -> tuple[str, ...]:
        if not files or not columns:
            return ()
        with ExitStack() as stack:
            engine = self._engine(stack)
            paths = [stack.enter_context(self._store.local(key)) for key in files[:1]]
            counts = ", ".join(f"count(DISTINCT {sql.quote(column)}), count({sql.quote(column)})" for column in columns)
            names = ", ".join(map(sql.quote, columns))
            (row,) = engine.rows(
                f"SELECT {counts} FROM (SELECT {names} FROM read_parquet({sql.text(str(paths[0]))}) LIMIT {_LOOKED_AT})"
            )
        pairs = zip(columns, row[::2], row[1::2], strict=True)
        return tuple(column for column, values, rows in pairs if 0 < values <= most and each * values <= rows)

    def _everything(self, task: RehearsalTask, judge: Judge, progress: Progress) -> Rehearsed:
        """By the very loader of a run."""
        loader = DuckdbLoader(self._store, self._scratch, memory=self._memory, threads=1)
        with loader.load(task.load, judge, progress) as outcome, ExitStack() as stack:
            comparison = self._comparison(task, stack)
            if outcome.rejected is not None:
                comparison.refused_file(outcome.rejected.path)
            comparison.loaded([file.path for file in outcome.files], sum(file.rows for file in outcome.files))
            return Rehearsed(_bare(outcome), comparison.result())

    def _some_fields(self, task: RehearsalTask, judge: Judge, part: Judge, progress: Progress) -> Rehearsed:
        with ExitStack() as stack:
            comparison = self._comparison(task, stack)
            aside = stack.enter_context(closing(Aside(comparison.engine.folder, judge)))
            refused = self._refused_before(task, comparison.engine, stack)
            path = stack.enter_context(self._store.local(task.load.key))
            read = FieldsAgain(task, refused, part, aside).read(path, progress)
            outcome = _outcome(read, task, comparison.rows_before)
            if task.before.rows_in != read.rows_in or comparison.rows_before + len(refused) != read.rows_in:
                raise NotSure("the records are not those that are recorded")
            comparison.refused_codes(read)
            if aside.saved_rows:
                aside.flush()
                come_in = comparison.engine.copy(Queries(task.load, "json").saved(aside.saved), "saved", task.load.schema)
                comparison.loaded([file.path for file in come_in], None)
            return Rehearsed(outcome, comparison.result(), part=True)

    def _comparison(self, task: RehearsalTask, stack: ExitStack) -> Comparison:
        engine = self._engine(stack)
        before = [stack.enter_context(self._store.local(key)) for key in task.before.files]
        return Comparison(engine, before, task.look)

    def _engine(self, stack: ExitStack) -> Engine:
        self._scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearse-", dir=self._scratch)))
        return stack.enter_context(closing(Engine(folder, memory=self._memory, threads=1)))

    def _refused_before(self, task: RehearsalTask, engine: Engine, stack: ExitStack) -> list[int]:
        """Ordinals of what is quarantined. Raises NotSure where a record was refused for one beside it."""
        if task.before.quarantine is None:
            return []
        file = f"read_parquet({sql.text(str(stack.enter_context(self._store.local(task.before.quarantine))))})"
        repeated = engine.number(f"SELECT count(*) FROM {file} WHERE violations LIKE '%once in a delivery%'")
        if repeated:
            raise NotSure("which of the records with one key is the first may change")
        return [ordinal for (ordinal,) in engine.rows(f"SELECT ordinal FROM {file} ORDER BY ordinal")]


def _outcome(read: PartRead, task: RehearsalTask, rows_before: int) -> LoadOutcome:
    """As the loader would tell it. Raises NotSure where it might tell more."""
    loaded = rows_before - read.newly_refused + read.let_in
    refused = read.rows_in - loaded
    if read.let_in and Queries(task.load, "json").unique_keys():
        raise NotSure("a record that comes in may repeat a key")
    return LoadOutcome(
        read.rows_in,
        (LocalFile(Path(), loaded),) if loaded else (),
        LocalFile(Path(), refused) if refused else None,
        drift=read.drift(loaded),
    )


def _bare(outcome: LoadOutcome) -> LoadOutcome:
    """Without paths, which are gone soon."""
    files = tuple(LocalFile(Path(), file.rows) for file in outcome.files)
    rejected = None if outcome.rejected is None else LocalFile(Path(), outcome.rejected.rows)
    return msgspec.structs.replace(outcome, files=files, rejected=rejected)
