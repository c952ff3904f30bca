"""Files in metrics/: what they may say, where an error stands, what they say about the rest of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.unit.project.test_project_load import EXAMPLES, FILES, problems_of, write

from startrail.base.errors import StartrailError
from startrail.project.load import read_project
from startrail.project.metrics import read_metric
from startrail.project.schema import schemas
from startrail.project.yaml import Node, read_yaml

GOOD = """\
metric: finance.revenue
description: Money.
source: marts.sales
agg: sum
expr: amount
agg_time_dimension: {column: day, timezone: Europe/Madrid}
"""
FULL = """\
metric: finance.net_revenue
description: Net revenue by invoice date, in EUR, refunds deducted.
owner: finance-data@example.com
status: standard
source: raw.orders
grain: order_id
agg: sum
expr: amount - coalesce(refunded, 0)
agg_time_dimension: {column: invoiced_at, timezone: Europe/Madrid, bounds: "[)", late_cutoff: P3D, arrival: loaded_at}
filters:
  - {name: paid, sql: "status in ('paid', 'refunded')"}
  - {name: no_test, sql: "not is_test"}
joins: [{to: marts.sales, on: "orders.currency = sales.currency", cardinality: many_to_one, on_fanout: fail}]
currency: {from: currency, to: EUR, rates: marts.sales, kind: month_end}
dedup: {key: order_id, order_by: loaded_at desc}
dimensions: [country, channel]
bridges: [{to: finance.revenue, causes: [time_column, expr], max_unexplained: 0}]
record: month
"""


def plain(node: Node) -> Any:
    """As YAML 1.2 reads it: ``on`` is a word."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


def test_a_whole_entry_is_read(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {**FILES, "metrics/finance/net_revenue.yml": FULL, "metrics/b.yml": GOOD}
    project = read_project(write(tmp_path, files))
    assert list(project.metrics) == ["finance.net_revenue", "finance.revenue"]
    metric = project.metrics["finance.net_revenue"]
    assert (metric.currency.from_, metric.joins[0].name, metric.alias) == ("currency", "sales", "orders")  # type: ignore[union-attr]
    assert metric.tables == ("raw.orders", "marts.sales")
    assert str(metric.span) == "metrics/finance/net_revenue.yml:1:1"


def test_the_path_names_a_metric_that_does_not_name_itself(tmp_path: Path) -> None:
    text = GOOD.replace("metric: finance.revenue\n", "")
    project = read_project(write(tmp_path, {**FILES, "metrics/finance/gross.yml": text}))
    assert list(project.metrics) == ["finance.gross"]


def test_an_unchanged_project_with_metrics_comes_back_from_the_cache(tmp_path: Path) -> None:
    from tests.unit.project.test_project_load import MemoryCache

    root, cache = write(tmp_path, {**FILES, "metrics/a.yml": FULL, "metrics/b.yml": GOOD}), MemoryCache()
    assert read_project(root, cache) == read_project(root, cache)


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("expr: amount", "exprr: amount", "ST115", "5:1"),
        ("agg: sum", "agg: summ", None, "4:6"),
        ("expr: amount\n", "", None, "4:6"),
        ("timezone: Europe/Madrid", "timezone: Mars/Olympus", None, "6:45"),
        ("source: marts.sales", "source: sales", None, "3:9"),
        ("source: marts.sales", "source: marts.seles", None, "3:9"),
        ("source: marts.sales\n", "", None, "1:1"),
        ("expr: amount\n", "sql: select 1\n", None, "3:9"),
        ("metric: finance.revenue", "metric: Finance Revenue", None, "1:9"),
        ("metric: finance.revenue", "metric: marts.sales", None, "1:9"),
        ("metric: finance.revenue", "metric: orders_api", None, "1:9"),
        ("column: day,", "column: day, late_cutoff: P3D,", None, "6:21"),
        ("column: day,", "column: day, late_cutoff: P3H, arrival: x,", None, None),
        ("expr: amount\n", "expr: amount\nnumerator: {expr: amount}\n", None, "6:12"),
        ("expr: amount\n", "expr: amount\ndimensions: [day]\n", None, "6:13"),
        ("expr: amount\n", "expr: amount\nbridges: [{to: finance.nothing}]\n", None, "6:16"),
        ("expr: amount\n", "expr: amount\nbridges: [{to: finance.revenue}]\n", None, "6:16"),
        ("expr: amount\n", "expr: amount\njoins: [{to: marts.nothing, on: a.x = sales.x, alias: a}]\n", None, "6:8"),
        ("expr: amount\n", "expr: amount\njoins: [{to: marts.sales, on: sales.x = sales.x}]\n", None, "6:8"),
        (
            "expr: amount\n",
            "expr: amount\njoins: [{to: raw.orders, on: orders.x = sales.x, cardinality: one_to_many}]\n",
            None,
            "6:8",
        ),
        ("expr: amount\n", "expr: amount\nfilters: [{name: a, sql: x}, {name: a, sql: y}]\n", None, "6:10"),
        ("expr: amount\n", "expr: amount\ncurrency: {from: c, to: EUR, rates: raw.fx}\n", None, "6:37"),
        ("agg_time_dimension: {column: day, timezone: Europe/Madrid}", "record: day", None, "6:9"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, old: str, new: str, code: str | None, place: str | None) -> None:
    assert old in GOOD
    (problem,) = problems_of(tmp_path, {"metrics/finance/revenue.yml": GOOD.replace(old, new)})
    assert code is None or problem.code == code
    assert place is None or str(problem.at) == f"metrics/finance/revenue.yml:{place}"
    assert problem.hint
    assert problem.affects


def test_two_files_cannot_declare_one_metric(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, {"metrics/a.yml": GOOD, "metrics/b.yml": GOOD})
    assert "declared twice" in problem.message


def test_a_table_that_a_script_may_make_is_not_refused(tmp_path: Path) -> None:
    script = "/* startrail\nkind: script\n*/\ncreate table marts.made as select 1 as x\n"
    files: dict[str, str | bytes] = {
        **FILES,
        "models/jobs/make.sql": script,
        "metrics/a.yml": GOOD.replace("marts.sales", "marts.made"),
    }
    assert read_project(write(tmp_path, files)).metrics


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (GOOD, True),
        (FULL, True),
        ("source: a.b\nagg: count", True),
        ("sql: select 1", True),
        (GOOD + "span: x", False),
        (GOOD + "name: x", False),
        (GOOD.replace("agg: sum", "agg: mode"), False),
        (FULL.replace("from: currency", "from_: currency"), False),
        (FULL.replace("kind: month_end", "kind: whenever"), False),
    ],
)
def test_schema_and_reader_agree_on_metrics(text: str, good: bool) -> None:
    problems: list[StartrailError] = []
    found = read_metric(read_yaml(text.encode(), "metrics/x.yml"), "x", problems)
    assert (found is not None) == good, problems
    value = plain(read_yaml(text.encode(), "x.yml"))
    assert jsonschema.Draft202012Validator(schemas()["metric"]).is_valid(value) == good


def test_the_metrics_of_the_examples_fit_their_schema() -> None:
    files = sorted(EXAMPLES.glob("*/metrics/**/*.yml"))
    assert files
    for file in files:
        jsonschema.Draft202012Validator(schemas()["metric"]).validate(plain(read_yaml(file.read_bytes(), file.name)))
