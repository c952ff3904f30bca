"""What publishing costs: 200 tables in one group, and 1,000 commits to one table.

    python benchmarks/publishing.py

Prints CPU seconds of this process. The pointers move in a SQLite database as the ledger's do, in one
transaction per group. Data files are one tiny Parquet file each, so that metadata is all that is measured.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from startrail.adapters.store.local import LocalStore
from startrail.adapters.tables.iceberg import IcebergTables
from startrail.model.table import Column, DataFile, Pointer, Prepared, TableChange, TableName, TableSchema
from startrail.model.types import parse_type

COLUMNS = 10
AT = datetime(2026, 10, 3, 6, tzinfo=UTC)


def main() -> int:
    folder = Path(tempfile.mkdtemp())
    try:
        store = LocalStore(folder / "store")
        bytes_ = parquet(folder / "one.parquet")
        group(store, bytes_, "new", 200)
        ratios = [commits(store, bytes_, how, 1000) for how in ("append", "replace one part of 30", "replace the whole")]
    finally:
        shutil.rmtree(folder)
    return 0 if max(ratios) <= 1.5 else 1


def group(store: LocalStore, data: bytes, word: str, count: int) -> None:
    """Publish ``count`` tables together, twice: as new tables and as tables that exist."""
    names = [TableName("marts", f"{word}_{n}") for n in range(count)]
    pointers: dict[TableName, Pointer] = {}
    catalog = Catalog()
    for turn in ("new", "existing"):
        tables = IcebergTables(store)
        schema = tables.assign(SCHEMA, None)
        changes = [TableChange(name, schema, (staged(store, name, "all", turn, data),), None, ("step",)) for name in names]
        cpu, wall = time.process_time(), time.perf_counter()
        prepared = [tables.prepare(change, pointers.get(change.table), AT) for change in changes]
        catalog.move(prepared)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        pointers = {one.change.table: one.pointer for one in prepared}
        print(f"{count} {turn} tables in one group: {cpu:.2f} s CPU, {cpu / count * 1000:.2f} ms a table, {wall:.2f} s wall")


def commits(store: LocalStore, data: bytes, how: str, count: int) -> float:
    """``count`` commits to one table; the ratio of what the last fifty cost to the first fifty.

    Fifty times the median commit, so that a busy neighbour on the machine counts less.
    """
    tables, catalog = IcebergTables(store), Catalog()
    schema = tables.assign(SCHEMA, None)
    name = TableName("raw", how.replace(" ", "_"))
    pointer: Pointer | None = None
    costs: list[float] = []
    for n in range(count):
        part = f"d{n}" if how == "append" else f"d{n % 30}"
        replaces = () if how == "append" else None if how == "replace the whole" else (part,)
        change = TableChange(name, schema, (staged(store, name, part, f"s{n}", data),), replaces, ("step",))
        cpu = time.process_time()
        prepared = tables.prepare(change, pointer, AT)
        catalog.move([prepared])
        costs.append(time.process_time() - cpu)
        pointer = prepared.pointer
    first, last = 50 * statistics.median(costs[:50]), 50 * statistics.median(costs[-50:])
    print(f"{count} commits, {how}: first 50 {first:.3f} s CPU, last 50 {last:.3f} s, ratio {last / first:.2f}")
    return last / first


class Catalog:
    """The one table of the ledger that matters here."""

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        self.database.execute("CREATE TABLE iceberg_tables (name TEXT PRIMARY KEY, metadata_location TEXT, previous TEXT)")

    def move(self, prepared: list[Prepared]) -> None:
        self.database.execute("BEGIN IMMEDIATE")
        for one in prepared:
            new, old = one.pointer.metadata, one.pointer.previous
            if old is None:
                done = self.database.execute("INSERT INTO iceberg_tables VALUES (?, ?, NULL)", (str(one.change.table), new))
            else:
                done = self.database.execute(
                    "UPDATE iceberg_tables SET metadata_location = ?, previous = ? WHERE name = ? AND metadata_location = ?",
                    (new, old, str(one.change.table), old),
                )
            assert done.rowcount == 1
        self.database.execute("COMMIT")


SCHEMA = TableSchema(tuple(Column(f"c{n}", parse_type("long")) for n in range(COLUMNS)))


def parquet(path: Path) -> bytes:
    fields = [pa.field(f"c{n}", pa.int64(), metadata={"PARQUET:field_id": str(n + 1)}) for n in range(COLUMNS)]
    pq.write_table(pa.table([[n] for n in range(COLUMNS)], schema=pa.schema(fields)), path)
    return path.read_bytes()


def staged(store: LocalStore, table: TableName, part: str, name: str, data: bytes) -> DataFile:
    key = f"tables/{table.namespace}/{table.name}/data/{part}/{name}-0.parquet"
    return DataFile(key, 1, store.put(key, data), part)


if __name__ == "__main__":
    sys.exit(main())
