"""What every implementation of the Tables port does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.parquet import schema_of, stage

from startrail.adapters.store.local import LocalStore
from startrail.adapters.tables.iceberg import IcebergTables
from startrail.adapters.tables.remembered import RememberedTables
from startrail.base import crash
from startrail.base.errors import LedgerError
from startrail.model.table import Column, DataFile, Pointer, Prepared, TableChange, TableName, TableSchema, TableState
from startrail.model.types import Primitive, parse_type
from startrail.ports.tables import Tables
from startrail.testing.tables import MemoryTables

ORDERS = TableName("raw", "orders")
NOON = datetime(2026, 10, 3, 12, tzinfo=UTC)


class House:
    """One table under test: publishes changes one after another, as the ledger would."""

    def __init__(self, tables: Tables, store: LocalStore | None, folder: Path) -> None:
        self.tables = tables
        self.store = store
        self.folder = folder
        self.pointer: Pointer | None = None
        self.staged = 0

    def file(self, schema: TableSchema, part: str = "all", rows: int = 1) -> DataFile:
        """A staged file; a real one when there is a store."""
        self.staged += 1
        name = f"s{self.staged:04d}-0"
        if self.store is None:
            return DataFile(f"tables/raw/orders/data/{part}/{name}.parquet", rows, 100, part)
        values = ", ".join(f'CAST(NULL AS VARCHAR) AS "{column.name}"' for column in schema.columns)
        return stage(self.store, self.folder, ORDERS, schema, f"SELECT {values} FROM range({rows})", part, name)

    def publish(
        self,
        schema: TableSchema,
        *files: DataFile,
        replaces: tuple[str, ...] | None = (),
        steps: tuple[str, ...] = (),
        at: datetime = NOON,
    ) -> TableState:
        prepared = self.tables.prepare(TableChange(ORDERS, schema, files, replaces, steps), self.pointer, at)
        before, self.pointer = self.pointer, prepared.pointer
        assert prepared.pointer.previous == (before.metadata if before is not None else None)
        state = self.tables.state(self.pointer)
        assert state.snapshot == prepared.snapshot
        return state

    def assign(self, schema: TableSchema) -> TableSchema:
        return self.tables.assign(schema, self.tables.state(self.pointer) if self.pointer is not None else None)


@pytest.fixture(params=["memory", "iceberg", "iceberg read anew", "iceberg remembered"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    if request.param == "memory":
        return House(MemoryTables(), None, tmp_path)
    store = LocalStore(tmp_path / "store")
    tables: dict[str, Tables] = {
        "iceberg": IcebergTables(store),
        "iceberg read anew": _Forgetful(store),
        "iceberg remembered": RememberedTables(DictCache(), lambda: IcebergTables(store)),
    }
    return House(tables[request.param], store, tmp_path / "staging")


class DictCache:
    """A cache that loses nothing."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        return self.values.get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.values[kind, key] = value


class _Forgetful:
    """IcebergTables as a new process meets it at every call: nothing remembered."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def state(self, pointer: Pointer) -> TableState:
        return IcebergTables(self._store).state(pointer)

    def files(self, pointer: Pointer, snapshot: int) -> tuple[TableSchema, tuple[DataFile, ...]]:
        return IcebergTables(self._store).files(pointer, snapshot)

    def assign(self, schema: TableSchema, state: TableState | None) -> TableSchema:
        return IcebergTables(self._store).assign(schema, state)

    def prepare(self, change: TableChange, pointer: Pointer | None, at: datetime) -> Prepared:
        return IcebergTables(self._store).prepare(change, pointer, at)


@pytest.fixture
def schema(house: House) -> TableSchema:
    return house.assign(schema_of(id="long", amount="decimal(18,2)"))


def test_a_first_change_makes_the_table(house: House, schema: TableSchema) -> None:
    file = house.file(schema, rows=3)
    state = house.publish(schema, file, steps=("step-1",))
    assert state.files == (file,)
    assert state.schema == schema
    assert [one.steps for one in state.snapshots] == [("step-1",)]
    assert state.last_id == 2


def test_a_table_may_be_empty(house: House, schema: TableSchema) -> None:
    assert house.publish(schema, replaces=None).files == ()
    file = house.file(schema)
    assert house.publish(schema, file).files == (file,)


def test_appending_keeps_what_is_there(house: House, schema: TableSchema) -> None:
    first, second = house.file(schema, "d1"), house.file(schema, "d2")
    house.publish(schema, first)
    assert set(house.publish(schema, second).files) == {first, second}


def test_replacing_a_part_leaves_the_others(house: House, schema: TableSchema) -> None:
    one, two, three = (house.file(schema, part) for part in ("p1", "p2", "p2"))
    house.publish(schema, one, two, three)
    new = house.file(schema, "p2")
    assert set(house.publish(schema, new, replaces=("p2",)).files) == {one, new}


def test_a_part_can_become_empty(house: House, schema: TableSchema) -> None:
    one, two = house.file(schema, "p1"), house.file(schema, "p2")
    house.publish(schema, one, two)
    assert house.publish(schema, replaces=("p1",)).files == (two,)


def test_replacing_a_part_that_is_not_there_adds_it(house: House, schema: TableSchema) -> None:
    one = house.file(schema, "p1")
    assert house.publish(schema, one, replaces=("p1",)).files == (one,)


def test_replacing_the_whole_leaves_only_the_new_files(house: House, schema: TableSchema) -> None:
    house.publish(schema, house.file(schema, "p1"), house.file(schema, "p2"))
    new = house.file(schema)
    assert house.publish(schema, new, replaces=None).files == (new,)


@pytest.mark.parametrize("replaces", [(), ("p1",), None])
def test_doing_a_change_twice_changes_nothing(house: House, schema: TableSchema, replaces: tuple[str, ...] | None) -> None:
    file = house.file(schema, "p1")
    once = house.publish(schema, file, replaces=replaces)
    assert house.publish(schema, file, replaces=replaces).files == once.files


def test_an_earlier_snapshot_can_be_read(house: House, schema: TableSchema) -> None:
    first = house.file(schema)
    then = house.publish(schema, first)
    wider = house.assign(TableSchema((*schema.columns, Column("note", Primitive("string")))))
    house.publish(wider, house.file(wider), replaces=None)
    assert house.pointer is not None
    assert then.snapshot is not None
    assert house.tables.files(house.pointer, then.snapshot) == (schema, (first,))


def test_fifty_snapshots_are_kept_and_an_older_one_is_an_error_that_names_the_oldest(house: House, schema: TableSchema) -> None:
    first = house.publish(schema).snapshot
    for _ in range(50):
        state = house.publish(schema)
    assert len(state.snapshots) == 50
    assert house.pointer is not None
    assert first is not None
    with pytest.raises(LedgerError, match="ST552") as caught:
        house.tables.files(house.pointer, first)
    assert caught.value.hint is not None
    assert f"raw.orders@{state.snapshots[0].id}" in caught.value.hint


def test_time_only_moves_forward_even_when_a_clock_is_set_back(house: House, schema: TableSchema) -> None:
    house.publish(schema)
    state = house.publish(schema, at=NOON - timedelta(days=400))
    assert state.snapshots[0].at < state.snapshots[1].at


def test_steps_are_remembered_by_their_keys_or_when_many_by_one_digest(house: House, schema: TableSchema) -> None:
    many = tuple(f"step-{n}" for n in range(21))
    assert house.publish(schema, steps=many[:20]).snapshots[-1].steps == many[:20]
    assert [len(step) for step in house.publish(schema, steps=many).snapshots[-1].steps] == [len("digest:") + 32]


def test_a_new_column_gets_a_new_id_and_a_dropped_id_never_comes_back(house: House, schema: TableSchema) -> None:
    house.publish(schema, house.file(schema))
    without = house.assign(TableSchema(schema.columns[:1]))
    house.publish(without, house.file(without))
    again = house.assign(schema_of(id="long", amount="decimal(18,2)"))
    assert [column.id for column in again.columns] == [1, 3]
    state = house.publish(again, house.file(again))
    assert state.schema == again
    assert state.last_id == 3


def test_a_renamed_column_keeps_its_id(house: House, schema: TableSchema) -> None:
    house.publish(schema, house.file(schema))
    renamed = house.assign(TableSchema((schema.columns[0], Column("total", parse_type("decimal(18,2)"), id=2))))
    assert [column.id for column in renamed.columns] == [1, 2]
    assert house.publish(renamed, house.file(renamed)).schema.names() == ("id", "total")


def test_a_stale_change_says_so_in_its_pointer(house: House, schema: TableSchema) -> None:
    house.publish(schema)
    stale = house.pointer
    assert stale is not None
    house.publish(schema, house.file(schema))
    late = house.tables.prepare(TableChange(ORDERS, schema, ()), stale, NOON)
    assert late.pointer.previous == stale.metadata
    assert house.pointer is not None
    assert late.pointer.previous != house.pointer.metadata


def test_preparing_does_not_change_what_a_pointer_shows(house: House, schema: TableSchema) -> None:
    file = house.file(schema)
    before = house.publish(schema, file)
    house.tables.prepare(TableChange(ORDERS, schema, (house.file(schema),), None), house.pointer, NOON)
    assert house.tables.state(before.pointer) == before


def test_a_pointer_to_nothing_is_an_error(house: House, schema: TableSchema) -> None:
    state = house.publish(schema)
    lost = Pointer(ORDERS, state.pointer.metadata.replace("0000", "0009"))
    with pytest.raises(LedgerError, match="ST550"):
        house.tables.state(lost)


@pytest.fixture
def points() -> Iterator[list[str]]:
    seen: list[str] = []
    crash.hook = seen.append
    yield seen
    crash.hook = None


def test_a_kill_is_possible_before_anything_is_written(house: House, schema: TableSchema, points: list[str]) -> None:
    house.publish(schema)
    assert points == ["before metadata"]
