"""``startrail alerts`` and runs that tell: what a person types and sees; clear errors; no secret anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fixtures.till import FIRST_MORNING, SECOND_MORNING, Outcome, Till, assert_refused

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.base.span import Span
from startrail.capabilities.alerts.routing import rows_of
from startrail.model.alert import Change, IncidentChange, Route, Severity
from startrail.testing import AlertServer

KEY = "0123456789abcdef0123456789abcdef"
SECRET = "hook-secret-4711"
CHAT = "chat-token-0815"
NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)

STARTRAIL = """\
    name: till
    profiles:
      local: {{}}
      prod:
        alerts:
          hosts: [127.0.0.1]
          endpoints:
            oncall: {{kind: pagerduty, url: "{url}", routing_key: env:PAGER_KEY, timeout: 60s}}
            hook: {{kind: webhook, url: "{url}/hook", secret: env:HOOK_SECRET, timeout: 60s}}
            chat: {{kind: apprise, url: env:CHAT_URL, timeout: 60s}}
    """
ROUTES = """\
    routes:
      urgent: {to: [oncall], severity: page}
      desk: {to: [hook, chat], severity: warning, quiet: {after: "22:00", until: "07:00", timezone: Europe/Madrid}}
    """


@pytest.fixture
def server() -> Iterator[AlertServer]:
    with AlertServer(KEY) as server:
        yield server


@pytest.fixture
def till(tmp_path: Path, server: AlertServer, monkeypatch: pytest.MonkeyPatch) -> Till:
    monkeypatch.setenv("PAGER_KEY", KEY)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("CHAT_URL", f"json://till:{CHAT}@127.0.0.1:{server.port}/chat")
    till = Till.write(tmp_path / "till")
    till.put("startrail.yml", STARTRAIL.format(url=server.url))
    till.put("incidents/routes.yml", ROUTES)
    return till


def happens(till: Till, *changes: Change, severity: Severity = "page", key: str = "i1", at: datetime = NOW) -> None:
    routes = {"urgent": Route(("oncall",), Span(""), severity="page"), "desk": Route(("hook", "chat"), Span(""))}
    told = [IncidentChange(key, key, change, severity, "@everyone <b>orders</b> are late", at) for change in changes]
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    ledger.append((), run=None, at=at, outbox=rows_of(told, routes, at, source="till"))
    ledger.close()


def no_secret(till: Till, *outcomes: Outcome) -> None:
    texts = [outcome.text for outcome in outcomes]
    texts += [path.read_text("latin-1") for path in (till.root / ".startrail").rglob("*") if path.is_file()]
    for text in texts:
        for secret in (KEY, SECRET, CHAT):
            assert secret not in text


def test_a_run_tells_at_its_end_what_is_due(till: Till, server: AlertServer):
    happens(till, "opened")
    outcome = till.run("--profile", "prod")
    assert outcome.code == 0, outcome.text
    assert server.pages == ["i1"]
    assert sorted(request.path for request in server.taken) == ["/chat", "/hook", "/v2/enqueue"]
    assert "told       oncall" in outcome.text
    assert "everyone" in server.taken[0].body.decode()
    for request in server.taken:
        assert b"@everyone" not in request.body
        assert b"<b>" not in request.body
    happens(till, "resolved")
    assert till.run("--profile", "prod", now=SECOND_MORNING).code == 0
    assert server.open == {}
    no_secret(till, outcome, till.call("ledger", "facts"), till.call("alerts", "list", "--all", "--profile", "prod"))


def test_a_clock_that_was_set_back_keeps_alerts_waiting(till: Till, server: AlertServer):
    till.good_run(now=SECOND_MORNING)
    happens(till, "opened")
    assert_refused(till.run("--profile", "prod", now=FIRST_MORNING), "ST532")
    assert server.requests == []


def test_a_laptop_tells_nobody(till: Till, server: AlertServer):
    happens(till, "opened")
    assert till.run().code == 0
    listed = till.call("alerts", "list")
    assert (server.requests, listed.code) == ([], 0)
    assert "Profile local tells nobody" in listed.text
    assert "profile local has no such endpoint" in listed.text


def test_a_dead_endpoint_does_not_fail_the_run_and_shows_on_the_first_page(till: Till, server: AlertServer):
    happens(till, "opened")
    server.down()
    outcome = till.run("--profile", "prod")
    assert outcome.code == 0, outcome.text
    assert "waiting    oncall" in outcome.text
    assert "alerts kept in the ledger: http://127.0.0.1:" in outcome.text
    status = till.call("status", "--profile", "prod")
    assert "alerts    oncall: 0 given up, 1 tried and waiting, since" in status.text
    sending = till.call("alerts", "send", "--profile", "prod", "--now", "2026-10-03T07:00Z")
    assert sending.code == 1
    listed = till.call("alerts", "list", "--profile", "prod")
    assert "2 tries so far: " in listed.text
    server.up()
    assert till.call("alerts", "send", "--profile", "prod", "--now", "2026-10-03T08:00Z").code == 0
    assert server.pages == ["i1"]
    no_secret(till, outcome, status, sending, listed)


def test_what_is_refused_waits_for_a_person(till: Till, server: AlertServer):
    happens(till, "opened")
    server.routing_key = "another"
    sending = till.call("alerts", "send", "--profile", "prod", "--now", FIRST_MORNING)
    assert sending.code == 1
    assert "oncall" in sending.text
    assert "refused: http://127.0.0.1:" in sending.text
    status = till.call("status", "--profile", "prod")
    assert "alerts    oncall: 1 given up, 0 tried and waiting" in status.text
    assert status.code == 1
    listed = till.call("alerts", "list", "--profile", "prod")
    assert listed.code == 1
    server.routing_key = KEY
    again = till.call("alerts", "send", "--again", "--profile", "prod", "--now", "2026-10-03T09:00Z")
    assert (again.code, server.pages) == (0, ["i1"])
    no_secret(till, sending, status, listed, again)


def test_what_was_given_up_can_be_let_go_with_a_reason(till: Till, server: AlertServer):
    happens(till, "opened")
    server.routing_key = "another"
    till.call("alerts", "send", "--profile", "prod", "--now", FIRST_MORNING)
    assert till.call("alerts", "drop", "--reason", "the service is gone", "--by", "ana", "--now", "2026-10-03T09:00Z").code == 0
    assert till.call("alerts", "list", "--profile", "prod").code == 0
    assert '"reason":"the service is gone"' in till.call("ledger", "facts", "--kind", "alert.dropped").text
    assert till.call("alerts", "send", "--again", "--profile", "prod", "--now", "2026-10-03T09:10Z").code == 0
    assert server.pages == []


def test_a_test_alert_opens_and_closes_and_leaves_no_trace_in_the_ledger(till: Till, server: AlertServer):
    outcome = till.call("alerts", "test", "oncall", "--profile", "prod")
    assert outcome.code == 0, outcome.text
    assert (len(server.pages), server.open) == (1, {})
    both = till.call("alerts", "test", "desk", "--profile", "prod")
    assert sorted(line.split()[0] for line in both.out.splitlines()) == ["chat", "hook"]
    server.fault = "500"
    failing = till.call("alerts", "test", "hook", "--profile", "prod", "--json")
    assert failing.code == 1
    assert failing.of("tested")[0]["why"].endswith("answered 500")
    assert not (till.root / ".startrail/ledger.sqlite").exists()
    no_secret(till, outcome, both, failing)


def test_an_unknown_target_is_refused_with_a_near_miss(till: Till):
    refused = till.call("alerts", "test", "onCal", "--profile", "prod")
    assert_refused(refused, "ST693", says="no endpoint or route 'onCal'", hint="did you mean 'oncall'")


def test_a_secret_that_is_not_there_keeps_alerts_waiting(till: Till, server: AlertServer, monkeypatch: pytest.MonkeyPatch):
    happens(till, "opened")
    monkeypatch.delenv("PAGER_KEY")
    outcome = till.run("--profile", "prod")
    assert outcome.code == 0
    assert "the environment variable PAGER_KEY is not set" in outcome.text
    monkeypatch.setenv("PAGER_KEY", KEY)
    assert till.call("alerts", "send", "--profile", "prod", "--now", "2026-10-03T07:00Z").code == 0
    assert server.pages == ["i1"]


def test_a_host_that_is_not_listed_gets_nothing(till: Till, server: AlertServer):
    till.edit("startrail.yml", "hosts: [127.0.0.1]", "hosts: [hooks.example]")
    outcome = till.call("alerts", "test", "hook", "--profile", "prod")
    assert outcome.code == 1
    assert "ST691 alerts may not go to 127.0.0.1" in outcome.text
    assert server.requests == []


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "says"),
    [
        ("incidents/routes.yml", "to: [oncall]", "to: [oncal]", "ST141", "profile prod has no endpoint 'oncal'"),
        ("incidents/routes.yml", "to: [oncall]", "to: []", "ST11", "goes to nobody"),
        ("incidents/routes.yml", "severity: page", "severity: urgent", "ST1", "cannot be 'urgent'"),
        ("incidents/routes.yml", '"07:00"', '"22:00"', "ST1", "begin when they end"),
        ("incidents/routes.yml", "Europe/Madrid", "Europe/Madird", "ST1", "not an IANA time zone"),
        ("incidents/routes.yml", "urgent:", "urgent: {to: [hook]}\n  urgent:", "ST1", "urgent"),
        ("startrail.yml", "env:PAGER_KEY", KEY, "ST1", "must be a reference, not the secret itself"),
        ("startrail.yml", "kind: pagerduty", "kind: pagerduti", "ST1", "pagerduti"),
        ("startrail.yml", "env:PAGER_KEY, timeout: 60s", "env:PAGER_KEY, timeout: soon", "ST1", "not a duration"),
    ],
)
def test_a_wrong_declaration_is_refused_where_it_stands(till: Till, file: str, old: str, new: str, code: str, says: str):
    till.edit(file, old, new)
    outcome = till.call("alerts", "list", "--profile", "prod")
    assert outcome.code == 2
    assert outcome.text.startswith(code)
    assert says in outcome.text
    assert f"at {file}:" in outcome.text
    assert KEY not in outcome.text


def test_a_route_for_a_rule_that_there_is_not_is_warned_of(till: Till):
    till.edit("incidents/routes.yml", "severity: page", 'severity: page, openers: ["* failed", "step faild"]')
    listed = till.call("alerts", "list", "--profile", "prod")
    assert listed.code == 1
    assert "route urgent: no rule that opens incidents is called 'step faild'; did you mean 'step failed'?" in listed.out
    assert sum(line.startswith("warning") for line in listed.out.splitlines()) == 1


def test_a_route_needs_a_profile_that_tells(till: Till):
    till.put("startrail.yml", "name: till\n")
    outcome = till.call("alerts", "list")
    assert (outcome.code, "no profile has alerts" in outcome.text) == (2, True)


def test_the_same_route_in_two_files_is_refused(till: Till):
    till.put("incidents/more.yml", "routes:\n  desk: {to: [hook]}\n")
    outcome = till.call("alerts", "list", "--profile", "prod")
    assert (outcome.code, "route 'desk' is declared twice" in outcome.text) == (2, True)


# -- incidents -----------------------------------------------------------------------------------------------
def broken(till: Till) -> None:
    """The report of 09:00 cannot be made."""
    till.edit("models/marts/daily.sql", "amount >= 0", "amount < 0")
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")


def mended(till: Till) -> None:
    till.edit("models/marts/daily.sql", "amount < 0", "amount >= 0")


def test_a_deadline_that_cannot_be_met_pages_once_and_its_end_resolves_the_page(till: Till, server: AlertServer):
    assert till.run("--profile", "prod", now="2026-10-02T08:00+02:00").code == 0
    assert server.requests == []
    broken(till)
    for minute in (0, 5, 10):
        assert till.run("--profile", "prod", now=f"2026-10-03T08:{minute:02d}+02:00").code == 1
    assert len(server.pages) == 1
    (page,) = (request.json for request in server.taken if request.path == "/v2/enqueue")
    assert page["payload"]["severity"] == "critical"
    assert page["payload"]["custom_details"]["about"] == "marts.daily"
    assert "daily" in page["payload"]["custom_details"]["affects"]
    mended(till)
    outcome = till.run("--profile", "prod", now="2026-10-03T08:20+02:00")
    assert outcome.code == 0, outcome.text
    assert (len(server.pages), server.open, server.out_of_order) == (1, {}, [])
    told = till.call("ledger", "facts", "--kind", "alert.sent", "--subject", server.pages[0]).out
    assert [word in told for word in ('"action":"trigger"', '"action":"resolve"', '"severity":"page"')] == [True] * 3
    no_secret(till, outcome)


def test_who_acknowledges_on_the_command_line_is_heard_at_the_pager(till: Till, server: AlertServer):
    assert till.run("--profile", "prod", now="2026-10-02T08:00+02:00").code == 0
    broken(till)
    till.run("--profile", "prod", now="2026-10-03T08:00+02:00")
    (incident,) = server.pages
    assert till.call("incident", "ack", incident, "--profile", "prod", "--now", "2026-10-03T08:05+02:00").code == 0
    assert server.open == {incident: "acknowledged"}
    resolving = (
        "incident",
        "resolve",
        incident,
        "--reason",
        "not wanted",
        "--profile",
        "prod",
        "--now",
        "2026-10-03T08:06+02:00",
    )
    assert till.call(*resolving).code == 0
    assert server.open == {}


def test_an_incident_on_a_laptop_tells_nobody(till: Till, server: AlertServer):
    till.good_run(now="2026-10-02T08:00+02:00")
    broken(till)
    assert till.run(now="2026-10-03T08:00+02:00").code == 1
    assert "page" in till.call("incident", "list").text
    assert (server.requests, open_ledger(till.root / ".startrail/ledger.sqlite").outbox("newest")) == ([], [])
