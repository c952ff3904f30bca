"""Keys that stand twice in a delivery: all rows but the first are set aside, whichever way they were staged."""

from __future__ import annotations

from itertools import chain

from startrail.adapters.loader.attempt import Attempt, Staged
from startrail.adapters.loader.keys import differ, repeats
from startrail.adapters.loader.records import Records
from startrail.ports.loader import LocalFile, Violation

_MOST_AHEAD = 50_000


class RepeatedKeys:
    """Of what was staged in one attempt."""

    def __init__(self, attempt: Attempt, records: Records, staged: Staged) -> None:
        self._attempt = attempt
        self._engine = attempt.engine
        self._queries = attempt.queries
        self._records = records
        self._staged = staged
        self._early: dict[tuple[str, ...], list[int]] = {}
        """Rows that repeat a key of streamed rows, known before records were read again."""

    def look_ahead(self) -> list[int]:
        """Rows that already repeat a key, ascending: they are held when records are read again anyway."""
        redo, files = self._attempt.task.redo, self._staged.files
        if self._staged.distinct or (redo is not None and redo.discarded) or not files:
            return []
        for columns in self._queries.unique_keys():
            once = differ(self._engine, self._queries, files, columns)
            self._early[columns] = [] if once else self._repeats(files, columns, None)
        found = frozenset(chain.from_iterable(self._early.values()))
        self._records.wanted = self._records.staged = found if len(found) <= _MOST_AHEAD else frozenset()
        return sorted(self._records.staged)

    def set_aside(self) -> None:
        """All but the first row of each key that occurs twice leave the staged files."""
        files, apart = self._staged.files, self._staged.apart
        if not files or (self._staged.distinct and not apart):
            return
        repeated: set[int] = set()
        for columns in self._queries.unique_keys():
            found = list(self._early.get(columns, ()))
            known = self._staged.distinct or columns in self._early
            if apart if known else repeats(self._engine, self._queries, files, columns):
                found += self._repeats(files, columns, apart if known else None)
            if not found:
                continue
            path = "$." + columns[0] if len(columns) == 1 else "$"
            violation = Violation(path, "duplicate_key", f"{', '.join(columns)} once in a delivery", "a value seen before")
            self._records.refuse(sorted(set(found) - repeated), violation)
            repeated.update(found)
        if repeated:
            self._staged.files = self._without(files, sorted(repeated))

    def _without(self, files: list[LocalFile], gone: list[int]) -> list[LocalFile]:
        """Only files that hold one of these rows are written again."""
        holding = {path for (path,) in self._engine.each(self._queries.holding(files, gone))}
        old = [file for file in files if str(file.path) in holding]
        return [file for file in files if str(file.path) not in holding] + self._engine.copy(
            self._queries.without(old, gone), "unique", self._attempt.task.schema
        )

    def _repeats(self, files: list[LocalFile], columns: tuple[str, ...], among: list[LocalFile] | None) -> list[int]:
        """``among``: of the keys in these files only."""
        return [ordinal for (ordinal,) in self._engine.each(self._queries.repeated(files, columns, among))]
