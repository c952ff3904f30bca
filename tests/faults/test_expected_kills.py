"""A run is killed while it is told which expected files are missing and which are there: the next one tells it, once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.figures import record
from tests.faults.process import Ended, process
from tests.fixtures.till import Till

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.ledger.incidents import fold

POINTS = ("before arrivals", "inside arrivals, facts written", "after arrivals")
EXPECTING = """\
    feed: {kind: folder, path: inbox, pattern: "sales_*.csv"}
    contract: sales
    into: raw.sales
    partition_by: day
    expect:
      - {file: "sales_{date:%Y-%m-%d}.csv", by: "08:00", days_before: 1, grace: 0s}
    """


@pytest.fixture
def till(tmp_path: Path) -> Till:
    till = Till.write(tmp_path / "till")
    till.put("sources/sales.yml", EXPECTING)
    till.good_run(now="2026-10-03T07:00Z")
    return till


def run(till: Till, now: str, death: Death) -> Ended:
    with process(command_line, death, ("run", "-C", str(till.root), "--now", now)) as child:
        return child.ended()


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_telling_and_run_again_it_is_told_once(till: Till, point: str, request: pytest.FixtureRequest) -> None:
    killed = run(till, "2026-10-04T08:10Z", Death(point))
    assert killed.code == -signal.SIGKILL, killed.errors
    assert "Traceback" not in run(till, "2026-10-04T08:11Z", LIVES).errors
    till.put("inbox/sales_2026-10-03.csv", "sale_id,day,store,amount\nc1,2026-10-03,north,3.00\n")
    killed = run(till, "2026-10-04T08:20Z", Death(point))
    assert killed.code == -signal.SIGKILL, killed.errors
    assert "Traceback" not in run(till, "2026-10-04T08:21Z", LIVES).errors
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    kinds = [fact.kind for fact in ledger.facts()]
    told = [kinds.count(f"source.expected_{word}") for word in ("missing", "arrived")]
    assert told == [1, 2]  # the file of the third was there in time, that of the fourth came late
    incidents = {each.id: each for each in ledger.incidents()}
    assert [each.state for each in incidents.values() if each.cause == "freshness"] == ["resolved"]
    assert incidents == fold(ledger.facts())
    assert ledger.verify().altered is None
    ledger.close()
    record(request, "expected", kills=2, told_twice=0, lost=0)


@pytest.mark.parametrize("point", ["after landing bytes", "inside names, facts written"])
def test_killed_while_names_are_compared_and_run_again_each_change_is_told_once(
    till: Till, point: str, request: pytest.FixtureRequest
) -> None:
    (till.root / "inbox/sales_2026-10-01.csv").rename(till.root / "inbox/sales_2026-09-30.csv")
    killed = run(till, "2026-10-03T07:30Z", Death(point))
    assert killed.code == -signal.SIGKILL, killed.errors
    for minute in ("31", "32"):
        assert "Traceback" not in run(till, f"2026-10-03T07:{minute}Z", LIVES).errors
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    kinds = [fact.kind for fact in ledger.facts()]
    assert [kinds.count(f"source.{word}") for word in ("renamed", "replaced", "deleted")] == [1, 0, 0]
    assert kinds.count("delivery.landed") == 3
    assert ledger.verify().altered is None
    ledger.close()
    record(request, "names", kills=1, told_twice=0, lost=0)
