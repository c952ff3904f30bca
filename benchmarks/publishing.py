"""What publishing costs: 200 tables in one group, and 1,000 commits to one table.

    python -m benchmarks publishing [--quick]

CPU seconds of this process. The pointers move in a SQLite database as the ledger's do, in one
transaction per group. Data files are one tiny Parquet file each, so that metadata is all that is measured.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.figures import Figure

from startrail.adapters.store.local import LocalStore
from startrail.adapters.tables.iceberg import IcebergTables
from startrail.model.table import Column, DataFile, Pointer, Prepared, TableChange, TableName, TableSchema
from startrail.model.types import parse_type

COLUMNS = 10
AT = datetime(2026, 10, 3, 6, tzinfo=UTC)


def figures(_rounds: int = 1, *, quick: bool = False) -> list[Figure]:
    """One round: a thousand commits are enough of them."""
    tables, times = (20, 100) if quick else (200, 1000)
    folder = Path(tempfile.mkdtemp())
    try:
        store = LocalStore(folder / "store")
        bytes_ = parquet(folder / "one.parquet")
        found = group(store, bytes_, "new", tables)
        for how in ("append", "replace one part of 30", "replace the whole"):
            found.append(commits(store, bytes_, how, times))
    finally:
        shutil.rmtree(folder)
    return found


def group(store: LocalStore, data: bytes, word: str, count: int) -> list[Figure]:
    """Publish ``count`` tables together, twice: as new tables and as tables that exist."""
    names = [TableName("marts", f"{word}_{n}") for n in range(count)]
    pointers: dict[TableName, Pointer] = {}
    catalog, found = Catalog(), list[Figure]()
    for turn in ("new", "existing"):
        tables = IcebergTables(store)
        schema = tables.assign(SCHEMA, None)
        changes = [TableChange(name, schema, (staged(store, name, "all", turn, data),), None, ("step",)) for name in names]
        cpu = time.process_time()
        prepared = [tables.prepare(change, pointers.get(change.table), AT) for change in changes]
        catalog.move(prepared)
        found.append(Figure(f"publishing {count} {turn} tables in one group", time.process_time() - cpu))
        pointers = {one.change.table: one.pointer for one in prepared}
    return found


def commits(store: LocalStore, data: bytes, how: str, count: int) -> Figure:
    """``count`` commits to one table; the ratio of what the last fifty cost to the first fifty.

    The first fifty are those of a second table that takes turns with the last of the first one, so that a machine
    whose speed changes within minutes is as quick for both.
    """
    old, new = Table(store, data, f"old {how}"), Table(store, data, f"new {how}")
    for _ in range(count - 50):
        old.commit()
    costs = [(old.commit(), new.commit()) for _ in range(50)]
    ratio = sum(last for last, _ in costs) / sum(first for _, first in costs)
    return Figure(f"{count} commits, {how}: last 50 to first 50", ratio, "x", 1.5)


class Table:
    """One table, committed to again and again."""

    def __init__(self, store: LocalStore, data: bytes, name: str) -> None:
        self.store, self.data, self.name = store, data, TableName("raw", name.replace(" ", "_"))
        self.tables, self.catalog = IcebergTables(store), Catalog()
        self.schema = self.tables.assign(SCHEMA, None)
        self.pointer: Pointer | None = None
        self.commits = 0

    def commit(self) -> float:
        """One more; returns its CPU seconds."""
        how = self.name.name.partition("_")[2]
        part = f"d{self.commits}" if how == "append" else f"d{self.commits % 30}"
        replaces = () if how == "append" else None if how == "replace_the_whole" else (part,)
        file = staged(self.store, self.name, part, f"s{self.commits}", self.data)
        change = TableChange(self.name, self.schema, (file,), replaces, ("step",))
        cpu = time.process_time()
        prepared = self.tables.prepare(change, self.pointer, AT)
        self.catalog.move([prepared])
        cpu = time.process_time() - cpu
        self.pointer = prepared.pointer
        self.commits += 1
        return cpu


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
