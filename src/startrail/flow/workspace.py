"""What one run sees: the published tables, overlaid with what the run has staged so far.

Versions are the memory of the spine. Each partition of each table has one: for a model the key of the step
that built it; for a raw table the sum of the keys of the loads that put rows into it (a sum, so that the
order in which deliveries were loaded does not count). A step's inputs are versions, so a step is stale
exactly when one of its input partitions got another version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import RLock

import msgspec

from startrail.base.ids import fingerprint
from startrail.base.text import did_you_mean
from startrail.flow.errors import UnknownTable
from startrail.model.evolution import greatest_id, united
from startrail.model.step import Step, StepOutput
from startrail.model.table import (
    WHOLE,
    DataFile,
    Pointer,
    Relation,
    TableChange,
    TableName,
    TableSchema,
    TableState,
    View,
    overlay,
)
from startrail.ports.ledger import Ledger
from startrail.ports.store import Store
from startrail.ports.tables import Tables

GONE = ""
"""The version of a partition that the table no longer has."""


class Workspace:
    """Safe to use from the threads of one run."""

    def __init__(self, ledger: Ledger, tables: Callable[[], Tables]) -> None:
        self._tables = tables
        self._lock = RLock()
        self._states: dict[str, TableState | None] = {}
        self._schemas: dict[tuple[str, TableSchema], TableSchema] = {}
        visible = ledger.visible()
        self.pointers: dict[TableName, Pointer] = visible.pointers
        self.versions: dict[str, dict[str, str]] = visible.versions
        self.changes: dict[str, TableChange] = {}
        self.staged: dict[str, StepOutput] = {}
        """Outputs by step key, of all steps that the next publication makes visible."""
        self.moved: dict[str, dict[str, str]] = {}
        """The versions that the next publication sets."""
        self._views: dict[str, tuple[str, tuple[str, ...]]] = {}
        for name, record in visible.views.items():
            if record.output is not None and record.output.view is not None:
                self._views[name] = (record.output.view, record.output.reads)

    # -- looking ---------------------------------------------------------------------------------------
    def exists(self, name: str) -> bool:
        return name in self._views or name in self.changes or TableName.parse(name) in self.pointers

    def is_view(self, name: str) -> bool:
        return name in self._views

    def behind(self, *names: str) -> tuple[str, ...]:
        """These and what the views among them read, at any distance, sorted. Looks into no table."""
        with self._lock:
            return behind(names, {name: reads for name, (_, reads) in self._views.items()})

    def state(self, name: str) -> TableState | None:
        """The published state of a table; None before its first publication."""
        with self._lock:
            if name not in self._states:
                pointer = self.pointers.get(TableName.parse(name))
                self._states[name] = None if pointer is None else self._tables().state(pointer)
            return self._states[name]

    def relations(self, *names: str) -> tuple[Relation | View, ...]:
        """What a query over these names needs, the tables behind views included. Raises UnknownTable."""
        found: dict[str, Relation | View] = {}
        with self._lock:
            for name in names:
                self._collect(name, found)
        return tuple(found.values())

    def table(self, name: str) -> Relation:
        """One table as it stands in this run. Raises UnknownTable."""
        with self._lock:
            change = self.changes.get(name)
            state = self.state(name)
            if change is None and state is None:
                known = {str(table) for table in self.pointers} | set(self.changes) | set(self._views)
                raise UnknownTable(f"there is no table '{name}' yet", hint=did_you_mean(name, known, "run 'startrail run' first"))
            return overlay(name, state, change)

    def _collect(self, name: str, found: dict[str, Relation | View]) -> None:
        if name in found:
            return
        if name in self._views:
            sql, reads = self._views[name]
            for read in reads:
                self._collect(read, found)
            found[name] = View(name, sql)
        else:
            found[name] = self.table(name)

    # -- staging ---------------------------------------------------------------------------------------
    def columns(self, name: str) -> TableSchema | None:
        """The table's columns as they stand in this run; None while there is no such table."""
        with self._lock:
            change, state = self.changes.get(name), self.state(name)
            return change.schema if change is not None else state.schema if state is not None else None

    def schema(self, name: str, described: TableSchema) -> TableSchema:
        """``described`` with the field ids that files of this run must be written with."""
        with self._lock:
            if (name, described) not in self._schemas:
                self._schemas[name, described] = self._tables().assign(described, self._standing(name))
            return self._schemas[name, described]

    def _standing(self, name: str) -> TableState | None:
        """The published state, with the columns that this run has staged: their ids are given away too."""
        change, state = self.changes.get(name), self.state(name)
        if change is None:
            return state
        table = TableState(Pointer(change.table, ""), change.schema, (), None) if state is None else state
        last = max(table.last_id, greatest_id(change.schema))
        return msgspec.structs.replace(table, schema=united(table.schema, change.schema), last_id=last)

    def can_take(self, output: StepOutput, store: Store) -> bool:
        """True when what an earlier run staged can be published now: its files are still there, and they were
        written with the field ids that the table has or will get."""
        return all(
            self.schema(str(change.table), change.schema) == change.schema
            and all(store.size(file.key) is not None for file in change.files)
            and not self._clashes(change)
            for change in output.changes
        )

    def _clashes(self, change: TableChange) -> bool:
        """True when another change of this run gave one of its ids to another column."""
        staged = self.changes.get(str(change.table))
        names = {column.id: column.name for column in staged.schema.columns} if staged is not None else {}
        return any(names.get(column.id, column.name) != column.name for column in change.schema.columns)

    def stage(self, step: Step, output: StepOutput) -> None:
        """Take a done step's output into this run's view, to be published with the rest."""
        with self._lock:
            self.staged[step.key] = output
            if output.view is not None:
                self._views[step.subject] = (output.view, output.reads)
                self._move(step.subject, {WHOLE: step.key})
            for change in output.changes:
                name = str(change.table)
                before = self.changes.get(name)
                if before is not None and step.kind == "load":  # loads of one run may each have found columns of their own
                    change = msgspec.structs.replace(change, schema=united(before.schema, change.schema))
                self.changes[name] = merge(before, msgspec.structs.replace(change, steps=(step.key,)))
                self._move(name, self._next_versions(name, step, output, change))

    def _next_versions(self, name: str, step: Step, output: StepOutput, change: TableChange) -> dict[str, str]:
        before = self.versions.get(name, {})
        if step.kind == "load":
            parts = (WHOLE, *output.touched) if output.changed is None else output.changed
            return {part: add_version(before.get(part), step.key) for part in parts}
        gone = before if change.replaces is None else ()
        return dict.fromkeys(gone, GONE) | {step.partition: step.key}

    def _move(self, name: str, versions: dict[str, str]) -> None:
        current = self.versions.setdefault(name, {}) | versions
        self.versions[name] = {part: version for part, version in current.items() if version != GONE}
        self.moved.setdefault(name, {}).update(versions)

    def moved_views(self) -> dict[str, str]:
        """The views among what the next publication makes visible, and the keys of their steps."""
        keys = {name: versions.get(WHOLE, "") for name, versions in self.moved.items()}
        return {name: key for name, key in sorted(keys.items()) if key in self.staged and self.staged[key].view is not None}

    def published(self, pointers: Mapping[TableName, Pointer]) -> None:
        """The staged changes are visible now."""
        with self._lock:
            self.pointers.update(pointers)
            for name in self.changes:
                self._states.pop(name, None)
            self.changes.clear()
            self.staged.clear()
            self.moved.clear()
            self._schemas.clear()


def merge(first: TableChange | None, second: TableChange) -> TableChange:
    """Both changes as one, the second after the first."""
    if first is None or second.replaces is None:
        return second
    gone = set(second.replaces)
    kept: tuple[DataFile, ...] = tuple(file for file in first.files if file.part not in gone)
    replaces = None if first.replaces is None else tuple(dict.fromkeys(first.replaces + second.replaces))
    return TableChange(second.table, second.schema, kept + second.files, replaces, first.steps + second.steps)


def behind(names: Iterable[str], views: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """These and what the views among them read, at any distance, sorted."""
    found: set[str] = set()
    front = list(names)
    while front:
        name = front.pop()
        if name not in found:
            found.add(name)
            front.extend(views.get(name, ()))
    return tuple(sorted(found))


def add_version(before: str | None, key: str) -> str:
    """A version that has taken in one more step; the order of taking in does not count."""
    return f"{(int(before or '0', 16) + int(key, 16)) % (1 << 128):032x}"


def table_version(versions: Mapping[str, str]) -> str:
    """The version of a whole table from those of its partitions."""
    if WHOLE in versions:
        return versions[WHOLE]
    return fingerprint(*(f"{part}={versions[part]}" for part in sorted(versions)))
