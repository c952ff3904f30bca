"""Any history of changes leaves exactly the files that a dict of parts would hold."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.parquet import schema_of

from startrail.adapters.tables.iceberg import IcebergTables
from startrail.model.table import DataFile, Pointer, TableChange, TableName, TableSchema
from startrail.testing.store import MemoryStore
from startrail.testing.tables import MemoryTables

NAME = TableName("raw", "orders")
AT = datetime(2026, 10, 3, tzinfo=UTC)
PARTS = ("a", "b", "c")

change = st.tuples(
    st.none() | st.sets(st.sampled_from(PARTS)).map(lambda parts: tuple(sorted(parts))),
    st.lists(st.sampled_from(PARTS), max_size=4),
    st.booleans(),
)


def _parquet() -> bytes:
    stream = io.BytesIO()
    field = pa.field("id", pa.int64(), metadata={"PARQUET:field_id": "1"})
    pq.write_table(pa.table([[7]], schema=pa.schema([field])), stream)
    return stream.getvalue()


ONE_ROW = _parquet()


@pytest.mark.parametrize("kind", ["memory", "iceberg"])
@settings(deadline=None, max_examples=40)
@given(history=st.lists(change, min_size=1, max_size=40))
def test_the_files_are_those_of_a_plain_dict(kind: str, history: list[tuple[tuple[str, ...] | None, list[str], bool]]) -> None:
    store = MemoryStore()
    tables = MemoryTables() if kind == "memory" else IcebergTables(store)
    schema = tables.assign(schema_of(id="long"), None)
    model: dict[str, DataFile] = {}
    seen: dict[int, tuple[TableSchema, tuple[DataFile, ...]]] = {}
    pointer: Pointer | None = None
    for turn, (replaces, parts, twice) in enumerate(history):
        files = tuple(_stage(store, part, f"s{turn}-{n}") for n, part in enumerate(parts))
        if twice and model:
            files += (next(iter(model.values())),)
        gone = set(PARTS) if replaces is None else set(replaces)
        model = {key: file for key, file in model.items() if file.part not in gone} | {file.key: file for file in files}
        prepared = tables.prepare(TableChange(NAME, schema, files, replaces), pointer, AT)
        pointer = prepared.pointer
        seen[prepared.snapshot] = (schema, tuple(model[key] for key in sorted(model)))
    assert pointer is not None
    for reader in (tables, tables if kind == "memory" else IcebergTables(store)):
        state = reader.state(pointer)
        assert {file.key: file for file in state.files} == model
        for snapshot in state.snapshots:
            assert reader.files(pointer, snapshot.id) == seen[snapshot.id]


def _stage(store: MemoryStore, part: str, name: str) -> DataFile:
    key = f"tables/raw/orders/data/{part}/{name}.parquet"
    return DataFile(key, 1, store.put(key, ONE_ROW), part)
