"""Tables in a bucket: the same metadata, addressed by ``s3://``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyiceberg.table import StaticTable
from tests.fixtures.parquet import schema_of, stage

from startrail.adapters.tables.iceberg import IcebergTables
from startrail.model.table import TableChange, TableName
from startrail.ports.store import Store
from startrail.ports.tables import StagedFileWrong

SALES = TableName("marts", "sales")
AT = datetime(2026, 10, 3, 6, tzinfo=UTC)


def test_a_table_in_a_bucket_opens_with_another_client(
    s3_store: Callable[[Path], Store], s3_endpoint: str, tmp_path: Path
) -> None:
    store = s3_store(tmp_path / "cache")
    tables = IcebergTables(store)
    schema = tables.assign(schema_of(id="long", s="string"), None)
    pointer = None
    for n in range(3):
        file = stage(store, tmp_path / "staging", SALES, schema, f"SELECT {n} id, 'x' s", f"d{n % 2}", f"s{n}-0")
        pointer = tables.prepare(TableChange(SALES, schema, (file,), (file.part,)), pointer, AT).pointer
    assert pointer is not None
    assert pointer.metadata.startswith("s3://")
    assert IcebergTables(store).state(pointer) == tables.state(pointer)
    keys = {"s3.endpoint": s3_endpoint, "s3.access-key-id": "test", "s3.secret-access-key": "test", "s3.region": "us-east-1"}
    rows = StaticTable.from_metadata(pointer.metadata, keys).scan().to_arrow().to_pylist()
    assert sorted(row["id"] for row in rows) == [1, 2]
    lost = TableChange(SALES, schema, (type(file)("tables/marts/sales/data/all/lost.parquet", 1, 1),))
    with pytest.raises(StagedFileWrong, match="not in the store"):
        tables.prepare(lost, pointer, AT)
