"""Expected files through the real command line: told when they are missing, over when they have landed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import Outcome, Till, assert_refused

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.ledger.incidents import fold
from startrail.testing import AlertServer

KEY = "0123456789abcdef0123456789abcdef"
PAGER = """\
    name: till
    profiles:
      local:
        limits: {{parallel: 2, retries: 0}}
        alerts:
          hosts: [127.0.0.1]
          endpoints:
            oncall: {{kind: pagerduty, url: "{url}", routing_key: env:PAGER_KEY, timeout: 60s}}
    """
ROUTES = "routes:\n  urgent: {to: [oncall], severity: page}\n"
EXPECTING = """\
    feed: {kind: folder, path: inbox, pattern: "sales_*.csv"}
    contract: sales
    into: raw.sales
    partition_by: day
    expect:
      - {file: "sales_{date:%Y-%m-%d}.csv", by: "08:00", timezone: Europe/Madrid, days_before: 1, grace: 10m}
    """
FOURTH = "sale_id,day,store,amount\nd1,2026-10-04,north,4.00\n"


@pytest.fixture
def server() -> Iterator[AlertServer]:
    with AlertServer(KEY) as server:
        yield server


@pytest.fixture
def till(tmp_path: Path) -> Till:
    till = Till.write(tmp_path / "till")
    till.put("sources/sales.yml", EXPECTING)
    assert till.run(now="2026-10-03T07:00+02:00").code == 0
    return till


def facts(till: Till, kind: str) -> list[dict[str, Any]]:
    found = till.call("ledger", "facts", "--kind", kind, "--limit", "500", "--json").events
    return [event | {"told": json.loads(event["payload"])} for event in found if event.get("kind") == kind]


def incidents(till: Till) -> list[dict[str, Any]]:
    return till.call("incident", "list", "--all", "--json").of("incident")


def expects(outcome: Outcome) -> list[tuple[str, str]]:
    return [(event["file"], event["state"]) for event in outcome.of("expected")]


def check_ledger(till: Till) -> None:
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    assert {each.id: each for each in ledger.incidents()} == fold(ledger.facts())
    assert ledger.verify().altered is None
    ledger.close()


def test_a_file_that_landed_before_its_time_is_told_as_arrived_once(till: Till) -> None:
    for minute in ("05", "30"):
        till.run(now=f"2026-10-03T07:{minute}+02:00")
    [arrived] = facts(till, "source.expected_arrived")
    assert (arrived["told"]["file"], arrived["told"]["minutes_late"]) == ("sales_2026-10-02.csv", None)
    assert facts(till, "source.expected_missing") == []
    assert incidents(till) == []


def test_a_missing_file_is_told_once_and_is_over_when_it_has_landed(till: Till) -> None:
    till.run(now="2026-10-04T08:05+02:00")  # the grace is not over
    assert facts(till, "source.expected_missing") == []
    status = till.call("sources", "status", "--json", "--now", "2026-10-04T08:06+02:00")
    assert expects(status) == [("sales_2026-10-03.csv", "late"), ("sales_2026-10-04.csv", "due")]
    for minute in ("15", "20"):
        outcome = till.run(now=f"2026-10-04T08:{minute}+02:00")
    assert "missing" not in outcome.text  # told by the run before
    [missing] = facts(till, "source.expected_missing")
    assert missing["told"]["due"].startswith("2026-10-04T06:00")
    [incident] = incidents(till)
    assert (incident["cause"], incident["subject"], incident["state"]) == ("freshness", "sales", "open")
    status = till.call("status", "--now", "2026-10-04T08:25+02:00")
    assert status.code == 1
    assert "expected  sales  lacks sales_2026-10-03.csv by 2026-10-04 06:00 UTC" in status.out
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,3.00\n")
    outcome = till.run(now="2026-10-04T08:30+02:00")
    assert "arrived    sales" in outcome.text, outcome.text
    [_, arrived] = facts(till, "source.expected_arrived")
    assert (arrived["told"]["minutes_late"], arrived["told"]["file"]) == (30, "sales_2026-10-03.csv")
    assert [each["state"] for each in incidents(till)] == ["resolved"]
    assert till.call("status", "--now", "2026-10-04T08:31+02:00").code == 0
    star = till.call("incident", "star", incident["id"]).out
    assert "2026-10-03.csv landed, 30 min after it was expected" in star, star
    check_ledger(till)


def test_files_that_go_on_missing_are_one_incident_and_each_has_to_come(till: Till) -> None:
    till.run(now="2026-10-04T09:00+02:00")
    till.run(now="2026-10-05T09:00+02:00")
    [incident] = incidents(till)
    assert sum(symptom["rule"] == "freshness" for symptom in incident["symptoms"]) == 2
    till.put("inbox/sales_2026-10-04.csv", FOURTH)
    till.run(now="2026-10-05T09:10+02:00")
    assert [each["state"] for each in incidents(till)] == ["open"]
    till.put("inbox/sales_2026-10-03.csv", FOURTH)  # the same bytes are no delivery, and the file is there all the same
    till.run(now="2026-10-05T09:20+02:00")
    assert [each["state"] for each in incidents(till)] == ["resolved"]
    check_ledger(till)


def test_a_source_that_cannot_be_asked_explains_what_is_missing(till: Till) -> None:
    (till.root / "inbox").rename(till.root / "away")
    till.run(now="2026-10-04T07:30+02:00")
    till.run(now="2026-10-04T08:30+02:00")
    [incident] = incidents(till)
    assert incident["cause"] == "failure"
    assert {symptom["rule"] for symptom in incident["symptoms"]} == {"step failed", "freshness", "report at risk"}
    [missing] = facts(till, "source.expected_missing")
    assert missing["told"]["asked"].startswith("2026-10-03T05:00")  # in vain does not count
    (till.root / "away").rename(till.root / "inbox")
    till.run(now="2026-10-04T08:40+02:00")
    assert [each["state"] for each in incidents(till)] == ["open"]  # it can be asked, and the file is still not there
    till.put("inbox/sales_2026-10-03.csv", FOURTH)
    till.run(now="2026-10-04T08:50+02:00")
    assert [each["state"] for each in incidents(till)] == ["resolved"]


def test_of_a_paused_source_nothing_is_told_as_missing(till: Till) -> None:
    till.call("sources", "pause", "sales", "--for", "3h", "--reason", "they move", "--now", "2026-10-04T07:00+02:00")
    till.run(now="2026-10-04T08:30+02:00")
    assert facts(till, "source.expected_missing") == []
    till.run(now="2026-10-04T10:30+02:00")
    assert len(facts(till, "source.expected_missing")) == 1


def test_what_is_expected_no_more_is_missing_no_more(till: Till) -> None:
    till.run(now="2026-10-04T08:30+02:00")
    till.edit("sources/sales.yml", 'by: "08:00"', 'by: "10:00"')
    till.run(now="2026-10-04T08:40+02:00")
    assert [fact["told"]["file"] for fact in facts(till, "source.expected_dropped")] == ["sales_2026-10-03.csv"]
    assert [each["state"] for each in incidents(till)] == ["resolved"]


def test_a_report_whose_file_is_missing_is_at_risk_and_says_so(till: Till, server: AlertServer, monkeypatch: Any) -> None:
    monkeypatch.setenv("PAGER_KEY", KEY)
    till.put("startrail.yml", PAGER.format(url=server.url))
    till.put("incidents/routes.yml", ROUTES)
    ahead = till.call("status", "--now", "2026-10-04T07:00+02:00")
    assert "waits for sales: sales_2026-10-03.csv expected by 06:00 UTC" in ahead.out, ahead.out
    ticked = till.call("tick", "--now", "2026-10-04T08:20+02:00")
    assert "missing" in ticked.text, ticked.text
    [risk] = facts(till, "report.at_risk")
    assert risk["told"]["waits"] == ["sales: sales_2026-10-03.csv expected by 06:00 UTC and missing"]
    [incident] = incidents(till)
    assert (incident["cause"], incident["severity"]) == ("freshness", "page")
    assert {symptom["rule"] for symptom in incident["symptoms"]} == {"freshness", "report at risk"}
    assert len(server.pages) == 1
    till.put("inbox/sales_2026-10-03.csv", FOURTH)
    till.run(now="2026-10-04T08:40+02:00")
    assert (len(server.pages), server.open) == (1, {})
    assert [each["state"] for each in incidents(till)] == ["resolved"]
    check_ledger(till)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ('{file: "a.csv"}', "neither by nor cron"),
        ('{file: "a.csv", by: "06:00", cron: "0 6 * * *"}', "both by and cron"),
        ('{file: "a.csv", by: "25:00"}', "not a time of day"),
        ('{file: "a_{date:%Q}.csv", by: "06:00"}', "'%Q'"),
        ('{file: "a_{date.csv", by: "06:00"}', "brace"),
        ('{file: "a.csv", by: "06:00", days_before: 1}', "days_before"),
        ('{file: "a.csv", by: "06:00", timezone: Mars/Base}', "time zone"),
        ('{file: "a.csv", cron: "0 6 * * *", days: [mon]}', "'days' goes with 'by'"),
        ('{file: "a.csv", by: "06:00", at_least: 0}', "at_least"),
        ('{file: "a.csv", by: "06:00", days: [mon, someday]}', "someday"),
    ],
)
def test_an_expectation_that_means_nothing_is_refused_at_its_place(tmp_path: Path, item: str, says: str) -> None:
    till = Till.write(tmp_path / "till")
    till.put("sources/sales.yml", f"feed: {{kind: folder, path: inbox}}\nexpect:\n  - {item}\n")
    outcome = till.call("plan")
    assert outcome.code == 2
    assert says in outcome.text, outcome.text
    assert "at sources/sales.yml:3:" in outcome.text, outcome.text


def test_pages_have_no_names_to_expect(tmp_path: Path) -> None:
    till = Till.write(tmp_path / "till")
    feed = '{kind: http, url: "https://shop.example/api"}'
    till.put("sources/sales.yml", f"feed: {feed}\nexpect:\n  - {{file: a.csv, by: '06:00'}}\n")
    assert_refused(till.call("plan"), "ST119", says="needs a feed of files")
