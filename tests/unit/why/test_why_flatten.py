"""Subqueries and listed tables that are taken away, exactly; what would not be exact stays."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from startrail.lineage.gap.commas import with_joins
from startrail.lineage.gap.flatten import flattened


def flat(sql: str) -> str:
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Select)
    return flattened(tree).sql(dialect="duckdb").lower()


@pytest.mark.parametrize(
    ("sql", "same"),
    [
        ("with q as (select v from s.t where p = 1) select sum(v) from q", "select sum(v) from s.t where p = 1"),
        (
            "select sum(d.x) from s.a as o join (select k, v + 1 as x from s.b where p = 1) as d on d.k = o.k",
            "select sum((d.v + 1)) from s.a as o join s.b as d on d.k = o.k where d.p = 1",
        ),
        (
            "select sum(d.x) from s.a as o left join (select k, v as x from s.b where p = 1) as d on d.k = o.k",
            "select sum(d.v) from s.a as o left join s.b as d on d.k = o.k and d.p = 1",
        ),
        ("select sum(v) from s.t where c = 'es' group by c", "select sum(v) from s.t where c = 'es'"),
        (
            "select x from (select c, sum(v) as x from s.t group by c) as q where q.c = 'es'",
            "select sum(v) from s.t where c = 'es'",
        ),
    ],
)
def test_what_is_exact_is_taken_away(sql: str, same: str) -> None:
    assert flat(sql) == same


@pytest.mark.parametrize(
    "sql",
    [
        "select sum(d.x) from s.a as o left join (select k, coalesce(v, 1) as x from s.b) as d on d.k = o.k",
        "select sum(x) from s.a as o join (select k, v as x from s.b) as d on d.k = o.k",
        "select sum(d.x) from s.a as o full join (select k, v as x from s.b where p = 1) as d on d.k = o.k",
        "select sum(o.v) from s.a as o join (select k, max(v) as m from s.b group by k) as d on d.k = o.k",
        "select sum(v) from s.t where c > 'es' group by c",
        "select sum(v) from s.t where c = 'es' group by c, d",
        "select x from (select c, sum(v) as x from s.t group by c) as q where q.c <> 'es'",
        "with q as (select v, k from s.t) select sum(a.v) from q as a join q as b on a.k = b.k",
    ],
)
def test_what_would_not_be_exact_stays(sql: str) -> None:
    assert flat(sql) == sqlglot.parse_one(sql, dialect="duckdb").sql(dialect="duckdb").lower()


def test_listed_tables_are_joined_in_an_order_in_which_each_is_compared() -> None:
    tree = sqlglot.parse_one("select sum(a.v) from s.a, s.c, s.b where a.k = b.k and c.m = b.m and c.n > 1", dialect="duckdb")
    assert isinstance(tree, exp.Select)
    found = with_joins(tree, lambda column: column.table)
    assert found is not None
    assert found.sql(dialect="duckdb") == (
        "SELECT SUM(a.v) FROM s.a INNER JOIN s.b ON a.k = b.k INNER JOIN s.c ON c.m = b.m WHERE c.n > 1"
    )


def test_a_listed_table_that_is_compared_with_none_is_not_joined() -> None:
    tree = sqlglot.parse_one("select sum(a.v) from s.a, s.b where a.k > b.k", dialect="duckdb")
    assert isinstance(tree, exp.Select)
    assert with_joins(tree, lambda column: column.table) is None
