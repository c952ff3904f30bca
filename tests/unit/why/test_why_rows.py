"""Rows that a line counts are rows that move the number, in the line, in its segments and in its evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.metrics import Order, relations

from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.gap import Gap
from startrail.model.metric import Filter, Metric, TimeDimension
from startrail.ports.warehouse import Warehouse
from startrail.wiring.why import gap_between, side

SPAN = parse_period("2026-10")
DAY = datetime(2026, 10, 14, 11, tzinfo=UTC)
REFUNDS = Metric(
    "m.a", source="marts.orders", expr="refunded", agg_time_dimension=TimeDimension("invoiced_at"), dimensions=("currency",)
)
SAID = msgspec.structs.replace(REFUNDS, expr="coalesce(refunded, 0)")
ORDERS = [
    Order(1, DAY, DAY, refunded=Decimal("4.00"), currency="EUR"),
    Order(2, DAY, DAY, refunded=None, currency="EUR"),
    Order(3, DAY, DAY, refunded=Decimal("0.00"), currency="USD"),
    Order(4, DAY, DAY, refunded=None, currency="USD", status="open"),
    Order(5, DAY, DAY, refunded=Decimal("3.00"), currency="USD", status="open"),
]


def gap(warehouse: Warehouse, a: Metric, b: Metric, evidence: Path | None = None) -> Gap:
    pinned = Pinned(relations(ORDERS))
    return gap_between(
        side(a, SPAN, pinned, warehouse), side(b, SPAN, pinned, warehouse), SPAN, warehouse, check=True, evidence=evidence
    )


def changed(metric: Metric, **fields: Any) -> Metric:
    return msgspec.structs.replace(metric, **fields)


def test_nothing_and_zero_are_the_same_to_a_sum(warehouse: Warehouse) -> None:
    found = gap(warehouse, REFUNDS, SAID)
    assert (found.gap, found.lines, found.without_effect) == (0, (), ("expr",))


def test_segments_of_an_expr_count_the_rows_whose_value_changes(warehouse: Warehouse) -> None:
    other = changed(SAID, expr="coalesce(refunded, 0) * 2")
    (line,) = gap(warehouse, REFUNDS, other).lines
    assert (line.amount, line.rows) == (Decimal("7.00"), 2)
    assert {segment.by["currency"]: (segment.amount, segment.rows) for segment in line.segments} == {
        "EUR": (Decimal("4.00"), 1),
        "USD": (Decimal("3.00"), 1),
    }


def test_the_same_for_a_mean_where_nothing_is_not_zero(warehouse: Warehouse) -> None:
    (line,) = gap(warehouse, changed(REFUNDS, agg="avg"), changed(SAID, agg="avg")).lines
    assert line.rows == 2, "rows without a refund come into the divisor"


def test_floats_that_differ_beyond_what_is_counted_do_not_move(warehouse: Warehouse) -> None:
    a = changed(REFUNDS, expr="cast(refunded as double)")
    b = changed(REFUNDS, expr="cast(refunded as double) + case when order_id = 1 then 1e-12 else 0 end")
    assert sum(line.rows for line in gap(warehouse, a, b).lines) == 0


@pytest.mark.parametrize("filtered", [True, False])
def test_evidence_holds_the_rows_that_move_and_no_others(warehouse: Warehouse, tmp_path: Path, filtered: bool) -> None:
    import pyarrow.parquet as pq

    other = changed(SAID, expr="coalesce(refunded, 0) * 2", filters=(Filter("paid", "status = 'paid'"),) if filtered else ())
    found = gap(warehouse, REFUNDS, other, tmp_path)
    (line,) = [line for line in found.lines if line.cause == "expr"]
    rows = pq.read_table(tmp_path / f"{line.evidence}_expr.parquet").to_pylist()
    assert [(row["order_id"], row["before"], row["after"]) for row in rows] == [
        (1, Decimal(4), Decimal(8)),
        (5, Decimal(3), Decimal(6)),
    ]
    assert line.rows == len(rows)
    if filtered:
        (line,) = [line for line in found.lines if line.cause == "filter paid"]
        rows = pq.read_table(tmp_path / f"{line.evidence}_filter_paid.parquet").to_pylist()
        assert [row["order_id"] for row in rows] == [5, 4], "a row that is let in or dropped is shown though it adds nothing"
        assert line.rows == 2


def test_of_a_quotient_both_parts_are_shown(warehouse: Warehouse, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    found = gap(warehouse, changed(REFUNDS, agg="avg"), changed(SAID, agg="avg"), tmp_path)
    (line,) = found.lines
    rows = pq.read_table(tmp_path / f"{line.evidence}_expr.parquet").to_pylist()
    assert sorted(row["order_id"] for row in rows) == [2, 4]
    assert {(row["before_denominator"], row["after_denominator"]) for row in rows} == {(None, 1)}
