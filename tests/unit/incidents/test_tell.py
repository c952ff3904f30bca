"""Which changes are worth a message."""

from __future__ import annotations

import pytest
from tests.fixtures.incidents import World

from startrail.capabilities.incidents.tell import messages
from startrail.capabilities.incidents.watch import watch
from startrail.model.alert import Alert, OutboxRow
from startrail.model.incident import Acknowledged, Change, Escalated, Reopened, Resolved


def test_five_hundred_failures_with_one_cause_are_one_message_and_the_end_another(world: World) -> None:
    for number in range(250):
        world.fail(partition=f"p{number}")
    told = messages(world.look(), world.now)
    for number in range(250):
        world.fail(partition=f"p{number}", run="r2")
    told += messages(world.look(), world.now)
    world.deliver()
    world.end("r3")
    told += messages(world.look(), world.now)
    assert [(each.change, each.severity) for each in told] == [("opened", "page"), ("resolved", "page")]
    assert len({each.key for each in told}) == 1


def test_what_was_over_before_anybody_heard_of_it_is_told_to_nobody(world: World) -> None:
    world.fail()
    world.finish()
    assert messages(world.look(), world.now) == []
    assert world.only().state == "resolved"


def test_what_is_only_worth_knowing_is_told_to_nobody(world: World) -> None:
    world.drift()
    assert messages(world.look(), world.now) == []


def test_news_that_came_and_went_in_one_go_is_no_news_and_what_came_back_is(world: World) -> None:
    """A page without an end would ring for ever; an end without its beginning says nothing to anybody."""
    world.fail()
    [(incident, opened), *_] = world.look()
    escalated, acknowledged = Escalated(severity="page", reason="late"), Acknowledged(by="ana")
    resolved = Resolved(by="startrail", reason="gone")
    reopened = Reopened(severity="page", symptoms=incident.symptoms)

    def told(*changes: Change) -> list[str]:
        return [each.change for each in messages([(incident, change) for change in changes], world.now)]

    assert told(opened, escalated, acknowledged, resolved) == []
    assert told(opened, escalated) == ["opened", "escalated"]
    assert told(escalated, resolved) == ["escalated", "resolved"]
    assert told(resolved, reopened) == ["resolved", "opened"]
    assert told(reopened, escalated, resolved) == []


def test_whoever_is_told_learns_what_it_is_about(world: World) -> None:
    world.fail(error="ST400 no")
    [message] = messages(world.look(), world.now)
    assert (message.key, message.opener) == (message.incident, world.only().symptoms[0].rule)
    assert message.details["about"] == "marts.sales"
    assert message.details["see"] == f"startrail incident show {message.incident}"


def test_what_is_told_is_written_with_the_incident_or_not_at_all(world: World) -> None:
    row = OutboxRow("x", "oncall", Alert("trigger", "k", "page", "t", world.now), world.now)
    world.fail()

    class Killed(Exception):
        pass

    def dies(_: object) -> list[OutboxRow]:
        raise Killed

    with pytest.raises(Killed):
        watch(world.ledger, world.surroundings(), world.now, tell=dies)
    assert (world.ledger.incidents(), world.ledger.outbox("newest")) == ([], [])
    watch(world.ledger, world.surroundings(), world.now, tell=lambda _: [row])
    watch(world.ledger, world.surroundings(), world.now, tell=lambda _: [row])
    assert [each.row for each in world.ledger.outbox("newest")] == [row]
