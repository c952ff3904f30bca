"""Kills at random times, night after night: `make soak`. ``SOAK_KILLS`` or ``SOAK_MINUTES`` says for how long.

Everything is drawn from ``SOAK_SEED``; which instant of the run a kill meets depends on the machine all the same.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from random import Random

import pytest
from tests.faults.examine import examine_dead, examine_done, examine_redone, examine_whole
from tests.faults.figures import record
from tests.faults.invariants import Broken, Tables, require_whole
from tests.faults.process import Ended, StepName
from tests.faults.reader import Reader
from tests.faults.shop import Shop

from startrail.examples.nights import Night, day_of, night

_NIGHTS = 15
"""The history grows to so many nights, and begins again."""
_MINUTES = 10.0


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_at_random_times_nothing_is_lost_doubled_or_half_visible(
    shop: Shop, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    soak = _Soak(shop, Random(f"{os.environ.get('SOAK_SEED', '1')} {shop.ledger_kind}"))
    try:
        while not soak.enough():
            soak.one_night()
    except Broken as broken:
        soak.figures.update(rows_lost=broken.lost, rows_doubled=broken.doubled, unchecked_rows_seen=broken.torn)
        raise
    finally:
        record(request, f"soak on {shop.ledger_kind}", most_redone_by_a_kill=soak.most, **soak.figures)
        with capsys.disabled():
            told = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in soak.figures.items())
            print(f"\nsoak on {shop.ledger_kind}: {told}")  # noqa: T201
    assert soak.figures["kills"]


class _Soak:
    """One shop through many nights, each with up to three kills."""

    def __init__(self, shop: Shop, random: Random) -> None:
        self._shop, self._random = shop, random
        self._kills = int(os.environ["SOAK_KILLS"]) if "SOAK_KILLS" in os.environ else None
        minutes = float(os.environ.get("SOAK_MINUTES", _MINUTES))
        self._until = time.monotonic() + minutes * 60 / 2  # two kinds of ledger share the time
        self._nights: list[Night] = []
        self._seconds = 3.0
        self.figures: Counter[str] = Counter(
            dict.fromkeys(("kills", "nights", "polls", "rows_lost", "rows_doubled", "unchecked_rows_seen", "steps_redone"), 0)
        )
        self.most = 0

    def enough(self) -> bool:
        return self.figures["kills"] >= self._kills if self._kills is not None else time.monotonic() > self._until

    def one_night(self) -> None:
        """A night arrives, the run of it is killed a few times, and then left alone."""
        before = self._before()
        number, drifted = len(self._nights) + 1, self._random.random() < 0.5
        self._shop.arrive(number, drifted=drifted)
        self._nights.append(night(number, drifted=drifted))
        dead: list[tuple[Ended, frozenset[StepName]]] = []
        between: list[Tables] = []
        with Reader(self._shop) as reader:
            for attempt in range(self._random.randint(1, 3)):
                killed = self._killed(_at(number, attempt))
                if killed is None:
                    break
                seen, done = examine_dead(self._shop, killed)
                between.append(seen)
                if dead:
                    self._count(*dead[-1], killed)
                dead.append((killed, done))
            began = time.monotonic()
            resumed = self._shop.run(_at(number, 5))
            if not dead:
                self._seconds = max(0.5, time.monotonic() - began)
        examine_done(resumed)
        if dead:
            self._count(*dead[-1], resumed)
        after = examine_whole(self._shop, self._nights)
        for seen in between:
            require_whole(seen, before, after)
        reader.judge(before, after)
        self.figures.update(nights=1, polls=reader.polls)

    def _before(self) -> Tables:
        if not 0 < len(self._nights) < _NIGHTS:
            self._shop.reset()
            self._nights = [night(1)]
        return self._shop.look()

    def _killed(self, now: str) -> Ended | None:
        """None when the run was quicker than its killer."""
        with self._shop.running(now) as child:
            began = time.monotonic()
            delay = self._random.random() * self._seconds
            while child.lives() and time.monotonic() - began < delay:
                time.sleep(0.002)
            if child.lives():
                child.send(signal.SIGKILL)
            ended = child.ended()
        if ended.code != -signal.SIGKILL:
            self._seconds = max(0.5, time.monotonic() - began)
            return None
        self.figures["kills"] += 1
        return ended

    def _count(self, killed: Ended, done: frozenset[StepName], next_: Ended) -> None:
        redone = examine_redone(killed, done, next_)
        self.figures["steps_redone"] += redone
        self.most = max(self.most, redone)


def _at(number: int, attempt: int) -> str:
    """In the morning after night ``number``, ten minutes between attempts."""
    return f"{day_of(number + 1)}T08:{attempt * 10:02d}:00+02:00"
