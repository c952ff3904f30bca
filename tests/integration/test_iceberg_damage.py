"""Bad files: each is an error with a code that names the file, and never wrong rows."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.parquet import schema_of, stage

from startrail.adapters.store.local import LocalStore
from startrail.adapters.tables.iceberg import IcebergTables
from startrail.model.table import DataFile, Pointer, TableChange, TableName, TableSchema
from startrail.ports.store import Store
from startrail.ports.tables import (
    ColumnIncompatible,
    MetadataMissing,
    MetadataUnreadable,
    OutsideStore,
    StagedFileWrong,
)
from startrail.testing.store import MemoryStore

ORDERS = TableName("raw", "orders")
AT = datetime(2026, 10, 3, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStore, Pointer]:
    store = MemoryStore()
    tables = IcebergTables(store)
    schema = tables.assign(schema_of(id="long", s="string"), None)
    pointer = None
    for n in range(3):
        file = stage(store, tmp_path_factory.mktemp("staging"), ORDERS, schema, f"SELECT {n} id, 'x' s", f"d{n}", f"s{n}")
        pointer = tables.prepare(TableChange(ORDERS, schema, (file,), ()), pointer, AT).pointer
    assert pointer is not None
    return store, pointer


def _copy(store: MemoryStore) -> MemoryStore:
    copied = MemoryStore()
    for one in store.list(""):
        copied.put(one.key, store.get(one.key))
    return copied


def _metadata(store: MemoryStore, pointer: Pointer, ending: str) -> list[str]:
    keys = [one.key for one in store.list("tables/raw/orders/metadata/") if one.key.endswith(ending)]
    return [store.key(pointer.metadata)] if ending == ".json" else keys


@pytest.mark.parametrize("ending", [".json", ".avro"])
def test_missing_metadata_is_st550_and_names_the_file(published: tuple[MemoryStore, Pointer], ending: str) -> None:
    for key in _metadata(*published, ending):
        store = _copy(published[0])
        store.delete(key)
        try:
            IcebergTables(store).state(published[1])
        except MetadataMissing as error:
            assert key in error.message  # noqa: PT017 - older files are not read at all
        else:
            assert ending == ".avro"


@pytest.mark.parametrize("ending", [".json", ".avro"])
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_metadata_that_changed_on_the_disk_is_an_error(
    published: tuple[MemoryStore, Pointer], ending: str, data: st.DataObject
) -> None:
    whole = IcebergTables(published[0]).state(published[1])
    store = _copy(published[0])
    key = data.draw(st.sampled_from(_metadata(*published, ending)))
    content = store.get(key)
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    store.put(key, data.draw(st.sampled_from([content[:at], flipped])))
    try:
        found = IcebergTables(store).state(published[1])
    except MetadataUnreadable:
        return
    assert "/snap-" in key, "only the lists of older snapshots are not read"
    assert found == whole


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_for_a_manifest_of_another_program_are_an_error(content: bytes) -> None:
    store = MemoryStore()
    tables = IcebergTables(store)
    schema = tables.assign(schema_of(id="long"), None)
    pointer = tables.prepare(TableChange(ORDERS, schema, ()), None, AT).pointer
    key = store.key(pointer.metadata)
    text = store.get(key).decode()
    known = next(one.key for one in store.list("tables/raw/orders/metadata/snap-"))
    store.put("foreign.metadata.json", text.replace(store.uri(known), store.uri("foreign.avro")).encode())
    store.put("foreign.avro", b"Obj\x01" + content)
    with pytest.raises(MetadataUnreadable):
        IcebergTables(store).state(Pointer(ORDERS, store.uri("foreign.metadata.json")))


def test_metadata_of_another_store_is_st553(published: tuple[MemoryStore, Pointer]) -> None:
    store, pointer = published
    elsewhere = msgspec.structs.replace(pointer, metadata="s3://elsewhere/00000-x.metadata.json")
    with pytest.raises(OutsideStore, match="ST553"):
        IcebergTables(store).state(elsewhere)
    moved = _copy(store)
    moved.put("moved.metadata.json", store.get(store.key(pointer.metadata)).replace(b"memory:///", b"file:///old/"))
    with pytest.raises(OutsideStore):
        IcebergTables(moved).state(Pointer(ORDERS, store.uri("moved.metadata.json")))


def test_a_table_of_format_3_is_read_by_others_only(published: tuple[MemoryStore, Pointer]) -> None:
    store = _copy(published[0])
    ours = store.get(store.key(published[1].metadata))
    store.put("theirs.metadata.json", ours.replace(b'"format-version":2', b'"format-version":3,"next-row-id":1'))
    theirs = Pointer(ORDERS, store.uri("theirs.metadata.json"))
    tables = IcebergTables(store)
    state = tables.state(theirs)
    with pytest.raises(MetadataUnreadable, match="format 3"):
        tables.prepare(TableChange(ORDERS, state.schema, ()), theirs, AT)


def test_metadata_whose_current_snapshot_is_missing_is_not_an_empty_table(published: tuple[MemoryStore, Pointer]) -> None:
    store = _copy(published[0])
    state = IcebergTables(store).state(published[1])
    ours = store.get(store.key(published[1].metadata)).decode()
    store.put("theirs.metadata.json", ours.replace(f'"current-snapshot-id":{state.snapshot}', '"current-snapshot-id":7').encode())
    with pytest.raises(MetadataUnreadable, match="current snapshot"):
        IcebergTables(store).state(Pointer(ORDERS, store.uri("theirs.metadata.json")))


def test_metadata_that_another_program_zipped_is_read(published: tuple[MemoryStore, Pointer]) -> None:
    store = _copy(published[0])
    store.put("theirs.gz.metadata.json", gzip.compress(store.get(store.key(published[1].metadata))))
    state = IcebergTables(store).state(Pointer(ORDERS, store.uri("theirs.gz.metadata.json")))
    assert state.files == IcebergTables(store).state(published[1]).files


COLUMNS = schema_of(id="long!", amount="decimal(9,2)", who="struct<name: string>", day="date")
GOOD = "1::BIGINT id, 2.5::DECIMAL(9,2) amount, {'name': 'x'} who, DATE '2026-10-03' \"day\""
IDS = "id: 1, amount: 2, who: {__duckdb_field_id: 3, name: 4}, day: 5"


@pytest.mark.parametrize(
    ("select", "ids", "why"),
    [
        (GOOD.replace("1::BIGINT", "'1'"), IDS, "'id' is string, the table's is long"),
        (GOOD.replace("DECIMAL(9,2)", "DECIMAL(9,3)"), IDS, "the table's is decimal"),
        (GOOD.replace("DECIMAL(9,2)", "DECIMAL(12,2)"), IDS, "the table's is decimal"),
        (GOOD.replace("{'name': 'x'}", "'x'"), IDS.replace("{__duckdb_field_id: 3, name: 4}", "3"), "the table's is struct"),
        (GOOD.replace("{'name': 'x'}", "{'name': 1}"), IDS, "'name' is int32, the table's is string"),
        (GOOD.replace("DATE '2026-10-03'", "TIMESTAMP '2026-10-03'"), IDS, "the table's is date"),
        (GOOD, "id: 1", "has no field id"),
        (GOOD, IDS.replace("amount: 2", "amount: 9"), "field id 9, which the table does not know"),
        (GOOD.replace("1::BIGINT id, ", ""), IDS.replace("id: 1, ", ""), "lacks the required column 'id'"),
        (GOOD.replace("1::BIGINT", "NULL::BIGINT"), IDS, "required column 'id' has 1 nulls"),
    ],
)
def test_a_staged_file_with_other_columns_is_st555(tmp_path: Path, select: str, ids: str, why: str) -> None:
    store = MemoryStore()
    tables = IcebergTables(store)
    path = tmp_path / "x.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"COPY (SELECT {select}) TO '{path}' (FORMAT parquet, FIELD_IDS {{{ids}}})")
    file = DataFile("tables/raw/orders/data/all/x.parquet", 1, store.adopt(path, "tables/raw/orders/data/all/x.parquet"))
    with pytest.raises(StagedFileWrong, match="ST555") as caught:
        tables.prepare(TableChange(ORDERS, tables.assign(COLUMNS, None), (file,)), None, AT)
    assert why in caught.value.message
    assert file.key in caught.value.message


def test_a_staged_file_that_is_missing_short_or_no_parquet_is_st555(tmp_path: Path) -> None:
    store = MemoryStore()
    tables = IcebergTables(store)
    schema = tables.assign(schema_of(id="long"), None)
    good = stage(store, tmp_path, ORDERS, schema, "SELECT 1 id")
    text, cut = "tables/raw/orders/data/all/text.parquet", "tables/raw/orders/data/all/cut.parquet"
    text_size, cut_size = store.put(text, b"no parquet at all"), store.put(cut, store.get(good.key)[:-9])
    for file, why in (
        (msgspec.structs.replace(good, key="tables/raw/orders/data/all/lost.parquet"), "not in the store"),
        (msgspec.structs.replace(good, rows=2), "it has 1 rows, its step said 2"),
        (msgspec.structs.replace(good, size=good.size - 1), f"it has {good.size} bytes"),
        (msgspec.structs.replace(good, key=text, size=text_size), "not a Parquet file"),
        (msgspec.structs.replace(good, key=cut, size=cut_size), "not a Parquet file"),
    ):
        with pytest.raises(StagedFileWrong) as caught:
            tables.prepare(TableChange(ORDERS, schema, (file,)), None, AT)
        assert why in caught.value.message


def test_a_column_cannot_become_narrower_while_old_files_stay(tmp_path: Path) -> None:
    store = MemoryStore()
    tables = IcebergTables(store)
    schema = tables.assign(schema_of(id="long"), None)
    first = stage(store, tmp_path, ORDERS, schema, "SELECT 1 id", "d1", "s1")
    pointer = tables.prepare(TableChange(ORDERS, schema, (first,)), None, AT).pointer
    narrow = TableSchema((msgspec.structs.replace(schema.columns[0], type=schema_of(x="int").columns[0].type),))
    with pytest.raises(ColumnIncompatible, match="ST556"):
        tables.prepare(TableChange(ORDERS, narrow, (), ()), pointer, AT)
    tables.prepare(TableChange(ORDERS, narrow, (), None), pointer, AT)


def test_a_column_becomes_required_only_when_no_old_file_stays(tmp_path: Path) -> None:
    store = MemoryStore()
    tables = IcebergTables(store)
    loose, strict = tables.assign(schema_of(id="long"), None), tables.assign(schema_of(id="long!"), None)
    first = stage(store, tmp_path, ORDERS, loose, "SELECT NULL id", "d1", "s1")
    pointer = tables.prepare(TableChange(ORDERS, loose, (first,)), None, AT).pointer
    second = stage(store, tmp_path, ORDERS, strict, "SELECT 1 id", "d2", "s2")
    beside = tables.prepare(TableChange(ORDERS, strict, (second,), ()), pointer, AT).pointer
    assert not tables.state(beside).schema.columns[0].required
    instead = tables.prepare(TableChange(ORDERS, strict, (second,), None), pointer, AT).pointer
    assert tables.state(instead).schema.columns[0].required


def test_a_schema_without_ids_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="assign"):
        IcebergTables(MemoryStore()).prepare(TableChange(ORDERS, schema_of(id="long"), ()), None, AT)


def test_a_kill_while_writing_leaves_the_old_pointer_whole(published: tuple[MemoryStore, Pointer], tmp_path: Path) -> None:
    schema = IcebergTables(published[0]).state(published[1]).schema
    whole = IcebergTables(published[0]).state(published[1])
    for writes in range(3):
        store = _Dying(_copy(published[0]), writes)
        file = stage(store.inner, tmp_path, ORDERS, schema, "SELECT 9 id, 'y' s", "d9", "s9")
        with pytest.raises(KeyboardInterrupt):
            IcebergTables(store).prepare(TableChange(ORDERS, schema, (file,), ("d0",)), published[1], AT)
        assert IcebergTables(store.inner).state(published[1]) == whole
        again = IcebergTables(store.inner).prepare(TableChange(ORDERS, schema, (file,), ("d0",)), published[1], AT)
        assert len(IcebergTables(store.inner).state(again.pointer).files) == 3


class _Dying(MemoryStore):
    """Its process is killed at a given write."""

    def __init__(self, inner: MemoryStore, writes: int) -> None:
        super().__init__()
        self.inner, self.writes = inner, writes
        self._objects = inner._objects

    def put(self, key: str, data: bytes | Iterable[bytes]) -> int:
        if self.writes == 0:
            raise KeyboardInterrupt
        self.writes -= 1
        return super().put(key, data)


def test_tables_are_prepared_in_threads(tmp_path: Path) -> None:
    store: Store = LocalStore(tmp_path / "store")
    tables = IcebergTables(store)
    schema = tables.assign(schema_of(id="long"), None)
    one = store.get(stage(store, tmp_path / "staging", ORDERS, schema, "SELECT 1 id").key)

    def publish(number: int) -> int:
        name, pointer = TableName("raw", f"t{number}"), None
        for turn in range(8):
            key = f"tables/raw/t{number}/data/d{turn}/s.parquet"
            file = DataFile(key, 1, store.put(key, one), f"d{turn}")
            pointer = tables.prepare(TableChange(name, schema, (file,), ()), pointer, AT).pointer
        assert pointer is not None
        return len(IcebergTables(store).state(pointer).files)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(publish, range(8))) == [8] * 8
