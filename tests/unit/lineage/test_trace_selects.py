"""Column lineage of queries: each case is a text and all of its edges."""

from __future__ import annotations

import pytest

from startrail.lineage.trace.script import trace

SCHEMA = {
    "orders": {"id": "int", "customer": "int", "amount": "decimal", "status": "text", "at": "timestamp"},
    "customers": {"id": "int", "name": "text", "country": "text"},
    "refunds": {"order_id": "int", "amount": "decimal"},
    "events": {"payload": "struct(kind text, size int)", "tags": "text[]", "j": "json"},
}
SHORT = {
    "identity": "=", "transformation": "f", "aggregation": "agg", "join": "join", "filter": "where", "group_by": "group",
    "sort": "sort", "window": "window", "conditional": "if",
}  # fmt: skip


def edges(sql: str, dialect: str = "duckdb", schema: dict | None = None) -> set[str]:
    """Every edge as ``target <role> source``; nothing may be left unanalysed."""
    found = trace(sql, dialect, SCHEMA if schema is None else schema)
    assert not found.not_analysed, found.not_analysed
    return {f"{edge.target} {SHORT[edge.subtype]} {edge.source}" for table in found.tables for edge in table.edges()}


def test_a_column_passes_under_another_name() -> None:
    assert edges("select o.id as order_id, amount from orders o") == {"order_id = orders.id", "amount = orders.amount"}


def test_a_computed_value_is_a_transformation_and_a_sum_an_aggregation() -> None:
    sql = "select amount * 2 as double, sum(amount + id) as total from orders"
    assert edges(sql) == {"double f orders.amount", "total agg orders.amount", "total agg orders.id"}


def test_clauses_influence_every_column() -> None:
    sql = (
        "select customer, sum(amount) as s from orders where status = 'paid' group by customer having max(at) > now() order by id"
    )
    others = {f"{column} {role}" for column in ("customer", "s") for role in
              ("where orders.status", "group orders.customer", "where orders.at", "sort orders.id")}  # fmt: skip
    assert edges(sql) == {"customer = orders.customer", "s agg orders.amount"} | others


def test_a_join_names_both_sides_of_its_condition() -> None:
    sql = "select name from orders o join customers c on o.customer = c.id"
    assert edges(sql) == {"name = customers.name", "name join orders.customer", "name join customers.id"}


def test_the_condition_of_a_case_is_conditional_and_its_branches_are_values() -> None:
    sql = "select case when status = 'x' then amount else id end as v from orders"
    assert edges(sql) == {"v if orders.status", "v f orders.amount", "v f orders.id"}


def test_a_window_orders_and_partitions() -> None:
    sql = """select sum(amount) over (partition by customer order by at) as running, row_number() over w as n
             from orders window w as (order by id)"""
    assert edges(sql) == {
        "running agg orders.amount",
        "running window orders.customer",
        "running window orders.at",
        "n window orders.id",
    }


def test_lag_moves_a_value_and_does_not_aggregate() -> None:
    assert edges("select lag(amount) over (order by id) as before from orders") == {
        "before f orders.amount",
        "before window orders.id",
    }


def test_roles_grow_on_the_way_through_subqueries() -> None:
    sql = "with paid as (select id, amount * 2 as twice from orders where status = 'paid') select sum(twice) as s from paid"
    assert edges(sql) == {"s agg orders.amount", "s where orders.status"}


def test_a_filter_on_a_computed_column_is_a_filter_on_what_it_is_made_of() -> None:
    sql = "select id from (select id, case when status = 'x' then 1 else 0 end as flag from orders) q where flag = 1"
    assert edges(sql) == {"id = orders.id", "id where orders.status"}


def test_writing_subqueries_out_changes_nothing() -> None:
    nested = "select a.s from (select sum(amount) as s, customer from orders where status = 'x' group by customer) a"
    flat = "select sum(amount) as s from orders where status = 'x' group by customer"
    assert edges(nested) == edges(flat)


def test_unions_match_by_position_and_their_distinct_compares_whole_rows() -> None:
    sql = "select id as k, name as v from customers union select id, status from orders"
    expected = {"k = customers.id", "k = orders.id", "v = customers.name", "v = orders.status"}
    compared = {f"{c} group {s}" for c in ("k", "v") for s in ("customers.id", "customers.name", "orders.id", "orders.status")}
    assert edges(sql) == expected | compared


def test_union_by_name_matches_by_name() -> None:
    sql = "select id, name from customers union all by name select status as name, id from orders"
    assert edges(sql) == {"id = customers.id", "id = orders.id", "name = customers.name", "name = orders.status"}


def test_except_takes_values_from_the_left_only() -> None:
    found = edges("select id from orders except all select order_id from refunds")
    assert found == {"id = orders.id", "id where orders.id", "id where refunds.order_id"}


def test_a_recursive_table_feeds_itself() -> None:
    sql = """with recursive chain(node, above) as (
        select id, customer from orders where status = 'root'
        union all select o.id, c.node from orders o join chain c on o.customer = c.node)
        select node, above from chain"""
    found = edges(sql)
    assert {"node = orders.id", "above = orders.customer", "above = orders.id", "node where orders.status"} <= found
    assert "node join orders.customer" in found


def test_a_scalar_subquery_brings_its_value_and_its_filter() -> None:
    sql = "select (select max(r.amount) from refunds r where r.order_id = o.id) as back from orders o"
    assert edges(sql) == {"back agg refunds.amount", "back where refunds.order_id", "back where orders.id"}


def test_exists_and_in_filter() -> None:
    sql = """select name from customers c
             where exists (select 1 from orders o where o.customer = c.id) and country in (select status from orders)"""
    assert edges(sql) == {"name = customers.name", "name where orders.customer", "name where customers.id",
                          "name where customers.country", "name where orders.status"}  # fmt: skip


def test_stars_expand_with_except_replace_and_rename() -> None:
    assert edges("select * exclude (country) replace (upper(name) as name) from customers") == {
        "id = customers.id",
        "name f customers.name",
    }
    assert edges("select * rename (name as called) from customers") == {
        "id = customers.id", "called = customers.name", "country = customers.country",
    }  # fmt: skip
    assert edges("select c.* from orders o, customers c") == {f"{c} = customers.{c}" for c in ("id", "name", "country")}


def test_a_star_after_using_shows_the_column_once() -> None:
    found = edges("select * from customers full join (select id, amount from orders) o using (id)")
    assert {"id f customers.id", "id f orders.id", "amount = orders.amount", "name = customers.name"} <= found
    assert not any(edge.startswith("id = ") for edge in found)


def test_columns_by_pattern() -> None:
    assert edges("select columns('^(id|at)$') from orders") == {"id = orders.id", "at = orders.at"}


def test_an_expression_of_columns_stands_for_one_each() -> None:
    found = edges("select max(columns('^(id|at)$')) from orders")
    assert found == {"max(id) agg orders.id", "max(at) agg orders.at"}


def test_an_unnamed_column_is_called_by_its_text() -> None:
    assert edges("select  sum( amount ), id+1 from orders") == {"sum( amount ) agg orders.amount", "id+1 f orders.id"}


def test_struct_and_json_paths_come_from_their_column() -> None:
    found = edges("select payload.kind as k, j->>'$.a.b' as b, events.payload.size as n, payload['kind'] as m from events")
    assert found == {"k f events.payload", "b f events.j", "n f events.payload", "m f events.payload"}
    assert edges("select payload.* from events") == {"kind f events.payload", "size f events.payload"}


def test_unnested_values_come_from_their_array_which_multiplies_the_rows() -> None:
    found = edges("select j, t.tag from events, unnest(tags) as t(tag)")
    assert found == {"j = events.j", "tag f events.tags", "j join events.tags", "tag join events.tags"}


def test_lambda_parameters_are_no_columns() -> None:
    assert edges("select list_transform(tags, t -> t || j) as x from events") == {"x f events.tags", "x f events.j"}


def test_aliases_may_be_used_again_where_the_dialect_says_so() -> None:
    assert edges("select amount * 2 as twice, twice + id as more from orders") == {
        "twice f orders.amount",
        "more f orders.amount",
        "more f orders.id",
    }


def test_a_column_goes_before_an_alias_of_the_same_name_in_where() -> None:
    assert edges("select id as status from orders where status = 'x'") == {"status = orders.id", "status where orders.status"}


def test_pivot_switches_and_groups() -> None:
    sql = "select * from (select customer, status, amount from orders) pivot (sum(amount) for status in ('a', 'b'))"
    expected = {f"{c} {rest}" for c in ("a", "b") for rest in ("agg orders.amount", "if orders.status", "group orders.customer")}
    assert edges(sql) == expected | {"customer = orders.customer", "customer group orders.customer"}


def test_unpivot_puts_columns_into_one_and_leaves_out_nulls() -> None:
    sql = "select * from (select id, name, country from customers) unpivot (v for k in (name, country))"
    nulls = {f"{c} where customers.{s}" for c in ("id", "k", "v") for s in ("name", "country")}
    assert edges(sql) == {"id = customers.id", "v = customers.name", "v = customers.country"} | nulls


def test_group_by_all_and_by_number() -> None:
    by_all = edges("select customer, (select max(amount) from refunds) as m, count(*) as n from orders group by all")
    assert "n group orders.customer" in by_all
    assert "n group refunds.amount" in by_all
    assert edges("select customer, sum(amount) as s from orders group by 1") >= {"s group orders.customer", "s agg orders.amount"}


def test_values_have_no_sources() -> None:
    assert edges("select a from (values (1, 2)) v(a, b)") == set()


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("snowflake", "select f.value:id::int as v from t, lateral flatten(input => t.arr) f", {"v f t.arr", "v join t.arr"}),
        ("spark", "select c from t lateral view explode(m) x as c", {"c f t.m", "c join t.m"}),
        ("bigquery", "select s.a, x.b from t s, unnest(s.arr) x", {"a = t.a", "b f t.arr", "a join t.arr", "b join t.arr"}),
        ("bigquery", "select s.a, x from t s, s.arr x", {"a = t.a", "x f t.arr", "a join t.arr", "x join t.arr"}),
        ("postgres", "select j->'a'->>'b' as b from t", {"b f t.j"}),
        ("postgres", "select (s).f, a::text from t", {"f f t.s", "a f t.a"}),
        ("tsql", "select top 3 q.m from t cross apply (select max(y) as m from u where u.id = t.id) q",
         {"m agg u.y", "m where u.id", "m where t.id"}),
        ("tsql", "select o.x from t cross apply openjson(t.j) with (x int '$.x') as o", {"x f t.j", "x join t.j"}),
        ("presto", "select e from t cross join unnest(t.arr) as u(e)", {"e f t.arr", "e join t.arr"}),
        ("clickhouse", "select a, d from t array join c as d", {"a = t.a", "d f t.c", "a join t.c", "d join t.c"}),
        ("oracle", "select a from t start with b = 1 connect by prior c = d",
         {"a = t.a", "a where t.b", "a join t.c", "a join t.d"}),
        ("postgres", "select percentile_cont(0.5) within group (order by x) as m, string_agg(a, ',' order by b) as s from t",
         {"m agg t.x", "s agg t.a", "s sort t.b"}),
        ("snowflake", "select listagg(a, ',') within group (order by b) as s from t", {"s agg t.a", "s sort t.b"}),
        ("snowflake", "select $1 as a from (select x from t)", {"a = t.x"}),
        ("bigquery", "select array(select x from unnest(t.arr) x) as l from t", {"l f t.arr", "l join t.arr"}),
        ("mysql", "select if(a > 1, b, c) as v from t", {"v if t.a", "v f t.b", "v f t.c"}),
        ("databricks", "select a + 1 as b, b + 1 as c from t", None),
    ],
)  # fmt: skip
def test_dialects_have_their_own_ways(dialect: str, sql: str, expected: set[str] | None) -> None:
    if expected is None:
        found = trace(sql, dialect, {})
        assert "alias 'b'" in found.not_analysed[0].reason
    else:
        assert edges(sql, dialect, {}) == expected


def test_quoted_names_count_their_letters_where_the_dialect_says_so() -> None:
    schema = {"t": {"Amount": "int", "amount": "int"}}
    assert edges('select "Amount" as x from t', "postgres", schema) == {"x = t.Amount"}
    assert edges("select AMOUNT as x from t", "postgres", schema) == {"x = t.amount"}
    assert edges("select Id from Orders") == {"Id = Orders.id"}


def test_names_of_tables_may_be_written_with_more_or_less_in_front() -> None:
    assert edges("select id from shop.public.customers") == {"id = shop.public.customers.id"}
    assert edges("select id from c", "duckdb", {"shop.c": {"id": "int"}}) == {"id = c.id"}
