"""Bridges in metrics/: which words name a cause, and where a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.project.test_project_load import FILES, problems_of, write

from startrail.project.load import read_project

OTHER = """\
metric: finance.revenue
source: marts.sales
expr: amount
agg_time_dimension: {column: day}
filters: [{name: no_test, sql: not is_test}]
"""
BRIDGED = """\
metric: finance.net
source: marts.sales
expr: amount
agg_time_dimension: {column: day}
filters: [{name: paid, sql: "status = 'paid' and amount > 0"}]
joins: [{to: raw.orders, on: sales.id = orders.id, alias: bought}]
bridges:
  - to: finance.revenue
    causes: [CAUSES]
"""
PLAIN = "metric: finance.revenue\nsql: select sum(amount) from marts.sales where day >= $start and day < $end\n"


def bridged(causes: str, other: str = OTHER) -> dict[str, str | bytes]:
    return {**FILES, "metrics/net.yml": BRIDGED.replace("CAUSES", causes), "metrics/revenue.yml": other}


@pytest.mark.parametrize(
    "causes",
    [
        "time_column, timezone, bounds, late_cutoff", "data, dedup, expr, currency", "numerator, denominator",
        "filter, join", "filter paid, filter no_test", "filter paid 2", "join bought",
    ],
)  # fmt: skip
def test_slots_and_names_of_filters_and_joins_of_either_metric_are_causes(tmp_path: Path, causes: str) -> None:
    assert read_project(write(tmp_path, bridged(causes))).metrics["finance.net"].bridges


@pytest.mark.parametrize(
    ("causes", "at", "hint"),
    [
        ("time_colum", "9:14", "'time_column'"),
        ("expr, timezones", "9:20", "'timezone'"),
        ("filter payd", "9:14", "'filter paid'"),
        ("join orders", "9:14", "join bought"),
        ("expr paid", "9:14", "'filter paid'"),
        ('""', "9:14", ""),
    ],
)
def test_any_other_word_is_refused_at_its_place_with_a_near_miss(tmp_path: Path, causes: str, at: str, hint: str) -> None:
    (problem,) = problems_of(tmp_path, bridged(causes))
    assert (problem.code, str(problem.at)) == ("ST118", f"metrics/net.yml:{at}")
    assert hint in (problem.hint or "")
    assert problem.affects == "metric finance.net"


def test_conditions_of_plain_sql_have_names_that_nobody_knows_before(tmp_path: Path) -> None:
    assert read_project(write(tmp_path, bridged("filter condition 1, filter case 1", PLAIN))).metrics
    (problem,) = problems_of(tmp_path, bridged("filtr condition 1", PLAIN))
    assert problem.code == "ST118"


def test_a_bridge_leads_to_a_metric_with_periods(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, bridged("expr", OTHER.replace("agg_time_dimension: {column: day}\n", "")))
    assert "no periods" in problem.message
    assert str(problem.at) == "metrics/net.yml:8:9"


def test_what_a_run_does_about_a_broken_one_is_one_of_two_words(tmp_path: Path) -> None:
    files = bridged("expr")
    text = f"{files['metrics/net.yml']}    severity: error\n"  # type: ignore[str-bytes-safe]
    project = read_project(write(tmp_path / "good", {**files, "metrics/net.yml": text}))
    assert project.metrics["finance.net"].bridges[0].severity == "error"
    (problem,) = problems_of(tmp_path / "bad", {**files, "metrics/net.yml": text.replace("error", "fatal")})
    assert problem.code == "ST118"
