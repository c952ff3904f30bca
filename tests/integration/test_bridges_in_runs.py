"""Bridges in runs: checked before anything is published, once per version of what they are about, told and remembered."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import FIRST_MORNING, SECOND_MORNING, THIRD_MORNING, Till

from startrail.base import crash
from startrail.wiring import open_project

TAKINGS = """\
    metric: finance.takings
    source: marts.daily
    expr: amount
    agg_time_dimension: {column: day}
    unit: EUR
    bridges: [{to: marketing.sales, causes: [filter]}]
    """
SALES = """\
    metric: marketing.sales
    source: marts.daily
    expr: amount
    agg_time_dimension: {column: day}
    filters: [{name: north, sql: "store = 'north'"}]
    unit: EUR
    """
RUNNING, WHOLE = "2026-10", "2026-09"
LATER = "inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-02,south,100.00\n"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.put("metrics/finance/takings.yml", TAKINGS)
    made.put("metrics/marketing/sales.yml", SALES)
    return made


def bridges(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event["period"]: event for event in events if event["type"] == "bridge_checked"}


def facts(till: Till, kind: str) -> list[dict[str, Any]]:
    with open_project(till.root, "local", read_only=True) as opened:
        return [json.loads(fact.payload) for fact in opened.ports.ledger.facts(kind=kind)]


def test_a_run_holds_each_gap_against_its_causes_and_says_so(till: Till) -> None:
    outcome = till.good_run()
    found = bridges(outcome.events)
    assert set(found) == {RUNNING, WHOLE}
    assert (found[RUNNING]["holds"], found[RUNNING]["gap"], found[RUNNING]["causes"]) == (
        True,
        "-5.50",
        {"filter north": "-5.50"},
    )
    assert (found[RUNNING]["value"], found[RUNNING]["value_to"]) == ("22.75", "17.25")
    assert (found[WHOLE]["gap"], found[WHOLE]["causes"]) == ("0", {})
    assert [fact["gap"] for fact in facts(till, "bridge.checked") if fact["period"] == RUNNING] == ["-5.50"]
    kinds = [(event["type"], event.get("kind")) for event in outcome.events]
    assert max(at for at, kind in enumerate(kinds) if kind == ("step_finished", "bridge")) < kinds.index(("published", None))


def test_it_is_shown_on_the_terminal_and_by_status(till: Till) -> None:
    assert (
        "bridged    finance.takings          to marketing.sales in 2026-10: gap -5.50 EUR, from known causes only"
        in till.run().err
    )
    assert "bridge    finance.takings to marketing.sales in 2026-10  holds, gap -5.50" in till.call("status").out
    till.edit("metrics/finance/takings.yml", "[filter]", "[expr]")
    outcome = till.run(now=SECOND_MORNING)
    assert outcome.code == 0, outcome.text
    said = "bridge to marketing.sales in 2026-10: the gap of -5.50 EUR has what the bridge does not name: filter north -5.50"
    assert said in outcome.err
    status = till.call("status")
    assert status.code == 0
    assert "2026-10  broken: the gap of -5.50 EUR has what the bridge does not name: filter north -5.50" in status.out
    (broken,) = [each for each in till.call("status", "--json").of("bridge") if not each["holds"]]
    assert (broken["metric"], broken["to"], broken["severity"]) == ("finance.takings", "marketing.sales", "warn")


def test_nothing_is_checked_again_until_something_changed(till: Till) -> None:
    till.good_run()
    again = till.good_run(now=SECOND_MORNING)
    assert bridges(again.events) == {}
    assert [step for step in again.of("step_finished") if step["kind"] == "bridge"] == []
    till.edit("metrics/marketing/sales.yml", "store = 'north'", "store in ('north')")
    till.edit("metrics/finance/takings.yml", "unit: EUR", "unit: EUR\ndescription: What the tills took.")
    assert set(bridges(till.good_run(now=THIRD_MORNING).events)) == {RUNNING, WHOLE}, "the other metric counts too"


def test_new_rows_are_bridged_as_they_are_staged_and_older_periods_too(till: Till) -> None:
    till.good_run()
    till.put(*LATER)
    found = bridges(till.good_run(now=SECOND_MORNING).events)
    assert found[RUNNING]["gap"] == "-105.50"


def test_a_bridge_over_a_view_is_checked_when_the_table_behind_it_changes(till: Till) -> None:
    till.put("models/marts/shown.sql", "/* startrail\nkind: view\n*/\nselect d.day, d.store, d.amount from marts.daily as d\n")
    for name in ("finance/takings", "marketing/sales"):
        till.edit(f"metrics/{name}.yml", "marts.daily", "marts.shown")
    assert bridges(till.good_run().events)[RUNNING]["gap"] == "-5.50"
    till.put(*LATER)
    found = till.good_run(now=SECOND_MORNING)
    assert bridges(found.events)[RUNNING]["gap"] == "-105.50"
    values = {event["period"]: event["value"] for event in found.of("metric_valued") if event["metric"] == "finance.takings"}
    assert values[RUNNING] == "122.75", "recorded values look behind views as well"


def test_a_broken_bridge_of_severity_error_holds_what_was_staged(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "causes: [filter]", "causes: [filter], severity: error")
    till.good_run()
    till.edit("metrics/marketing/sales.yml", "expr: amount", "expr: amount * 2")
    till.put(*LATER)
    outcome = till.run("--json", now=SECOND_MORNING)
    assert (outcome.code, outcome.result["state"]) == (1, "held")
    (held,) = outcome.of("publication_held")
    assert "finance.takings: bridge to marketing.sales in 2026-10" in held["because"]
    assert "marts.daily" in held["tables"]
    assert ("2026-10-02", "south") not in till.daily()
    assert till.call("status").code == 1
    till.edit("metrics/finance/takings.yml", "[filter]", "[filter, expr]")
    till.good_run(now=THIRD_MORNING)
    assert ("2026-10-02", "south") in till.daily()


def test_a_gap_that_cannot_be_attributed_is_a_broken_bridge(till: Till) -> None:
    till.edit("metrics/marketing/sales.yml", "expr: amount", "expr: amount\n    agg: avg".replace("    ", ""))
    found = bridges(till.good_run().events)
    assert not found[RUNNING]["holds"]
    assert found[RUNNING]["refused"].startswith("ST458")
    assert found[RUNNING]["gap"] is None


def test_a_period_without_a_number_on_either_side_holds(till: Till) -> None:
    for name in ("finance/takings", "marketing/sales"):
        till.edit(f"metrics/{name}.yml", "expr: amount", "expr: amount\nagg: avg")
    found = bridges(till.good_run().events)
    assert (found[WHOLE]["holds"], found[WHOLE]["gap"]) == (True, None)


def test_what_failed_is_not_bridged_over_its_old_rows(till: Till) -> None:
    till.good_run()
    till.put(*LATER)
    till.edit("models/marts/daily.sql", "sum(s.amount)", "cast('much' as decimal)")
    outcome = till.run("--json", now=SECOND_MORNING)
    assert outcome.code == 1
    assert bridges(outcome.events) == {}


@pytest.mark.parametrize(
    "point", ["before check", "after check", "after step recorded", "between metadata and pointers", "after commit"]
)
def test_killed_at_a_point_and_run_again_every_bridge_is_told_once(
    till: Till, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.edit("startrail.yml", "parallel: 2", "parallel: 1")
    till.remove("models/marts/total.sql")
    left = {"before check": 2, "after check": 2}.get(point, 1)  # the model's own check passes them first

    class Killed(BaseException):
        pass

    seen: list[str] = []

    def die(name: str) -> None:
        seen.append(name)
        if name == point and seen.count(name) >= left:
            raise Killed

    monkeypatch.setattr(crash, "hook", die)
    with pytest.raises(Killed):
        till.run()
    monkeypatch.setattr(crash, "hook", None)
    till.good_run(now=SECOND_MORNING)
    told = facts(till, "bridge.checked")
    assert sorted(fact["period"] for fact in told) == [WHOLE, RUNNING]
    assert bridges(till.good_run(now=THIRD_MORNING).events) == {}


def test_a_run_with_nothing_new_imports_no_engine_for_bridges(till: Till) -> None:
    till.good_run()
    code = (
        "import json, sys\n"
        "from unittest import mock\n"
        "from startrail.cli.app import app\n"
        f"arguments = ['startrail', 'run', '-C', {str(till.root)!r}, '--now', {SECOND_MORNING!r}]\n"
        "with mock.patch.object(sys, 'argv', arguments):\n"
        "    code = app()\n"
        "print(json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, modules = json.loads(found.stdout.splitlines()[-1])
    assert status == 0
    assert {"duckdb", "pyarrow", "pyiceberg", "sqlglot", "yaml"} & set(modules) == set()


def test_plan_names_the_bridges_that_a_run_would_check(till: Till) -> None:
    till.good_run()
    assert "bridge" not in till.call("plan", "--now", SECOND_MORNING).out
    till.edit("metrics/finance/takings.yml", "[filter]", "[filter, expr]")
    out = till.call("plan", "--now", SECOND_MORNING).out
    assert "stale    bridge finance.takings marketing.sales 2026-09 … marketing.sales 2026-10 (2): not checked for" in out


def test_open_lineage_hears_of_a_bridge_as_a_job_over_both_tables(till: Till) -> None:
    till.edit("startrail.yml", "limits: {parallel: 2, retries: 1}", "openlineage: {file: events.ndjson}")
    till.edit("metrics/finance/takings.yml", "[filter]", "[expr]")
    till.good_run(now=FIRST_MORNING)
    events = [json.loads(line) for line in till.read("events.ndjson").splitlines()]
    ends = [event for event in events if event["job"]["name"] == "till.bridge.finance.takings" and event["eventType"] != "START"]
    assert [event["eventType"] for event in ends] == ["COMPLETE", "COMPLETE"]
    assertions = [event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"][0] for event in ends]
    assert sorted((each["name"], each["success"]) for each in assertions) == [
        ("bridge to marketing.sales in 2026-09", True),
        ("bridge to marketing.sales in 2026-10", False),
    ]


def test_rows_that_are_published_by_selection_are_bridged_too(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "causes: [filter]", "causes: [expr], severity: error")
    outcome = till.run("--json", "--select", "+marts.daily")
    assert outcome.result["state"] == "held"
    assert not bridges(outcome.events)[RUNNING]["holds"]


def test_a_bridge_between_two_models_is_checked_when_what_is_behind_both_changes(till: Till) -> None:
    till.put("models/marts/north.sql", "select s.day, s.amount from raw.sales as s where s.store = 'north'\n")
    till.edit("metrics/finance/takings.yml", "marts.daily", "raw.sales")
    till.put("metrics/marketing/sales.yml", SALES.replace("marts.daily", "marts.north").replace("filters:", "# filters:"))
    found = bridges(till.good_run().events)
    assert (found[RUNNING]["holds"], list(found[RUNNING]["causes"].values())) == (True, ["-5.50"])
    assert bridges(till.good_run(now=SECOND_MORNING).events) == {}
    till.put(*LATER)
    assert bridges(till.good_run(now=THIRD_MORNING).events)[RUNNING]["gap"] == "-105.50"


def test_a_metric_whose_text_is_wrong_breaks_its_bridge_and_nothing_else(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "expr: amount", "expr: amount +")
    outcome = till.run("--json")
    assert (outcome.code, outcome.result["published"], outcome.result["state"]) == (1, True, "failed")
    assert bridges(outcome.events)[RUNNING]["refused"].startswith("ST435")
    assert {event["report"] for event in outcome.of("delivered")} == {"daily", "rate"}
    assert {(event["kind"], event["subject"]) for event in outcome.of("step_failed")} == {("measure", "finance.takings")}


def test_a_broken_bridge_is_one_incident_until_it_holds_again(till: Till) -> None:
    till.edit("metrics/finance/takings.yml", "[filter]", "[expr]")
    till.good_run()
    till.put(*LATER)
    till.good_run(now=SECOND_MORNING)
    (shown,) = till.call("incident", "list", "--json").of("incident")
    assert (shown["cause"], shown["severity"], shown["state"], shown["subject"]) == (
        "bridge",
        "warning",
        "open",
        "finance.takings",
    )
    till.edit("metrics/finance/takings.yml", "[expr]", "[filter]")
    till.good_run(now=THIRD_MORNING)
    assert till.call("incident", "list", "--json").of("incident") == []


def test_on_a_postgres_ledger_it_is_the_same(till: Till, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILL_LEDGER", postgres_dsn)
    till.edit("startrail.yml", "limits:", "ledger: {kind: postgres, dsn: 'env:TILL_LEDGER', schema: bridged}\n    limits:")
    till.edit("metrics/finance/takings.yml", "causes: [filter]", "causes: [expr], severity: error")
    assert till.run().code == 1
    assert "2026-10  broken: the gap of -5.50 EUR" in till.call("status").out
    till.edit("metrics/finance/takings.yml", "[expr]", "[filter]")
    assert bridges(till.good_run(now=SECOND_MORNING).events)[RUNNING]["holds"]
    assert bridges(till.good_run(now=THIRD_MORNING).events) == {}
    assert "2026-10  holds, gap -5.50" in till.call("status").out
