"""Facts become one incident per cause, which follows it to its end by itself."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from tests.fixtures import incidents
from tests.fixtures.incidents import World

from startrail.base.span import Span
from startrail.capabilities.incidents import flap
from startrail.capabilities.incidents.deeds import acknowledge, find, note, resolve
from startrail.capabilities.incidents.errors import IncidentOver, NoReason, UnknownIncident
from startrail.capabilities.incidents.mitigations import BOOK, book
from startrail.capabilities.incidents.surroundings import Surroundings
from startrail.capabilities.incidents.watch import watch
from startrail.model.delivery import Counts
from startrail.model.incident import Acted, Opened
from startrail.model.mitigation import Bound


def test_when_nothing_is_wrong_there_is_no_incident(world: World) -> None:
    world.load()
    world.deliver()
    world.end()
    assert world.look() == []
    assert world.ledger.incidents() == []
    assert world.ledger.incident_mark().after == 3


def test_a_field_kept_by_policy_is_mitigated_when_the_report_is_there_in_time(world: World) -> None:
    world.drift()
    world.load()
    delivered = world.deliver()
    world.end()
    world.look()
    found = world.only()
    assert (found.state, found.severity, found.cause) == ("mitigated", "info", "drift")
    assert found.acts == ("keep_unknown_field",)
    assert {each.name for each in found.affected} == {"daily", "marts.sales", "marts.total"}
    [mitigated] = world.ledger.facts(kind="incident.mitigated")
    assert f'"evidence":[{delivered}]' in mitigated.payload


def test_a_field_kept_by_policy_is_not_mitigated_while_the_report_is_missing(world: World) -> None:
    world.drift()
    world.load()
    world.end()
    world.look()
    assert world.only().state == "open"
    world.deliver()
    world.look()
    assert world.only().state == "mitigated"


def test_drift_of_several_kinds_in_one_night_is_one_incident(world: World) -> None:
    world.drift("$.tier")
    world.drift("$.quantity", "quarantine")
    world.drift("$.tier", delivery="d2")
    world.look()
    found = world.only()
    assert {symptom.key: symptom.seen for symptom in found.symptoms} == {
        "drift orders new_field $.tier": 2,
        "drift orders new_field $.quantity": 1,
    }
    assert found.severity == "warning"


def test_drift_of_two_sources_are_two_incidents(world: World) -> None:
    world.drift()
    world.drift(source="stores")
    world.look()
    assert {each.subject for each in world.ledger.incidents()} == {"orders", "stores"}


def test_drift_that_was_accepted_or_acknowledged_opens_nothing(world: World) -> None:
    world.happen("drift.acknowledged", "orders", source="orders", kind="new_field", path="$.tier", until="2026-12-31", by="ana")
    world.drift()
    world.drift("$.other", verb="accept")
    world.look()
    assert world.ledger.incidents() == []


def test_acknowledging_the_drift_resolves_its_incident(world: World) -> None:
    world.drift()
    world.look()
    world.happen("drift.acknowledged", "orders", source="orders", kind="new_field", path="$.tier", until="2026-12-31", by="ana")
    world.look()
    assert world.only().state == "resolved"


def test_a_clean_delivery_resolves_the_drift_and_one_of_the_same_night_does_not(world: World) -> None:
    world.drift()
    world.load("d1")
    world.load("d2")
    world.look()
    assert world.only().state == "open"
    world.load("d3", run="r2")
    world.look()
    assert world.only().state == "resolved"


def test_a_delivery_that_is_loaded_again_is_no_repetition(world: World) -> None:
    world.drift()
    world.look()
    world.drift(run="r2")
    world.happen("delivery.adopted", "orders", "r2", source="orders", delivery="d1", name="d1.csv", fields=["other"])
    world.look()
    assert world.only().repeats == 0


def test_a_failed_step_pages_once_while_the_report_is_due_and_is_resolved_by_the_next_run(world: World) -> None:
    world.fail()
    world.end(state="failed")
    world.look()
    found = world.only()
    assert (found.state, found.severity) == ("open", "page")
    world.later(minutes=5)
    world.finish(run="r2")
    world.deliver(run="r2")
    world.end("r2")
    world.look()
    found = world.only()
    assert found.state == "resolved"
    assert found.acts == ("retry_from_checkpoint",)


def test_a_failed_step_pages_nobody_once_the_report_is_delivered(world: World) -> None:
    world.deliver()
    world.fail("marts.total")
    world.look()
    assert world.only().severity == "error"


def test_what_becomes_graver_is_escalated_once(world: World) -> None:
    world.deliver()
    world.fail()
    world.look()
    assert world.only().severity == "error"
    world.delivered.clear()  # the next day begins
    world.look()
    world.look()
    assert world.only().severity == "page"
    assert len(list(world.ledger.facts(kind="incident.escalated"))) == 1


def test_another_partition_that_finishes_does_not_resolve_the_failed_one(world: World) -> None:
    world.fail(partition="2026-10-01")
    world.look()
    world.finish(partition="2026-10-02", run="r2")
    world.look()
    assert world.only().state == "open"
    world.finish(partition="2026-10-01", run="r3")
    world.look()
    assert world.only().state == "resolved"


def test_a_source_that_could_not_be_listed_is_resolved_by_a_run_that_could(world: World) -> None:
    world.fail("orders", kind="land", partition="r1")
    world.end("r1", state="failed")
    world.look()
    world.fail("orders", kind="land", partition="r2", run="r2")
    world.end("r2", state="failed")
    world.look()
    assert (world.only().state, world.only().repeats) == ("open", 1)
    world.end("r3", state="held", everything=False)
    world.look()
    assert world.only().state == "open"
    world.end("r4", state="held")
    world.look()
    assert world.only().state == "resolved"


def test_a_held_delivery_explains_its_late_report(world: World) -> None:
    world.hold()
    world.deliver(early=-4)
    world.look()
    found = world.only()
    assert found.cause == "hold"
    assert {symptom.cause for symptom in found.symptoms} == {"hold", "late"}


def test_a_late_report_that_nothing_explains_is_an_incident_until_it_is_in_time(world: World) -> None:
    world.deliver(early=-4)
    world.look()
    assert (world.only().cause, world.only().severity) == ("late", "warning")
    world.deliver(early=4)
    world.look()
    assert world.only().state == "resolved"


def test_a_held_delivery_is_mitigated_while_the_last_good_data_is_served_and_resolved_when_it_is_loaded(world: World) -> None:
    world.hold()
    world.deliver()
    world.look()
    assert (world.only().state, world.only().acts) == ("mitigated", ("serve_last_good",))
    world.load(run="r2")
    world.look()
    assert world.only().state == "resolved"


def test_a_failed_check_is_resolved_by_the_publication_of_its_table(world: World) -> None:
    result = {"check": "amount >= 0", "severity": "error", "passed": False}
    world.happen("check.failed", "marts.sales", result=result)
    world.happen("check.failed", "marts.sales", result=result | {"severity": "warn"})
    world.finish("marts.sales", kind="check")
    world.look()
    assert (world.only().state, world.only().repeats) == ("open", 0)
    world.happen("publication.published", "r2", "r2", publication="p", tables=["marts.sales"], steps=1)
    world.look()
    assert world.only().state == "resolved"


def test_many_steps_that_fail_for_one_resource_are_one_incident_across_runs(world: World) -> None:
    for number in range(500):
        world.fail(f"marts.m{number}", error="ST601 the disk is full")
    world.look()
    world.fail("marts.sales", error="ST601 the disk is full", run="r2")
    world.look()
    found = world.only()
    assert len(found.symptoms) == 501
    assert "daily" in {each.name for each in found.affected}
    assert len(list(world.ledger.facts(kind="incident.opened"))) == 1


def test_what_comes_back_soon_is_the_same_incident_and_later_another(world: World) -> None:
    for _ in range(5):
        world.fail()
        world.look()
        world.finish()
        world.look()
        world.later(hours=1)
    found = world.only()
    assert (found.reopened, found.repeats, found.state) == (4, 4, "resolved")
    world.now += flap.WINDOW + timedelta(minutes=1)
    world.fail()
    world.look()
    assert len(world.ledger.incidents()) == 2


def test_a_mitigation_that_is_used_up_counts_no_more(world: World) -> None:
    world.deliver()
    states = []
    for _ in range(BOOK["serve_last_good"].most + 3):
        world.hold()
        world.look()
        states.append(world.only().state)
    assert states[:7] == ["mitigated"] * 7
    assert states[-1] == "open"
    assert len(list(world.ledger.facts(kind="incident.escalated"))) == 1


def test_a_mitigation_that_is_not_in_the_book_is_never_applied(world: World) -> None:
    world.drift()
    world.hold("d2")
    world.look()
    for fact in world.ledger.facts(kind=Acted.fact):
        assert any(name in fact.payload for name in BOOK)


def test_a_person_acknowledges_notes_and_resolves(world: World) -> None:
    world.fail()
    world.look()
    id_ = world.only().id
    assert acknowledge(world.ledger, id_[:4], "ana", "looking", world.now).state == "acknowledged"
    note(world.ledger, id_, "ana", "the disk is \ud800 full", world.now)
    assert resolve(world.ledger, id_, "ana", "made room", world.now).state == "resolved"
    with pytest.raises(IncidentOver):
        acknowledge(world.ledger, id_, "ana", "", world.now)
    note(world.ledger, id_, "ana", "afterwards", world.now)
    world.look()
    assert world.only().state == "resolved"


def test_what_a_person_says_must_say_something_and_name_an_incident(world: World) -> None:
    with pytest.raises(UnknownIncident):
        find(world.ledger, "abc")
    with pytest.raises(UnknownIncident):
        find(world.ledger, "")
    world.fail()
    world.look()
    with pytest.raises(NoReason):
        resolve(world.ledger, world.only().id, "ana", "  ", world.now)
    assert len(list(world.ledger.facts(kind=Opened.fact))) == 1


def at_risk(world: World, report: str = "daily", *, person: bool = False, kind: str = "report.at_risk") -> int:
    return world.happen(kind, report, due="2026-10-03T07:00:00.000000Z", waits=["a run"], person=person)


def test_a_report_at_risk_is_a_warning_and_over_when_it_is_delivered(world: World) -> None:
    at_risk(world)
    world.look()
    assert (world.only().severity, world.only().state, world.only().cause) == ("warning", "open", "late")
    world.deliver()
    world.look()
    assert world.only().state == "resolved"


def test_what_only_a_person_can_help_pages_and_stops_when_the_report_is_there_though_late(world: World) -> None:
    at_risk(world)
    world.look()
    at_risk(world, kind="report.late", person=True)
    world.look()
    assert world.only().severity == "page"
    world.deliver(early=-12)
    world.look()
    assert world.only().state == "resolved"


def test_a_held_source_explains_the_report_that_is_at_risk(world: World) -> None:
    world.hold()
    at_risk(world, person=True)
    world.look()
    assert (world.only().cause, world.only().subject) == ("hold", "orders")


def test_reports_that_are_late_and_share_a_model_are_one_incident_and_others_are_two(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(incidents.GRAPH, "weekly", frozenset({"marts.sales"}))
    monkeypatch.setitem(incidents.REPORTS, "weekly", incidents.DUE)
    at_risk(world)
    at_risk(world, "weekly")
    world.look()
    world.later(minutes=1)
    at_risk(world, "weekly", person=True)
    world.look()
    assert {symptom.subject for symptom in world.only().symptoms} == {"daily", "weekly"}
    at_risk(world, "stores_report")
    world.look()
    assert len(world.ledger.incidents()) == 2


def test_what_a_mitigation_needs_is_checked_before_it_counts(world: World) -> None:
    around = otherwise(world, counts=lambda *_: Counts(rows_in=6, loaded=5))
    world.drift()
    world.load()
    world.deliver()
    watch(world.ledger, around, world.now)
    assert (world.only().state, world.only().severity) == ("open", "error")
    assert "do not add up" in world.only().refused["keep_unknown_field"]


def test_without_earlier_data_there_is_nothing_to_serve(world: World) -> None:
    around = otherwise(world, served=lambda _: False)
    world.hold()
    watch(world.ledger, around, world.now)
    assert world.only().severity == "page"
    assert world.only().acts == ()
    assert "no earlier data" in world.only().refused["serve_last_good"]


def test_a_project_can_forbid_a_mitigation(world: World) -> None:
    around = otherwise(world, book=book({"keep_unknown_field": Bound(Span(""), allowed=False)}))
    world.drift()
    world.deliver()
    watch(world.ledger, around, world.now)
    assert (world.only().state, world.only().severity) == ("open", "error")
    assert "not allowed" in world.only().refused["keep_unknown_field"]


def test_uses_count_over_all_incidents_of_a_subject_and_a_page_stays_a_page(world: World) -> None:
    around = otherwise(world, book=book({"serve_last_good": Bound(Span(""), most=2)}))
    for number in range(4):
        world.hold(f"d{number}")
        watch(world.ledger, around, world.now)
        for old in world.ledger.incidents():
            if old.state != "resolved":
                resolve(world.ledger, old.id, "ana", "seen", world.now)
        world.later(hours=30)
    acted = [fact for fact in world.ledger.facts(kind="incident.acted") if "serve_last_good" in fact.payload]
    assert len(acted) == 2
    assert len(list(world.ledger.facts(kind="incident.refused"))) == 2
    assert {each.severity for each in world.ledger.incidents()} == {"page"}


def test_rows_that_wait_in_quarantine_keep_their_incident_until_they_are_dealt_with(world: World) -> None:
    waiting = {"d1"}
    around = otherwise(world, waiting=lambda _: frozenset(waiting), shown_by=lambda _: frozenset({"d1"}))
    world.drift(verb="quarantine")
    world.load()
    world.deliver()
    watch(world.ledger, around, world.now)
    world.later(days=1)
    world.load("d2", "r2")  # clean
    watch(world.ledger, around, world.now)
    assert world.only().state == "mitigated"
    waiting.clear()
    world.happen("quarantine.discarded", "orders", "r3", delivery="d1", quarantine="q", rows=1)
    watch(world.ledger, around, world.now)
    assert world.only().state == "resolved"


def test_a_missed_tick_is_an_incident_until_a_later_one_is_done(world: World) -> None:
    world.happen("tick.missed", "night", first="2026-10-03T04:00:00Z", last="2026-10-03T04:00:00Z", count=1, reason="nobody")
    world.look()
    assert (world.only().cause, world.only().severity) == ("schedule", "warning")
    world.happen("tick.ended", "night", run="r2", at="x", state="failed")
    world.look()
    assert world.only().state == "open"
    world.happen("tick.ended", "night", run="r3", at="y", state="done")
    world.look()
    assert world.only().state == "resolved"


def otherwise(world: World, **others: Any) -> Surroundings:
    """The world's surroundings, some of them otherwise."""
    return dataclasses.replace(world.surroundings(), **others)
