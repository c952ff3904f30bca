"""Transfers are killed, at numbered points and at random times: every file comes whole and once, and nothing half is ever seen.

``TRANSFER_KILLS`` says how many random kills the soak does (500), ``SOAK_SEED`` from what they are drawn.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from tests.faults.child import LIVES, Death, naive_copy
from tests.faults.database import Database
from tests.faults.far_side import FarSide, far_side
from tests.faults.figures import record
from tests.faults.process import process
from tests.faults.transfers import Broken, Setting, Transfers, Watch
from tests.fixtures.ftp import PASSWORD

POINTS = ("before land", "after landing bytes", "after recording delivery")
SETTINGS = ("local sqlite", "s3 postgres", "local postgres", "s3 sqlite")
QUICK = 12


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarSide]:
    with pytest.MonkeyPatch.context() as patch, far_side(tmp_path_factory.mktemp("far")) as found:
        patch.setenv("FAR_PASSWORD", PASSWORD)
        patch.setenv("AWS_ENDPOINT_URL", found.endpoint)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        yield found


@pytest.fixture
def made(
    side: FarSide, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Transfers]:
    """A project with the store and ledger of one of SETTINGS."""

    def make(setting: str) -> Transfers:
        store, ledger = setting.split()
        variable = None
        if ledger == "postgres":
            database = Database(request.getfixturevalue("postgres_dsn"))
            monkeypatch.setenv(database.variable, database.dsn)
            variable = database.variable
        area = f"{store}-{ledger}-{secrets.token_hex(4)}"
        return Transfers(tmp_path / area, side, Setting(area, store, variable))

    return make


@pytest.mark.parametrize("verb", ["run", "copy"])
@pytest.mark.parametrize("setting", SETTINGS[:2])
def test_killed_at_every_point_and_resumed_every_file_is_there_once(
    made: Callable[[str], Transfers], setting: str, verb: str, request: pytest.FixtureRequest
) -> None:
    transfers, random = made(setting), Random(f"{setting} {verb}")
    command = transfers.commands[0 if verb == "run" else 1]
    nth = 3 if setting.startswith("local") and verb == "run" else 1
    for point in POINTS:
        transfers.arrive(random, 2, large=300_000)
        with Watch(transfers):
            with transfers.running(command, Death(point, nth)) as child:
                assert child.ended().code == -signal.SIGKILL
            transfers.done(command)
        for each in transfers.commands:
            transfers.done(each)
        transfers.examine_whole()
    record(request, "transfers killed at points", kills=len(POINTS), files_lost=0, files_doubled=0)


@pytest.mark.parametrize("setting", SETTINGS[:2])
def test_killed_at_a_few_random_times_every_file_is_there_once(
    made: Callable[[str], Transfers], setting: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    soak = _Soak(made(setting), Random(setting), (QUICK // 2, QUICK // 2))
    soak.until(QUICK // 3)
    soak.sweep(monkeypatch)
    record(request, f"transfers killed, {setting}", **soak.figures)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("setting", SETTINGS)
def test_killed_at_random_times_every_file_is_there_once(
    made: Callable[[str], Transfers],
    setting: str,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kills, seed = int(os.environ.get("TRANSFER_KILLS", "500")), os.environ.get("SOAK_SEED", "1")
    soak = _Soak(made(setting), Random(f"{seed} {setting}"))
    try:
        soak.until(kills // len(SETTINGS))
        soak.sweep(monkeypatch)
    finally:
        record(request, f"transfers killed, {setting}", **soak.figures)
        with capsys.disabled():
            print(f"\ntransfers, {setting}: {dict(soak.figures)}", flush=True)  # noqa: T201


def test_a_naive_copy_fails_the_same_examination(made: Callable[[str], Transfers], side: FarSide) -> None:
    transfers, random = made("local sqlite"), Random(1)
    transfers.arrive(random, 3)
    area, target = transfers.setting.name, transfers.target / "ftp" / transfers.setting.name
    what = (side.ftp, area, target)
    watch = Watch(transfers)
    with watch, process(naive_copy, Death("after landing bytes", 3), what) as child:
        assert child.ended().code == -signal.SIGKILL
        watch.looks_again()
        with pytest.raises(Broken, match="never were"):
            watch.judge()
        watch.forgive()
    with process(naive_copy, LIVES, what) as child:
        assert child.ended().code == 0
    have = {name: transfers.copied()[f"ftp/{area}/{name}"] for name in transfers.truth["ftp"]}
    assert [name for name, sha in have.items() if sha != transfers.truth["ftp"][name][-1]], "it resumed well: no control"


class _Soak:
    """One project through many nights, each with a few kills."""

    def __init__(self, transfers: Transfers, random: Random, a_night: tuple[int, int] = (16, 24)) -> None:
        """``a_night``: kills, at least and at most."""
        self._transfers, self._random, self._a_night = transfers, random, a_night
        self._seconds: dict[tuple[str, ...], float] = {}
        self.figures: Counter[str] = Counter()

    def until(self, kills: int) -> None:
        while self.figures["kills"] < kills:
            self._night()

    def sweep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A day later: what was left aside is removed by whoever writes next."""
        from startrail.adapters.store import local
        from startrail.adapters.store.s3 import leftovers as s3_leftovers

        self.figures["left_aside"] = len(self._transfers.scratch()) + len(self._transfers.uploads())
        monkeypatch.setattr(s3_leftovers, "_LEFT_BEHIND", timedelta(seconds=-5))
        monkeypatch.setattr(local, "_LEFT_BEHIND_SECONDS", -5)
        self._transfers.write_large()
        assert not self._transfers.uploads()
        assert not self._transfers.scratch()

    def _night(self) -> None:
        self._transfers.arrive(self._random)
        with Watch(self._transfers) as watch:
            for _ in range(self._random.randint(*self._a_night)):
                self._killed(self._random.choice(self._transfers.commands))
            for command in self._transfers.commands:
                began = time.monotonic()
                self._transfers.done(command)
                self._seconds[command] = time.monotonic() - began
        self.figures["files"] = self._transfers.examine_whole()
        self.figures.update(nights=1, looks=watch.polls, files_looked_at=watch.files)

    def _killed(self, command: tuple[str, ...]) -> None:
        with self._transfers.running(command, in_parts=self._random.random() < 0.5) as child:
            began = time.monotonic()
            delay = self._random.random() * self._seconds.get(command, 0.6)
            while child.lives() and time.monotonic() - began < delay:
                time.sleep(0.002)
            if child.lives():
                child.send(signal.SIGKILL)
            ended = child.ended()
        if ended.code == -signal.SIGKILL:
            self.figures["kills"] += 1
        else:
            self.figures["too_quick"] += 1
            self._seconds[command] = time.monotonic() - began
