"""What a Parquet footer says about its columns, over several row groups."""

from __future__ import annotations

import io
import struct

import pyarrow as pa
import pyarrow.parquet as pq
from tests.fixtures.parquet import schema_of

from startrail.adapters.tables.footers import iceberg_file
from startrail.model.evolution import assign_ids
from startrail.model.table import DataFile
from startrail.testing.store import MemoryStore

KEY = "tables/raw/orders/data/all/s.parquet"


def _described(columns: dict[str, list[object]], kinds: dict[str, pa.DataType], **schema: str):  # type: ignore[no-untyped-def]
    store, stream = MemoryStore(), io.BytesIO()
    fields = [pa.field(name, kinds[name], metadata={"PARQUET:field_id": str(n)}) for n, name in enumerate(columns, 1)]
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), stream, row_group_size=2)
    rows = len(next(iter(columns.values())))
    file = DataFile(KEY, rows, store.put(KEY, stream.getvalue()))
    assigned = assign_ids(schema_of(**schema), None, 0)
    return iceberg_file(store, file, assigned, len(assigned.columns))


def test_bounds_and_counts_cover_all_row_groups() -> None:
    columns: dict[str, list[object]] = {"n": [5, 1, None, None, 9, None], "d": [1.5, None, None, None, None, -3.0]}
    found = _described(columns, {"n": pa.int32(), "d": pa.float64()}, n="long", d="double")
    assert found.value_counts == {1: 6, 2: 6}
    assert found.null_value_counts == {1: 3, 2: 4}
    assert found.lower_bounds == {1: struct.pack("<q", 1), 2: struct.pack("<d", -3.0)}
    assert found.upper_bounds == {1: struct.pack("<q", 9), 2: struct.pack("<d", 1.5)}
    assert found.split_offsets is not None
    assert found.split_offsets == sorted(set(found.split_offsets))
    assert len(found.split_offsets) == 3
    assert sum(found.column_sizes.values()) < found.file_size_in_bytes


def test_a_column_of_nulls_has_counts_but_no_bounds() -> None:
    found = _described({"n": [None, None, None]}, {"n": pa.int64()}, n="long")
    assert (found.null_value_counts, found.lower_bounds, found.upper_bounds) == ({1: 3}, {}, {})


def test_a_wide_table_has_statistics_for_its_first_hundred_columns() -> None:
    names = [f"c{n}" for n in range(130)]
    columns: dict[str, list[object]] = {name: [1] for name in names}
    found = _described(columns, dict.fromkeys(names, pa.int64()), **dict.fromkeys(names, "long"))
    assert set(found.lower_bounds) == set(range(1, 101))


def test_a_column_that_the_table_dropped_is_not_described() -> None:
    found = _described({"n": [1], "old": [2]}, {"n": pa.int64(), "old": pa.int64()}, n="long", old="long")
    assert set(found.value_counts) == {1, 2}
    store, stream = MemoryStore(), io.BytesIO()
    fields = [pa.field(name, pa.int64(), metadata={"PARQUET:field_id": str(id)}) for name, id in (("old", 1), ("n", 2))]
    pq.write_table(pa.table([[1], [2]], schema=pa.schema(fields)), stream)
    schema = assign_ids(schema_of(n="long"), None, 1)
    found = iceberg_file(store, DataFile(KEY, 1, store.put(KEY, stream.getvalue())), schema, 2)
    assert found.lower_bounds == {2: struct.pack("<q", 2)}
