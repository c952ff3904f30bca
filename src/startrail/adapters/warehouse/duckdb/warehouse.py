"""The Warehouse port on DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import duckdb

from startrail.adapters.warehouse.duckdb.engine import open_engine
from startrail.adapters.warehouse.duckdb.exact import Output, projection, schema_of
from startrail.adapters.warehouse.duckdb.failures import Place, translated
from startrail.adapters.warehouse.duckdb.results import for_python, to_python
from startrail.adapters.warehouse.duckdb.sandbox import Sandbox, opened, table
from startrail.adapters.warehouse.duckdb.scratch import Scratch
from startrail.adapters.warehouse.duckdb.statements import only_select, parameters_of, statements
from startrail.adapters.warehouse.duckdb.types import field_ids, quote, text
from startrail.model.table import DataFile, TableName, TableSchema
from startrail.ports.store import Store
from startrail.ports.warehouse import LeftNothing, Query, Readable, Rows, Script, Staged, Target

_PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 1000000"
_FORMATS = {"csv": "FORMAT csv, HEADER true", "parquet": _PARQUET}


class DuckdbWarehouse:
    """One database in this process; every call sees only the relations it was given.

    ``scratch`` is a local folder for files that may be lost, best on the same file system as the store.
    ``memory`` in bytes, ``threads`` 0 = one per core. ``untrusted``: every call gets a database of its own,
    so that not even the names of another call's tables can be seen; for SQL of people who may only propose.
    """

    def __init__(
        self, store: Store, scratch: Path, *, memory: int = 2_000_000_000, threads: int = 0, untrusted: bool = False
    ) -> None:
        self._store = store
        self._scratch = Scratch(scratch)
        self._memory = memory
        self._threads = threads
        self._shared = None if untrusted else self._open(self._scratch.path)

    dialect = "duckdb"
    version = "duckdb-2"

    def quote(self, name: str) -> str:
        return ".".join(quote(part) for part in name.split("."))

    def describe(self, query: Query) -> TableSchema:
        with self._sandbox(query.relations) as box:
            call = _Call(box, query)
            return schema_of(call.outputs, call.place)

    def build(self, query: Query, schema: TableSchema, folder: str, name: str, part: str) -> tuple[DataFile, ...]:
        with self._sandbox(query.relations) as box:
            call = _Call(box, query)
            columns = projection(call.outputs, schema, call.place)
            return self._stage(box, columns, call, Target(schema, folder, name, part))

    def stage(self, query: Query, target: Callable[[TableSchema], Target]) -> Staged:
        with self._sandbox(query.relations) as box:
            call = _Call(box, query)
            goal = target(schema_of(call.outputs, call.place))
            columns = projection(call.outputs, goal.schema, call.place)
            return Staged(goal.schema, self._stage(box, columns, call, goal))

    def run_script(self, script: Script, target: Callable[[str, TableSchema], Target]) -> dict[str, Staged]:
        with self._sandbox(script.relations, (*script.creates,)) as box:
            place = Place(script.sql, script.path, script.first_line)
            for statement in statements(box.cursor, place):
                bound = {name: script.parameters[name] for name in statement.named_parameters if name in script.parameters}
                box.run(statement.query, _inside(place, statement.query), bound)
            box.cursor.commit()
            staged: dict[str, Staged] = {}
            for created in script.creates:
                _must_exist(box, created, place)
                call = _Call(box, Query(f"SELECT * FROM {table(created)}", path=script.path, first_line=script.first_line))
                goal = target(created, schema_of(call.outputs, call.place))
                columns = projection(call.outputs, goal.schema, call.place)
                staged[created] = Staged(goal.schema, self._stage(box, columns, call, goal))
            return staged

    def fetch(self, query: Query, limit: int | None = None) -> Rows:
        with self._sandbox(query.relations) as box:
            call = _Call(box, query)
            shown = for_python(call.outputs)
            call.run(f"SELECT {shown.columns} FROM (\n", f"\n) LIMIT {limit + 1}" if limit is not None else "\n)")
            with translated(call.place, memory=self._memory, files=box.files):
                rows = box.rows()
            more = limit is not None and len(rows) > limit
            return Rows(shown.schema, to_python(rows[:limit] if more else rows, shown.schema), more)

    def export(self, query: Query, path: Path, format: Literal["csv", "parquet"]) -> int:
        with self._sandbox(query.relations) as box:
            call = _Call(box, query)
            columns = projection(call.outputs, schema_of(call.outputs, call.place), call.place)
            made = box.folder / f"export.{format}"
            call.run(f"COPY (SELECT {columns} FROM (\n", f"\n)) TO {text(str(made))} ({_FORMATS[format]})")
            count = _number(box)
            shutil.move(made, path)
            return count

    def close(self) -> None:
        if self._shared is not None:
            self._shared.close()
        self._scratch.close()

    def _open(self, root: Path) -> duckdb.DuckDBPyConnection:
        return open_engine(root, memory=self._memory, threads=self._threads)

    @contextmanager
    def _sandbox(self, relations: tuple[Readable, ...], writable: tuple[str, ...] = ()) -> Iterator[Sandbox]:
        folder = self._scratch.folder()
        engine = self._shared or self._open(folder)
        try:
            with opened(engine, folder, self._store, self._memory, relations, writable) as box:
                yield box
        finally:
            if engine is not self._shared:
                engine.close()

    def _stage(self, box: Sandbox, columns: str, call: _Call, target: Target) -> tuple[DataFile, ...]:
        made = box.folder / f"staged-{target.name}.parquet"
        ids = ", ".join(
            f"{text(column.name)}: {field_ids(column.type, column.id, iter(column.nested))}" for column in target.schema.columns
        )
        options = f"{_PARQUET}, FIELD_IDS {{{ids}}}" if all(column.id for column in target.schema.columns) else _PARQUET
        call.run(f"COPY (SELECT {columns} FROM (\n", f"\n)) TO {text(str(made))} ({options})")
        rows = _number(box)
        if rows == 0:
            return ()
        key = f"{target.folder}/{target.part}/{target.name}-0.parquet"
        return (DataFile(key, rows, self._store.adopt(made, key), target.part),)


class _Call:
    """One judged SELECT in its sandbox: its result columns, and the means to run it inside other text."""

    def __init__(self, box: Sandbox, query: Query) -> None:
        self._box = box
        self.place = Place(query.sql, query.path, query.first_line)
        self._sql = only_select(box.cursor, query.sql, self.place)
        wanted = parameters_of(box.cursor, self._sql)
        self._parameters: dict[str, Any] = {name: value for name, value in query.parameters.items() if name in wanted}
        self.outputs = self._bound()

    def _bound(self) -> list[Output]:
        """Ask for names and types without running anything."""
        try:
            relation = self._box.cursor.sql(self._sql, params=self._parameters or None)
            return [Output(name, kind) for name, kind in zip(relation.columns, relation.types, strict=True)]
        except duckdb.Error as error:
            self.run("EXPLAIN ", "")  # fails again, this time saying where
            with translated(self.place, memory=self._box.memory, files=self._box.files):
                raise error from None

    def run(self, before: str, after: str) -> None:
        place = self.place._replace(before=len(before.encode()))
        self._box.run(before + self._sql + after, place, self._parameters)


def _inside(place: Place, statement: str) -> Place:
    """The whole script, of which the engine sees this statement alone."""
    offset = max(place.sql.find(statement), 0)
    return place._replace(before=-len(place.sql[:offset].encode()))


def _must_exist(box: Sandbox, name: str, place: Place) -> None:
    parsed = TableName.parse(name)
    box.run(
        "SELECT count(*) FROM information_schema.tables "
        "WHERE table_catalog = current_catalog() AND table_schema = $s AND table_name = $n",
        Place(""),
        {"s": parsed.namespace, "n": parsed.name},
    )
    if _number(box) == 0:
        raise LeftNothing(f"the script does not leave the table '{name}'", at=place.span(None), hint="mend writes in its header")


def _number(box: Sandbox) -> int:
    row = box.cursor.fetchone()
    assert row is not None
    return int(row[0])
