"""The ways of loading a delivery, the quickest that can be first."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from startrail.adapters.loader.aside import Aside
from startrail.adapters.loader.attempt import Attempt, Way
from startrail.adapters.loader.engine import Engine, NotTaken
from startrail.adapters.loader.extras import extras
from startrail.adapters.loader.loading import outcome
from startrail.adapters.loader.native.library import choose
from startrail.base.text import printable
from startrail.ports.loader import Judge, Landed, LoadOutcome, LoadTask, LocalFile, Progress
from startrail.ports.warehouse import EngineFailed, OutOfMemory, QueryFailed


class DuckdbLoader:
    """``memory`` in bytes, ``threads`` 0 = one per core; scratch files lie in folders of their own under ``scratch``.

    ``careful``: let the judge decide every record, a hundred times slower; what tests hold the fast way against.
    ``reader``: what reads JSON records, ``native`` or ``msgspec``; None = as :func:`native_library.choose` finds it.
    """

    def __init__(
        self, store: Landed, scratch: Path, *, memory: int, threads: int = 0, careful: bool = False, reader: str | None = None
    ) -> None:
        self._store = store
        self._scratch = scratch
        self._memory = memory
        self._threads = threads
        self._careful = careful
        self._reader = reader

    @contextmanager
    def load(self, task: LoadTask, judge: Judge, progress: Progress) -> Iterator[LoadOutcome]:
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="load-", dir=self._scratch) as root, self._store.local(task.key) as path:
            yield self._best(task, path, judge, Path(root), progress)

    def extras(self, files: Sequence[LocalFile]) -> Iterator[str]:
        return extras(files)

    def _best(self, task: LoadTask, path: Path, judge: Judge, root: Path, progress: Progress) -> LoadOutcome:
        """Direct, if that can be; the quick way; when the engine contradicts the gate, the wary one, and then the careful
        one."""
        if self._careful:
            return self._outcome(task, path, judge, root / "careful", progress, "careful")
        if task.media == "parquet":
            with suppress(NotTaken, EngineFailed, OutOfMemory, QueryFailed):
                return self._without_records(task, path, judge, root, progress)
        with suppress(NotTaken):
            return self._outcome(task, path, judge, root / "quick", progress, "quick")
        try:
            return self._outcome(task, path, judge, root / "wary", progress, "wary")
        except NotTaken as contradiction:
            outcome = self._outcome(task, path, judge, root / "careful", progress, "careful")
            return msgspec.structs.replace(outcome, careful=printable(str(contradiction), 300))

    def _without_records(self, task: LoadTask, path: Path, judge: Judge, root: Path, progress: Progress) -> LoadOutcome:
        with suppress(OutOfMemory):
            return self._outcome(task, path, judge, root / "direct", progress, "direct")
        return self._outcome(task, path, judge, root / "frugal", progress, "frugal")

    def _outcome(self, task: LoadTask, path: Path, judge: Judge, folder: Path, progress: Progress, way: Way) -> LoadOutcome:
        folder.mkdir()
        aside = Aside(folder, judge, task.redo)
        made = Engine(folder, memory=self._memory, threads=self._threads, frugal=way == "frugal")
        with closing(made) as engine, closing(aside):
            return outcome(Attempt(task, path, engine, aside, progress, choose(self._reader), self._threads, way))
