"""Metrics in the whole: declarations, runs, the command line, the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import (
    FIRST_MORNING,
    SECOND_MORNING,
    THIRD_MORNING,
    Outcome,
    Till,
    assert_json_refused,
    assert_refused,
    call,
)

TAKINGS = """\
    metric: finance.takings
    description: What was taken at the tills.
    owner: finance@till.example
    status: standard
    source: marts.daily
    grain: [day, store]
    expr: amount
    agg_time_dimension: {column: day}
    dimensions: [store]
    unit: EUR
    """


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.put("metrics/finance/takings.yml", TAKINGS)
    return made


def value(till: Till, *more: str, name: str = "finance.takings") -> Any:
    outcome = till.call("metric", "value", name, "--json", *more)
    assert outcome.code == 0, outcome.text
    return outcome.result


def measured(outcome: Outcome) -> list[tuple[str, str]]:
    """What a run recorded, in order of period; two values may be computed at once."""
    return sorted((event["period"], event["value"]) for event in outcome.of("metric_valued"))


def test_a_value_names_its_definition_its_snapshot_and_its_period(till: Till) -> None:
    till.good_run()
    found = value(till, "--period", "2026-10-01")
    assert [each["value"] for each in found["values"]] == ["15.50"]
    (source,) = found["inputs"]
    assert source["table"] == "marts.daily"
    assert source["snapshot"]
    assert source["version"]
    assert found["timezone"] == "UTC"
    shown = till.call("metric", "value", "finance.takings", "--by", "store,day")
    assert shown.out.splitlines() == [
        "north  2026-10-01  10.00 EUR", "north  2026-10-02  7.25 EUR", "south  2026-10-01  5.50 EUR"
    ]  # fmt: skip
    assert f"from marts.daily@{source['snapshot']}, published" in shown.err
    assert f"definition {found['definition'][:12]} of finance.takings" in shown.err


def test_a_value_can_be_asked_as_of_a_moment_or_a_snapshot(till: Till) -> None:
    till.good_run()
    before = value(till)
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    till.good_run(now=SECOND_MORNING)
    assert value(till)["values"][0]["value"] == "23.75"
    at_snapshot = value(till, "--at", str(before["inputs"][0]["snapshot"]))
    at_moment = value(till, "--at", "2026-10-03T08:20+02:00")
    assert at_snapshot["values"] == at_moment["values"] == before["values"]
    for wrong in ("2026-10-01", "123456", "yesterday"):
        assert_refused(till.call("metric", "value", "finance.takings", "--at", wrong), "ST446")


def test_a_run_records_the_running_and_the_last_period_once_for_every_version_of_the_data(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "unit: EUR", "unit: EUR\n    record: day".replace("\n    ", "\n"))
    first = till.good_run()
    assert measured(first) == [
        ("2026-10-02", "7.25"),
        ("2026-10-03", "0"),
    ]
    assert till.good_run().of("metric_valued") == []
    assert till.call("plan", "--check", "--now", FIRST_MORNING).code == 0
    till.put("inbox/late.csv", "sale_id,day,store,amount\nz1,2026-10-02,north,0.75\n")
    till.edit("sources/sales.yml", '"sales_*.csv"', '"*.csv"')
    second = till.good_run(now=SECOND_MORNING)
    assert measured(second) == [
        ("2026-10-02", "8.00"),
        ("2026-10-03", "0"),
    ]
    till.edit("metrics/finance/takings.yml", "expr: amount", "expr: amount * 2")
    planned = till.call("plan", "--json", "--now", THIRD_MORNING).of("planned")
    assert [(each["kind"], each["subject"], each["because"]) for each in planned] == [
        ("measure", "finance.takings", "the metric was edited since")
    ]
    third = till.good_run(now=THIRD_MORNING)
    assert measured(third) == [("2026-10-02", "16.00"), ("2026-10-03", "0")]
    shown = till.call("metric", "show", "finance.takings")
    assert shown.text.count("by an earlier definition") == 3
    assert "8.00 EUR" in shown.text


def test_a_value_is_recorded_when_asked_for(till: Till) -> None:
    till.good_run()
    assert value(till, "--period", "2026-10", "--record")["values"][0]["value"] == "22.75"
    (recorded,) = till.call("metric", "show", "finance.takings", "--json").of("metric")[0]["values"]
    assert (recorded["period"], recorded["value"], recorded["run"]) == ("2026-10", "22.75", None)
    assert till.call("ledger", "verify").code == 0
    assert till.call("metric", "value", "finance.takings", "--record", "--by", "store").code == 2


def test_a_broken_metric_fails_the_run_but_keeps_nothing_from_being_published(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "expr: amount", "expr: amuont\nrecord: day")
    outcome = till.run("--json")
    assert outcome.code != 0
    assert outcome.result["state"] == "failed"
    (failed,) = {event["error"].split("\n")[0] for event in outcome.of("step_failed")}
    assert "ST436 finance.takings uses 'amuont'" in failed
    assert (till.root / "delivered/daily.csv").exists()
    assert_refused(till.call("metric", "value", "finance.takings"), "ST436", at="metrics/finance/takings.yml:1:1", hint="amount")
    till.edit("metrics/finance/takings.yml", "amuont", "amount")
    till.good_run(now=SECOND_MORNING)


def test_a_held_table_is_not_measured(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "unit: EUR", "unit: EUR\nrecord: day")
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,-1.00\n")
    outcome = till.run("--json")
    assert outcome.result["state"] == "held"
    assert outcome.of("metric_valued") == []


def test_the_dictionary_is_searched_by_all_words_and_names_readers(till: Till) -> None:
    till.put("metrics/ops/stores.yml", "source: marts.daily\nagg: count_distinct\nexpr: store\nowner: ops@till.example\n")
    found = till.call("dictionary", "--json").of("metric")
    assert [entry["metric"] for entry in found] == ["finance.takings", "ops.stores"]
    assert found[0]["readers"] == ["daily", "marts.total"]
    assert found[0]["formula"] == "sum(amount) over marts.daily"
    assert [entry["metric"] for entry in till.call("dictionary", "OPS@", "distinct", "--json").of("metric")] == ["ops.stores"]
    assert "No metric has all of: ops takings." in till.call("dictionary", "ops", "takings").text
    page = till.call("dictionary", "--markdown").out
    assert "## finance.takings" in page
    assert "| owner | finance@till.example |" in page
    listed = till.call("metric", "list").out.splitlines()
    assert [line.split()[:2] for line in listed] == [["standard", "finance.takings"], ["draft", "ops.stores"]]


def test_the_sql_runs_as_it_stands(till: Till) -> None:
    till.good_run()
    sql = till.call("metric", "sql", "finance.takings", "--period", "2026-10-01..2026-10-02", "--by", "store").out
    assert till.rows(sql) == [
        {"store": "north", "value": "17.25", "rows": 2, "counted": 2},
        {"store": "south", "value": "5.50", "rows": 1, "counted": 1},
    ]  # fmt: skip


def test_a_metric_over_a_view_reads_what_the_view_reads(till: Till) -> None:
    till.put(
        "models/marts/north.sql",
        "/* startrail\nkind: view\n*/\nselect d.day, d.amount from marts.daily as d where d.store = 'north'\n",
    )
    till.put("metrics/north.yml", "metric: finance.north\nsource: marts.north\nexpr: amount\nagg_time_dimension: {column: day}\n")
    till.good_run()
    found = value(till, name="finance.north")
    assert found["values"][0]["value"] == "17.25"
    assert [each["table"] for each in found["inputs"]] == ["marts.daily"]


def test_metrics_travel_to_another_project_and_back(till: Till, tmp_path: Path) -> None:
    for form in ("metricflow", "ossie"):
        out = tmp_path / f"{form}.json"
        assert till.call("metric", "export", "--to", form, "--out", str(out)).code == 0
        assert_refused(till.call("metric", "export", "--to", form, "--out", str(out)), "ST449")
        folder = tmp_path / form
        done = call("metric", "import", str(out), "--from", form, "--out", str(folder))
        assert done.code == 0, done.text
        other = Till.write(tmp_path / f"till_{form}")
        other.put("metrics/takings.yml", (folder / "finance/takings.yml").read_bytes())
        same = [json.loads(each.call("dictionary", "--json").out.splitlines()[1])["version"] for each in (till, other)]
        assert same[0] == same[1]


def test_what_is_not_there_is_refused_with_a_near_miss(till: Till) -> None:
    assert_refused(till.call("metric", "value", "finance.taking"), "ST438", hint="did you mean 'finance.takings'?")
    assert_json_refused(till.call("metric", "show", "nothing", "--json"), "ST438")
    assert_refused(till.call("metric", "value", "finance.takings"), "ST450", hint="run")
    till.good_run()
    assert_refused(till.call("metric", "value", "finance.takings", "--period", "october"), "ST439")
    assert_refused(till.call("metric", "sql", "finance.takings", "--by", "shop"), "ST441", hint="store")
    assert_refused(call("metric", "import", str(till.root / "startrail.yml"), "--from", "metricflow"), "ST448")
    assert_refused(call("metric", "import", str(till.root / "nothing.json"), "--from", "ossie"), "ST448")
