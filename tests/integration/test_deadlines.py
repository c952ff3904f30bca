"""Deadlines through the real command line: told early, paged once when only a person can help, resolved when it is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.till import Outcome, Till, assert_refused

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.flow.events import StepFailed
from startrail.flow.session import to_facts
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
UNREADABLE = "sale_id,day\nb1,2026-10-02\n"


@pytest.fixture
def server() -> Iterator[AlertServer]:
    with AlertServer(KEY) as server:
        yield server


@pytest.fixture
def till(tmp_path: Path, server: AlertServer, monkeypatch: pytest.MonkeyPatch) -> Till:
    monkeypatch.setenv("PAGER_KEY", KEY)
    till = Till.write(tmp_path / "till")
    till.put("startrail.yml", PAGER.format(url=server.url))
    till.put("incidents/routes.yml", ROUTES)
    return till


def facts(till: Till, kind: str) -> list[dict[str, Any]]:
    found = till.call("ledger", "facts", "--kind", kind, "--limit", "500", "--json").events
    return [event for event in found if event.get("kind") == kind]


def incidents(till: Till) -> list[dict[str, Any]]:
    return till.call("incident", "list", "--all", "--json").of("incident")


def check_ledger(till: Till) -> None:
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    assert {each.id: each for each in ledger.incidents()} == fold(ledger.facts())
    assert ledger.verify().altered is None
    ledger.close()


def due(outcome: Outcome) -> str:
    return next(line for line in outcome.out.splitlines() if line.startswith("due"))


def test_a_held_source_with_nothing_to_serve_pages_once_and_the_page_ends_when_the_report_is_there(
    till: Till, server: AlertServer
) -> None:
    good = till.read("inbox/sales_2026-10-01.csv")
    till.remove("inbox/sales_2026-10-02.csv")
    till.put("inbox/sales_2026-10-01.csv", UNREADABLE)
    for minute in ("00", "10", "20"):
        outcome = till.run(now=f"2026-10-03T08:{minute}+02:00")
    assert len(server.pages) == 1, outcome.text
    [told] = facts(till, "report.at_risk")
    assert told["subject"] == "daily"
    [incident] = incidents(till)
    assert (incident["severity"], incident["state"], incident["subject"]) == ("page", "open", "sales")
    status = till.call("status", "--now", "2026-10-03T08:25+02:00")
    assert "at risk" in due(status)
    assert "waits for sales: its delivery is held" in due(status)
    till.call("run", "--now", "2026-10-03T09:05+02:00")
    assert len(server.pages) == 1
    till.put("inbox/sales_2026-10-01.csv", good)
    delivery = incident["symptoms"][0]["delivery"]
    dropped = till.call(
        "quarantine",
        "discard",
        "--delivery",
        delivery,
        "--reason",
        "sent again",
        "--by",
        "ana",
        "--now",
        "2026-10-03T09:08+02:00",
    )
    assert dropped.code == 0, dropped.text
    outcome = till.run(now="2026-10-03T09:10+02:00")
    assert outcome.code == 0, outcome.text
    assert "10 minutes after its deadline" in outcome.text or "late" in outcome.text
    assert (len(server.pages), server.open) == (1, {}), outcome.text
    assert [each["state"] for each in incidents(till)] == ["resolved"]
    check_ledger(till)


def test_a_step_that_always_fails_pages_once_and_is_resolved_by_the_run_that_delivers(till: Till, server: AlertServer) -> None:
    till.good_run()
    good = till.read("models/marts/daily.sql")
    till.edit("models/marts/daily.sql", "sum(s.amount) as amount", "cast('x' || s.store as decimal(12,2)) as amount")
    till.edit("models/marts/daily.sql", "group by s.day, s.store", "")
    for minute in ("00", "20", "40"):
        till.run(now=f"2026-10-04T08:{minute}+02:00")
    assert len(server.pages) == 1
    till.put("models/marts/daily.sql", good)
    till.good_run(now="2026-10-04T08:50+02:00")
    assert (len(server.pages), server.open) == (1, {})
    check_ledger(till)


def test_five_hundred_failures_with_one_cause_are_one_page(till: Till, server: AlertServer) -> None:
    till.good_run()
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    failed = [
        StepFailed(subject="marts.daily", kind="build", partition=f"p{number}", error=f"ST602 no room on the disk for {number}")
        for number in range(500)
    ]
    ledger.append(to_facts(*failed), run="20261004T055900-000000", at=datetime(2026, 10, 4, 5, 59, tzinfo=UTC))
    ledger.close()
    paused = ("--for", "1h", "--reason", "x", "--now", "2026-10-04T08:00+02:00")
    assert till.call("sources", "pause", "rates", *paused).code == 0  # any command that looks
    till.call("alerts", "send", "--now", "2026-10-04T08:01+02:00")
    [incident] = incidents(till)
    assert (incident["severity"], sum(symptom["seen"] for symptom in incident["symptoms"])) == ("page", 500)
    assert len(server.pages) == 1
    till.good_run(now="2026-10-04T08:02+02:00")
    assert (len(server.pages), server.open) == (1, {})


def test_a_check_that_goes_back_and_forth_is_one_incident(till: Till, server: AlertServer) -> None:
    till.good_run()
    for hour in range(1, 4):
        till.edit("models/marts/daily.sql", "sql: amount >= 0", "sql: amount < 0")
        assert till.run(now=f"2026-10-04T0{hour}:00+02:00").code == 1
        till.edit("models/marts/daily.sql", "sql: amount < 0", "sql: amount >= 0")
        till.good_run(now=f"2026-10-04T0{hour}:30+02:00")
    [incident] = incidents(till)
    assert (incident["state"], incident["reopened"]) == ("resolved", 2)
    assert (len(set(server.pages)), server.open) == (1, {})
    check_ledger(till)


def test_told_once_a_day_and_a_report_again_the_next_day(till: Till) -> None:
    till.good_run()
    till.put("incidents/routes.yml", "routes: {}\n")
    for now in ("2026-10-04T09:30+02:00", "2026-10-04T09:40+02:00", "2026-10-05T09:30+02:00"):
        till.run("--select", "rates", now=now)
    assert [told["payload"].count('"due":"2026-10-04') for told in facts(till, "report.late")] == [1, 0]
    [incident] = incidents(till)
    assert (incident["cause"], incident["severity"], incident["subject"]) == ("late", "page", "daily")
    till.run(now="2026-10-05T09:40+02:00")
    [incident] = incidents(till)
    assert incident["state"] == "resolved"
    check_ledger(till)


def test_status_says_when_a_report_is_expected_and_never_more_than_is_known(till: Till) -> None:
    till.good_run()
    assert "delivered at 06:00 UTC" in due(till.call("status", "--now", "2026-10-03T08:05+02:00"))
    early = till.call("status", "--now", "2026-10-04T08:00+02:00", "--json")
    [ahead] = early.of("forecast")
    assert ahead["state"] == "on time"
    assert ahead["lower"] <= ahead["expected"] <= ahead["upper"]
    assert "if a run begins now, most likely" in due(till.call("status", "--now", "2026-10-04T08:00+02:00"))
    till.put("models/marts/extra.sql", "select sum(d.amount) as amount from marts.daily as d\n")
    till.put(
        "reports/extra.yml",
        "model: marts.extra\nformat: csv\ndestination: {kind: folder, path: delivered}\ndeadline: {time: '09:00'}\n",
    )
    [extra] = [
        each for each in till.call("status", "--now", "2026-10-04T08:00Z", "--json").of("forecast") if each["report"] == "extra"
    ]
    assert (extra["state"], extra["expected"], extra["upper"]) == ("not known", None, None)
    assert extra["unknown"] == ["extra", "marts.extra"]


def test_a_paused_source_is_not_asked_until_its_time_and_the_run_says_so(till: Till) -> None:
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    words = ("--reason", "the till is down", "--by", "ana", "--now", "2026-10-04T07:00+02:00")
    paused = till.call("sources", "pause", "sales", "--for", "2h", *words)
    assert paused.code == 0, paused.text
    outcome = till.run(now="2026-10-04T08:00+02:00")
    assert outcome.code == 0
    assert "not asked until 2026-10-04 07:00 UTC: the till is down" in outcome.text
    assert "landed" not in outcome.text
    assert "paused    sales  until 2026-10-04 07:00 UTC, by ana" in till.call("status", "--now", "2026-10-04T08:00+02:00").text
    later = till.run(now="2026-10-04T09:30+02:00")
    assert "landed" in later.text
    again = till.call("sources", "pause", "sales", "--for", "1h", "--reason", "x", "--now", "2026-10-04T09:40+02:00")
    assert again.code == 0
    till.put("inbox/sales_2026-10-04.csv", "sale_id,day,store,amount\nd1,2026-10-04,north,1.00\n")
    assert till.call("sources", "resume", "sales", "--now", "2026-10-04T09:41+02:00").code == 0
    assert "landed" in till.run(now="2026-10-04T09:42+02:00").text


def test_a_source_that_fails_and_is_paused_lets_the_report_go_out_and_is_no_page_any_more(
    till: Till, server: AlertServer
) -> None:
    till.good_run()
    (till.root / "inbox").rename(till.root / "away")
    assert till.run(now="2026-10-04T08:00+02:00").code == 1
    assert len(server.pages) == 1
    words = ("--reason", "no share", "--by", "ana", "--now", "2026-10-04T08:10+02:00")
    assert till.call("sources", "pause", "sales", "--for", "1 day", *words).code == 0
    assert till.run(now="2026-10-04T08:20+02:00").code == 0
    [incident] = incidents(till)
    assert incident["state"] == "mitigated", incident
    assert "pause_source" in incident["acts"]
    (till.root / "away").rename(till.root / "inbox")
    till.call("sources", "resume", "sales", "--now", "2026-10-04T08:30+02:00")
    till.good_run(now="2026-10-04T08:40+02:00")
    [incident] = incidents(till)
    assert incident["state"] == "resolved"
    assert server.open == {}
    check_ledger(till)


def test_the_fourth_pause_is_refused_told_and_makes_its_incident_graver(till: Till) -> None:
    till.put("incidents/bounds.yml", "mitigations:\n  pause_source: {most: 1, window: 7 days}\n")
    till.good_run()
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount,tier\nc1,2026-10-03,north,1.00,gold\n")
    till.good_run(now="2026-10-04T07:00+02:00")
    [incident] = incidents(till)
    assert incident["state"] == "mitigated"
    words = ("--reason", "x", "--by", "ana")
    assert till.call("sources", "pause", "sales", "--for", "1h", *words, "--now", "2026-10-04T07:10+02:00").code == 0
    refused = till.call("sources", "pause", "sales", "--for", "1h", *words, "--now", "2026-10-04T07:20+02:00")
    assert_refused(refused, "ST562", says="as often as the book allows: 1 within 7 days", hint="incidents/*.yml")
    [incident] = incidents(till)
    assert (incident["state"], incident["severity"]) == ("open", "error")
    assert "pause_source" in incident["refused"]
    check_ledger(till)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("pause", "salse", "--for", "1h", "--reason", "x"), "ST560", "no source 'salse'"),
        (("pause", "sales", "--for", "1h", "--reason", " "), "ST561", "needs a reason"),
        (("pause", "sales", "--for", "90 days", "--reason", "x"), "ST561", "within 31 days"),
        (("pause", "sales", "--until", "2020-01-01", "--reason", "x"), "ST561", "within 31 days"),
        (("pause", "sales", "--reason", "x"), "ST8", "one of --for and --until"),
        (("pause", "sales", "--for", "soon", "--reason", "x"), "ST8", "not a duration"),
        (("resume", "sales"), "ST563", "not paused"),
    ],
)
def test_a_wrong_pause_is_refused_in_words(till: Till, arguments: tuple[str, ...], code: str, says: str) -> None:
    outcome = till.call("sources", *arguments)
    assert outcome.code == 2
    assert says in outcome.text
    assert code in outcome.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mitigations:\n  pause_sources: {most: 1}\n", "did you mean 'pause_source'"),
        ("mitigations:\n  pause_source: {most: 0}\n", "incidents/bounds.yml:2"),
        ("mitigations:\n  pause_source: {window: soon}\n", "not a duration"),
        ("mitigations:\n  pause_source: {mots: 1}\n", "most"),
    ],
)
def test_a_wrong_bound_is_refused_where_it_stands(till: Till, text: str, says: str) -> None:
    till.put("incidents/bounds.yml", text)
    outcome = till.call("status")
    assert outcome.code == 2
    assert says in outcome.text
    assert "at incidents/bounds.yml:" in outcome.text


def test_a_watch_that_fails_is_told_and_breaks_no_run(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    from startrail.capabilities.incidents import watch

    def fails(*_: object, **__: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(watch, "watch", fails)
    outcome = till.run()
    assert outcome.code == 0, outcome.text
    assert "watch over incidents failed" in outcome.text
    monkeypatch.undo()
    [told] = facts(till, "watch.failed")
    assert "a defect" in told["payload"]
