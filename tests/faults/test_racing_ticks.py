"""Eight workers race for the ticks of ten schedules; workers are killed between claim and end: each tick has one fate.

``make soak`` does it with ten thousand ticks, half of them on each database; ``RACE_TICKS`` says otherwise.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.faults.figures import record
from tests.faults.ticking import START, dying, opened, race, ticking, write

from startrail.base.time import from_text
from startrail.ports.ledger import Ledger

WORKERS = 8
SCHEDULES = 10
EVERY_MINUTE = 'cron: "* * * * *"\ncatchup: all\n'


class Race:
    """A project whose ledger is on one of the databases."""

    def __init__(self, root: Path, dsn: str | None, schema: str, schedules: dict[str, str]) -> None:
        self.root = root
        self.environment = write(root, schedules, dsn, schema)
        os.environ.update(self.environment)


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest) -> tuple[str, str | None, str]:
    if request.param == "sqlite":
        return "sqlite", None, ""
    return "postgres", request.getfixturevalue("postgres_dsn"), request.getfixturevalue("postgres_schema")


def test_of_racing_workers_one_runs_each_tick(
    where: tuple[str, str | None, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _race(where, tmp_path, request, ticks=80)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_of_ten_thousand_ticks_each_is_run_once(
    where: tuple[str, str | None, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _race(where, tmp_path, request, ticks=int(os.environ.get("RACE_TICKS", "10000")) // 2)


def _race(where: tuple[str, str | None, str], tmp_path: Path, request: pytest.FixtureRequest, ticks: int) -> None:
    name, dsn, schema = where
    found = Race(tmp_path / "race", dsn, schema, {f"s{count}": EVERY_MINUTE for count in range(SCHEDULES)})
    minutes = ticks // SCHEDULES
    with opened(found.root, START) as project:
        assert len(ticking(project).ran) == SCHEDULES
    began = time.monotonic()
    ran = race(found.root, START + timedelta(minutes=minutes), WORKERS, found.environment)
    seconds = time.monotonic() - began
    with opened(found.root, START + timedelta(minutes=minutes)) as project:
        claims = _claims(project.ports.ledger)
        verified = project.ports.ledger.verify()
        states = Counter(
            each.state for count in range(SCHEDULES) for each in project.ports.ledger.newest_ticks(f"s{count}", 10**6)
        )
        assert ticking(project).ran == ()
    first = START.replace(second=0)
    expected = {(f"s{count}", first + timedelta(minutes=m)) for count in range(SCHEDULES) for m in range(minutes + 1)}
    assert set(claims) == expected
    assert set(claims.values()) == {1}
    assert states == {"done": len(expected)}
    assert sum(ran) == minutes * SCHEDULES
    assert verified.altered is None
    record(
        request, f"ticks raced for on {name}",
        workers=WORKERS, ticks=sum(ran), run_twice=0, never_run=0, seconds=round(seconds, 1),
        most_by_one_worker=max(ran),
    )  # fmt: skip


def test_a_tick_whose_worker_was_killed_is_taken_over_by_the_next(where: tuple[str, str | None, str], tmp_path: Path) -> None:
    found = _killed_once(where, tmp_path, 'cron: "0 * * * *"\n')
    at = START + timedelta(minutes=2)
    with opened(found.root, at) as project:
        dead = project.ports.ledger.newest_ticks("one")[0]
        assert (dead.state, dead.attempts) == ("running", 1)
        ticked = ticking(project)
        taken = project.ports.ledger.newest_ticks("one")[0]
        facts = [msgspec.json.decode(each.payload) for each in project.ports.ledger.facts(kind="tick.claimed")]
    assert [each.at for each in ticked.ran] == [dead.at]
    assert (taken.state, taken.attempts) == ("done", 2)
    assert [each["takes_over"] for each in facts] == [None, dead.run]


def test_a_tick_that_kills_three_workers_is_given_up_and_told(where: tuple[str, str | None, str], tmp_path: Path) -> None:
    found = _killed_once(where, tmp_path, 'cron: "0 * * * *"\n')
    for _ in range(2):
        assert dying(found.root, START, found.environment) == -signal.SIGKILL
    with opened(found.root, START) as project:
        ticked = ticking(project)
        (told,) = project.ports.ledger.facts(kind="tick.missed")
        assert project.ports.ledger.newest_ticks("one")[0].state == "missed"
        assert ticking(project).missed == 0
    assert (ticked.ran, ticked.missed) == ((), 1)
    assert "died 3 times" in told.payload


def test_a_dead_workers_tick_that_is_past_its_deadline_is_told_as_missed(
    where: tuple[str, str | None, str], tmp_path: Path
) -> None:
    found = _killed_once(where, tmp_path, 'cron: "0 * * * *"\ndeadline: 10 minutes\n')
    with opened(found.root, START + timedelta(minutes=11)) as project:
        ticked = ticking(project)
        (told,) = project.ports.ledger.facts(kind="tick.missed")
    assert (ticked.ran, ticked.missed) == ((), 1)
    assert "deadline" in told.payload


def _killed_once(where: tuple[str, str | None, str], tmp_path: Path, text: str) -> Race:
    _, dsn, schema = where
    found = Race(tmp_path / "race", dsn, schema, {"one": text})
    assert dying(found.root, START, found.environment) == -signal.SIGKILL
    return found


def _claims(ledger: Ledger) -> Counter[tuple[str, datetime]]:
    return Counter(
        (fact.subject, from_text(msgspec.json.decode(fact.payload)["at"])) for fact in ledger.facts(kind="tick.claimed")
    )
