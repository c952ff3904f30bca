"""A replay is killed at every numbered point that it passes, and resumed: nothing is lost, nothing comes twice."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest
from tests.faults.child import Death
from tests.faults.database import Database
from tests.faults.invariants import Tables, require_equal
from tests.faults.shop import Shop, look
from tests.fixtures.mended import mended_truth, put_repairs

from startrail.base.crash import POINTS
from startrail.capabilities.contracts.quarantine.standing import standings
from startrail.examples.nights import night
from startrail.model.delivery import Counts

LANDING = ("before land", "after landing bytes", "after recording delivery")
"""Points that a replay does not pass."""
PASSED = tuple(point for point in POINTS if point not in LANDING)
OF_THE_LEDGER = (
    "before stage", "after step recorded", "between metadata and pointers", "inside publication, pointers moved",
    "inside publication, steps recorded", "after commit", "after delivery recorded",
)  # fmt: skip
"""Points around what the ledgers do differently."""
CASES = [("sqlite", point) for point in PASSED] + [("postgres", point) for point in OF_THE_LEDGER]
COMMITTED = frozenset(POINTS[POINTS.index("after commit") :])
DRIFTED_RUN, REPLAY, RESUMED, DELIVERED = (f"2026-10-03T08:{minute}:00+02:00" for minute in ("00", "10", "20", "30"))
DRIFTED = night(2, drifted=True)


class Quarantined(msgspec.Struct):
    """The shop with refused orders and their repairs; the tables before and after an undisturbed replay."""

    shop: Shop
    before: Tables
    after: Tables
    passed: dict[str, int]


def quarantined(shop: Shop) -> Quarantined:
    """The shop from its first night on."""
    shop.arrive(drifted=True)
    assert shop.run(DRIFTED_RUN).code == 0
    put_repairs(shop.root)
    shop.save()
    before = shop.look()
    ended = shop.replay(REPLAY)
    assert ended.code == 0, ended.errors
    return Quarantined(shop, before, shop.look(), ended.passed)


@pytest.fixture(scope="module")
def sqlite_patient(tmp_path_factory: pytest.TempPathFactory) -> Quarantined:
    return quarantined(Shop(tmp_path_factory.mktemp("replay"), None))


@pytest.fixture(scope="module")
def postgres_patient(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str) -> Iterator[Quarantined]:
    database = Database(postgres_dsn)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(database.variable, database.dsn)
        yield quarantined(Shop(tmp_path_factory.mktemp("replay_postgres"), database))


@pytest.fixture
def patient(request: pytest.FixtureRequest) -> Quarantined:
    """On the ledger that the case names."""
    found: Quarantined = request.getfixturevalue(f"{request.param}_patient")
    return found


@pytest.mark.parametrize("patient", ["sqlite", "postgres"], indirect=True)
def test_an_undisturbed_replay_passes_the_points_and_comes_to_the_truth(patient: Quarantined) -> None:
    assert set(patient.passed) == set(PASSED)
    orders = mended_truth(night(1), DRIFTED).counts["orders_api"]
    assert patient.after["raw.orders"].total() == orders.loaded
    assert patient.before["raw.orders"].total() == orders.loaded - sum(not line.valid for line in DRIFTED.orders)


@pytest.mark.parametrize(("patient", "point"), CASES, indirect=["patient"])
def test_killed_at_a_point_and_replayed_nothing_shows_that_it_was(patient: Quarantined, point: str) -> None:
    patient.shop.reset()
    last = PASSED.index(point) % 2
    killed = patient.shop.replay(REPLAY, Death(point, patient.passed[point] if last else 1))
    assert killed.code == -signal.SIGKILL, killed.errors
    require_equal(patient.shop.look(), patient.after if point in COMMITTED else patient.before)
    resumed = patient.shop.replay(RESUMED)
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
