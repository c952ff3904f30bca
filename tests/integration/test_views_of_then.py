"""A number of an earlier moment comes from the views as they were published then, not as they are now."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.till import SECOND_MORNING, THIRD_MORNING, Till, assert_refused

from startrail.flow import workspace
from startrail.wiring import open_project

NORTH = "/* startrail\nkind: view\n*/\nselect d.day, d.store, d.amount from marts.daily as d where d.store = 'north'\n"
FIRST, SECOND, THIRD = (f"2026-10-03T08:{minute}:59+02:00" for minute in ("10", "40", "55"))
METRIC = "metric: finance.takings\nsource: marts.shown\ngrain: [day, store]\nexpr: amount\nagg_time_dimension: {column: day}\n"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    made = Till.write(tmp_path / "till")
    made.put("models/marts/shown.sql", NORTH)
    made.put("metrics/finance/takings.yml", METRIC)
    made.good_run()
    made.edit("models/marts/shown.sql", "'north'", "'south'")
    made.good_run(now=SECOND_MORNING)
    return made


def value(till: Till, at: str) -> Decimal:
    outcome = till.call("metric", "value", "finance.takings", "--at", at, "--json")
    assert outcome.code == 0, outcome.text
    return Decimal(outcome.of("value")[0]["value"])


def test_each_moment_has_its_own_definition(till: Till) -> None:
    assert (value(till, FIRST), value(till, SECOND)) == (Decimal("17.25"), Decimal("5.50"))


def test_an_edit_that_is_taken_back_is_a_moment_of_its_own(till: Till) -> None:
    till.put("models/marts/shown.sql", NORTH)
    till.good_run(now=THIRD_MORNING)
    assert [value(till, at) for at in (FIRST, SECOND, THIRD)] == [Decimal("17.25"), Decimal("5.50"), Decimal("17.25")]


def test_what_a_view_read_then_is_read(till: Till) -> None:
    till.put("models/marts/both.sql", NORTH.replace(" where d.store = 'north'", ""))
    till.put("models/marts/shown.sql", NORTH.replace("marts.daily", "marts.both"))
    till.good_run(now=THIRD_MORNING)
    assert [value(till, at) for at in (FIRST, SECOND, THIRD)] == [Decimal("17.25"), Decimal("5.50"), Decimal("17.25")]


def test_before_its_first_publication_a_view_has_no_number(till: Till) -> None:
    outcome = till.call("metric", "value", "finance.takings", "--at", "2026-10-02T08:00+02:00")
    assert_refused(outcome, "ST446", says="was not published yet")


def test_why_tells_two_moments_apart_and_its_evidence_runs(till: Till, tmp_path: Path) -> None:
    outcome = till.call("why", "finance.takings", "--at", FIRST, "--vs", SECOND, "--evidence", str(tmp_path / "proof"), "--json")
    assert outcome.code == 0, outcome.text
    assert (outcome.result["gap"], outcome.result["unexplained"]) == ("-11.75", "0.00")
    sql = [(tmp_path / "proof" / name).read_text(encoding="utf-8") for name in ("00_a.sql", "00_b.sql")]
    assert [Decimal(str(till.rows(text)[0]["value"])) for text in sql] == [Decimal("17.25"), Decimal("5.50")]


def test_publications_that_do_not_name_the_step_are_read_too_and_refused_when_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace.Workspace, "moved_views", lambda self: {})
    till = Till.write(tmp_path / "till")
    till.put("models/marts/shown.sql", NORTH)
    till.put("metrics/finance/takings.yml", METRIC)
    till.good_run()
    till.edit("models/marts/shown.sql", "'north'", "'south'")
    till.good_run(now=SECOND_MORNING)
    till.put("models/marts/shown.sql", NORTH)
    till.good_run(now=THIRD_MORNING)
    assert (value(till, FIRST), value(till, SECOND)) == (Decimal("17.25"), Decimal("5.50"))
    assert_refused(till.call("metric", "value", "finance.takings", "--at", THIRD), "ST465", says="marts.shown")


def test_a_publication_names_the_steps_of_its_views(till: Till) -> None:
    with open_project(till.root, "local", read_only=True) as opened:
        ledger = opened.ports.ledger
        newest = [json.loads(fact.payload) for fact in ledger.facts(kind="publication.published")][-1]
        assert newest["views"] == {"marts.shown": ledger.visible().views["marts.shown"].key}
