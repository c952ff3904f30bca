"""A report with several destinations, through the real command line: each is done, fails and is tried again by itself."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from tests.fixtures.deliveries import ANA, BEN, NAME, Recipients
from tests.fixtures.mail import MAIL_PASSWORD
from tests.fixtures.till import Outcome, Till, assert_refused

LATER = "2026-10-03T08:20+02:00"
TOO_LATE = "2026-10-03T09:10+02:00"


def sent(outcome: Outcome) -> list[str]:
    return sorted(event["place"].split()[0] for event in outcome.of("sent") if event["report"] == "daily")


def daily(outcome: Outcome) -> list[dict[str, Any]]:
    return [event for event in outcome.of("delivered") if event["report"] == "daily"]


def test_every_place_gets_the_same_file_once(recipients: Recipients) -> None:
    till = recipients.till
    first = till.good_run()
    assert sent(first) == ["email", "email", "folder", "s3", "sftp"]
    [told] = daily(first)
    assert told["minutes_early"] == 59
    assert told["path"].endswith(" and 2 more")
    assert [each == recipients.content() for each in recipients.everywhere()] == [True] * 5
    again = till.good_run(now=LATER)
    assert (sent(again), daily(again), len(recipients.mail.taken)) == ([], [], 2)


def test_what_one_place_cannot_take_reaches_the_others_and_is_tried_again(recipients: Recipients) -> None:
    till = recipients.till
    recipients.ssh.room = 1
    first = till.run("--json")
    assert first.code == 1
    assert sent(first) == ["email", "email", "folder", "s3"]
    assert daily(first) == []
    assert any("ST704" in error for error in first.result["failed"])
    status = till.call("status").out
    assert "daily  not delivered yet" in status
    assert "send daily failed: ST704" in status
    recipients.ssh.room = None
    second = till.good_run(now=TOO_LATE)
    assert sent(second) == ["sftp"]
    assert daily(second)[0]["minutes_early"] == -11
    assert len(recipients.mail.taken) == 2
    assert [each == recipients.content() for each in recipients.everywhere()] == [True] * 5
    incidents = {each["title"]: each["state"] for each in till.call("incident", "list", "--all", "--json").of("incident")}
    [state] = [state for title, state in incidents.items() if "send daily failed: ST704" in title]
    assert state == "resolved", incidents


def test_a_place_that_does_not_count_makes_nothing_late(recipients: Recipients, closed_port: int) -> None:
    recipients.declare(s3=", counts: false", endpoint=f"http://127.0.0.1:{closed_port}")
    outcome = recipients.till.run("--json")
    assert outcome.code == 1
    assert any("ST708" in error for error in outcome.result["failed"])
    assert daily(outcome)[0]["minutes_early"] == 59


def test_a_recipient_whom_the_server_refuses_keeps_nothing_from_the_others(recipients: Recipients) -> None:
    recipients.mail.refuses[BEN] = "550 5.1.1 nobody of that name"
    first = recipients.till.run("--json")
    assert first.code == 1
    assert any("nobody of that name" in error for error in first.result["failed"])
    recipients.mail.refuses.clear()
    assert sent(recipients.till.good_run(now=LATER)) == ["email"]
    assert [len(recipients.mail.to(who)) for who in (ANA, BEN)] == [1, 1]
    assert recipients.mail.to(ANA)[0]["Message-ID"] == recipients.mail.to(BEN)[0]["Message-ID"]


def test_new_rows_are_sent_to_everybody_under_another_message_id(recipients: Recipients) -> None:
    recipients.till.good_run()
    recipients.till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\n")
    assert sent(recipients.till.good_run(now=LATER)) == ["email", "email", "folder", "s3", "sftp"]
    first, second = recipients.mail.to(ANA)
    assert first["Message-ID"] != second["Message-ID"]


def test_another_recipient_gets_it_and_nobody_else_again(recipients: Recipients) -> None:
    recipients.till.good_run()
    recipients.till.edit("reports/daily.yml", f"[{ANA}", f"[eve@shop.example, {ANA}")
    assert sent(recipients.till.good_run(now=LATER)) == ["email"]
    assert [who for who, _ in recipients.mail.taken].count("eve@shop.example") == 1
    assert len(recipients.mail.taken) == 3


def test_how_a_place_is_reached_may_change_without_sending_again(recipients: Recipients) -> None:
    recipients.till.good_run()
    recipients.declare(s3=", timeout: 9s")
    recipients.till.edit("reports/daily.yml", "password: env:SSH_PASSWORD", "password: 'env:ANOTHER'")
    assert sent(recipients.till.good_run(now=LATER)) == []


def test_a_profile_puts_other_destinations_in_their_place(recipients: Recipients) -> None:
    outcome = recipients.till.run("--json", "--profile", "laptop")
    assert outcome.code == 0, outcome.text
    assert daily(outcome)[0]["path"].endswith(f"/here/{NAME}")
    assert not recipients.mail.taken
    assert not (recipients.till.root / "delivered" / NAME).exists()


def test_no_secret_is_in_the_ledger_or_on_the_terminal(recipients: Recipients) -> None:
    said = b64encode(MAIL_PASSWORD.encode()).decode()
    recipients.mail.answer = f"554 you said {said}"
    outcome = recipients.till.run()
    facts = recipients.till.call("ledger", "facts", "--limit", "500", "--json")
    assert outcome.code == 1
    for secret in (said, "hunter2"):
        assert secret not in outcome.text + facts.text
    assert "554 you said" in outcome.text


MAIL = "{kind: email, host: 127.0.0.1, sender: a@b.example}"


@pytest.mark.parametrize(
    ("declared", "at", "says"),
    [
        ("destinations: []", "reports/rate.yml:1:1", "names no destination"),
        ("destination: {kind: folder, path: a}\ndestinations: [{kind: folder, path: b}]", "reports/rate.yml:1:1", "both"),
        ("destinations: [{kind: folder, path: a}, {kind: folder, path: a}]", "reports/rate.yml:3:15", "named twice"),
        ("destination: {kind: folder, path: a, counts: false}", "reports/rate.yml:3:14", "counts"),
        ("destination: {kind: s4, bucket: a}", "reports/rate.yml:3:21", "cannot be 's4'"),
        (f"destination: {MAIL}", "reports/rate.yml:1:1", "has no recipients"),
        (f"destination: {MAIL}\nrecipients: [Ana]", "reports/rate.yml:4:13", "'Ana' is not an e-mail address"),
        (f'destination: {MAIL}\nrecipients: ["a@b.example\\nBcc: c@d.example"]', "reports/rate.yml:4:13", "do not print"),
        (f"destination: {MAIL}\nrecipients: [a@müller.example]", "reports/rate.yml:4:13", "xn--"),
        ("destination: {kind: email, host: mail.example, sender: a@b.example, security: none}\nrecipients: [a@b.example]",
         "reports/rate.yml:3:79", "without TLS"),
        ("destination: {kind: email, host: h.example, sender: 'A <b>'}\nrecipients: [a@b.example]",
         "reports/rate.yml:3:53", "<b>"),
        ("destination: {kind: email, host: h.example, sender: a@b.example, password: hunter2}\nrecipients: [a@b.example]",
         "reports/rate.yml:3:76", "a reference"),
        ("destination: {kind: email, host: h.example, sender: a@b.example, user: u}\nrecipients: [a@b.example]",
         "reports/rate.yml:3:72", "go together"),
        ("destination: {kind: email, host: h.example, sender: a@b.example, show: inline}\nrecipients: [a@b.example]",
         "reports/rate.yml:3:72", "cannot be the message itself"),
    ],
)  # fmt: skip
def test_a_destination_that_cannot_be_is_refused_with_its_place(till: Till, declared: str, at: str, says: str) -> None:
    till.put("reports/rate.yml", f"model: marts.rate\nformat: csv\n{declared}\n")
    _refused(till.run(), at, says)


def test_a_profile_that_names_a_report_that_is_not_there_is_refused(till: Till) -> None:
    till.put("startrail.yml", "name: till\nprofiles:\n  local:\n    destinations:\n      dayly: [{kind: folder, path: a}]\n")
    assert_refused(till.run(), "ST141", at="startrail.yml:5:14", says="there is no report 'dayly'", hint="daily")


def _refused(outcome: Outcome, at: str, says: str) -> None:
    assert outcome.code == 2, outcome.text
    assert f"at {at}\n" in outcome.text, outcome.text
    assert says in outcome.text
    assert "hunter2" not in outcome.text


@pytest.fixture
def till(tmp_path: Any) -> Till:
    return Till.write(tmp_path / "till")
