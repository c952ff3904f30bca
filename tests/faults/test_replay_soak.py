"""Kills at random times during a load under a new contract version and the replay that mends it: a few in every run of the
tests, sixty (or ``SOAK_KILLS``) in `make soak`. Everything is drawn from ``SOAK_SEED`` but the instant that a kill meets."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import AbstractContextManager
from random import Random

import pytest
from tests.faults.examine import examine_dead
from tests.faults.figures import record
from tests.faults.invariants import Tables, require_equal, require_whole
from tests.faults.process import Ended, Process
from tests.faults.shop import Shop
from tests.fixtures.mended import mended_truth, put_repairs

from startrail.capabilities.contracts.quarantine.standing import standings
from startrail.examples.nights import night
from startrail.model.delivery import Counts
from startrail.model.version import RECORDED

KILLS = 60
FEW = 4
DRIFTED = night(2, drifted=True)


def test_a_few_kills_at_random_times_lose_and_double_nothing(sqlite_shop: Shop, request: pytest.FixtureRequest) -> None:
    _kill(sqlite_shop, FEW, request)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_many_kills_at_random_times_lose_and_double_nothing(shop: Shop, request: pytest.FixtureRequest) -> None:
    _kill(shop, int(os.environ.get("SOAK_KILLS", KILLS)), request)


def _kill(shop: Shop, kills: int, request: pytest.FixtureRequest) -> None:
    patient = _Patient(shop, Random(f"{os.environ.get('SOAK_SEED', '1')} replay {shop.ledger_kind}"))
    while patient.figures["kills"] < kills:
        patient.one_round()
    shop.reset()
    record(request, f"replay at random times on {shop.ledger_kind}", rows_lost=0, rows_doubled=0, **patient.figures)


class _Patient:
    """A shop that is put back before each round: a night arrives under a raised contract version, is loaded, and mended."""

    def __init__(self, shop: Shop, random: Random) -> None:
        self._shop, self._random = shop, random
        self._loaded: Tables | None = None
        self._mended: Tables | None = None
        self._seconds = {"run": 2.0, "replay": 1.5}
        self.figures: Counter[str] = Counter(kills=0, rounds=0)

    def one_round(self) -> None:
        self._shop.reset()
        contract = self._shop.root / "contracts/orders.odcs.yml"
        contract.write_text(contract.read_text().replace("version: 1.0.0", "version: 1.1.0"))
        self._shop.arrive(drifted=True)
        first = self._shop.look()
        self._loaded = self._until_done("run", first, self._loaded, "08")
        put_repairs(self._shop.root)
        self._mended = self._until_done("replay", self._loaded, self._mended, "09")
        self._examine()
        self.figures["rounds"] += 1

    def _until_done(self, what: str, before: Tables, after: Tables | None, hour: str) -> Tables:
        """Killed up to three times, then left alone; what a reader sees is one of the two, and never half."""
        seen: list[Tables] = []
        for attempt in range(self._random.randint(1, 3)):
            killed = self._killed(what, f"2026-10-03T{hour}:{attempt}0:00+02:00")
            if killed is None:
                break
            seen.append(examine_dead(self._shop, killed)[0])
        ended = (self._shop.run if what == "run" else self._shop.replay)(f"2026-10-03T{hour}:50:00+02:00")
        assert ended.code == 0, ended.errors or ended.result
        done = self._shop.look()
        if after is not None:
            require_equal(done, after)
        for each in seen:
            require_whole(each, before, done)
        return done

    def _killed(self, what: str, now: str) -> Ended | None:
        """None when it was quicker than its killer."""
        doing: AbstractContextManager[Process] = (self._shop.running if what == "run" else self._shop.replaying)(now)
        with doing as child:
            began = time.monotonic()
            delay = self._random.random() * self._seconds[what]
            while child.lives() and time.monotonic() - began < delay:
                time.sleep(0.002)
            if child.lives():
                child.send(signal.SIGKILL)
            ended = child.ended()
        if ended.code != -signal.SIGKILL:
            self._seconds[what] = max(0.5, time.monotonic() - began)
            return None
        self.figures["kills"] += 1
        return ended

    def _examine(self) -> None:
        """Against the generator: every refused order is in, once; every version of the contract is kept, once."""
        with self._shop.opened() as opened:
            ledger = opened.ports.ledger
            found = standings(opened.project, ledger)
            rows = len(DRIFTED.orders)
            assert sum((each.counts for each in found), Counts()) == Counts(rows, rows)
            told = Counter(fact.kind for fact in ledger.facts())
            assert told["delivery.replayed"] == len(DRIFTED.pages())
            assert told["delivery.loaded"] == told["delivery.landed"]
            versions = [kept.ref.version for kept in ledger.contract_versions("orders")]
            assert versions == ["1.0.0", "1.1.0"]
            assert told[RECORDED] == len(ledger.contract_refs())
            assert ledger.verify().altered is None
        truth = mended_truth(night(1), DRIFTED).counts["orders_api"]
        assert self._mended is not None
        assert self._mended["raw.orders"].total() == truth.loaded
