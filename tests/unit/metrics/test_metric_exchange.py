"""Metrics to other formats and back: what comes back is the same, or is named as lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.fixtures.metrics import Customer, Order, relations

from startrail.capabilities.metrics.exchange.declaration import declaration, path_of
from startrail.capabilities.metrics.exchange.errors import NotAManifest
from startrail.capabilities.metrics.exchange.losses import Imported
from startrail.capabilities.metrics.exchange.metricflow_in import import_metricflow
from startrail.capabilities.metrics.exchange.metricflow_out import export_metricflow
from startrail.capabilities.metrics.exchange.ossie_in import import_ossie
from startrail.capabilities.metrics.exchange.ossie_out import export_ossie
from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.metrics.value import evaluate
from startrail.model.metric import (
    Bridge,
    Currency,
    Dedup,
    Filter,
    Join,
    Metric,
    Part,
    RateColumns,
    TimeDimension,
)
from startrail.ports.warehouse import Warehouse
from startrail.project.metrics import read_metric
from startrail.project.yaml import read_yaml

TIME = TimeDimension("invoiced_at")
NET = Metric(
    "finance.net_revenue", description="Net: of refunds", owner="finance@example.com", status="standard", source="marts.orders",
    grain="order_id", expr="amount - coalesce(refunded, 0)", agg_time_dimension=TIME,
    filters=(Filter("paid", "status in ('paid', 'refunded')"), Filter("no_test", "not is_test")), dimensions=("status",),
    unit="EUR",
)  # fmt: skip
BUYERS = msgspec.structs.replace(NET, name="web.buyers", agg="count_distinct", expr="customer_id")
SHARE = msgspec.structs.replace(
    NET, name="web.refund_share", agg="ratio", expr=None, numerator=Part("sum", "refunded"), denominator=Part("sum", "amount"),
)  # fmt: skip
MEDIAN = msgspec.structs.replace(NET, name="web.median", agg="median")
COUNT = msgspec.structs.replace(NET, name="web.orders", agg="count", expr=None)
SPANISH = msgspec.structs.replace(
    NET, name="web.spanish", joins=(Join("marts.customers", "orders.customer_id = customers.id"),),
    filters=(Filter("spain", "customers.country = 'ES'"),), dimensions=("customers.country",),
)  # fmt: skip
UNHOLDABLE = (
    msgspec.structs.replace(
        NET, name="x.currency", currency=Currency("currency", "EUR", "marts.fx", columns=RateColumns(date="day"))
    ),
    msgspec.structs.replace(NET, name="x.dedup", dedup=Dedup("order_id", "loaded_at desc")),
    msgspec.structs.replace(NET, name="x.bounds", agg_time_dimension=TimeDimension("invoiced_at", bounds="[]")),
    msgspec.structs.replace(
        NET, name="x.cutoff", agg_time_dimension=TimeDimension("invoiced_at", late_cutoff="P3D", arrival="loaded_at")
    ),
    msgspec.structs.replace(SPANISH, name="x.inner", joins=(msgspec.structs.replace(SPANISH.joins[0], type="inner"),)),
    msgspec.structs.replace(SPANISH, name="x.fanout", joins=(msgspec.structs.replace(SPANISH.joins[0], on_fanout="allow"),)),
    Metric("x.sql", sql="select count(*) from marts.orders"),
)
ALIKE = (NET, BUYERS, SHARE, MEDIAN, COUNT)
AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
ROWS = [
    Order(1, AT, AT, amount=Decimal("100.10"), customer_id=1),
    Order(2, AT, AT, amount=Decimal("7.35"), refunded=Decimal("2.00"), customer_id=2, status="refunded"),
    Order(3, AT, AT, amount=Decimal("50.00"), customer_id=2),
    Order(4, AT, AT, amount=Decimal("9.99"), is_test=True),
    Order(5, AT, AT, amount=None, customer_id=3),
    Order(6, AT, AT, status="open"),
]
CUSTOMERS = [Customer(1, "ES"), Customer(2, "FR"), Customer(3, None)]


def value_of(metric: Metric, warehouse: Warehouse) -> Any:
    pinned = Pinned(relations(ROWS, [], CUSTOMERS))
    return evaluate(metric, parse_period("2026-10"), (), pinned, warehouse).values[0].value


def without_ours(text: str) -> bytes:
    """The document as another tool would have written it."""
    document = json.loads(text)
    for metric in document.get("metrics", []):
        metric.pop("config", None)
    for model in document.get("semantic_model", []):
        for metric in model["metrics"]:
            metric.pop("custom_extensions", None)
    return json.dumps(document).encode()


def lost(imported: Imported) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for loss in imported.losses:
        found.setdefault(loss.metric, set()).add(loss.what)
    return found


@pytest.mark.parametrize("metric", [*ALIKE, SPANISH, *UNHOLDABLE], ids=lambda metric: metric.name)
def test_a_declaration_reads_back_as_the_metric(metric: Metric) -> None:
    metric = msgspec.structs.replace(metric, bridges=(Bridge("a.b", ("expr",), 0.01),), record="day")
    text = declaration(metric, ("A remark: with {{ marks }}",))
    problems: list[Any] = []
    found = read_metric(
        read_yaml(text.replace("# A remark: with {{ marks }}\n", "").encode(), path_of(metric)), "other", problems
    )
    assert problems == ([] if metric.agg_time_dimension else problems)
    if found is not None:
        assert msgspec.structs.replace(found, span=metric.span) == metric


def test_metricflow_gives_back_exactly_what_it_was_given() -> None:
    exported = export_metricflow(ALIKE)
    imported = import_metricflow(exported.text.encode(), "semantic_manifest.json")
    assert imported.metrics == ALIKE
    assert imported.losses == ()


def test_ossie_gives_back_exactly_what_it_was_given() -> None:
    exported = export_ossie([*ALIKE, SPANISH], "shop")
    imported = import_ossie(exported.text.encode(), "shop.json")
    assert imported.metrics == (*ALIKE, SPANISH)
    assert imported.losses == ()


def test_metricflow_alone_gives_the_same_numbers(warehouse: Warehouse) -> None:
    imported = import_metricflow(without_ours(export_metricflow(ALIKE).text), "semantic_manifest.json")
    found = {metric.name: metric for metric in imported.metrics}
    for metric in ALIKE:
        assert value_of(found[metric.name.replace(".", "_")], warehouse) == value_of(metric, warehouse), metric.name


def test_ossie_alone_gives_the_same_numbers(warehouse: Warehouse) -> None:
    imported = import_ossie(without_ours(export_ossie([*ALIKE, SPANISH], "shop").text), "shop.json")
    assert [metric.name for metric in imported.metrics] == [metric.name for metric in (*ALIKE, SPANISH)]
    for found, metric in zip(imported.metrics, (*ALIKE, SPANISH), strict=True):
        assert value_of(found, warehouse) == value_of(metric, warehouse), metric.name


@pytest.mark.parametrize("export", [export_metricflow, lambda metrics: export_ossie(metrics, "shop")])
def test_what_would_be_another_number_there_is_left_out_and_named(export: Any) -> None:
    exported = export([NET, *UNHOLDABLE])
    assert exported.metrics == 1
    assert {loss.metric for loss in exported.losses if loss.left_out} == {metric.name for metric in UNHOLDABLE}


def test_an_edit_in_the_other_tool_counts_before_our_own_copy(warehouse: Warehouse) -> None:
    text = export_ossie([NET], "shop").text
    (edited,) = import_ossie(text.replace("'refunded')", "'refunded', 'open')").encode(), "shop.json").metrics
    assert value_of(edited, warehouse) == value_of(NET, warehouse) + Decimal("10.00")
    manifest = json.loads(export_metricflow([NET]).text)
    manifest["semantic_models"][0]["measures"][0]["expr"] = "amount"
    (edited,) = import_metricflow(json.dumps(manifest).encode(), "m.json").metrics
    assert edited.expr == "amount"


def test_a_join_that_is_more_than_equal_columns_has_no_place_in_ossie() -> None:
    ranged = msgspec.structs.replace(
        SPANISH, joins=(Join("marts.customers", "orders.customer_id = customers.id and customers.since < orders.invoiced_at"),)
    )
    (loss,) = [loss for loss in export_ossie([ranged], "shop").losses if loss.left_out]
    assert loss.what == "joins"


MANIFEST: dict[str, Any] = {
    "semantic_models": [
        {
            "name": "orders",
            "node_relation": {"alias": "orders", "schema_name": "marts", "database": "prod"},
            "defaults": {"agg_time_dimension": "invoiced"},
            "entities": [
                {"name": "order", "type": "primary", "expr": "order_id"},
                {"name": "customer", "type": "foreign", "expr": "customer_id"},
            ],
            "measures": [
                {"name": "amount", "agg": "sum"},
                {"name": "tests", "agg": "sum_boolean", "expr": "is_test"},
                {"name": "typical", "agg": "percentile", "expr": "amount", "agg_params": {"percentile": 0.5}},
                {"name": "p95", "agg": "percentile", "expr": "amount", "agg_params": {"percentile": 0.95}},
                {"name": "balance", "agg": "sum", "expr": "amount", "non_additive_dimension": {"name": "invoiced"}},
            ],
            "dimensions": [
                {"name": "invoiced", "type": "time", "expr": "invoiced_at", "type_params": {"time_granularity": "day"}},
                {"name": "state", "type": "categorical", "expr": "status"},
                {"name": "big", "type": "categorical", "expr": "amount > 10"},
            ],
        },
        {
            "name": "customers",
            "node_relation": {"alias": "customers", "schema_name": "marts"},
            "entities": [{"name": "customer", "type": "primary", "expr": "id"}],
            "dimensions": [{"name": "country", "type": "categorical"}],
        },
    ],
    "metrics": [
        {"name": "amount", "type": "simple", "label": "Amount", "type_params": {"measure": {"name": "amount"}}},
        {"name": "tests", "type": "simple", "type_params": {"measure": "tests"}},
        {"name": "typical", "type": "simple", "type_params": {"measure": "typical"}},
        {"name": "p95", "type": "simple", "type_params": {"measure": "p95"}},
        {"name": "balance", "type": "simple", "type_params": {"measure": "balance"}},
        {
            "name": "spanish",
            "type": "simple",
            "type_params": {"measure": {"name": "amount", "filter": "{{ Dimension('order__state') }} = 'paid'"}},
            "filter": {"where_filters": [{"where_sql_template": "{{ Dimension('customer__country') }} = 'ES'"}]},
        },
        {
            "name": "big_ones",
            "type": "simple",
            "type_params": {"metric_aggregation_params": {"semantic_model": "orders", "agg": "count", "expr": "1"}},
            "filter": "{{ Dimension('order__big') }}",
        },
        {"name": "share", "type": "ratio", "type_params": {"numerator": {"name": "spanish"}, "denominator": {"name": "amount"}}},
        {"name": "odd", "type": "simple", "type_params": {"measure": "amount"}, "filter": "{{ Metric('x', ['y']) }} > 1"},
        {"name": "growth", "type": "derived", "type_params": {"expr": "amount - tests"}},
        {"name": "running", "type": "cumulative", "type_params": {"measure": "amount"}},
    ],
}


def test_a_manifest_of_another_project_becomes_metrics_and_named_losses(warehouse: Warehouse) -> None:
    imported = import_metricflow(json.dumps(MANIFEST).encode(), "semantic_manifest.json", "dbt")
    found = {metric.name.removeprefix("dbt."): metric for metric in imported.metrics}
    values = {name: value_of(metric, warehouse) for name, metric in found.items()}
    assert values == {
        "amount": Decimal("177.44"), "tests": 1, "typical": Decimal("10.00"), "spanish": Decimal("110.09"), "big_ones": 2,
        "share": Decimal("0.620435076646"),
    }  # fmt: skip
    assert found["amount"].grain == ("order_id",)
    assert found["amount"].dimensions == ("status",)
    assert found["spanish"].joins == (Join("marts.customers", "orders.customer_id = customers.id"),)
    left_out = {loss.metric: loss.what for loss in imported.losses if loss.left_out}
    assert left_out == {
        "p95": "percentile", "balance": "non_additive_dimension", "odd": "filter", "growth": "derived", "running": "cumulative",
    }  # fmt: skip
    assert lost(imported)["amount"] == {"label", "timezone"}


def test_an_ossie_document_of_another_tool_becomes_metrics_and_named_losses(warehouse: Warehouse) -> None:
    text = """
version: 0.2.0.dev0
semantic_model:
  - name: sales
    datasets:
      - name: Orders
        source: prod.marts.orders
        primary_key: [order_id]
        fields:
          - {name: total, expression: {dialects: [{dialect: ANSI_SQL, expression: "amount - COALESCE(refunded, 0)"}]}}
          - {name: day, expression: {dialects: [{dialect: ANSI_SQL, expression: invoiced_at}]}, dimension: {is_time: true}}
          - {name: state, expression: {dialects: [{dialect: ANSI_SQL, expression: status}]}, dimension: {is_time: false}}
      - name: people
        source: marts.customers
    relationships:
      - {name: buyer, from: Orders, to: people, from_columns: [customer_id], to_columns: [id]}
    metrics:
      - {name: total, expression: {dialects: [{dialect: ANSI_SQL, expression: "SUM(Orders.total)"}]}}
      - name: spain
        expression: {dialects: [{dialect: ANSI_SQL, expression: "SUM(Orders.amount) FILTER (WHERE people.country = 'ES')"}]}
      - {name: share, expression: {dialects: [{dialect: ANSI_SQL, expression: "COUNT(DISTINCT Orders.customer_id) / COUNT(*)"}]}}
      - {name: spread, expression: {dialects: [{dialect: ANSI_SQL, expression: "STDDEV(Orders.amount)"}]}}
      - {name: cube, expression: {dialects: [{dialect: MDX, expression: "[Measures].[x]"}]}}
      - {name: both, expression: {dialects: [{dialect: ANSI_SQL, expression: "SUM(people.x) + 1"}]}}
"""
    imported = import_ossie(text.encode(), "sales.yml")
    values = {metric.name: value_of(metric, warehouse) for metric in imported.metrics}
    assert values == {"total": Decimal("175.44"), "spain": Decimal("120.09"), "share": Decimal("0.5")}
    assert {loss.metric for loss in imported.losses if loss.left_out} == {"spread", "cube", "both"}
    assert imported.metrics[0].agg_time_dimension == TimeDimension("invoiced_at")
    assert imported.metrics[0].dimensions == ("status",)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"metrics": 3}', b"\xff", b"x: [1", b"[" * 100_000])
def test_a_file_of_another_kind_is_refused_in_a_sentence(text: bytes) -> None:
    from startrail.base.errors import StartrailError

    with pytest.raises(NotAManifest):
        import_metricflow(text, "x.json")
    with pytest.raises(StartrailError):
        import_ossie(text, "x.yml")
