"""From when to when each time is counted, and what is gathered of them."""

from __future__ import annotations

from datetime import timedelta

from tests.fixtures.incidents import NOW, World

from startrail.capabilities.incidents.deeds import acknowledge, note, resolve
from startrail.capabilities.incidents.history import read
from startrail.capabilities.incidents.star import star, times_of
from startrail.capabilities.incidents.stories.bank import bank, of_incident
from startrail.capabilities.incidents.stories.principles import RULES
from startrail.capabilities.incidents.times import PHASES
from startrail.model.story import PRINCIPLES


def fail_and_mend(world: World, subject: str, minutes: int) -> None:
    world.fail(subject)
    world.later(minutes=1)
    world.look()
    world.later(minutes=minutes - 1)
    world.finish(subject)
    world.look()


def test_median_and_worst_are_of_the_times_from_first_sight(world: World) -> None:
    for subject, minutes in (("marts.sales", 10), ("marts.stores", 30), ("marts.total", 20), ("x", 40)):
        fail_and_mend(world, subject, minutes)
    [cause] = read(world.ledger, world.now, 30).causes
    assert (cause.cause, cause.incidents) == ("failure", 4)
    assert set(cause.phases) == {"detect", "resolve"}
    resolve_ = cause.phases["resolve"]
    assert (resolve_.measured, resolve_.median_seconds, resolve_.worst_seconds) == (4, 25 * 60, 40 * 60)
    assert cause.phases["detect"].median_seconds == 60
    worst = next(each for each in world.ledger.incidents() if each.id == resolve_.worst)
    assert worst.subject == "x"


def test_what_is_open_stands_apart_and_is_not_in_the_time_to_resolve(world: World) -> None:
    fail_and_mend(world, "marts.sales", 10)
    world.fail("marts.stores")
    world.look()
    world.later(hours=5)
    found = read(world.ledger, world.now, 30)
    assert found.causes[0].incidents == 2
    assert found.causes[0].phases["resolve"].measured == 1
    [standing] = found.still_open
    assert standing.seconds == timedelta(hours=5).total_seconds()


def test_an_old_incident_that_is_still_open_is_told_though_it_is_not_counted(world: World) -> None:
    world.fail()
    world.look()
    world.later(days=31)
    found = read(world.ledger, world.now, 30)
    assert found.causes == ()
    assert len(found.still_open) == 1


def test_the_first_message_that_was_taken_is_the_notification(world: World) -> None:
    world.fail()
    world.look()
    incident = world.only()
    for minutes in (2, 3):
        world.later(minutes=minutes)
        world.happen("alert.sent", incident.id, endpoint="pager", action="trigger")
    assert times_of(incident, world.ledger).took("notify") == timedelta(minutes=2)


def test_an_incident_that_came_back_is_resolved_the_last_time(world: World) -> None:
    fail_and_mend(world, "marts.sales", 10)
    world.later(minutes=5)
    world.fail()
    world.look()
    assert times_of(world.only(), world.ledger).took("resolve") is None
    world.later(minutes=5)
    world.finish()
    world.look()
    assert times_of(world.only(), world.ledger).took("resolve") == timedelta(minutes=20)
    assert read(world.ledger, world.now, 30).causes[0].reopened == 1


def test_a_clock_that_was_set_back_makes_no_time_less_than_nothing(world: World) -> None:
    world.fail()
    world.now = NOW - timedelta(hours=1)
    world.look()
    assert times_of(world.only(), world.ledger).took("detect") == timedelta(0)


def test_nothing_is_told_of_what_no_fact_tells(world: World) -> None:
    world.fail()
    world.look()
    report = star(world.only(), world.ledger)
    told = {entry.words["phase"]: str(entry.figures["time"]) for entry in report.result if "phase" in entry.words}
    assert set(told) == set(PHASES)
    assert {told[phase] for phase in PHASES if phase != "detect"} == {"not measured"}


def test_each_principle_has_one_rule_and_each_tag_says_why(world: World) -> None:
    assert tuple(rule.principle for rule in RULES) == PRINCIPLES
    world.hold()
    world.look()
    id_ = world.only().id
    acknowledge(world.ledger, id_, "ana", "", world.now)
    for text in ("upstream says", "the file was cut"):
        note(world.ledger, id_, "ana", text, world.now)
    resolve(world.ledger, id_, "ana", "they sent it again", world.now, principles=("deliver results",))
    tags = {tag.principle: tag for tag in of_incident(world.only(), world.ledger).tags}
    assert set(tags) == {"ownership", "dive deep", "bias for action", "customer obsession", "deliver results"}
    assert tags["deliver results"].why == "ana said so"
    known = {fact.seq for fact in world.ledger.facts()}
    assert all(tag.why and tag.facts and set(tag.facts) <= known for tag in tags.values())


def test_who_resolves_what_another_took_in_hand_has_not_owned_it(world: World) -> None:
    world.fail()
    world.look()
    acknowledge(world.ledger, world.only().id, "ana", "", world.now + timedelta(hours=1))
    resolve(world.ledger, world.only().id, "ben", "done", world.now)
    assert of_incident(world.only(), world.ledger).tags == ()


def test_a_story_whose_deadline_no_fact_tells_says_so(world: World) -> None:
    world.fail()
    world.look()
    resolve(world.ledger, world.only().id, "ben", "done", world.now)
    [story] = bank(world.ledger)
    assert story.unmeasured == ("whether report daily met its deadline",)


def test_a_held_delivery_that_was_discarded_is_told_as_discarded(world: World) -> None:
    world.hold()
    world.look()
    world.happen("quarantine.discarded", "orders", source="orders", delivery="d1", rows=6, by="ana", reason="x")
    [rows] = [entry for entry in star(world.only(), world.ledger).result if "lost" in entry.figures]
    assert "6 in = 0 loaded + 0 quarantined + 0 held + 6 discarded; 0 lost." in rows.told()
