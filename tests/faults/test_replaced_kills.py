"""A run that puts a new version of a file in the place of the older one is killed: a reader sees the one or the other."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.figures import record
from tests.faults.process import Ended, process
from tests.fixtures.till import Till

from startrail.adapters.ledger.sqlite import open_ledger

SOURCE = """\
    feed: {kind: folder, path: inbox, pattern: "sales_*.csv"}
    contract: sales
    into: raw.sales
    partition_by: day
    on_replace: replace
    """
HEAD = "sale_id,day,store,amount\n"
NAME = "inbox/sales_2026-10-01.csv"
OLD, NEW = [("a1", "10.00"), ("a2", "5.50")], [("a1", "11.00"), ("a3", "1.00")]
POINTS = (
    ("after recording delivery", 1),
    ("inside names, facts written", 1),
    ("after stage", 2),
    ("after step recorded", 1),
    ("after step recorded", 2),
    ("between metadata and pointers", 1),
    ("inside publication, pointers moved", 1),
    ("after commit", 1),
)


@pytest.fixture
def till(tmp_path: Path) -> Till:
    till = Till.write(tmp_path / "till")
    till.put("sources/sales.yml", SOURCE)
    till.good_run()
    till.put(NAME, HEAD + "a1,2026-10-01,north,11.00\na3,2026-10-01,east,1.00\n")
    return till


def run(till: Till, minute: int, death: Death) -> Ended:
    with process(command_line, death, ("run", "-C", str(till.root), "--now", f"2026-10-03T08:{minute}+02:00")) as child:
        return child.ended()


def sales(till: Till) -> list[tuple[str, str]]:
    rows = till.rows("select sale_id, amount from raw.sales where day = date '2026-10-01' order by sale_id, amount")
    return [(row["sale_id"], row["amount"]) for row in rows]


@pytest.mark.parametrize(("point", "time"), POINTS)
def test_killed_while_replacing_a_reader_sees_one_version_and_the_next_run_the_new_one(
    till: Till, point: str, time: int, request: pytest.FixtureRequest
) -> None:
    killed = run(till, 10, Death(point, time))
    assert killed.code == -signal.SIGKILL, killed.errors
    assert sales(till) == (NEW if point == "after commit" else OLD)
    for minute in (20, 30):
        assert "Traceback" not in run(till, minute, LIVES).errors
    assert sales(till) == NEW
    assert till.daily() == {("2026-10-01", "east"): "1.00", ("2026-10-01", "north"): "11.00", ("2026-10-02", "north"): "7.25"}
    ledger = open_ledger(till.root / ".startrail/ledger.sqlite")
    kinds = [fact.kind for fact in ledger.facts()]
    assert [kinds.count(kind) for kind in ("delivery.withdrawn", "source.replaced", "delivery.landed")] == [1, 1, 4]
    assert ledger.verify().altered is None
    ledger.close()
    record(request, "replaced", kills=1, half_seen=0, lost=0)
