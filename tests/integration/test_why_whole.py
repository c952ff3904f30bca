"""``startrail why`` in the whole: a project, runs, the command line, evidence that runs as it stands."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import SECOND_MORNING, Till, assert_refused

TAKINGS = """\
    metric: finance.takings
    source: raw.sales
    grain: sale_id
    expr: amount
    agg_time_dimension: {column: day}
    filters: [{name: north, sql: "store = 'north'"}]
    dimensions: [store]
    unit: EUR
    """
SALES = """\
    metric: marketing.sales
    source: raw.sales
    grain: sale_id
    expr: amount * 2
    agg_time_dimension: {column: day, bounds: "[]"}
    filters: [{name: north, sql: "store in ('north', 'south')"}]
    dimensions: [store]
    unit: EUR
    """
PERIOD = ("--period", "2026-10-01..2026-10-02")


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.put("metrics/finance/takings.yml", TAKINGS)
    made.put("metrics/marketing/sales.yml", SALES)
    return made


def test_two_metrics_are_told_apart_to_the_cent_and_every_proof_runs(till: Till, tmp_path: Path) -> None:
    till.good_run()
    folder, page = tmp_path / "evidence", tmp_path / "why.html"
    outcome = till.call(
        "why", "finance.takings", "marketing.sales", *PERIOD, "--verify", "--evidence", str(folder), "--html", str(page)
    )
    assert outcome.code == 0, outcome.text
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["A", "finance.takings", "17.25", "EUR", "2026-10-01..2026-10-02"]
    assert lines[1].split() == ["B", "marketing.sales", "45.50", "EUR"]
    assert lines[2].split() == ["gap", "+28.25", "EUR"]
    assert lines[-2:] == ["verified: 3 independent queries agree", "unexplained 0.00"]
    assert "differs in text, not in effect: bounds" in lines
    for path in sorted(folder.glob("*.sql")):
        (row,) = till.rows(path.read_text(encoding="utf-8"))
        assert Decimal(str(row["value"])) >= 0
    first = till.rows((folder / "00_a.sql").read_text(encoding="utf-8"))[0]["value"]
    assert Decimal(str(first)) == Decimal("17.25")
    tree = ElementTree.fromstring(page.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>\n"))
    assert "unexplained" in "".join(tree.itertext())


def test_the_answer_as_json_holds_every_line(till: Till) -> None:
    till.good_run()
    outcome = till.call("why", "finance.takings", "marketing.sales", *PERIOD, "--json")
    result: dict[str, Any] = outcome.result
    assert Decimal(result["gap"]) == sum(Decimal(line["amount"]) for line in result["lines"]) == Decimal("28.25")
    assert {line["cause"] for line in result["lines"]} == {"filter north", "expr"}
    assert Decimal(result["unexplained"]) == 0
    assert result["statements"] <= 5
    assert json.loads(outcome.out.splitlines()[0])["type"] == "schema"


def test_a_number_that_changed_since_names_the_rows_that_came_late(till: Till, tmp_path: Path) -> None:
    till.good_run()
    before = till.call("metric", "value", "finance.takings", "--json").result["inputs"][0]["snapshot"]
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-02,north,1.00\n")
    till.good_run(now=SECOND_MORNING)
    after = till.call("metric", "value", "finance.takings", "--json").result["inputs"][0]["snapshot"]
    times = ("--at", str(before), "--vs", str(after))
    folder = tmp_path / "proof"
    outcome = till.call("why", "finance.takings", *PERIOD, *times, "--verify", "--evidence", str(folder))
    assert outcome.code == 0, outcome.text
    assert "+1.00  1 row came late" in outcome.out
    assert outcome.out.splitlines()[-1] == "unexplained 0.00"
    values = [till.rows((folder / name).read_text(encoding="utf-8"))[0]["value"] for name in ("00_a.sql", "00_b.sql")]
    assert [Decimal(str(value)) for value in values] == [Decimal("17.25"), Decimal("18.25")]


def test_metrics_over_different_models_meet_in_the_table_behind_both(till: Till) -> None:
    till.put(
        "models/marts/north.sql", "select s.sale_id, s.day, s.amount * 2 as doubled from raw.sales as s where s.store = 'north'\n"
    )
    north = "metric: marketing.north\nsource: marts.north\nexpr: doubled\nagg_time_dimension: {column: day}\n"
    till.put("metrics/marketing/north.yml", north)
    till.put(
        "metrics/finance/all.yml",
        TAKINGS.replace("finance.takings", "finance.all").replace(
            """filters: [{name: north, sql: "store = 'north'"}]\n    """, ""
        ),
    )
    till.good_run()
    outcome = till.call("why", "finance.all", "marketing.north", *PERIOD, "--verify")
    assert outcome.code == 0, outcome.text
    assert "filter north 1" in outcome.out
    assert "s.amount * 2" not in outcome.out
    assert outcome.out.splitlines()[-1] == "unexplained 0.00"


def test_a_table_that_only_one_side_joins_is_no_other_data(till: Till) -> None:
    till.put(
        "metrics/finance/all.yml", "metric: finance.all\nsource: raw.sales\nexpr: amount\nagg_time_dimension: {column: day}\n"
    )
    joins = "joins: [{to: raw.rates, on: sales.day = rates.day, type: inner}]\n"
    till.put("metrics/finance/rated.yml", till.read("metrics/finance/all.yml").replace("finance.all", "finance.rated") + joins)
    till.good_run()
    outcome = till.call("why", "finance.all", "finance.rated", *PERIOD, "--verify", "--json")
    assert outcome.code == 0, outcome.text
    assert [(line["cause"], line["amount"]) for line in outcome.result["lines"]] == [("join rates", "-7.25")]


def test_a_bridge_breaks_when_a_cause_is_new(till: Till) -> None:
    bridge = "bridges: [{to: marketing.sales, causes: [expr, filter], max_unexplained: 0}]\n"
    till.put("metrics/finance/takings.yml", till.read("metrics/finance/takings.yml") + bridge)
    till.good_run()
    assert till.call("why", "--bridges", *PERIOD).code == 0
    till.edit("metrics/finance/takings.yml", "[expr, filter]", "[expr]")
    outcome = till.call("why", "finance.takings", "--bridges", *PERIOD)
    assert outcome.code == 1
    assert outcome.out.startswith(
        "broken  finance.takings to marketing.sales  2026-10-01..2026-10-02  gap +28.25  new: filter north +"
    )
    assert till.call("why", "--bridges", "--json").result["bridges"] == 2
    assert_refused(till.call("why", "finance.takings", "marketing.sales", "--bridges"), "ST800", says="at most one metric")


def test_two_files_of_plain_sql_are_compared(till: Till, tmp_path: Path) -> None:
    till.good_run()
    one, two = tmp_path / "one.sql", tmp_path / "two.sql"
    one.write_text("select sum(amount) from raw.sales where store = 'north'", encoding="utf-8")
    two.write_text("select sum(s.amount) as x from raw.sales s", encoding="utf-8")
    outcome = till.call("why", "--sql-a", str(one), "--sql-b", str(two))
    assert outcome.code == 0, outcome.text
    assert "+5.50" in outcome.out
    two.write_text("select store, sum(s.amount) as x from raw.sales s group by store", encoding="utf-8")
    assert_refused(till.call("why", "--sql-a", str(one), "--sql-b", str(two)), "ST447")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("finance.takings", "marketing.sale"), "ST438", "marketing.sales"),
        (("finance.takings",), "ST455", "compared with nothing"),
        ((), "ST455", "two numbers"),
        (("finance.takings", "marketing.sales", "--period", "tomorrow"), "ST439", "not a period"),
        (("--sql-a", "nowhere.sql", "finance.takings"), "ST457", "cannot be read"),
        (("finance.takings", "finance.mean"), "ST458", "one is sum, the other avg"),
        (("finance.takings", "finance.total"), "ST458", "different tables"),
        (("finance.takings", "--at", "2026-10-01", "--vs", "2026-10-05"), "ST446", ""),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_reason(
    till: Till, arguments: tuple[str, ...], code: str, says: str
) -> None:
    till.put(
        "metrics/finance/mean.yml", TAKINGS.replace("finance.takings", "finance.mean").replace("grain:", "agg: avg\n    grain:")
    )
    till.put("metrics/finance/total.yml", "metric: finance.total\nsource: marts.total\nexpr: amount\n")
    till.good_run()
    assert_refused(till.call("why", *arguments), code, says=says)
