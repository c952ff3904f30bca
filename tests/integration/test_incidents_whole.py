"""Incidents through the real command line, on both databases: the shop's third day, and a step that fails and recovers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.fixtures.ledgers import Place
from tests.fixtures.till import Till, assert_refused, call

from startrail import examples
from startrail.ledger.incidents import fold
from startrail.model.delivery import Counts

FIRST = "2026-10-03T08:00+02:00"
THIRD = "2026-10-04T08:20+02:00"
DRIFTED = """\
    sale_id,day,store,amount,tier
    c1,2026-10-03,north,1.00,gold
    c2,2026-10-03,north,x,gold
    """
NEXT = "2026-10-05T08:20+02:00"


def on(place: Place, folder: Path, till: Till) -> Till:
    """The same project with its ledger on ``place``."""
    if place.dialect == "postgres":
        till.put(".env-dsn", place.address)
        text = till.read("startrail.yml")
        ledger = f'ledger: {{kind: postgres, dsn: "file:.env-dsn", schema: "{place.schema}"}}'
        if "  local: {}" in text:
            text = text.replace("  local: {}", f"  local: {{{ledger}}}")
        else:
            text = re.sub(r"(?m)^  local:\n", f"  local:\n    {ledger}\n", text)
        till.put("startrail.yml", text)
        assert "postgres" in till.read("startrail.yml")
    else:
        place.address = str(folder / ".startrail/ledger.sqlite")
    return till


@pytest.fixture
def shop(place: Place, tmp_path: Path) -> Till:
    root = tmp_path / "shop"
    assert call("init", "--example", "shop", str(root)).code == 0
    return on(place, root, Till(root))


@pytest.fixture
def till(place: Place, tmp_path: Path) -> Till:
    return on(place, tmp_path / "till", Till.write(tmp_path / "till"))


def assert_table_is_fold(place: Place) -> None:
    ledger = place.open()
    assert {each.id: each for each in ledger.incidents()} == fold(ledger.facts())
    assert ledger.verify().altered is None


def test_the_third_day_is_one_incident_mitigated_by_policy_and_nobody_is_paged(shop: Till, place: Place) -> None:
    shop.good_run(now=FIRST)
    assert shop.call("incident", "list").text.startswith("No open incident")
    examples.upstream_day(shop.root, 3, drifted=True)
    run = shop.good_run(now=THIRD)
    assert {event["change"] for event in run.of("incident_changed")} == {"opened", "acted", "mitigated"}
    listed = shop.call("incident", "list", "--json")
    assert listed.code == 0
    [incident] = listed.of("incident")
    assert (incident["state"], incident["cause"], incident["subject"]) == ("mitigated", "drift", "orders_api")
    assert incident["severity"] == "warning"
    assert set(incident["acts"]) == {"keep_unknown_field", "quarantine_rows"}
    assert {"daily_sales", "product_sales"} <= {each["name"] for each in incident["affected"]}
    assert incident["id"] in shop.call("status").out

    report = shop.call("incident", "star", incident["id"])
    assert report.code == 0
    assert [line for line in report.out.splitlines() if line.startswith("**")] == [
        "**Situation**", "**Task**", "**Action**", "**Result**",
    ]  # fmt: skip
    early = {event["report"]: event["minutes_early"] for event in run.of("delivered")}
    for name, minutes in early.items():
        escaped = name.replace("_", r"\_")
        assert f"Report {escaped}: deadline met, {minutes} minutes before it." in report.out
    counts = sum(
        (Counts(**event["counts"]) for event in run.of("loaded") if event["source"] == "orders_api" and event["kept"]), Counts()
    )
    told = f"{counts.rows_in} in = {counts.loaded} loaded + {counts.quarantined} quarantined + 0 held + 0 discarded; 0 lost"
    assert told in report.out
    assert "Time to resolve: not measured." in report.out
    assert shop.call("incident", "star", incident["id"], "--format", "html").out.startswith("<!doctype html>")
    assert_table_is_fold(place)


def test_a_day_without_the_drift_resolves_it(shop: Till, place: Place) -> None:
    shop.good_run(now=FIRST)
    examples.upstream_day(shop.root, 3, drifted=True)
    shop.good_run(now=THIRD)
    examples.upstream_day(shop.root, 4)
    shop.good_run(now=NEXT)
    [waits] = shop.call("incident", "list", "--json").of("incident")
    assert waits["state"] == "mitigated"  # its rows wait in quarantine
    for delivery in [each["delivery"] for each in shop.call("quarantine", "list", "--json").of("quarantined")]:
        words = ("--delivery", delivery, "--reason", "never", "--by", "ana", "--now", NEXT)
        discarded = shop.call("quarantine", "discard", *words)
        assert discarded.code == 0, discarded.text
    shop.good_run(now=NEXT)
    assert shop.call("incident", "list", "--json").of("incident") == []
    [incident] = shop.call("incident", "list", "--all", "--json").of("incident")
    assert incident["state"] == "resolved"
    assert re.search("Time to resolve: (1 d|23 h)", shop.call("incident", "star", incident["id"]).out)
    assert_table_is_fold(place)


def test_a_failed_step_opens_a_page_and_the_next_good_run_resolves_it(till: Till, place: Place) -> None:
    till.good_run()
    good = till.read("models/marts/daily.sql")
    till.edit("models/marts/daily.sql", "sum(s.amount) as amount", "cast('x' || s.store as decimal(12,2)) as amount")
    till.edit("models/marts/daily.sql", "group by s.day, s.store", "")
    assert till.run(now="2026-10-04T08:00+02:00").code == 1
    [incident] = till.call("incident", "list", "--json").of("incident")
    assert (incident["state"], incident["severity"], incident["cause"]) == ("open", "page", "failure")
    assert till.call("incident", "list").code == 1
    assert till.run(now="2026-10-04T08:05+02:00").code == 1
    [again] = till.call("incident", "list", "--json").of("incident")
    assert again["id"] == incident["id"]
    assert again["repeats"] >= 1
    words = ("--by", "ana", "--note", "on it", "--now", "2026-10-04T08:06+02:00")
    assert till.call("incident", "ack", incident["id"][:5], *words).code == 0
    till.put("models/marts/daily.sql", good)
    till.good_run(now="2026-10-04T08:10+02:00")
    [over] = till.call("incident", "list", "--all", "--json").of("incident")
    assert over["state"] == "resolved"
    report = till.call("incident", "star", incident["id"]).out
    assert re.search(r"Time to detect: \d+ s\.", report)
    assert "ana: acknowledged: on it (a person's words)" in report
    assert "Time to acknowledge: 6 min" in report or "Time to acknowledge: 5 min" in report
    assert_table_is_fold(place)


def test_each_figure_of_a_report_names_facts_that_are_there(till: Till, place: Place) -> None:
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", DRIFTED)
    till.good_run(now="2026-10-04T08:00+02:00")
    [incident] = till.call("incident", "list", "--json").of("incident")
    [report] = till.call("incident", "star", incident["id"], "--format", "json").of("star")
    known = {fact.seq: fact for fact in place.open().facts()}
    entries = [entry for part in ("situation", "task", "action", "result") for entry in report[part]]
    figures = [figure for entry in entries for figure in entry["figures"].values()]
    assert figures
    for figure in figures:
        assert (figure["value"] is None) == (figure["facts"] == [])
        assert set(figure["facts"]) <= set(known)
    [rows] = [entry for entry in report["result"] if "lost" in entry["figures"]]
    [loaded] = [json.loads(fact.payload)["counts"] for fact in known.values() if fact.seq in rows["figures"]["in"]["facts"]]
    for name, key in (("in", "rows_in"), ("loaded", "loaded"), ("quarantined", "quarantined"), ("held", "held")):
        assert rows["figures"][name]["value"] == str(loaded[key])


def test_an_incident_that_is_not_there_is_said_so(till: Till) -> None:
    till.good_run()
    assert_refused(till.call("incident", "show", "nope"), "ST540", hint="startrail incident list")
    assert_refused(till.call("incident", "resolve", "nope", "--reason", "x"), "ST540")
