"""The outbox on both databases: written with its facts, taken in order, said once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.fixtures.ledgers import NOW, Place, later, take

from startrail.base import crash
from startrail.base.ids import fingerprint
from startrail.ledger.errors import LeaseLost
from startrail.model.alert import Action, Alert, OutboxRow, Outgoing, Settled, Severity
from startrail.model.run import Lease, NewFact
from startrail.ports.ledger import Ledger

FACT = NewFact("incident.opened", "i1")
_TOLD = NewFact("alert.sent", "i1")


def a_row(
    action: Action = "trigger", key: str = "k", severity: Severity = "error", *, at: float = 0, due: float = 0, to: str = "oncall"
) -> OutboxRow:
    alert = Alert(action, key, severity, f"{action} of {key}", later(at), subject="i1")
    return OutboxRow(fingerprint(to, action, key, severity, str(at)), to, alert, later(due))


def put(ledger: Ledger, *rows: OutboxRow) -> None:
    ledger.append([FACT], run=None, at=NOW, outbox=rows)


def claim(ledger: Ledger, lease: Lease, at: float = 0) -> Outgoing:
    claimed = ledger.claim_alert("oncall", lease, later(at))
    assert claimed is not None
    return claimed


def sent(ledger: Ledger, claimed: Outgoing, lease: Lease, at: float = 0) -> None:
    ledger.settle_alert("oncall", Settled(claimed.seq, "sent", later(at), back=True), lease, later(at), [_TOLD])


def all_sent(ledger: Ledger, at: float = 0) -> list[tuple[str, str]]:
    """Take and settle everything due, in the order in which it comes."""
    lease, found = take(ledger, name="alerts"), []
    while (claimed := ledger.claim_alert("oncall", lease, later(at))) is not None:
        found.append((claimed.row.alert.key, claimed.row.alert.action))
        sent(ledger, claimed, lease, at)
    return found


def states(ledger: Ledger) -> list[str]:
    return [each.state for each in reversed(ledger.outbox("newest"))]


@pytest.fixture
def dying() -> Iterator[type[BaseException]]:
    """The process dies inside the transaction that writes alerts."""

    class Killed(BaseException):
        pass

    def hook(name: str) -> None:
        if name == "alerts written":
            raise Killed

    crash.hook = hook
    yield Killed
    crash.hook = None


def test_alerts_and_their_facts_are_written_together_or_not_at_all(place: Place, dying: type[BaseException]):
    ledger = place.open()
    with pytest.raises(dying):
        put(ledger, a_row())
    assert (list(ledger.facts()), ledger.outbox("newest")) == ([], [])
    crash.hook = None
    put(ledger, a_row())
    assert [fact.kind for fact in ledger.facts()] == ["incident.opened"]
    assert states(ledger) == ["waiting"]


def test_an_alert_comes_back_as_it_was_written(place: Place):
    ledger = place.open()
    row = a_row(due=5)
    put(ledger, row)
    (found,) = ledger.outbox("waiting")
    assert found.row == row
    assert (found.attempts, found.wanted_at) == (0, later(5))
    assert ledger.due_endpoints(later(4)) == ()
    assert ledger.due_endpoints(later(5)) == ("oncall",)


def test_the_same_row_twice_is_one(place: Place):
    ledger = place.open()
    put(ledger, a_row(), a_row())
    put(ledger, a_row())
    assert states(ledger) == ["waiting"]


def test_repeats_of_what_is_open_are_counted_and_never_sent(place: Place):
    ledger = place.open()
    for number in range(500):
        put(ledger, a_row(at=number))
    assert all_sent(ledger) == [("k", "trigger")]
    put(ledger, a_row(at=1000))
    assert all_sent(ledger) == []
    assert sorted(each.state for each in ledger.outbox("newest", 1000)) == ["coalesced"] * 500 + ["sent"]


def test_after_a_resolve_the_next_trigger_is_news(place: Place):
    ledger = place.open()
    put(ledger, a_row(at=1), a_row("resolve", at=2), a_row(at=3), a_row(at=4), a_row("resolve", at=5))
    assert [action for _, action in all_sent(ledger)] == ["trigger", "resolve", "trigger", "resolve"]


def test_a_graver_trigger_is_sent_once_more(place: Place):
    ledger = place.open()
    put(ledger, a_row(severity="warning"))
    assert len(all_sent(ledger)) == 1
    put(ledger, a_row(severity="page"), a_row(severity="error", at=1))
    assert len(all_sent(ledger)) == 1


def test_a_graver_trigger_takes_the_place_of_one_that_waits(place: Place):
    ledger = place.open()
    put(ledger, a_row(severity="warning", due=3600))
    put(ledger, a_row(severity="page"))
    claimed = claim(ledger, take(ledger))
    assert claimed.row.alert.severity == "page"
    assert states(ledger) == ["coalesced", "waiting"]


def test_a_page_does_not_wait_behind_what_is_only_quiet(place: Place):
    """Acknowledged in between, the first trigger cannot be replaced: so it goes now, in front."""
    ledger = place.open()
    put(ledger, a_row(severity="warning", due=3600), a_row("acknowledge", at=1, due=3600))
    put(ledger, a_row(severity="page", at=2))
    assert [action for _, action in all_sent(ledger)] == ["trigger", "acknowledge", "trigger"]


def test_nobody_hears_the_end_of_what_he_was_never_told(place: Place):
    ledger = place.open()
    put(ledger, a_row("acknowledge"), a_row("resolve", at=1))
    assert all_sent(ledger) == []
    assert states(ledger) == ["coalesced", "coalesced"]


def test_an_acknowledge_is_said_once(place: Place):
    ledger = place.open()
    put(ledger, a_row(), a_row("acknowledge", at=1), a_row("acknowledge", at=2))
    assert [action for _, action in all_sent(ledger)] == ["trigger", "acknowledge"]


def test_a_key_keeps_its_order_while_others_go_on(place: Place):
    ledger = place.open()
    put(ledger, a_row(key="a", at=1), a_row("resolve", key="a", at=2), a_row(key="b", at=3))
    lease = take(ledger)
    first = claim(ledger, lease)
    ledger.settle_alert("oncall", Settled(first.seq, "waiting", later(60), "down"), lease, NOW)
    second = claim(ledger, lease)
    assert (first.row.alert.key, second.row.alert.key) == ("a", "b")
    sent_b = Settled(second.seq, "sent", NOW)
    ledger.settle_alert("oncall", sent_b, lease, NOW)
    assert ledger.claim_alert("oncall", lease, later(59)) is None
    assert all_sent(ledger, 60) == [("a", "trigger"), ("a", "resolve")]


def test_pages_go_first(place: Place):
    ledger = place.open()
    put(ledger, a_row(key="w", severity="warning"), a_row(key="p", severity="page"), a_row(key="e"))
    assert [key for key, _ in all_sent(ledger)] == ["p", "e", "w"]


def test_claimed_and_never_settled_it_comes_again_with_the_same_id(place: Place):
    ledger = place.open()
    put(ledger, a_row())
    first = claim(ledger, take(ledger))
    second = claim(ledger, take(ledger))
    assert (first.row.id, first.attempts, second.attempts) == (second.row.id, 1, 2)


def test_who_has_lost_the_lease_records_nothing(place: Place):
    ledger = place.open()
    put(ledger, a_row())
    old = take(ledger)
    claimed = claim(ledger, old)
    new = ledger.take_over(old, "other", 60, NOW)
    assert new is not None
    with pytest.raises(LeaseLost):
        sent(ledger, claimed, old)
    with pytest.raises(LeaseLost):
        ledger.claim_alert("oncall", old, NOW)
    assert states(ledger) == ["waiting"]
    assert [fact.kind for fact in ledger.facts()] == ["incident.opened"]


def test_settled_twice_it_is_told_once(place: Place):
    ledger = place.open()
    put(ledger, a_row())
    lease = take(ledger)
    claimed = claim(ledger, lease)
    sent(ledger, claimed, lease)
    sent(ledger, claimed, lease)
    assert [fact.kind for fact in ledger.facts()] == ["incident.opened", "alert.sent"]


def test_an_endpoint_that_is_back_gets_at_once_what_waited_for_it(place: Place):
    ledger = place.open()
    put(ledger, a_row(key="a"), a_row(key="b"), a_row(key="quiet", due=7200))
    lease = take(ledger)
    for _ in range(2):
        ledger.settle_alert("oncall", Settled(claim(ledger, lease).seq, "waiting", later(900), "down"), lease, NOW)
    put(ledger, a_row(key="c", at=9))
    sent(ledger, claim(ledger, lease), lease)
    assert [key for key, _ in all_sent(ledger, 1)] == ["a", "b"]


def test_an_endpoint_that_wants_a_rest_gets_nothing_meanwhile(place: Place):
    ledger = place.open()
    put(ledger, a_row(key="a"), a_row(key="b"))
    lease = take(ledger)
    crowded = Settled(claim(ledger, lease).seq, "waiting", later(30), "429", rest_due_at=later(30))
    ledger.settle_alert("oncall", crowded, lease, NOW)
    assert ledger.claim_alert("oncall", lease, later(29)) is None
    assert len(all_sent(ledger, 30)) == 2


def test_what_was_given_up_waits_again_when_a_person_says_so(place: Place):
    ledger = place.open()
    put(ledger, a_row())
    lease = take(ledger)
    ledger.settle_alert("oncall", Settled(claim(ledger, lease).seq, "refused", NOW, "no"), lease, NOW)
    (trouble,) = ledger.alert_troubles()
    assert (trouble.endpoint, trouble.state, trouble.rows) == ("oncall", "refused", 1)
    assert ledger.revive_alerts(later(9), [NewFact("alert.revived", "alerts")]) == 1
    assert ledger.revive_alerts(later(9), [NewFact("alert.revived", "alerts")]) == 0
    assert len(all_sent(ledger, 9)) == 1
    assert [fact.kind for fact in ledger.facts()][1:] == ["alert.revived", "alert.sent"]


def test_what_was_given_up_can_be_let_go(place: Place):
    ledger = place.open()
    put(ledger, a_row())
    lease = take(ledger)
    ledger.settle_alert("oncall", Settled(claim(ledger, lease).seq, "failed", NOW, "no"), lease, NOW)
    assert ledger.drop_alerts(NOW) == 1
    assert (ledger.alert_troubles(), ledger.revive_alerts(NOW)) == ([], 0)


def test_a_trigger_after_one_that_was_given_up_is_news(place: Place):
    ledger = place.open()
    put(ledger, a_row())
    lease = take(ledger)
    ledger.settle_alert("oncall", Settled(claim(ledger, lease).seq, "refused", NOW, "no"), lease, NOW)
    put(ledger, a_row(at=7))
    assert len(all_sent(ledger)) == 1


def test_instants_are_kept_to_the_microsecond(place: Place):
    ledger = place.open()
    odd = datetime.fromisoformat("2026-10-03T06:00:00.000001+00:00")
    put(ledger, OutboxRow("x", "oncall", a_row().alert, odd))
    assert ledger.due_endpoints(NOW) == ()
    assert ledger.due_endpoints(odd) == ("oncall",)
