"""How often the tables are read: five statements at most, whatever differs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fixtures.metrics import Customer, relations
from tests.unit.why.test_why_lines import order
from tests.unit.why.test_why_scenarios import SPAN

from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.gap import Gap
from startrail.model.metric import Filter, Join, Metric, TimeDimension
from startrail.ports.warehouse import Query, Rows, Warehouse
from startrail.testing.scenarios import Planted, plant
from startrail.wiring.why import gap_between, side


class Counting:
    """A warehouse that notes what is fetched."""

    def __init__(self, inner: Warehouse) -> None:
        self.inner, self.fetched = inner, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def fetch(self, query: Query, limit: int | None = None) -> Rows:
        self.fetched += 1
        return self.inner.fetch(query, limit)


def counted(planted: Planted, warehouse: Warehouse) -> tuple[Gap, int]:
    counting: Any = Counting(warehouse)
    a = side(planted.a, SPAN, Pinned(planted.tables_a), counting)
    b = side(planted.b, SPAN, Pinned(planted.tables_b), counting)
    return gap_between(a, b, SPAN, counting), counting.fetched


@pytest.mark.parametrize(
    ("names", "statements"),
    [
        (("order_date", "test_accounts", "refunds"), 3),
        (("order_date", "inner_join", "fan_out", "rates"), 3),
        (("order_value",), 3),
        (("active_users",), 3),
        (("late_data", "order_date"), 5),
    ],
)
def test_the_tables_are_read_at_most_five_times(names: tuple[str, ...], statements: int, warehouse: Warehouse) -> None:
    found, fetched = counted(plant(names, 1), warehouse)
    assert found.statements == fetched == statements <= 5


@pytest.mark.parametrize("agg", ["sum", "avg", "median", "count_distinct"])
def test_forty_filters_a_guarded_join_and_a_grain_take_no_more(agg: Any, warehouse: Warehouse) -> None:
    one = Metric(
        "m.a", source="marts.orders", expr="amount", agg=agg, grain="order_id", dimensions=("status",),
        agg_time_dimension=TimeDimension("invoiced_at"), joins=(Join("marts.customers", "orders.customer_id = customers.id"),),
    )  # fmt: skip
    two = msgspec.structs.replace(one, filters=tuple(Filter(f"f{n}", f"amount <> {n}.25") for n in range(40)))

    tables = Pinned(relations([order(n, f"{n}.25") for n in range(50)], [], [Customer(1, "ES")]))
    counting: Any = Counting(warehouse)
    found = gap_between(side(one, SPAN, tables, counting), side(two, SPAN, tables, counting), SPAN, counting)
    assert found.unexplained == 0
    assert found.statements == counting.fetched == 4
