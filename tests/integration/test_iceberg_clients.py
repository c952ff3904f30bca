"""What we write, pyiceberg's own SQL catalog opens; what it writes, we read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table
from tests.fixtures.parquet import schema_of, stage

from startrail.adapters.store.local import LocalStore
from startrail.adapters.tables.iceberg import IcebergTables
from startrail.model.table import Column, DataFile, Pointer, TableChange, TableName, TableSchema
from startrail.model.types import parse_type
from startrail.ports.tables import ForeignContent, Prepared

SALES = TableName("marts", "sales")
AT = datetime(2026, 10, 3, 6, tzinfo=UTC)


class House:
    """One table, published as the ledger would into the tables that are Iceberg's SQL catalog."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = LocalStore(folder / "store")
        self.tables = IcebergTables(self.store)
        self.pointer: Pointer | None = None
        self.database = folder / "ledger.sqlite"
        with sqlite3.connect(self.database) as ledger:
            ledger.execute(
                "CREATE TABLE iceberg_tables (catalog_name TEXT, table_namespace TEXT, table_name TEXT, metadata_location TEXT,"
                " previous_metadata_location TEXT, iceberg_type TEXT, PRIMARY KEY (catalog_name, table_namespace, table_name))"
            )
            ledger.execute(
                "CREATE TABLE iceberg_namespace_properties (catalog_name TEXT, namespace TEXT, property_key TEXT,"
                " property_value TEXT, PRIMARY KEY (catalog_name, namespace, property_key))"
            )
        ledger.close()
        self.catalog = SqlCatalog("startrail", uri=f"sqlite:///{self.database}")

    def assign(self, schema: TableSchema) -> TableSchema:
        return self.tables.assign(schema, self.tables.state(self.pointer) if self.pointer is not None else None)

    def stage(self, schema: TableSchema, sql: str, part: str, name: str) -> DataFile:
        return stage(self.store, self.folder / "staging", SALES, schema, sql, part, name)

    def publish(self, schema: TableSchema, *files: DataFile, replaces: tuple[str, ...] | None = ()) -> Prepared:
        prepared = self.tables.prepare(TableChange(SALES, schema, files, replaces, ("step",)), self.pointer, AT)
        self.pointer = prepared.pointer
        row = ("startrail", "marts", "sales", prepared.pointer.metadata, prepared.pointer.previous, "TABLE")
        with sqlite3.connect(self.database) as ledger:
            ledger.execute("INSERT OR REPLACE INTO iceberg_tables VALUES (?, ?, ?, ?, ?, ?)", row)
        ledger.close()
        return prepared

    def follow(self) -> None:
        """Take over where another client moved the pointer to."""
        with sqlite3.connect(self.database) as ledger:
            new, old = ledger.execute("SELECT metadata_location, previous_metadata_location FROM iceberg_tables").fetchone()
        ledger.close()
        self.pointer = Pointer(SALES, new, old)

    def client(self) -> Table:
        return self.catalog.load_table("marts.sales")

    def scan(self, **how: object) -> list[dict[str, object]]:
        rows = self.client().scan(**how).to_arrow()  # type: ignore[arg-type]
        return sorted(rows.to_pylist(), key=lambda row: str(row))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.catalog.close()


def test_every_type_reads_back_by_another_client(house: House) -> None:
    schema = house.assign(
        schema_of(
            id="long!", n="int", ok="boolean", f="float", d="double", amount="decimal(18,2)", big="decimal(38,3)", day="date",
            t="time", wall="timestamp", instant="timestamptz", s="string", raw="binary", u="uuid", tags="list<string>",
            who="struct<name: string, at: timestamptz>", lines="list<struct<sku: string, price: decimal(9,2)>>",
            counts="map<string, long>",
        )
    )  # fmt: skip
    row = """SELECT 1 id, 2 n, true ok, 1.5 f, -2.5 d, -12.34 amount, 12345678901234567890.125 big, DATE '2026-10-03' "day",
        TIME '09:00:00.000001' t, TIMESTAMP '2026-10-03 09:00:00.000001' wall,
        TIMESTAMPTZ '2026-10-03 09:00:00.000001+02:00' instant, 'dé' s, '\\x00\\xFF'::BLOB raw,
        '8a6df3b9-dbc0-4cf1-87a9-10b6e64215cd'::UUID u,
        ['a', NULL] tags, {'name': 'ann', 'at': TIMESTAMPTZ '2026-10-03 00:00:00+00'} who, [{'sku': 'x', 'price': 1.25}] lines,
        MAP {'k': 7} counts"""
    empty = ", ".join(f'NULL "{column.name}"' for column in schema.columns[1:])
    house.publish(schema, house.stage(schema, f"{row} UNION ALL SELECT 2, {empty}", "all", "s-0"), replaces=None)
    found = house.scan()
    assert found[0] == {
        "id": 1, "n": 2, "ok": True, "f": 1.5, "d": -2.5, "amount": Decimal("-12.34"), "big": Decimal("12345678901234567890.125"),
        "day": date(2026, 10, 3), "t": time(9, 0, 0, 1), "wall": datetime(2026, 10, 3, 9, 0, 0, 1),
        "instant": datetime(2026, 10, 3, 7, 0, 0, 1, tzinfo=UTC), "s": "dé", "raw": b"\x00\xff",
        "u": UUID("8a6df3b9-dbc0-4cf1-87a9-10b6e64215cd"), "tags": ["a", None],
        "who": {"name": "ann", "at": datetime(2026, 10, 3, tzinfo=UTC)}, "lines": [{"sku": "x", "price": Decimal("1.25")}],
        "counts": [("k", 7)],
    }  # fmt: skip
    nulls = dict.fromkeys(schema.names()) | {"id": 2, "lines": []}  # pyiceberg shows a null list of structs as an empty one
    assert found[1] == nulls
    assert house.pointer is not None
    assert house.tables.state(house.pointer).schema == schema


def test_an_evolved_table_reads_old_and_new_files_by_field_id(house: House) -> None:
    first = house.assign(schema_of(id="long!", amount="int", note="string", who="struct<name: string>"))
    sql = "SELECT 1 id, 5 amount, 'old' note, {'name': 'ann'} who"
    house.publish(first, house.stage(first, sql, "d1", "s1-0"))
    second = house.assign(
        TableSchema(
            (
                Column("who", parse_type("struct<age: int, name: string>")),
                Column("total", parse_type("long"), id=2),
                Column("id", parse_type("long"), required=True),
                Column("country", parse_type("string")),
            )
        )
    )
    sql = "SELECT 'es' country, 2 id, {'age': 30, 'name': 'bob'} who, 5000000000 total"
    before = house.publish(second, house.stage(second, sql, "d2", "s2-0"))
    assert house.scan() == [
        {"who": {"age": 30, "name": "bob"}, "total": 5000000000, "id": 2, "country": "es"},
        {"who": {"age": None, "name": "ann"}, "total": 5, "id": 1, "country": None},
    ]
    assert house.scan(row_filter="total >= 5000000000") == house.scan()[:1]
    assert house.scan(row_filter="total < 6") == house.scan()[1:]
    house.publish(second, house.stage(second, "SELECT 3 id", "d1", "s3-0"), replaces=("d1",))
    assert [row["id"] for row in house.scan()] == [3, 2]
    assert len(house.scan(snapshot_id=before.snapshot)) == 2
    assert house.client().schemas().keys() == {0, 1}


def test_files_are_skipped_by_their_bounds(house: House) -> None:
    schema = house.assign(schema_of(day="date", s="string", x="double", b="boolean", at="timestamptz", d="decimal(9,2)"))
    for n in (1, 2, 3):
        sql = f"""SELECT DATE '2026-10-0{n}' "day", 'name-{n}' || repeat('x', 30) s, {n}.5 x, {n == 1} b,
            TIMESTAMPTZ '2026-10-0{n} 10:00:00+00' AS at, {n}.25 d"""
        house.publish(schema, house.stage(schema, sql, f"d{n}", f"s{n}-0"))
    for wanted in (
        "day = '2026-10-02'",
        "s > 'name-1z' and s < 'name-3'",
        "x > 2 and x < 3",
        "at < '2026-10-03T00:00:00+00:00' and b = false",
        "d = 2.25",
    ):
        scan = house.client().scan(row_filter=wanted)
        assert len(list(scan.plan_files())) == 1, wanted
        assert [row["day"] for row in scan.to_arrow().to_pylist()] == [date(2026, 10, 2)]
    assert len(list(house.client().scan(row_filter="b = true").plan_files())) == 1


def test_duckdb_reads_the_file_list_with_the_schema_by_field_id(house: House) -> None:
    first = house.assign(schema_of(a="int", b="string"))
    house.publish(first, house.stage(first, "SELECT 'x' b, 1 a", "d1", "s1-0"))
    second = house.assign(TableSchema((Column("b2", parse_type("string"), id=2), Column("c", parse_type("long")))))
    house.publish(second, house.stage(second, "SELECT 9 c", "d2", "s2-0"))
    assert house.pointer is not None
    state = house.tables.state(house.pointer)
    paths = [str(house.folder / "store" / file.key) for file in state.files]
    fields = ", ".join(f"{c.id}: {{name: '{c.name}', type: 'VARCHAR', default_value: NULL}}" for c in state.schema.columns)
    with duckdb.connect() as engine:
        rows = engine.execute(f"SELECT b2, c FROM read_parquet($1, schema = MAP {{{fields}}}) ORDER BY ALL", [paths]).fetchall()
    assert rows == [("x", None), (None, "9")]


def test_an_empty_table_scans_to_no_rows(house: House) -> None:
    schema = house.assign(schema_of(id="long"))
    house.publish(schema, replaces=None)
    assert house.scan() == []
    house.publish(schema, house.stage(schema, "SELECT 1 id", "all", "s1-0"))
    house.publish(schema, replaces=("all",))
    assert house.scan() == []


def test_after_many_commits_manifests_are_few_and_every_file_is_named_once(house: House) -> None:
    schema = house.assign(schema_of(id="long"))
    one = house.store.get(house.stage(schema, "SELECT 1 id", "d", "one").key)
    for n in range(150):
        key = f"tables/marts/sales/data/d{n}/s{n}-0.parquet"
        files = (DataFile(key, 1, house.store.put(key, one), f"d{n}"),)
        house.publish(schema, *files, replaces=() if n % 3 else (f"d{n - 3}",))
    table = house.client()
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert len(snapshot.manifests(table.io)) < 15
    for manifest in snapshot.manifests(table.io):
        numbers = [entry.sequence_number for entry in manifest.fetch_manifest_entry(table.io)]
        assert manifest.min_sequence_number == min(number for number in numbers if number is not None)
    paths = [task.file.file_path for task in table.scan().plan_files()]
    assert len(paths) == len(set(paths)) == 101
    assert len(table.snapshots()) == 50
    assert len(table.metadata.metadata_log) == 20
    assert len(table.history()) == 50
    entries = table.inspect.entries().to_pylist()
    born = {entry["data_file"]["file_path"]: entry["sequence_number"] for entry in entries}
    assert all(f"/d{number - 1}/" in path for path, number in born.items()), "an entry lost the number of its snapshot"


def test_a_tag_keeps_its_snapshot_from_expiry(house: House) -> None:
    schema = house.assign(schema_of(id="long"))
    tagged = house.publish(schema, house.stage(schema, "SELECT 1 id", "all", "s1-0")).snapshot
    house.client().manage_snapshots().create_tag(tagged, "year-end").commit()
    house.follow()
    for _ in range(60):
        house.publish(schema)
    table = house.client()
    assert {one.snapshot_id for one in table.snapshots()} >= {tagged}
    assert len(table.snapshots()) == 51
    assert house.pointer is not None
    assert len(house.tables.files(house.pointer, tagged)[1]) == 1
    assert table.scan(snapshot_id=tagged).to_arrow().num_rows == 1


def test_rows_that_another_client_adds_are_read_and_kept(house: House) -> None:
    schema = house.assign(schema_of(id="long", s="string"))
    house.publish(schema, house.stage(schema, "SELECT 1 id, 'a' s", "d1", "s1-0"))
    house.client().append(pa.table({"id": [2], "s": ["b"]}))
    house.follow()
    assert house.pointer is not None
    assert sorted(file.part for file in house.tables.state(house.pointer).files) == ["", "d1"]
    with pytest.raises(ForeignContent, match="ST554"):
        house.publish(schema, replaces=("d1",))
    house.publish(schema, house.stage(schema, "SELECT 3 id, 'c' s", "d3", "s3-0"))
    assert [row["id"] for row in house.scan()] == [1, 2, 3]
    house.publish(schema, house.stage(schema, "SELECT 4 id, 'd' s", "all", "s4-0"), replaces=None)
    assert [row["id"] for row in house.scan()] == [4]


@pytest.mark.parametrize("how", ["stale then new", "new then stale"])
def test_a_change_prepared_on_an_older_pointer_does_not_touch_the_newer_one(house: House, how: str) -> None:
    schema = house.assign(schema_of(id="long"))
    house.publish(schema, house.stage(schema, "SELECT 1 id", "d1", "s1-0"))
    old = house.pointer
    late: Callable[[], Prepared] = lambda: house.tables.prepare(TableChange(SALES, schema, (), None), old, AT)  # noqa: E731
    stale = late() if how == "stale then new" else None
    house.publish(schema, house.stage(schema, "SELECT 2 id", "d2", "s2-0"))
    stale = stale or late()
    assert old is not None
    assert house.pointer is not None
    assert stale.pointer.previous == old.metadata == house.pointer.previous
    assert stale.pointer.metadata != house.pointer.metadata
    assert [row["id"] for row in house.scan()] == [1, 2]
