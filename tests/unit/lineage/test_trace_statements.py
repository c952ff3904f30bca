"""Column lineage of statements that write, and of scripts of several."""

from __future__ import annotations

import pytest
from tests.unit.lineage.test_trace_selects import SHORT

from startrail.lineage.trace.script import trace

SCHEMA = {
    "t": {"id": "int", "v": "int", "w": "int"},
    "s": {"id": "int", "v": "int", "flag": "bool", "w": "int"},
}


def edges(sql: str, dialect: str = "duckdb", schema: dict | None = None) -> set[str]:
    found = trace(sql, dialect, SCHEMA if schema is None else schema)
    assert not found.not_analysed, found.not_analysed
    return {f"{edge.target} {SHORT[edge.subtype]} {edge.source}" for table in found.tables for edge in table.edges()}


def test_create_table_and_view_write_their_columns() -> None:
    assert edges("create table n as select id, v + 1 as u from s") == {"n.id = s.id", "n.u f s.v"}
    assert edges("create view shop.n (a, b) as select id, v from s") == {"shop.n.a = s.id", "shop.n.b = s.v"}


def test_insert_fills_by_position_or_by_name() -> None:
    assert edges("insert into t select v, id, w from s") == {"t.id = s.v", "t.v = s.id", "t.w = s.w"}
    assert edges("insert into t (w) select v from s") == {"t.w = s.v"}
    assert edges("insert into t by name select v as w, id from s") == {"t.w = s.v", "t.id = s.id"}


def test_an_insert_on_conflict_updates_with_what_was_to_be_inserted() -> None:
    found = edges("insert into t (id, v) select id, v from s on conflict (id) do update set v = excluded.v + t.w")
    assert found == {"t.id = s.id", "t.v = s.v", "t.v f s.v", "t.v f t.w", "t.v join s.id"}


def test_insert_into_several_tables() -> None:
    sql = "insert all when v > 1 then into a (x) values (w) else into b (y) values (id) select id, v, w from s"
    assert edges(sql, "snowflake") == {"a.x = s.w", "a.x where s.v", "b.y = s.id", "b.y where s.v"}
    sql = "from s insert overwrite table t select id, v, w insert into t select v, v, v where flag"
    assert edges(sql, "hive") >= {"t.id = s.id", "t.id = s.v", "t.id where s.flag"}


def test_update_from_another_table() -> None:
    found = edges("update t set v = s.v, w = t.w + 1 from s where s.id = t.id and s.flag")
    decided = {f"t.{c} where {s}" for c in ("v", "w") for s in ("s.id", "t.id", "s.flag")}
    assert found == {"t.v = s.v", "t.w f t.w"} | decided


def test_updates_of_other_dialects() -> None:
    expected = {"t.v = s.v", "t.v join t.id", "t.v join s.id"}
    assert edges("update t join s on t.id = s.id set t.v = s.v", "mysql") == expected
    assert edges("update x set x.v = s.v from t x join s on x.id = s.id", "tsql") == expected
    found = edges("update t set (v, w) = (select s.v, s.w from s where s.id = t.id)", "postgres")
    assert found == {"t.v = s.v", "t.w = s.w"} | {f"t.{c} where {s}" for c in ("v", "w") for s in ("s.id", "t.id")}


def test_delete_influences_every_column() -> None:
    found = edges("delete from t where id in (select id from s where flag)")
    assert found == {f"t.{c} where {s}" for c in ("id", "v", "w") for s in ("t.id", "s.id", "s.flag")}


def test_merge_writes_by_its_clauses() -> None:
    sql = """merge into t using s on t.id = s.id
             when matched and s.flag then update set v = s.v
             when not matched then insert (id, w) values (s.id, s.w + 1)"""
    joined = {f"t.{c} join {s}" for c in ("id", "v", "w") for s in ("t.id", "s.id")}
    assert edges(sql) == {"t.v = s.v", "t.v if s.flag", "t.id = s.id", "t.w f s.w"} | joined


def test_a_merge_of_everything_goes_by_name() -> None:
    found = edges(
        "merge into t using s on t.id = s.id when matched then update set * when not matched then insert *", "databricks"
    )
    assert {"t.id = s.id", "t.v = s.v", "t.w = s.w"} <= found


def test_temporary_tables_are_seen_through() -> None:
    sql = """create temp table a as select id, v * 2 as v from s where flag;
             create temp table b as select id, sum(v) as v from a group by id;
             insert into t (id, v) select id, v from b;"""
    assert edges(sql) == {
        "t.id = s.id",
        "t.v agg s.v",
        "t.id where s.flag",
        "t.v where s.flag",
        "t.id group s.id",
        "t.v group s.id",
    }


def test_a_table_that_is_dropped_again_is_seen_through() -> None:
    sql = "create table a as select id from s; create table n as select id from a; drop table a;"
    assert edges(sql) == {"n.id = s.id"}


def test_a_table_that_stays_is_named() -> None:
    assert edges("create table a as select id from s; create table n as select id from a") == {"a.id = s.id", "n.id = a.id"}


def test_a_temporary_table_made_again_is_another() -> None:
    sql = """create temp table a as select id as x from s; insert into t (id) select x from a;
             drop table a; create temp table a as select w as x from s; insert into t (w) select x from a"""
    assert edges(sql) == {"t.id = s.id", "t.w = s.w"}


def test_temporary_tables_grow_and_change() -> None:
    sql = """create temp table a (id int, v int); insert into a select id, v from s; insert into a select id, w from s;
             update a set v = a.v + s.w from s where s.id = a.id; insert into t (id, v) select id, v from a"""
    found = edges(sql)
    assert {"t.id = s.id", "t.v f s.v", "t.v f s.w", "t.v where s.id"} <= found
    assert not any("a." in edge.split()[2] for edge in found)


def test_renames_carry_everything_along() -> None:
    sql = "create table n as select id, v from s; create table m as select v from n; alter table n rename to shop.final"
    assert edges(sql, "postgres") == {"shop.final.id = s.id", "shop.final.v = s.v", "m.v = shop.final.v"}
    assert edges("create table n as select id from s; rename table n to final", "mysql") == {"final.id = s.id"}
    assert edges("select id into n from s; exec sp_rename 'n', 'final'", "tsql") == {"final.id = s.id"}
    assert edges("create table n as select id from s; alter table n rename column id to k; create view v as select k from n") == {
        "n.k = s.id", "v.k = n.k",
    }  # fmt: skip


def test_tables_change_places() -> None:
    sql = "create table n as select id from s; create table o as select v from s; alter table n swap with o"
    assert edges(sql, "snowflake") == {"o.id = s.id", "n.v = s.v"}


def test_a_dropped_and_replaced_table_is_the_new_one() -> None:
    sql = "create table n_new as select id from s; drop table if exists n; alter table n_new rename to n"
    assert edges(sql, "postgres") == {"n.id = s.id"}


def test_tsql_scratch_tables() -> None:
    sql = "select id, v into #a from s; insert into t (id, v) select id, v from #a"
    assert edges(sql, "tsql") == {"t.id = s.id", "t.v = s.v"}
    sql = "declare @a table (x int); insert into @a select v from s; insert into t (v) select x from @a"
    assert edges(sql, "tsql") == {"t.v = s.v"}
    assert edges("select id into a from s\ngo\nselect v into b from s\ngo", "tsql") == {"a.id = s.id", "b.v = s.v"}


def test_a_statement_that_changes_inside_with() -> None:
    sql = "with gone as (delete from s where flag returning id, v) insert into t (id, v) select id, v from gone"
    found = edges(sql, "postgres")
    assert {"t.id = s.id", "t.v = s.v", "t.id where s.flag", "s.w where s.flag"} <= found


def test_tsql_changes_a_table_through_a_common_table_expression() -> None:
    sql = "with d as (select id, row_number() over (partition by v order by w) as n from t) delete from d where n > 1"
    assert edges(sql, "tsql") == {f"t.{c} where t.{s}" for c in ("id", "v", "w") for s in ("v", "w")}


def test_oracle_writes_the_condition_of_a_merge_behind_it() -> None:
    sql = "merge into t using s on (t.id = s.id) when matched then update set t.v = s.v where s.flag = 1"
    assert edges(sql, "oracle") == {"t.v = s.v", "t.v if s.flag", "t.v join t.id", "t.v join s.id"}


def test_a_view_that_is_replaced_is_the_last_one() -> None:
    sql = "create view n as select id from s; create or replace view n as select v as id from s"
    assert edges(sql) == {"n.id = s.v"}


def test_options_that_the_parser_does_not_know_do_no_harm() -> None:
    assert edges("create materialized view n as select id from s with no data", "postgres") == {"n.id = s.id"}
    assert edges("create temp table a on commit drop as select id from s; insert into t (id) select id from a", "postgres") == {
        "t.id = s.id"
    }


def test_copies_of_a_table() -> None:
    assert edges("create table n clone s", "snowflake") == {f"n.{c} = s.{c}" for c in SCHEMA["s"]}
    assert edges("create table n (like s); insert into n select * from s", "postgres") == {f"n.{c} = s.{c}" for c in SCHEMA["s"]}


def test_replace_into_is_an_insert() -> None:
    assert edges("replace into t (id, v) select w, v from s", "mysql") == {"t.id = s.w", "t.v = s.v"}


def test_static_partitions_are_not_filled_by_the_query() -> None:
    found = edges("insert overwrite table t partition (v = 1) select id, w from s", "spark")
    assert found == {"t.id = s.id", "t.w = s.w"}


@pytest.mark.parametrize(
    ("dialect", "sql", "reason"),
    [
        ("tsql", "create procedure p as begin select 1; insert into t select * from s; end", "procedure"),
        ("postgres", "create function f() returns int as $$ select 1; $$ language sql", "function"),
        ("snowflake", "create procedure p() returns int language sql as begin let x := 1; return x; end", "procedure"),
        ("mysql", "create trigger g before insert on t for each row begin set new.v = 1; set new.w = 2; end", "trigger"),
        ("postgres", "call p(1)", "procedure"),
        ("tsql", "exec p 1", "procedure"),
        ("snowflake", "execute immediate 'insert into t select * from s'", "dynamic"),
        ("oracle", "begin insert into t select * from s; commit; end", "procedural"),
        ("bigquery", "declare x int64; begin insert into t (id) select id from s; end", "procedural"),
    ],
)
def test_code_is_not_analysed_and_said_so_and_the_rest_is(dialect: str, sql: str, reason: str) -> None:
    found = trace(f"insert into t (id) select id from s;\n{sql};\ninsert into t (v) select v from s", dialect, SCHEMA)
    assert [str(edge.target) for table in found.tables for edge in table.edges()] == ["t.id", "t.v"]
    assert reason in found.not_analysed[0].reason
    assert found.not_analysed[0].line == 2


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("mysql", "insert into t (id) select id from s on duplicate key update v = values()"),
        ("duckdb", "unpivot s on id, v into value v"),
        ("snowflake", "alter table swap swap"),
        ("duckdb", "rename table a . f , t . to b"),
        ("databricks", "merge into t using s on t.id = s.id when matched then update set * when not matched update *"),
    ],
)
def test_what_fuzzing_found_does_no_harm(dialect: str, sql: str) -> None:
    assert not any("defect" in gap.reason for gap in trace(sql, dialect, SCHEMA).not_analysed)


def test_a_mistake_is_named_with_its_place_and_the_others_are_analysed() -> None:
    found = trace("select id from s;\nselect id, (v\nfrom s;\nselect v from s", "duckdb", SCHEMA)
    (gap,) = found.not_analysed
    assert (gap.statement, gap.line) == (2, 3)
    assert "parsed" in gap.reason
    assert len(found.tables) == 2


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select x from a join b on a.id = b.id", "'x' may belong to a or b"),
        ("select nope from s", "no table here has a column 'nope'"),
        ("select s.nope from s", "'s' has no column 'nope'"),
        ("select id from s, t", "'id' is a column of 2 tables here"),
        ("select * from a natural join b", "NATURAL JOIN"),
        ("insert into unknown select id from s", "named as the query names them"),
        ("insert into t select * from unknown", "filled by position"),
        ("select x from a where exists (select 1 from s where x = v)", None),
        ("create view v1 as select * from v2; create view v2 as select * from v1", "v1 -> v2 -> v1"),
    ],
)
def test_what_is_not_known_is_not_guessed(sql: str, reason: str | None) -> None:
    found = trace(sql, "duckdb", SCHEMA)
    assert (reason is None and not found.not_analysed) or reason in " ".join(gap.reason for gap in found.not_analysed)  # type: ignore[operator]


@pytest.mark.parametrize(
    "sql",
    [
        "set x = 1", "begin; commit; rollback", "drop table t", "grant select on t to x", "explain select 1",
        "create index i on t (id)",
        "create schema n", "use n", "truncate t", "comment on table t is 'x'", "vacuum t", "create table n (a int)",
    ],
)  # fmt: skip
def test_statements_that_move_no_data_have_no_edges(sql: str) -> None:
    assert edges(sql, "postgres") == set()


def test_a_long_list_of_values_is_skipped_but_not_what_is_computed_in_it() -> None:
    rows = ", ".join(f"({number}, 1)" for number in range(2000))
    found = edges(f"insert into t (id, v) values {rows}, (1, (select max(v) from s)), {rows}")
    assert found == {"t.v agg s.v"}
