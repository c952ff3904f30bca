"""A run is killed while what happened is looked at: the next look comes to the same, once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.figures import record
from tests.faults.process import Ended, process
from tests.fixtures.till import Till

from startrail.adapters.ledger.sqlite import open_ledger
from startrail.base.crash import WATCH_POINTS
from startrail.ledger.incidents import fold

FIRST, RESUMED = "2026-10-03T08:00+02:00", "2026-10-03T08:01+02:00"
HELD = "sale_id,day\nb1,2026-10-02\n"


@pytest.fixture
def till(tmp_path: Path) -> Till:
    """Nothing but a delivery that is held: the report may be late, and a person is needed."""
    till = Till.write(tmp_path / "till")
    till.remove("inbox/sales_2026-10-02.csv")
    till.put("inbox/sales_2026-10-01.csv", HELD)
    return till


def run(till: Till, now: str, death: Death) -> Ended:
    with process(command_line, death, ("run", "-C", str(till.root), "--now", now)) as child:
        return child.ended()


@pytest.mark.parametrize("point", WATCH_POINTS)
def test_killed_while_looking_and_run_again_it_is_told_once(till: Till, point: str, request: pytest.FixtureRequest) -> None:
    killed = run(till, FIRST, Death(point))
    assert killed.code == -signal.SIGKILL, killed.errors
    resumed = run(till, RESUMED, LIVES)
    assert "Traceback" not in resumed.errors
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    kinds = [fact.kind for fact in ledger.facts()]
    assert (kinds.count("report.at_risk"), kinds.count("incident.opened")) == (1, 1)
    [incident] = ledger.incidents()
    assert (incident.severity, incident.subject) == ("page", "sales")
    assert {"risk daily"} <= {symptom.key for symptom in incident.symptoms}
    assert {incident.id: incident} == fold(ledger.facts())
    assert ledger.verify().altered is None
    ledger.close()
    record(request, "watch", kills=1, told_twice=0, lost=0)
