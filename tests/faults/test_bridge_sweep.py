"""A run with bridges is killed around them, and run again: each is told once, whatever died, and nothing passes them by."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.process import Ended, process
from tests.fixtures.till import DAILY, FIRST_MORNING, SECOND_MORNING, THIRD_MORNING, Till

from startrail.wiring import open_project

TAKINGS = """\
    metric: finance.takings
    source: marts.daily
    expr: amount
    agg_time_dimension: {column: day}
    bridges: [{to: marketing.sales, causes: [expr]}]
    """
SALES = """\
    metric: marketing.sales
    source: marts.daily
    expr: amount
    agg_time_dimension: {column: day}
    filters: [{name: north, sql: "store = 'north'"}]
    """
POINTS = (
    "before check", "after check", "after step recorded", "between metadata and pointers", "inside publication, steps recorded",
    "after commit",
)  # fmt: skip
EACH = {"2026-09", "2026-10"}


def run(till: Till, now: str, death: Death = LIVES) -> Ended:
    with process(command_line, death, ("run", "-C", str(till.root), "--json", "--now", now, "--wait", "60")) as child:
        return child.ended()


def made(root: Path) -> Till:
    till = Till.write(root)
    till.put("startrail.yml", "name: till\nprofiles:\n  local:\n    limits: {parallel: 1}\n")
    till.put("metrics/finance/takings.yml", TAKINGS)
    till.put("metrics/marketing/sales.yml", SALES)
    return till


@pytest.fixture(scope="module")
def passes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How often each point is passed before a report is delivered: the bridges are the last checks of a run."""
    ended = run(made(tmp_path_factory.mktemp("control") / "till"), FIRST_MORNING)
    assert ended.code == 0, ended.errors
    after = sum(1 for event in ended.of("step_finished") if event["kind"] == "measure")
    return ended.passed | {"after step recorded": ended.passed["after step recorded"] - after}


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    yield made(tmp_path / "till")
    shutil.rmtree(tmp_path / "till")


@pytest.mark.parametrize("point", POINTS)
def test_killed_around_its_bridges_a_run_is_gone_on_with(till: Till, passes: dict[str, int], point: str) -> None:
    killed = run(till, FIRST_MORNING, Death(point, passes[point]))
    assert killed.code == -signal.SIGKILL, killed.errors
    resumed = run(till, SECOND_MORNING)
    assert resumed.code == 0, resumed.errors
    assert till.daily() == DAILY
    with open_project(till.root, "local", read_only=True) as opened:
        ledger = opened.ports.ledger
        told = [json.loads(fact.payload) for fact in ledger.facts(kind="bridge.checked")]
        steps = ledger.history(kind="bridge")
    assert Counter((fact["period"], fact["holds"]) for fact in told) == Counter([("2026-09", True), ("2026-10", False)])
    assert {(step.state, step.step.partition) for step in steps} == {
        ("published", f"marketing.sales {period}") for period in EACH
    }
    idle = run(till, THIRD_MORNING)
    assert (idle.code, idle.result["steps"], idle.of("bridge_checked")) == (0, 0, [])
