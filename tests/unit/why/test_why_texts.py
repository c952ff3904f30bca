"""Texts mixed place by place: exact whatever stands in them, or refused; both ends are the texts themselves."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.gap import Gap
from startrail.lineage.gap.errors import NotComparable, OpaqueSql
from startrail.lineage.gap.texts import Text, texts
from startrail.model.metric import Metric
from startrail.ports.warehouse import Query, Warehouse
from startrail.testing.scenarios import Planted, plant
from startrail.wiring.why_texts import gap_of_texts

STORES = (
    "select country, sum(amount) as total, count(*) as n from marts.orders where {where} group by country having count(*) > {n}"
)


def gap(planted: Planted, a: str, b: str, warehouse: Warehouse) -> Gap:
    sides = [Metric(name, sql=sql) for name, sql in (("one", a), ("two", b))]
    return gap_of_texts(sides[0], sides[1], None, Pinned(planted.tables_a), warehouse).gap


def number(planted: Planted, sql: str, warehouse: Warehouse) -> Decimal:
    return Decimal(str(warehouse.fetch(Query(sql, planted.tables_a)).rows[0][0]))


def mixed(a: str, b: str) -> list[tuple[str, str | None, str | None]]:
    return [(cause.name, cause.a, cause.b) for cause in texts(Text(a, "one"), Text(b, "two")).causes]


def test_groups_of_groups_are_explained_to_the_cent(warehouse: Warehouse) -> None:
    planted = plant(["test_accounts", "refunds"], 3)
    a = f"select sum(total) from ({STORES.format(where='not is_test', n=2)}) as s where n < 100000"
    b = f"with s as ({STORES.format(where='true', n=3)}) select sum(total * 2) from s where n < 100000"
    inlined = f"select sum(total * 2) from ({STORES.format(where='true', n=3)}) as s where n < 100000"
    found = gap(planted, a, inlined, warehouse)
    assert found.method == "texts"
    assert found.unexplained == 0
    assert sum(line.amount for line in found.lines) == found.gap == number(planted, b, warehouse) - number(planted, a, warehouse)
    assert {line.cause for line in found.lines} <= {"expression", "s: condition", "s: condition 2", "s: condition 3"}


def test_a_condition_that_needs_a_join_goes_with_it(warehouse: Warehouse) -> None:
    planted = plant(["fan_out"], 4)
    a = "select count(distinct o.order_id) from marts.orders as o where o.amount > 0"
    b = a.replace("where", "join marts.tags as t on t.order_id = o.order_id where t.tag <> 'x' and")
    found = gap(planted, a, b, warehouse)
    assert found.unexplained == 0
    assert any(line.cause.startswith("condition") and "join t" in line.cause for line in found.lines) or not found.gap


WHERE = st.sampled_from(["not is_test", "amount > 20", "country in ('ES', 'FR')", "refunded is null", "true"])
VALUE = st.sampled_from(
    ["sum(amount)", "sum(amount - coalesce(refunded, 0))", "count(*)", "max(amount)", "count(distinct country)"]
)


@cache
def _planted() -> Planted:
    return plant(["test_accounts"], 1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(WHERE, min_size=1, max_size=3), st.lists(WHERE, min_size=1, max_size=3), VALUE, VALUE, st.booleans())
def test_lines_sum_to_the_gap_whatever_differs(
    warehouse: Warehouse, one: list[str], two: list[str], left: str, right: str, nested: bool
) -> None:
    planted = _planted()

    def text(where: list[str], value: str) -> str:
        inner = f"select country, {value} as v from marts.orders where {' and '.join(where)} group by country"
        bare = f"select {value} from marts.orders where {' and '.join(where)}"
        return f"select sum(q.v) from ({inner}) as q where exists (select 1 from marts.orders)" if nested else bare

    a, b = text(one, left), text(two, right)
    found = gap(planted, a, b, warehouse)
    assert (found.value_a, found.value_b) == (number(planted, a, warehouse), number(planted, b, warehouse))
    assert sum((line.amount for line in found.lines), Decimal(0)) == found.gap
    assert found.unexplained == 0


def test_places_are_named_by_where_they_stand() -> None:
    a = "select sum(x) from (select v as x from s.t where d >= date '2026-01-01' and d < date '2026-02-01' and p = 1) as q"
    b = "select sum(x) from (select v - w as x from s.t where e >= date '2026-01-01' and e < date '2026-02-01' and p = 1) as r"
    assert [each[0] for each in mixed(a, b)] == ["q: column x", "q: condition"]
    assert mixed("select sum(v) from s.t", "SELECT SUM(T.V) FROM s.t AS t") == []
    assert mixed("select sum(v) from s.t as a where a.p = 1", 'select SUM("V") from S.T as b where b."p" = 1') == []


@pytest.mark.parametrize(
    ("a", "b", "refusal", "reason"),
    [
        ("select sum(v) from s.t", "select sum(v) from (select v from s.t limit 3)", OpaqueSql, "LIMIT"),
        ("select sum(v) from s.t", "select sum(v) from s.t where d < now()", OpaqueSql, "another answer each time"),
        ("select sum(v) from s.t", "select any_value(v) from s.t", OpaqueSql, "rows that tie"),
        ("select sum(v) from s.t", "select sum(v) from s.t union all select 1", NotComparable, "built differently"),
        ("select sum(v) from s.t", "insert into s.t select 1", OpaqueSql, "not one SELECT"),
    ],
)
def test_what_cannot_be_mixed_is_refused(a: str, b: str, refusal: type[Exception], reason: str) -> None:
    with pytest.raises(refusal, match=reason):
        texts(Text(a, "one"), Text(b, "two"))


def test_many_places_are_put_together() -> None:
    a, b = ("select sum(v) from s.t where " + " and ".join(f"c{n} = {n + m}" for n in range(9)) for m in (0, 1))
    found = texts(Text(a, "one"), Text(b, "two"))
    assert [cause.name for cause in found.causes][-1] == "5 places"
    assert found.sql(range(5)) == texts(Text(b, "two"), Text(b, "two")).sql(())
