"""States kept between processes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import pytest
from tests.fixtures.parquet import schema_of

from startrail.adapters.tables.remembered import RememberedTables
from startrail.model.table import DataFile, Pointer, TableChange, TableName
from startrail.ports.tables import MetadataMissing, Tables
from startrail.testing.tables import MemoryTables

AT = datetime(2026, 10, 3, tzinfo=UTC)
CHANGE = TableChange(TableName("raw", "orders"), schema_of(), (DataFile("tables/raw/orders/data/d1/s.parquet", 1, 1, "d1"),))


class Cache:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        return self.values.get(kind + key)

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.values[kind + key] = value


def _nobody() -> Tables:
    raise AssertionError("the library was opened")


def test_what_one_process_prepared_another_sees_without_opening_the_library() -> None:
    cache, inner = Cache(), MemoryTables()
    pointer = RememberedTables(cache, lambda: inner).prepare(CHANGE, None, AT).pointer
    assert RememberedTables(cache, _nobody).state(pointer) == inner.state(pointer)


def test_what_the_cache_lost_or_does_not_understand_is_read_again() -> None:
    cache, inner = Cache(), MemoryTables()
    pointer = inner.prepare(CHANGE, None, AT).pointer
    tables = RememberedTables(cache, lambda: inner)
    assert tables.state(pointer) == inner.state(pointer)
    for key in cache.values:
        cache.values[key] = msgspec.msgpack.encode({"pointer": 1})
    assert tables.state(pointer) == inner.state(pointer)


def test_errors_are_not_remembered() -> None:
    cache = Cache()
    with pytest.raises(MetadataMissing):
        RememberedTables(cache, MemoryTables).state(Pointer(CHANGE.table, "memory://nothing"))
    assert cache.values == {}


def test_importing_it_loads_no_table_library() -> None:
    heavy = "[m for m in ('pyiceberg', 'pyarrow', 'pydantic') if m in sys.modules]"
    code = f"import sys, startrail.adapters.tables.remembered; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
