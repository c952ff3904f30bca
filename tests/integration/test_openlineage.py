"""Runs tell OpenLineage receivers what they do: a file, an endpoint, one that is away, a run that is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.transport.http import HttpConfig, HttpTransport
from tests.fixtures.openlineage import Endpoint, Json, endpoint, official
from tests.fixtures.ports import silent
from tests.fixtures.till import FIRST_MORNING, SECOND_MORNING, THIRD_MORNING, Till, assert_refused

__all__ = ["endpoint"]

NEGATIVE = "sale_id,day,store,amount\nc1,2026-10-03,north,-1.00\n"
BROKEN = "sale_id,day,store,amount\nc1,2026-10-03,north,1.00\nc2,2026-10-03,north,much\n"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till.write(tmp_path)


def tell(till: Till, to: str) -> None:
    till.edit("startrail.yml", "limits: {parallel: 2, retries: 1}", f"openlineage: {{{to}}}")


def told(till: Till, name: str = "events.ndjson") -> list[Json]:
    return [json.loads(line) for line in till.read(name).splitlines()]


def waiting(till: Till) -> list[str]:
    return sorted(path.name for path in (till.root / ".startrail/openlineage/local").iterdir())


def ends(events: list[Json], job: str) -> list[Json]:
    return [event for event in events if event["job"]["name"] == job and event["eventType"] != "START"]


def outline(events: list[Json]) -> list[tuple[str, str]]:
    return sorted((event["job"]["name"], event["eventType"]) for event in events)


def datasets(event: Json, side: str) -> list[str]:
    return [f"{each['namespace']}:{each['name']}" for each in event[side]]


def test_every_step_begins_and_ends_within_its_run(till: Till) -> None:
    tell(till, "file: events.ndjson")
    till.good_run()
    events = told(till)
    for event in events:
        official(event)
    begun = [event["run"]["runId"] for event in events if event["eventType"] == "START"]
    done = [event["run"]["runId"] for event in events if event["eventType"] == "COMPLETE"]
    assert len(begun) == len(set(begun)) == len(events) / 2
    assert sorted(done) == sorted(begun)
    whole = events[0]["run"]["runId"]
    assert (events[0]["job"]["name"], events[-1]["run"]["runId"]) == ("till", whole)
    assert {event["run"]["facets"]["parent"]["run"]["runId"] for event in events[1:-1]} == {whole}
    assert waiting(till) == []


def test_datasets_are_called_by_their_places_and_their_columns_lead_back_to_the_source(till: Till) -> None:
    tell(till, "file: events.ndjson")
    till.good_run()
    events = told(till)
    [load, *_] = ends(events, "till.load.sales")
    [build, *_] = ends(events, "till.build.marts.daily")
    [deliver] = ends(events, "till.deliver.daily")
    assert datasets(load, "inputs") == [f"file:{till.root}/inbox"]
    assert datasets(load, "outputs") == datasets(build, "inputs") == [f"file:{till.root}/.startrail/tables/raw/sales"]
    assert datasets(build, "outputs") == datasets(deliver, "inputs") == [f"file:{till.root}/.startrail/tables/marts/daily"]
    assert datasets(deliver, "outputs") == [f"file:{till.root}/delivered/daily.csv"]
    [table] = build["outputs"]
    assert [field["name"] for field in table["facets"]["schema"]["fields"]] == ["day", "store", "amount"]
    assert table["facets"]["symlinks"]["identifiers"][0]["name"] == "marts.daily"
    [amount] = table["facets"]["columnLineage"]["fields"]["amount"]["inputFields"]
    assert (amount["name"], amount["field"]) == (f"{till.root}/.startrail/tables/raw/sales", "amount")
    assert amount["transformations"][0]["subtype"] == "AGGREGATION"
    assert table["outputFacets"]["outputStatistics"]["rowCount"] in (1, 2)


def test_a_failed_check_fails_its_step_and_the_run(till: Till) -> None:
    tell(till, "file: events.ndjson")
    till.put("inbox/sales_2026-10-03.csv", NEGATIVE)
    assert till.run().code == 1
    events = told(till)
    for event in events:
        official(event)
    [check] = ends(events, "till.check.marts.daily")
    [run] = ends(events, "till")
    assert check["eventType"] == run["eventType"] == "FAIL"
    assert "amount >= 0" in check["run"]["facets"]["errorMessage"]["message"]
    assert "amount >= 0" in run["run"]["facets"]["errorMessage"]["message"]
    [facet] = [each["inputFacets"]["dataQualityAssertions"] for each in check["inputs"]]
    assert {each["assertion"]: each["success"] for each in facet["assertions"]} == {
        "not_null": True,
        "unique": True,
        "sql": False,
    }


def test_a_failed_build_says_why(till: Till) -> None:
    tell(till, "file: events.ndjson")
    till.edit("models/marts/total.sql", "sum(d.amount)", "cast('much' as int)")
    assert till.run().code == 1
    events = told(till)
    [build] = ends(events, "till.build.marts.total")
    official(build)
    assert build["eventType"] == "FAIL"
    assert "much" in build["run"]["facets"]["errorMessage"]["message"]
    assert ends(events, "till")[0]["eventType"] == "FAIL"


def test_refused_rows_are_counted_beside_the_source(till: Till) -> None:
    tell(till, "file: events.ndjson")
    till.put("inbox/sales_2026-10-03.csv", BROKEN)
    till.run()
    loads = [each["inputs"][0]["inputFacets"] for each in ends(told(till), "till.load.sales")]
    found = {(each["dataQualityAssertions"]["assertions"][0]["actual"], each["dataQualityMetrics"]["rowCount"]) for each in loads}
    assert ("1 of 2 rows refused", 2) in found


def test_an_endpoint_gets_every_event_with_the_token(till: Till, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_TOKEN", "quite-secret")
    tell(till, f'url: "{endpoint.url}", token: env:LINEAGE_TOKEN, namespace: shops')
    outcome = till.run()
    assert outcome.code == 0
    assert "quite-secret" not in outcome.text
    assert endpoint.tokens == {"Bearer quite-secret"}
    assert endpoint.events[0]["job"]["namespace"] == "shops"
    assert endpoint.events[-1]["eventType"] == "COMPLETE"
    for event in endpoint.events:
        official(event)


def test_what_a_dead_endpoint_missed_it_gets_from_the_next_run(till: Till, endpoint: Endpoint) -> None:
    tell(till, f'url: "{endpoint.url}"')
    endpoint.close()
    with silent(endpoint.port):
        first = till.good_run()
    [said] = first.of("lineage_waiting")
    assert said["waiting"] == 22
    assert "does not answer" in said["reason"]
    assert waiting(till) != []
    endpoint.open()
    second = till.good_run(now=SECOND_MORNING)
    assert second.of("lineage_waiting") == []
    runs = [event["run"]["runId"] for event in endpoint.events if event["job"]["name"] == "till"]
    assert runs[0] == runs[1] != runs[2] == runs[3]
    assert len(endpoint.events) == len({json.dumps(event) for event in endpoint.events}) >= 24
    assert waiting(till) == []


def test_a_person_is_told_that_events_wait(till: Till, endpoint: Endpoint) -> None:
    tell(till, f'url: "{endpoint.url}"')
    endpoint.status = lambda event: 503
    outcome = till.run()
    assert outcome.code == 0
    assert "22 lineage events kept for the next run" in outcome.err
    assert "answered 503" in outcome.err


def test_an_event_refused_for_good_does_not_stop_those_behind_it(till: Till, endpoint: Endpoint) -> None:
    tell(till, f'url: "{endpoint.url}"')
    endpoint.status = lambda event: 422 if event["job"]["name"] == "till.build.marts.rate" else 201
    [said] = till.good_run().of("lineage_waiting")
    assert (said["waiting"], said["lost"]) == (0, 2)
    assert len(endpoint.events) == 20


def test_a_missing_token_or_folder_breaks_no_run(till: Till, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINEAGE_TOKEN", raising=False)
    tell(till, f'url: "{endpoint.url}", token: env:LINEAGE_TOKEN')
    [said] = till.good_run().of("lineage_waiting")
    assert "LINEAGE_TOKEN is not set" in said["reason"]
    till.put("blocked", "a file where a folder should be")
    till.edit("startrail.yml", f'url: "{endpoint.url}", token: env:LINEAGE_TOKEN', "file: blocked/events.ndjson")
    [said] = till.good_run(now=SECOND_MORNING).of("lineage_waiting")
    assert "cannot be written" in said["reason"]
    till.edit("startrail.yml", "blocked/events.ndjson", "events.ndjson")
    till.good_run(now=THIRD_MORNING)
    assert len([event for event in told(till) if event["job"]["name"] == "till"]) == 6


KILLED = """
import os, sys
from startrail.base import crash
point, *arguments = sys.argv[1:]
crash.hook = lambda name: os._exit(9) if name == point else None
sys.argv = ["startrail", *arguments]
from startrail.cli.app import app
app()
"""


def killed(till: Till, point: str) -> None:
    arguments = [point, "run", "--now", FIRST_MORNING, "-C", str(till.root)]
    assert subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True).returncode == 9


@pytest.mark.parametrize(("point", "open_job"), [("before check", "till.check.marts.daily"), ("before metadata", None)])
def test_a_killed_run_is_aborted_by_the_next_one(till: Till, point: str, open_job: str | None) -> None:
    tell(till, "file: events.ndjson")
    killed(till, point)
    till.good_run(now=SECOND_MORNING)
    events = {json.dumps(event, sort_keys=True): event for event in told(till)}.values()  # sent at least once
    for event in events:
        official(event)
    ended: dict[str, str] = {}
    for event in events:
        if event["eventType"] != "START":
            assert event["run"]["runId"] not in ended
            ended[event["run"]["runId"]] = event["eventType"]
    begun = {event["run"]["runId"]: event["job"]["name"] for event in events if event["eventType"] == "START"}
    assert begun.keys() == ended.keys()
    aborted = {begun[run] for run, how in ended.items() if how == "ABORT"}
    assert "till" in aborted
    assert open_job is None or open_job in aborted
    assert "till.load.sales" not in aborted
    assert waiting(till) == []


INTERRUPTED = """
import sys
from startrail.base import crash
def interrupt(name):
    if name == "between metadata and pointers":
        raise RuntimeError("the disk fell out")
crash.hook = interrupt
from startrail.cli.app import app
app()
"""


def test_a_run_that_ends_by_a_defect_says_so_itself(till: Till) -> None:
    tell(till, "file: events.ndjson")
    arguments = ["run", "--now", FIRST_MORNING, "-C", str(till.root)]
    assert subprocess.run([sys.executable, "-c", INTERRUPTED, *arguments], check=False, capture_output=True).returncode != 0
    [end] = ends(told(till), "till")
    official(end)
    assert end["eventType"] == "FAIL"
    assert "the disk fell out" in end["run"]["facets"]["errorMessage"]["message"]
    assert waiting(till) == []


def test_an_endpoint_that_never_answers_keeps_no_run_from_ending(till: Till, endpoint: Endpoint) -> None:
    tell(till, f'url: "{endpoint.url}", timeout: 1s')
    silence = Event()
    endpoint.status = lambda event: 201 if silence.wait(240) else 500
    [said] = till.good_run().of("lineage_waiting")
    silence.set()
    assert said["waiting"] == 22


def test_the_official_client_sends_the_same(till: Till, endpoint: Endpoint) -> None:
    tell(till, "file: events.ndjson")
    till.good_run()
    client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=endpoint.url, endpoint="lineage")))
    events = told(till)
    for event in events:
        client.emit(official(event))
    client.close()
    assert [full(event) for event in endpoint.events] == [full(event) for event in events]


def full(value: Any) -> Any:
    """Without what says nothing, and without what the client adds of itself."""
    if isinstance(value, dict):
        found = {name: full(each) for name, each in value.items() if name not in ("tags",)}
        return {name: each for name, each in found.items() if each not in ({}, [], None)}
    return [full(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("text", "says"), [("namespace: x", "neither"), ('file: a, url: "http://h/x"', "both")])
def test_a_profile_names_exactly_one_receiver(till: Till, text: str, says: str) -> None:
    tell(till, text)
    assert_refused(till.run(), "ST119", at="startrail.yml:4:18", says=says, hint="keep exactly one")


def test_the_token_is_never_the_secret_itself(till: Till) -> None:
    tell(till, 'url: "http://h/x", token: quite-secret')
    outcome = till.run()
    assert_refused(outcome, "ST120")
    assert "quite-secret" not in outcome.text


def test_a_run_that_tells_nobody_imports_nothing_of_it(till: Till) -> None:
    script = (
        "import sys; from startrail.cli.app import app; app()\n"
        "assert not [name for name in sys.modules if name.startswith('startrail.adapters.openlineage')]"
    )
    arguments = ["run", "--now", FIRST_MORNING, "-C", str(till.root)]
    done = subprocess.run([sys.executable, "-c", script, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
