"""Alerts arrive: over a real HTTP server that fails in every way, on both ledgers, with a clock that the test moves."""

from __future__ import annotations

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import get_args

import pytest
from tests.fixtures.ledgers import NOW, Place

from startrail.adapters.alerts.guard import Guard
from startrail.adapters.alerts.pagerduty import PagerDutyNotifier
from startrail.adapters.alerts.webhook import WebhookNotifier
from startrail.base.span import Span
from startrail.capabilities.alerts import send
from startrail.capabilities.alerts.routing import rows_of
from startrail.capabilities.alerts.send import GIVE_UP_AFTER, Sender, Sending, backoff, settle
from startrail.flow.events import AlertsWaiting, Event
from startrail.model.alert import Change, IncidentChange, Later, Outgoing, Refused, Route, Sent, Severity
from startrail.ports.alerts import Notifier
from startrail.ports.ledger import Ledger
from startrail.testing import AlertServer, ManualClock
from startrail.testing.alerts import Fault

ROUTES = {"all": Route(("pager", "hook"), Span("incidents/routes.yml"))}
MINUTE = 60.0


@pytest.fixture
def server() -> Iterator[AlertServer]:
    with AlertServer() as server:
        yield server


class Desk:
    """A project's alerts: incidents happen, and somebody sends."""

    def __init__(self, ledger: Ledger, server: AlertServer, clock: ManualClock | None = None, timeout: float = 60.0) -> None:
        self.ledger, self.server, self.clock = ledger, server, clock or ManualClock(NOW)
        self.shown: list[Event] = []
        guard = Guard(["127.0.0.1"])
        self._open = {
            "pager": partial(PagerDutyNotifier, server.url, server.routing_key, guard, timeout, self.clock),
            "hook": partial(WebhookNotifier, server.url + "/hook", "geheim", guard, timeout, self.clock),
        }

    def happens(self, *changes: Change, key: str = "k", severity: Severity = "error") -> None:
        for change in changes:
            self.clock.advance(0.001)
            told = IncidentChange(key, key, change, severity, f"{key} is {change}", self.clock.now())
            rows = rows_of([told], ROUTES, self.clock.now(), source="shop")
            self.ledger.append((), run=None, at=self.clock.now(), outbox=rows)

    def send(self, *only: str, seconds: float = 240.0) -> Sending:
        notifiers: dict[str, partial[Notifier]] = {name: self._open[name] for name in only or ("pager", "hook")}
        return Sender(self.ledger, notifiers, self.clock, self.clock, self.shown.append, lambda: 1.0).send(seconds)

    def send_and_hang(self, monkeypatch: pytest.MonkeyPatch) -> threading.Thread:
        """Time is up as soon as the hook hangs; the thread that still waits for its answer."""
        self.server.fault = "slow"
        with monkeypatch.context() as patched:
            patched.setattr(send, "_join", lambda threads: self.server.await_slow())
            assert self.send("hook", seconds=240).unfinished == ("hook",)
        (hanging,) = (thread for thread in threading.enumerate() if thread.name == "alerts hook")
        return hanging

    def hook_actions(self) -> dict[str, list[str]]:
        """What a receiver that looks at the id makes of the webhooks: key -> actions, in order of first arrival."""
        seen: set[str] = set()
        found: dict[str, list[str]] = defaultdict(list)
        for request in self.server.taken:
            if request.path == "/hook" and request.headers["Startrail-Id"] not in seen:
                seen.add(request.headers["Startrail-Id"])
                found[request.json["key"]].append(request.json["action"])
        return dict(found)

    def arrivals(self) -> Counter[str]:
        """How often each webhook came, by id."""
        return Counter(request.headers["Startrail-Id"] for request in self.server.taken if request.path == "/hook")

    def facts(self, kind: str = "alert.sent") -> int:
        return sum(1 for _ in self.ledger.facts(kind=kind))

    def waiting(self) -> int:
        return len(self.ledger.outbox("waiting", 10_000))


@pytest.fixture
def desk(place: Place, server: AlertServer) -> Desk:
    return Desk(place.open(), server)


def test_an_endpoint_that_is_down_for_an_hour_gets_everything_afterwards_once(desk: Desk):
    desk.server.down()
    for minute in range(60):
        desk.happens("opened", key=f"i{minute}")
        if minute % 3 == 0:
            desk.happens("resolved", key=f"i{minute}")
        desk.send()
        desk.clock.advance(MINUTE)
    assert (desk.server.requests, desk.waiting(), desk.facts()) == ([], 160, 0)
    desk.server.up()
    desk.send()  # one pass: what waited longest does not rest on when the endpoint is back
    assert desk.waiting() == 0
    assert desk.facts() == len(desk.server.taken) == 160
    assert sorted(desk.server.pages) == sorted(f"i{minute}" for minute in range(60))
    assert len(desk.server.open) == 40
    assert desk.server.out_of_order == []
    assert set(desk.arrivals().values()) == {1}


def test_five_hundred_failures_with_one_cause_are_one_page(desk: Desk):
    for _ in range(250):
        desk.happens("opened")
    desk.send()
    for _ in range(250):
        desk.happens("opened")
    desk.send()
    assert desk.server.pages == ["k"]
    assert len(desk.server.requests) == 2  # the pager's and the hook's
    desk.happens("resolved")
    desk.send()
    assert desk.server.open == {}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_in_between_each_incident_is_told_in_order(desk: Desk, seed: int):
    """``drop`` is the hard one: taken there, unknown here, sent again under the same id."""
    dice = random.Random(seed)
    steps: dict[str, list[Change]] = defaultdict(list)
    faults: list[str] = [fault for fault in get_args(Fault) if fault != "slow"]
    for _ in range(40):
        fault = dice.choice([*faults, "none", "down"])
        desk.server.down()
        if fault != "down":
            desk.server.fault = fault  # pyrefly: ignore
            desk.server.up()
        for _ in range(dice.randint(0, 3)):
            key = f"i{dice.randint(0, 4)}"
            last = steps[key][-1] if steps[key] else "resolved"
            after: dict[Change, tuple[Change, ...]] = {
                "resolved": ("opened",), "opened": ("acknowledged", "resolved"), "acknowledged": ("resolved",),
            }  # fmt: skip
            change = dice.choice(after[last])
            steps[key].append(change)
            desk.happens(change, key=key)
        desk.send()
        desk.clock.advance(dice.uniform(1, 400))
    desk.server.fault = "none"
    desk.server.down()
    desk.server.up()
    for _ in range(20):
        desk.send()
        desk.clock.advance(MINUTE)
    words = {"opened": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}
    expected = {key: [words[change] for change in changes] for key, changes in steps.items() if changes}
    assert desk.hook_actions() == expected
    assert Counter(desk.server.pages) == Counter({key: actions.count("trigger") for key, actions in expected.items()})
    assert set(desk.server.open) == {key for key, actions in expected.items() if actions[-1] != "resolve"}
    assert desk.waiting() == 0
    assert desk.facts() == 2 * sum(map(len, expected.values()))


def test_two_senders_at_once_send_each_alert_once(place: Place, server: AlertServer):
    desks = [Desk(place.open(), server) for _ in range(2)]
    for number in range(40):
        desks[0].happens("opened", "resolved", key=f"i{number}")
    desks[1].clock.advance(60)
    done: list[Sending] = []
    threads = [threading.Thread(target=lambda desk=desk: done.append(desk.send())) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.sent for each in done) == desks[0].facts() == 160
    assert set(desks[0].arrivals().values()) == {1}
    assert (len(server.taken), len(server.pages), server.out_of_order) == (160, 40, [])


def test_time_is_up_although_an_endpoint_hangs(desk: Desk):
    desk.happens("opened")
    desk.server.fault = "slow"
    desk.send("hook", seconds=0.05)
    assert (desk.facts(), desk.waiting()) == (0, 2)
    desk.server.fault = "none"
    for thread in threading.enumerate():
        if thread.name == "alerts hook":
            thread.join()
    assert (desk.facts(), desk.waiting()) == (0, 2)


def test_a_sender_that_hangs_is_left_to_itself_and_the_next_one_says_the_same_again(
    place: Place, server: AlertServer, monkeypatch: pytest.MonkeyPatch
):
    first = Desk(place.open(), server)
    first.happens("opened")
    hanging = first.send_and_hang(monkeypatch)
    second = Desk(place.open(), server, ManualClock(first.clock.now() + timedelta(seconds=1)))
    assert second.send("hook").busy == ("hook",)
    second.clock.advance(60)
    server.fault = "none"
    assert second.send("hook").sent == 1
    hanging.join()
    assert len(second.arrivals()) == 1
    assert second.facts() == 1
    assert second.waiting() == 1  # the pager's


def test_what_a_sender_that_hangs_hears_at_last_is_recorded_by_nobody(
    desk: Desk, server: AlertServer, monkeypatch: pytest.MonkeyPatch
):
    """The command has ended by then, and its ledger is closed."""
    desk.happens("opened")
    hanging = desk.send_and_hang(monkeypatch)
    server.fault = "none"
    hanging.join()
    assert (len(server.taken), desk.facts(), desk.waiting()) == (1, 0, 2)


def test_a_sender_that_lost_its_lease_records_nothing(place: Place, server: AlertServer):
    """Silent for longer than its lease while the endpoint thinks: the other one's record counts."""
    slow = Desk(place.open(), server)
    slow.happens("opened")
    server.fault = "slow"
    result: list[Sending] = []
    hanging = threading.Thread(target=lambda: result.append(slow.send("hook")))
    hanging.start()
    other = Desk(place.open(), server, ManualClock(slow.clock.now() + timedelta(seconds=120)))
    assert server.await_slow()
    other.ledger.acquire("alerts/hook", "other", 60, other.clock.now())
    server.fault = "none"
    hanging.join()
    assert (result[0].sent, slow.facts()) == (0, 0)
    other.clock.advance(61)
    assert other.send("hook").sent == 1
    assert set(other.arrivals().values()) == {2}
    assert len(other.arrivals()) == 1


# -- bad input: a dead endpoint, a rate limit ----------------------------------------------------------------
def test_a_dead_endpoint_does_not_keep_alerts_from_a_living_one(desk: Desk):
    desk.server.down()
    dead, desk.server = desk.server, AlertServer()
    with desk.server as living:
        desk.happens("opened")
        guard = Guard(["127.0.0.1"])
        desk._open["hook"] = partial(WebhookNotifier, living.url + "/hook", "geheim", guard, 60.0, desk.clock)
        done = desk.send()
    assert (done.sent, done.later, dead.requests) == (1, 1, [])
    assert [(event.subject, "does not answer" in event.reason) for event in desk.shown if isinstance(event, AlertsWaiting)] == [
        ("pager", True)
    ]


def test_a_rate_limit_is_kept(desk: Desk):
    desk.server.fault, desk.server.retry_after = "429", "120"
    for number in range(10):
        desk.happens("opened", key=f"i{number}")
    desk.send("pager")
    assert len(desk.server.requests) == 1
    for _ in range(11):
        desk.clock.advance(10)
        desk.send("pager")
    assert len(desk.server.requests) == 1
    desk.server.fault = "none"
    desk.clock.advance(11)
    desk.send("pager")
    assert len(desk.server.pages) == 10


def test_what_is_refused_is_a_fact_and_what_follows_goes_on(desk: Desk):
    desk.happens("opened", key="a")
    right, desk.server.routing_key = desk.server.routing_key, "another"
    done = desk.send("pager")
    desk.server.routing_key = right
    desk.happens("opened", key="b")
    assert (done.given_up, desk.send("pager").sent) == (1, 1)
    (fact,) = desk.ledger.facts(kind="alert.failed")
    assert fact.subject == "a"
    assert right not in fact.payload
    assert desk.ledger.revive_alerts(desk.clock.now()) == 1
    assert desk.send("pager").sent == 1
    assert desk.server.pages == ["b", "a"]


def test_one_alert_that_an_endpoint_stumbles_over_does_not_keep_the_others_waiting(desk: Desk):
    desk.happens("opened", key="poison", severity="page")
    for number in range(20):
        desk.happens("opened", key=f"i{number}")
    desk.server.stumbles_over = b"poison"
    done = desk.send("pager")
    assert (done.sent, desk.server.pages) == (20, [f"i{number}" for number in range(20)])
    assert len(desk.server.requests) == 22  # twice in vain: at first, and when the endpoint took something again
    desk.server.stumbles_over = None
    desk.clock.advance(10)
    desk.send("pager")
    assert desk.server.pages[-1] == "poison"


# -- patience ------------------------------------------------------------------------------------------------
def a_try(attempts: int, hours: float) -> Outgoing:
    desk_row = rows_of([IncidentChange("i", "i", "opened", "error", "t", NOW)], ROUTES, NOW, source="s")[0]
    return Outgoing(1, desk_row, "waiting", attempts, NOW - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("attempts", "hours", "state"),
    [(1, 0, "waiting"), (5000, 71.9, "waiting"), (9, 200, "waiting"), (10, 72, "failed"), (400, 100, "failed")],
)
def test_nothing_is_given_up_within_three_days(attempts: int, hours: float, state: str):
    assert timedelta(days=3) == GIVE_UP_AFTER
    assert settle(a_try(attempts, hours), Later("down"), NOW, 0.5).state == state


def test_tries_come_ever_later_up_to_a_quarter_of_an_hour_and_never_all_at_once():
    assert [backoff(attempt, 1.0) for attempt in (1, 2, 3, 8, 9, 10_000)] == [5, 10, 20, 640, 900, 900]
    assert [backoff(attempt, 0.0) for attempt in (1, 2, 9)] == [2.5, 5, 450]


def test_what_an_endpoint_asks_for_is_kept_within_reason():
    assert settle(a_try(1, 0), Later("busy", 60), NOW, 1.0).due_at == NOW + timedelta(seconds=60)
    assert settle(a_try(1, 0), Later("busy", 10**9), NOW, 1.0).due_at == NOW + timedelta(hours=1)
    assert settle(a_try(1, 0), Later("busy", 60, crowded=True), NOW, 1.0).rest_due_at == NOW + timedelta(seconds=60)
    assert settle(a_try(1, 0), Sent(), NOW, 1.0).state == "sent"
    assert settle(a_try(1, 0), Refused("no"), NOW, 1.0).state == "refused"
