"""The Warehouse port: one suite, every engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import msgspec
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.warehouse import open_duckdb, schema, table

from startrail.adapters.store.local import LocalStore
from startrail.model.table import Column, Relation, TableSchema, View
from startrail.model.types import parse_type
from startrail.ports.warehouse import (
    ColumnsDiffer,
    DoesNotBind,
    LeftNothing,
    LossyColumn,
    NotAllowed,
    Query,
    QueryFailed,
    RepeatedColumn,
    Rowset,
    Script,
    Target,
    UnreadableData,
    UnstorableColumn,
    Warehouse,
)

ORDERS = schema(id="long", day="date", amount="decimal(18,2)", note="string")
MAKE_ORDERS = """
select range as id, date '2026-10-01' + (range % 3)::int as day, (range * 1.25)::decimal(18,2) as amount, 'n' || range as note
from range(10)
"""


@pytest.fixture(params=["duckdb"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    opened = {"duckdb": open_duckdb}[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def orders(warehouse: Warehouse) -> Relation:
    return table(warehouse, "raw.orders", ORDERS, MAKE_ORDERS)


def test_a_query_sees_the_rows_of_the_relations_it_is_given(warehouse: Warehouse, orders: Relation) -> None:
    rows = warehouse.fetch(Query("select count(*) as n, sum(amount) as total, max(day) as last from raw.orders", (orders,)))
    assert rows.rows == [(10, Decimal("56.25"), date(2026, 10, 3))]
    assert [str(column.type) for column in rows.schema.columns] == ["long", "decimal(38,2)", "date"]


def test_describe_names_and_types_the_columns_without_running(warehouse: Warehouse, orders: Relation) -> None:
    sql = "select day, sum(id) as ids, count(*) as n, error('never run')::varchar as e from raw.orders group by day"
    described = warehouse.describe(Query(sql, (orders,)))
    assert [(column.name, str(column.type), column.id) for column in described.columns] == [
        ("day", "date", 0),
        ("ids", "long", 0),
        ("n", "long", 0),
        ("e", "string", 0),
    ]


def test_parameters_are_bound_and_those_not_named_are_ignored(warehouse: Warehouse, orders: Relation) -> None:
    query = Query(
        "select count(*) from raw.orders where day >= $start and day < $end",
        (orders,),
        {"start": datetime(2026, 10, 1), "end": datetime(2026, 10, 2), "partition": "2026-10-01", "env": "x'; drop table y; --"},
    )
    assert warehouse.fetch(query).rows == [(4,)]


def test_a_semicolon_and_a_comment_at_the_end_do_no_harm(warehouse: Warehouse, orders: Relation) -> None:
    assert warehouse.fetch(Query("select count(*) from raw.orders -- all of them", (orders,))).rows == [(10,)]
    assert warehouse.fetch(Query("select count(*) from raw.orders; -- all of them\n", (orders,))).rows == [(10,)]


def test_a_relation_without_files_is_an_empty_table_with_its_types(warehouse: Warehouse) -> None:
    empty = Relation("raw.nothing", schema(id="long", tags="list<string>", at_="timestamptz"))
    rows = warehouse.fetch(Query("select * from raw.nothing", (empty,)))
    assert rows.rows == []
    assert [str(column.type) for column in rows.schema.columns] == ["long", "list<string>", "timestamptz"]


def test_a_view_reads_other_relations(warehouse: Warehouse, orders: Relation) -> None:
    views = (
        View("marts.big", "select * from raw.orders where amount > 5; -- big"),
        View("marts.bigger", "select * from marts.big where amount > 10"),
    )
    assert warehouse.fetch(Query("select count(*) from marts.bigger", (orders, *views))).rows == [(1,)]


def test_written_down_rows_are_a_relation_too(warehouse: Warehouse) -> None:
    columns = schema(
        id="int", amount="decimal(10,2)", tags="list<string>", who="struct<name: string, age: int>", at_="timestamptz"
    )
    rows = (
        (1, Decimal("1.50"), ["a", "b"], {"name": "Ann", "age": 3}, datetime(2026, 1, 1, tzinfo=UTC)),
        (None, None, [], None, None),
    )
    fetched = warehouse.fetch(Query("select * from raw.few order by id nulls last", (Rowset("raw.few", columns, rows),)))
    assert fetched.rows == list(rows)


@pytest.mark.parametrize(
    ("kind", "sql", "value"),
    [
        ("boolean", "true", True),
        ("int", "7::integer", 7),
        ("long", "9223372036854775807", 9223372036854775807),
        ("float", "1.5::float", 1.5),
        ("double", "0.1::double", 0.1),
        ("decimal(38,10)", "1234567890123456789012345678.0123456789", Decimal("1234567890123456789012345678.0123456789")),
        ("date", "date '2026-10-03'", date(2026, 10, 3)),
        ("time", "time '01:02:03.000004'", time(1, 2, 3, 4)),
        ("timestamp", "timestamp '2026-10-25 02:30:00.000001'", datetime(2026, 10, 25, 2, 30, 0, 1)),
        ("timestamptz", "timestamptz '2026-10-25 02:30:00+02'", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("string", "'grüß 🙂'", "grüß 🙂"),
        ("binary", "'\\x00\\xff'::blob", b"\x00\xff"),
        ("uuid", "'7b86dfec-320e-481b-90f6-d7629447eb8f'::uuid", UUID("7b86dfec-320e-481b-90f6-d7629447eb8f")),
        ("list<long>", "[1::bigint, null]", [1, None]),
        ("map<string, long>", "map {'a': 1::bigint}", {"a": 1}),
        (
            "struct<id: long, seen: list<timestamptz>>",
            "{'id': 1::bigint, 'seen': [timestamptz '2026-01-01 00:00+00']}",
            {"id": 1, "seen": [datetime(2026, 1, 1, tzinfo=UTC)]},
        ),
    ],
)  # fmt: skip
def test_every_type_comes_back_from_its_file_as_it_went_in(warehouse: Warehouse, kind: str, sql: str, value: object) -> None:
    columns = schema(v=kind)
    made = table(warehouse, "raw.one", columns, f"select {sql} as v union all select null")
    fetched = warehouse.fetch(Query("select v from raw.one where v is not null", (made,)))
    assert fetched.rows == [(value,)]
    assert str(fetched.schema.columns[0].type) == kind


def test_files_carry_the_field_ids_inner_ones_too(warehouse: Warehouse, store: LocalStore) -> None:
    columns = schema(id="long", who="struct<name: string, tags: list<string>>", prices="map<string, decimal(9,2)>")
    sql = "select 1::bigint as id, {'name': 'a', 'tags': ['x']} as who, map {'eur': 1.5::decimal(9,2)} as prices"
    (file,) = table(warehouse, "raw.t", columns, sql).files
    with store.local(file.key) as path:
        found = _ids(parquet.read_schema(path))
    assert found == {"id": 1, "who": 2, "name": 3, "tags": 4, "element": 5, "prices": 6, "key": 7, "value": 8}
    assert file.rows == 1
    assert file.size == store.size(file.key)
    assert file.key == "tables/raw.t/all/made-all-0.parquet"


def test_reading_is_by_field_id_not_by_name_or_position(warehouse: Warehouse) -> None:
    made = table(
        warehouse,
        "raw.t",
        schema(a="int", b="string", c="struct<x: int, y: int>"),
        "select 1 as a, 'b' as b, {'x': 1, 'y': 2} as c",
    )
    later = TableSchema(
        (
            Column("b", parse_type("long"), 1),  # once named a, and narrower
            Column("a", parse_type("string"), 2),
            Column("added", parse_type("date"), 9),
            Column("c", parse_type("struct<renamed: long, z: string>"), 3, (5, 10)),
        )
    )
    rows = warehouse.fetch(Query("select * from raw.t", (Relation("raw.t", later, made.files),)))
    assert rows.rows == [(1, "b", None, {"renamed": 2, "z": None})]


def test_files_of_different_age_are_one_table(warehouse: Warehouse) -> None:
    old = table(warehouse, "raw.t", schema(a="int"), "select 1 as a", "old")
    new_schema = TableSchema((Column("a", parse_type("long"), 1), Column("b", parse_type("string"), 2)))
    new = table(warehouse, "raw.t", new_schema, "select 5000000000 as a, 'new' as b", "new")
    both = Relation("raw.t", new_schema, old.files + new.files)
    assert warehouse.fetch(Query("select * from raw.t order by a", (both,))).rows == [(1, None), (5000000000, "new")]


def test_strange_names_are_names(warehouse: Warehouse) -> None:
    columns = TableSchema(
        (Column('we"ird; --', parse_type("int"), 1), Column("select", parse_type("struct<order: int>"), 2, (3,)))
    )
    made = table(warehouse, "raw.orders", columns, """select 1 as "we""ird; --", {'order': 2} as "select" """, "2026-10-01 [x]*?")
    query = f"select * from {warehouse.quote('raw.group')}"
    assert warehouse.fetch(Query(query, (Relation("raw.group", columns, made.files),))).rows == [(1, {"order": 2})]


def test_the_day_of_an_instant_is_its_day_in_utc(warehouse: Warehouse) -> None:
    query = Query(
        "select timestamptz '2026-10-03 01:30+02'::date, timestamptz '2026-10-03 01:30' = timestamptz '2026-10-03 01:30Z'"
    )
    assert warehouse.fetch(query).rows == [(date(2026, 10, 2), True)]


def test_no_rows_are_no_file(warehouse: Warehouse) -> None:
    assert table(warehouse, "raw.t", schema(a="int"), "select 1 as a where false").files == ()


def test_columns_are_matched_by_name_whatever_their_order_and_case(warehouse: Warehouse) -> None:
    made = table(warehouse, "raw.t", schema(a="int", b="string"), "select 'x' as B, 1 as a")
    assert warehouse.fetch(Query("select a, b from raw.t", (made,))).rows == [(1, "x")]


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("sum(x) from (select unnest([1, 2]) as x)", "long", 3),
        ("3.00::decimal(10,2)", "int", 3),
        ("3.0::double", "long", 3),
        ("1.50::decimal(38,4)", "decimal(9,2)", Decimal("1.50")),
        ("0.25::double", "decimal(9,2)", Decimal("0.25")),
        ("7", "decimal(9,2)", Decimal("7.00")),
        ("7", "double", 7.0),
        ("timestamp '2026-10-03 00:00'", "date", date(2026, 10, 3)),
        ("date '2026-10-03'", "timestamp", datetime(2026, 10, 3)),
        ("null", "date", None),
        ("'{\"a\": 1}'::json", "string", '{"a": 1}'),
        ("[1, 2]", "list<long>", [1, 2]),
        ("{'a': 1}", "struct<a: long>", {"a": 1}),
    ],
)
def test_a_value_that_fits_exactly_is_converted(warehouse: Warehouse, sql: str, kind: str, value: object) -> None:
    select, _, rest = sql.partition(" from ")
    made = table(warehouse, "raw.t", schema(v=kind), f"select {select} as v" + (f" from {rest}" if rest else ""))
    assert warehouse.fetch(Query("select v from raw.t", (made,))).rows == [(value,)]


@pytest.mark.parametrize(
    ("sql", "kind", "example"),
    [
        ("1.5", "int", "1.5"),
        ("3000000000", "int", "3000000000"),
        ("1::hugeint << 70", "long", "1180591620717411303424"),
        ("18446744073709551615::ubigint", "long", "18446744073709551615"),
        ("1.005", "decimal(9,2)", "1.005"),
        ("0.1::double + 0.2::double", "decimal(9,2)", "0.30000000000000004"),
        ("9007199254740993", "double", "9007199254740993"),
        ("16777217", "float", "16777217"),
        ("timestamp '2026-10-03 00:00:01'", "date", "2026-10-03 00:00:01"),
        ("timestamp_ns '2026-10-03 00:00:00.000000001'", "timestamp", "2026-10-03 00:00:00.000000001"),
        ("[1, 3000000000]", "list<int>", "[1, 3000000000]"),
    ],
)
def test_a_value_that_would_change_stops_the_build_and_is_named(warehouse: Warehouse, sql: str, kind: str, example: str) -> None:
    with pytest.raises(LossyColumn) as caught:
        table(warehouse, "raw.t", schema(v=kind), f"select {sql} as v")
    assert "'v'" in caught.value.message
    assert example in caught.value.message


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("'1'", "int"), ("1", "string"), ("'2026-10-03'", "date"), ("true", "int"), ("1", "boolean"),
        ("timestamptz '2026-10-03 00:00+00'", "timestamp"), ("timestamp '2026-10-03'", "timestamptz"),
        ("{'b': 1}", "struct<a: int>"),
    ],
)  # fmt: skip
def test_text_is_no_number_and_an_instant_no_wall_time(warehouse: Warehouse, sql: str, kind: str) -> None:
    with pytest.raises(LossyColumn, match="'v' is"):
        table(warehouse, "raw.t", schema(v=kind), f"select {sql} as v")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=4))
def test_whatever_the_number_it_is_kept_exactly_or_refused(warehouse: Warehouse, value: Decimal) -> None:
    wanted = parse_type("decimal(18,2)")
    rows = Rowset("raw.n", schema(v="decimal(38,4)"), ((value,),))
    try:
        files = warehouse.build(Query("select v from raw.n", (rows,)), TableSchema((Column("v", wanted, 1),)), "t", "x", "all")
    except LossyColumn:
        assert value != round(value, 2) or abs(value) >= 10**16
    else:
        made = Relation("raw.t", TableSchema((Column("v", wanted, 1),)), files)
        assert warehouse.fetch(Query("select v from raw.t", (made,))).rows == [(value,)]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("select 1 as a, 2 as A", RepeatedColumn),
        ("select interval 1 day as d", UnstorableColumn),
        ("select null as n", UnstorableColumn),
    ],
)
def test_columns_that_no_table_can_hold_are_named(warehouse: Warehouse, sql: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        warehouse.describe(Query(sql))


@pytest.mark.parametrize("sql", ["select 1 as a", "select 1 as a, 2 as b, 3 as c"])
def test_a_result_with_other_columns_than_the_table_is_refused(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(ColumnsDiffer):
        table(warehouse, "raw.t", schema(a="int", b="int"), sql)


def test_a_repeated_name_is_no_trouble_for_a_query_typed_by_hand(warehouse: Warehouse) -> None:
    rows = warehouse.fetch(Query("select 1 as a, 2 as a, interval 1 day as i"))
    assert rows.rows == [(1, 2, "1 day")]


def test_fetch_stops_at_the_limit_and_says_that_there_is_more(warehouse: Warehouse, orders: Relation) -> None:
    some = warehouse.fetch(Query("select id from raw.orders order by id desc", (orders,)), 3)
    assert (some.rows, some.more) == ([(9,), (8,), (7,)], True)
    exactly = warehouse.fetch(Query("select id from raw.orders", (orders,)), 10)
    assert (len(exactly.rows), exactly.more) == (10, False)


def test_the_order_of_the_sql_is_the_order_of_the_export(warehouse: Warehouse, orders: Relation, tmp_path: Path) -> None:
    query = Query("select id, day, amount from raw.orders order by id desc", (orders,))
    assert warehouse.export(query, tmp_path / "out.csv", "csv") == 10
    assert (tmp_path / "out.csv").read_text().splitlines()[:3] == ["id,day,amount", "9,2026-10-01,11.25", "8,2026-10-03,10.00"]
    assert warehouse.export(query, tmp_path / "out.parquet", "parquet") == 10
    assert parquet.read_table(tmp_path / "out.parquet").column("id").to_pylist() == list(range(9, -1, -1))


def test_sums_are_exported_exactly(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.export(
        Query("select sum(x) as s from (select unnest([9007199254740993, 1]) as x)"), tmp_path / "out.parquet", "parquet"
    )
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == [{"s": 9007199254740994}]


@pytest.mark.parametrize(
    ("sql", "error", "line", "column"),
    [
        ("select id,\n  idd\nfrom raw.orders", DoesNotBind, 12, 3),
        ("select 'äöü', foo(id) from raw.orders", DoesNotBind, 11, 15),
        ("select id from\n raw.order", DoesNotBind, 12, 2),
        ("select cast(note as int) as n from raw.orders", QueryFailed, 11, 8),
        ("select id fro raw.orders", DoesNotBind, 11, 15),
    ],
)
def test_an_error_names_the_place_in_the_users_file(
    warehouse: Warehouse, orders: Relation, sql: str, error: type, line: int, column: int
) -> None:
    with pytest.raises(error) as caught:
        warehouse.build(Query(sql, (orders,), {}, "models/x.sql", 11), schema(n="int"), "t", "x", "all")
    at = caught.value.at
    assert at is not None
    assert (at.file, at.line, at.column) == ("models/x.sql", line, column)
    assert caught.value.hint


def test_near_misses_are_offered(warehouse: Warehouse, orders: Relation) -> None:
    with pytest.raises(DoesNotBind) as caught:
        warehouse.describe(Query("select * from raw.order", (orders,)))
    assert caught.value.hint == "did you mean 'orders'?"


def test_a_failed_build_leaves_nothing_in_the_store(warehouse: Warehouse, store: LocalStore) -> None:
    with pytest.raises(LossyColumn):
        table(warehouse, "raw.t", schema(v="int"), "select case when range = 900000 then 1.5 else 1 end as v from range(1000000)")
    assert list(store.list("tables")) == []


def test_a_missing_file_is_named_by_its_key(warehouse: Warehouse, store: LocalStore, orders: Relation) -> None:
    store.put("tables/broken.parquet", b"PAR1 this is no Parquet file PAR1")
    broken = Relation("raw.orders", ORDERS, (msgspec.structs.replace(orders.files[0], key="tables/broken.parquet"),))
    with pytest.raises(UnreadableData, match=r"tables/broken\.parquet"):
        warehouse.fetch(Query("select count(note) from raw.orders", (broken,)))


def test_a_script_changes_scratch_copies_and_its_tables_are_staged(warehouse: Warehouse, orders: Relation) -> None:
    script = Script(
        """
        -- a cron job of old
        begin;
        create temp table recent as select * from raw.orders where day >= $start;
        create or replace table marts.daily as select day, sum(amount) as amount from recent group by day;
        insert into raw.orders by name select 99::bigint as id; delete from raw.orders where id < 99;
        set variable x = 1;
        commit;
        """,
        (orders,),
        ("marts.daily", "raw.orders"),
        {"start": date(2026, 10, 2), "end": date(2026, 10, 9)},
    )
    staged = warehouse.run_script(script, _target)
    daily = Relation("marts.daily", staged["marts.daily"].schema, staged["marts.daily"].files)
    assert warehouse.fetch(Query("select day, amount from marts.daily order by day", (daily,))).rows == [
        (date(2026, 10, 2), Decimal("15.00")),
        (date(2026, 10, 3), Decimal("18.75")),
    ]
    assert [file.rows for file in staged["raw.orders"].files] == [1]
    assert warehouse.fetch(Query("select count(*) from raw.orders", (orders,))).rows == [(10,)]


def test_a_script_that_forgets_to_commit_leaves_its_tables_all_the_same(warehouse: Warehouse) -> None:
    staged = warehouse.run_script(Script("begin; create table marts.t as select 1 as a", (), ("marts.t",)), _target)
    assert [file.rows for file in staged["marts.t"].files] == [1]


def test_a_script_that_leaves_nothing_is_told_so(warehouse: Warehouse) -> None:
    with pytest.raises(LeftNothing, match=r"marts\.t"):
        warehouse.run_script(Script("create temp table t as select 1 as a", (), ("marts.t",)), _target)


def test_an_error_in_a_script_names_the_place_in_the_whole_text(warehouse: Warehouse) -> None:
    script = Script(
        "create table marts.a as select 1 as x;\ncreate table marts.b as\nselect y from marts.a;",
        (),
        ("marts.b",),
        {},
        "m.sql",
        5,
    )
    with pytest.raises(DoesNotBind) as caught:
        warehouse.run_script(script, _target)
    assert str(caught.value.at) == "m.sql:7:8"


def test_calls_from_many_threads_see_only_their_own_tables(warehouse: Warehouse) -> None:
    failures: list[object] = []

    def work(number: int) -> None:
        try:
            made = table(
                warehouse, "raw.same", schema(v="long"), f"select {number}::bigint as v from range(1000)", f"part{number}"
            )
            for _ in range(3):
                rows = warehouse.fetch(Query("select min(v), max(v), count(*) from raw.same", (made,))).rows
                if rows != [(number, number, 1000)]:
                    failures.append(rows)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_nothing_of_a_call_remains_on_disk(warehouse: Warehouse, orders: Relation, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        warehouse.fetch(Query("select 1; select 2", (orders,)))
    warehouse.fetch(Query("select 1", (orders,)))
    assert list((tmp_path / "scratch").rglob("*.parquet")) == []


def _target(name: str, described: TableSchema) -> Target:
    columns = tuple(msgspec.structs.replace(column, id=place + 1) for place, column in enumerate(described.columns))
    return Target(TableSchema(columns), f"tables/{name}", "run", "all")


def _ids(arrow: object) -> dict[str, int]:
    found: dict[str, int] = {}

    def visit(fields: object) -> None:
        for field in fields:  # type: ignore[attr-defined]
            meta = field.metadata or {}
            if b"PARQUET:field_id" in meta:
                found[field.name] = json.loads(meta[b"PARQUET:field_id"])
            kind = field.type
            if hasattr(kind, "key_field"):
                visit([kind.key_field, kind.item_field])
            elif hasattr(kind, "value_field"):
                visit([kind.value_field])
            elif kind.num_fields:
                visit([kind.field(place) for place in range(kind.num_fields)])

    visit(arrow)
    return found
