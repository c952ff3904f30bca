"""Which changes are worth a message."""

from __future__ import annotations

from tests.fixtures.incidents import World

from startrail.capabilities.incidents.tell import messages


def test_five_hundred_failures_with_one_cause_are_one_message_and_the_end_another(world: World) -> None:
    for number in range(250):
        world.fail(partition=f"p{number}")
    told = messages(world.look())
    for number in range(250):
        world.fail(partition=f"p{number}", run="r2")
    told += messages(world.look())
    world.deliver()
    world.end("r3")
    told += messages(world.look())
    assert [(each.news, each.severity) for each in told] == [("opened", "page"), ("resolved", "page")]
    assert len({each.key for each in told}) == 1


def test_what_was_over_before_anybody_heard_of_it_is_told_to_nobody(world: World) -> None:
    world.fail()
    world.finish()
    assert messages(world.look()) == []
    assert world.only().state == "resolved"


def test_what_is_only_worth_knowing_is_told_to_nobody(world: World) -> None:
    world.drift()
    assert messages(world.look()) == []
