"""Plain SQL: the slots are read from the text, or it is refused with the reason; never a wrong number."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from startrail.base.errors import StartrailError
from startrail.base.span import Span
from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.gap import Gap
from startrail.lineage.gap.errors import OpaqueSql
from startrail.lineage.gap.plain import metric_of
from startrail.model.metric import Metric
from startrail.ports.warehouse import Warehouse
from startrail.testing.scenarios import PERIOD, Planted, plant
from startrail.wiring.why import gap_between, side

SPAN = parse_period(PERIOD)
FINANCE = """
select sum(o.amount - coalesce(o.refunded, 0)) as revenue from marts.orders as o
where timezone('Europe/Madrid', o.invoiced_at) >= $start and timezone('Europe/Madrid', o.invoiced_at) < $end and not o.is_test
"""


def gap(planted: Planted, a: str, b: str, warehouse: Warehouse) -> Gap:
    pinned = Pinned(planted.tables_a)
    sides = [side(Metric(name, sql=sql), SPAN, pinned, warehouse) for name, sql in (("one", a), ("two", b))]
    return gap_between(sides[0], sides[1], SPAN, warehouse, check=True)


def test_two_texts_are_explained_like_two_declarations(warehouse: Warehouse) -> None:
    planted = plant(["order_date", "test_accounts", "refunds", "midnight"], 5)
    marketing = "select sum(amount) from marts.orders where ordered_at >= $start and ordered_at < $end"
    found = gap(planted, FINANCE, marketing, warehouse)
    assert found.unexplained == 0
    assert {line.cause.partition(" ")[0]: line.amount for line in found.lines} == {
        cause.partition(" ")[0]: amount for cause, amount in planted.truth.items()
    }


def test_between_with_dates_is_the_bounds_slot(warehouse: Warehouse) -> None:
    planted = plant(["between"], 2)
    one = "select sum(amount) from marts.orders where invoiced_at >= '2026-10-01' and invoiced_at < '2026-11-01'"
    two = "select sum(amount) from marts.orders where invoiced_at between '2026-10-01' and '2026-10-31'"
    found = gap(planted, one, two, warehouse)
    assert {line.cause: line.amount for line in found.lines} == planted.truth


@pytest.mark.parametrize(
    "two",
    [
        "select sum(x) from (select country, sum(amount) as x from marts.orders where not is_test group by country)",
        "select sum(x) from (select amount as x, is_test as t from marts.orders) as s where not t",
        "select sum(case when not is_test then amount end) from marts.orders",
        "with o as (select * from marts.orders), p as (select amount as x from o where not is_test) select sum(x) from p",
        "select sum(o.x) from (select order_id, amount as x from marts.orders where not is_test) o, marts.orders p "
        "where p.order_id = o.order_id",
        "select sum(p.x) from marts.orders o left join (select order_id as k, amount as x from marts.orders where not is_test) p "
        "on p.k = o.order_id",
        "select sum(amount) filter (where not is_test) from marts.orders",
    ],
)
def test_shapes_that_are_read(two: str, warehouse: Warehouse) -> None:
    planted = plant(["test_accounts"], 4)
    found = gap(planted, two, "select sum(amount) from marts.orders", warehouse)
    assert [line.amount for line in found.lines] == [planted.gap]


def test_a_join_that_multiplies_rows_is_named(warehouse: Warehouse) -> None:
    planted = plant(["fan_out"], 4)
    joined = "select sum(o.amount) from marts.orders o left join marts.tags t on t.order_id = o.order_id"
    found = gap(planted, "select sum(amount) from marts.orders", joined, warehouse)
    assert {line.cause: line.amount for line in found.lines} == {"join t": planted.gap}


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select country, sum(amount) from marts.orders group by country", "GROUP BY"),
        (
            "with o as (select * from marts.orders) select sum(o.amount) from o join o as p on o.order_id = p.order_id",
            "a WITH clause",
        ),
        ("select sum(amount) from marts.orders where order_id in (select order_id from marts.tags)", "a subquery"),
        ("select sum(amount) from marts.orders limit 1", "LIMIT"),
        ("select amount from marts.orders", "not one aggregate"),
        ("select sum(amount) from marts.orders o join marts.tags using (order_id)", "neither LEFT nor INNER JOIN"),
        ("select sum(amount) from marts.orders where invoiced_at > $start - interval 1 day", "does not stand in"),
        ("select max(x) from (select country, sum(amount) as x from marts.orders group by country)", "subquery"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(sql: str, reason: str) -> None:
    columns = {"marts.orders": ("order_id", "amount", "country", "invoiced_at"), "marts.tags": ("order_id", "tag")}
    with pytest.raises(OpaqueSql, match=reason):
        metric_of(sql, "one", columns, None, Span(""))


def test_a_text_that_is_read_wrongly_would_be_found_out(warehouse: Warehouse) -> None:
    from startrail.capabilities.why.errors import NotReproduced
    from startrail.capabilities.why.explain import play
    from startrail.lineage.metric.time import Window

    planted = plant(["test_accounts"], 4)
    a, b = (side(metric, SPAN, Pinned(planted.tables_a), warehouse) for metric in (planted.a, planted.b))
    import msgspec

    wrong = msgspec.structs.replace(b, value=(b.value or Fraction(0)) + Fraction(Decimal("0.01")))
    with pytest.raises(NotReproduced):
        play(a, wrong, Window(SPAN.start, SPAN.end), warehouse)
    with pytest.raises(StartrailError):
        play(a, msgspec.structs.replace(b, value=None), Window(SPAN.start, SPAN.end), warehouse)
