"""A replay is killed at every numbered point that it passes, and resumed: nothing is lost, nothing comes twice."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from tests.faults.child import LIVES, Death, command_line
from tests.faults.invariants import Tables, require_equal
from tests.faults.process import Ended, process
from tests.faults.shop import Shop, look
from tests.fixtures.mended import mended_truth, put_repairs

from startrail.base.crash import POINTS
from startrail.capabilities.contracts.quarantine import standings
from startrail.examples.nights import night
from startrail.model.delivery import Counts

LANDING = ("before land", "after landing bytes", "after recording delivery")
"""Points that a replay does not pass."""
PASSED = tuple(point for point in POINTS if point not in LANDING)
COMMITTED = frozenset(POINTS[POINTS.index("after commit") :])
DRIFTED_RUN, REPLAY, RESUMED, DELIVERED = (f"2026-10-03T08:{minute}:00+02:00" for minute in ("00", "10", "20", "30"))
DRIFTED = night(2, drifted=True)


class Quarantined(msgspec.Struct):
    """The shop with refused orders and their repairs; the tables before and after an undisturbed replay."""

    shop: Shop
    saved: Path
    before: Tables
    after: Tables
    passed: dict[str, int]

    def reset(self) -> None:
        shutil.rmtree(self.shop.root)
        shutil.copytree(self.saved, self.shop.root)

    def replay(self, now: str, death: Death = LIVES) -> Ended:
        return replay(self.shop, now, death)


def replay(shop: Shop, now: str, death: Death) -> Ended:
    arguments = ("quarantine", "replay", "-C", str(shop.root), "--json", "--now", now, "--wait", "60")
    with process(command_line, death, arguments) as child:
        return child.ended()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Quarantined:
    folder = tmp_path_factory.mktemp("replay")
    shop = Shop(folder, None)
    shop.arrive(drifted=True)
    assert shop.run(DRIFTED_RUN).code == 0
    put_repairs(shop.root)
    saved = folder / "quarantined"
    shutil.copytree(shop.root, saved)
    before = shop.look()
    ended = replay(shop, REPLAY, LIVES)
    assert ended.code == 0, ended.errors
    return Quarantined(shop, saved, before, shop.look(), ended.passed)


def test_an_undisturbed_replay_passes_the_points_and_comes_to_the_truth(patient: Quarantined) -> None:
    assert set(patient.passed) == set(PASSED)
    orders = mended_truth(night(1), DRIFTED).counts["orders_api"]
    assert patient.after["raw.orders"].total() == orders.loaded
    assert patient.before["raw.orders"].total() == orders.loaded - sum(not line.valid for line in DRIFTED.orders)


@pytest.mark.parametrize("point", PASSED)
def test_killed_at_a_point_and_replayed_nothing_shows_that_it_was(patient: Quarantined, point: str) -> None:
    patient.reset()
    last = PASSED.index(point) % 2
    killed = patient.replay(REPLAY, Death(point, patient.passed[point] if last else 1))
    assert killed.code == -signal.SIGKILL, killed.errors
    require_equal(patient.shop.look(), patient.after if point in COMMITTED else patient.before)
    resumed = patient.replay(RESUMED)
    assert resumed.code == 0, resumed.errors
    assert resumed.result["remaining"] == 0
    done = {("load", each["subject"], each["partition"]) for each in killed.of("step_finished") if each["kind"] == "load"}
    assert not done & resumed.started, "loaded before the kill, and loaded again"
    delivered = patient.shop.run(DELIVERED)
    assert delivered.code == 0, delivered.errors
    assert not {kind for kind, _, _ in delivered.started} - {"deliver"}
    _examine(patient)


def _examine(patient: Quarantined) -> None:
    with patient.shop.opened() as opened:
        ledger = opened.ports.ledger
        require_equal(look(opened), patient.after)
        assert ledger.verify().altered is None
        found = standings(opened.project, ledger)
        assert {standing.state for standing in found} == {"replayed"}
        rows = len(DRIFTED.orders)
        assert sum((standing.counts for standing in found), Counts()) == Counts(rows, rows)
        told = Counter(fact.kind for fact in ledger.facts())
        assert told["delivery.replayed"] == len(DRIFTED.pages())
        assert told["delivery.loaded"] == told["delivery.landed"]
