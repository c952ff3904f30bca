"""What goes over the wire to each kind of endpoint, where it may go, and what answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from startrail.adapters.alerts.errors import AppriseMissing, BadAppriseUrl, HostNotListed
from startrail.adapters.alerts.guard import Guard
from startrail.adapters.alerts.log_file import LogNotifier
from startrail.adapters.alerts.pagerduty import MOST_BYTES, OWN_HOSTS, PagerDutyNotifier, event
from startrail.adapters.alerts.post import Answer, judged, retry_after
from startrail.adapters.alerts.signature import WINDOW_SECONDS, sign, verified
from startrail.adapters.alerts.webhook import WebhookNotifier
from startrail.model.alert import Alert, Later, Refused, Sent
from startrail.testing import AlertServer, ManualClock

NOW = datetime(2026, 10, 3, 6, tzinfo=UTC)
ALERT = Alert("trigger", "k1", "page", "Orders are late", NOW, "since 05:40", {"owner": "finance"}, "shop", None, "i1")
LOCAL = Guard(["127.0.0.1"])


# -- PagerDuty ---------------------------------------------------------------------------------------------
def pagerduty(server: AlertServer, key: str | None = None, timeout: float = 60.0) -> PagerDutyNotifier:
    return PagerDutyNotifier(server.url, key or server.routing_key, LOCAL, timeout, ManualClock(NOW))


def test_trigger_acknowledge_and_resolve_have_one_dedup_key():
    with AlertServer() as server:
        for action in ("trigger", "acknowledge", "resolve"):
            assert pagerduty(server).send(msgspec.structs.replace(ALERT, action=action), "d1") == Sent()
        assert [(each.json["event_action"], each.json["dedup_key"]) for each in server.taken] == [
            ("trigger", "k1"), ("acknowledge", "k1"), ("resolve", "k1"),
        ]  # fmt: skip
        assert (server.pages, server.open, server.out_of_order) == (["k1"], {}, [])
        payload = server.taken[0].json["payload"]
    assert payload["severity"] == "critical"
    assert payload["custom_details"] == {"delivery": "d1", "text": "since 05:40", "owner": "finance"}


def test_a_change_has_an_address_of_its_own():
    with AlertServer() as server:
        assert pagerduty(server).send(msgspec.structs.replace(ALERT, action="change"), "d1") == Sent()
        assert (len(server.changes), server.pages) == (1, [])


def test_what_the_api_finds_wrong_is_told_without_the_key():
    with AlertServer() as server:
        outcome = pagerduty(server, "not-the-right-key").send(ALERT, "d1")
    assert isinstance(outcome, Refused)
    assert "answered 400: Event object is invalid" in outcome.why
    assert "not-the-right-key" not in outcome.why


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=5), st.integers(0, 400_000), max_size=6), st.sampled_from("xé日\n"))
def test_an_event_is_never_larger_than_512_kb_and_says_what_it_left_out(sizes: dict[str, int], letter: str):
    details = {name: letter * size for name, size in sizes.items()}
    body = event(msgspec.structs.replace(ALERT, details=details, text=""), "d1", "r")
    assert len(body) <= MOST_BYTES
    told = json.loads(body)["payload"]["custom_details"]
    missing = set(details) - set(told)
    assert bool(missing) == ("left out" in told)
    assert all(name in told["left out"] for name in missing)


# -- webhook -----------------------------------------------------------------------------------------------
def test_a_webhook_is_signed_over_time_and_body_and_carries_its_id():
    with AlertServer() as server:
        notifier = WebhookNotifier(server.url + "/hook?a=1", "geheim", LOCAL, 5.0, ManualClock(NOW))
        assert notifier.send(ALERT, "d1") == Sent()
        (request,) = server.taken
    time, signature = request.headers["Startrail-Timestamp"], request.headers["Startrail-Signature"]
    expected = hmac.new(b"geheim", f"{int(NOW.timestamp())}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert (request.path, signature, request.headers["Startrail-Id"]) == ("/hook?a=1", f"v1={expected}", "d1")
    assert verified("geheim", time, signature, request.body, NOW)
    assert request.json["id"] == "d1"
    assert request.json["title"] == "Orders are late"


def test_every_try_of_a_webhook_has_the_same_id_and_body():
    with AlertServer() as server:
        clock = ManualClock(NOW)
        notifier = WebhookNotifier(server.url, "geheim", LOCAL, 5.0, clock)
        server.fault = "500"
        assert isinstance(notifier.send(ALERT, "d1"), Later)
        clock.advance(60)
        server.fault = "none"
        assert notifier.send(ALERT, "d1") == Sent()
        first, second = server.requests
    assert (first.body, first.headers["Startrail-Id"]) == (second.body, second.headers["Startrail-Id"])
    assert first.headers["Startrail-Timestamp"] != second.headers["Startrail-Timestamp"]


@pytest.mark.parametrize(
    ("secret", "body", "age", "good"),
    [
        ("geheim", b"{}", 0, True),
        ("geheim", b"{}", WINDOW_SECONDS, True),
        ("geheim", b"{}", WINDOW_SECONDS + 1, False),
        ("geheim", b"{ }", 0, False),
        ("other", b"{}", 0, False),
    ],
)
def test_a_receiver_refuses_what_is_changed_or_old(secret: str, body: bytes, age: int, good: bool):
    headers = sign("geheim", NOW, b"{}")
    time, signature = headers["Startrail-Timestamp"], headers["Startrail-Signature"]
    assert verified(secret, time, signature, body, NOW + timedelta(seconds=age)) is good


def test_a_receiver_refuses_a_time_that_is_none():
    assert not verified("geheim", "yesterday", "v1=", b"{}", NOW)


# -- answers -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "means"),
    [(200, Sent), (202, Sent), (204, Sent), (409, Sent), (301, Later), (400, Refused), (401, Later), (403, Later), (404, Later),
     (413, Refused), (422, Refused), (429, Later), (500, Later), (503, Later)],
)  # fmt: skip
def test_only_what_will_never_be_taken_is_refused(status: int, means: type):
    assert isinstance(judged(Answer(status, b"", None), "it", NOW), means)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120.0), ("Sat, 03 Oct 2026 06:02:00 GMT", 120.0),
     ("Sat, 03 Oct 2026 05:00:00 GMT", 0.0), ("soon", None), ("-5", None),
     (None, None), ("", None)],
)  # fmt: skip
def test_both_forms_of_retry_after_are_read(text: str | None, seconds: float | None):
    assert retry_after(text, NOW) == seconds


@pytest.mark.parametrize("fault", ["429", "500", "drop"])
def test_trouble_at_the_other_side_means_later(fault: str):
    with AlertServer(retry_after="7") as server:
        server.fault = fault  # pyrefly: ignore
        outcome = pagerduty(server).send(ALERT, "d1")
        assert isinstance(outcome, Later)
        assert outcome.after_seconds == (None if fault == "drop" else 7.0)
        assert outcome.crowded is (fault == "429")


def test_an_endpoint_that_does_not_answer_in_time_means_later():
    with AlertServer() as server:
        server.fault = "slow"
        outcome = pagerduty(server, timeout=0.2).send(ALERT, "d1")
        assert isinstance(outcome, Later)
        assert "does not answer" in outcome.why


def test_a_dead_endpoint_means_later():
    with AlertServer() as server:
        server.down()
        outcome = pagerduty(server).send(ALERT, "d1")
    assert isinstance(outcome, Later)
    assert "0x" not in outcome.why


# -- where alerts may go -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hosts", "url", "goes"),
    [
        (["hooks.example"], "https://hooks.example/x", True),
        (["hooks.example"], "https://HOOKS.example./x", True),
        (["hooks.example"], "http://hooks.example/x", False),
        (["hooks.example"], "https://evil.example/hooks.example", False),
        (["hooks.example"], "https://hooks.example@evil.example/", False),
        (["hooks.example"], "https://xhooks.example/", False),
        (["*.example"], "https://hooks.example/", True),
        (["*.example"], "https://example/", False),
        (["*.example"], "https://badexample/", False),
        ([], "https://events.pagerduty.com", True),
        ([], "https://events.eu.pagerduty.com", True),
        ([], "http://events.pagerduty.com", False),
        ([], "https://127.0.0.1/", False),
        (["127.0.0.1"], "http://127.0.0.1:80/", True),
        (["10.0.0.0/8"], "http://10.1.2.3/", True),
        (["10.0.0.0/8"], "https://192.168.1.1/", False),
        (["*"], "https://anything.example/", False),
        (["localhost"], "http://localhost:8080/", True),
        ([], "https://[::1]/", False),
        (["::1"], "https://[::1]/", True),
    ],
)  # fmt: skip
def test_only_listed_hosts_are_gone_to(hosts: list[str], url: str, goes: bool):
    guard = Guard(hosts, OWN_HOSTS)
    if goes:
        guard.require(url)
    else:
        with pytest.raises(HostNotListed):
            guard.require(url)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0", "224.0.0.1"]
)
def test_a_listed_name_that_leads_inside_is_refused_unless_the_address_is_listed_too(
    address: str, monkeypatch: pytest.MonkeyPatch
):
    """The name server is the one thing here that is pretended: nobody else can make a public name lead inside."""

    def leads(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", ("93.184.216.34", port)), (0, 0, 0, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", leads)
    with pytest.raises(HostNotListed, match="not a public address"):
        Guard(["hooks.example"]).address("hooks.example", 443)
    listed = address.removeprefix("::ffff:")
    assert Guard(["hooks.example", listed]).address("hooks.example", 443) == "93.184.216.34"


# -- a file, and apprise -----------------------------------------------------------------------------------
def test_a_log_has_a_line_per_alert(tmp_path: Path):
    notifier = LogNotifier(tmp_path / "a/alerts.ndjson")
    assert [notifier.send(ALERT, "d1"), notifier.send(ALERT, "d2")] == [Sent(), Sent()]
    assert [json.loads(line)["id"] for line in (tmp_path / "a/alerts.ndjson").read_text().splitlines()] == ["d1", "d2"]


def test_a_log_that_cannot_be_written_means_later(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert isinstance(LogNotifier(tmp_path / "file/alerts").send(ALERT, "d1"), Later)


def test_apprise_hands_over_to_a_real_service_and_tells_when_it_could_not(caplog: pytest.LogCaptureFixture):
    from startrail.adapters.alerts.apprise import AppriseNotifier

    with AlertServer() as server:
        notifier = AppriseNotifier("chat", f"json://user:geheim@127.0.0.1:{server.port}/in", 2.0)
        assert notifier.send(ALERT, "d1") == Sent()
        (request,) = server.taken
        server.fault = "500"
        outcome = notifier.send(ALERT, "d2")
    assert request.json["title"] == "[page] Orders are late"
    assert request.json["message"].splitlines() == ["since 05:40", "owner: finance", "shop, delivery d1"]
    assert isinstance(outcome, Later)
    assert "geheim" not in outcome.why + caplog.text


def test_an_apprise_url_that_is_none_is_refused_without_being_shown(capfd: pytest.CaptureFixture[str]):
    from startrail.adapters.alerts.apprise import AppriseNotifier

    with pytest.raises(BadAppriseUrl) as caught:
        AppriseNotifier("chat", "nonsense://geheim@x", 2.0)
    assert "geheim" not in str(caught.value) + "".join(capfd.readouterr())


def test_without_apprise_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    import sys

    from startrail.adapters.alerts.apprise import AppriseNotifier

    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AppriseMissing) as caught:
        AppriseNotifier("chat", "json://geheim@x", 2.0)
    assert "startrail[alerts]" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_the_shipped_server_takes_no_alert_whose_sender_died_on_the_way() -> None:
    with AlertServer() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as dying:
            dying.sendall(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{")
            dying.shutdown(socket.SHUT_WR)
            assert dying.recv(100) == b""
        assert server.requests == []
