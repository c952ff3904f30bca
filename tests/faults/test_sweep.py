"""A run is killed at every numbered point, and resumed; a reader looks all the time."""

from __future__ import annotations

import signal

import pytest
from tests.faults.child import Death
from tests.faults.conftest import Controls
from tests.faults.examine import csv_of, examine_dead, examine_done, examine_idle, examine_redone, examine_whole
from tests.faults.figures import record
from tests.faults.invariants import require_equal
from tests.faults.reader import Reader
from tests.faults.shop import ONCE_MORE, RESUMED, SECOND_RUN, Shop

from startrail.base.crash import POINTS, WATCH_POINTS

ONCE = frozenset(POINTS[POINTS.index("between metadata and pointers") : POINTS.index("before delivery")])
"""Points that a run passes once, in its one publication."""

COMMITTED = frozenset(POINTS[POINTS.index("after commit") :])
"""Points at which a run has published."""

AGAIN = {
    "sqlite": frozenset(POINTS) - ONCE,
    "postgres": frozenset(
        (
            "after step recorded",
            "between metadata of two tables",
            "before delivery",
            "after delivery written",
            "after delivery recorded",
        )
    ),
}
"""Points at which a run is also killed at the last pass; the ledgers differ only in what they record."""

CASES = [
    (ledger, point, which)
    for ledger in ("sqlite", "postgres")
    for point in POINTS
    for which in ("first", "last")
    if which == "first" or point in AGAIN[ledger]
]


def test_a_run_passes_every_numbered_point(controls: Controls) -> None:
    passed = {point: times for point, times in controls(True).passed.items() if point not in WATCH_POINTS}
    assert set(passed) == set(POINTS)
    assert {point for point, times in passed.items() if times == 1} == ONCE


@pytest.mark.parametrize(("shop", "point", "which"), CASES, indirect=["shop"])
def test_killed_at_a_point_and_resumed_nothing_shows_that_it_was(
    shop: Shop, controls: Controls, point: str, which: str, request: pytest.FixtureRequest
) -> None:
    drifted = (POINTS.index(point) % 2 == 0) == ((which == "first") == (shop.ledger_kind == "sqlite"))
    expected = controls(drifted)
    shop.reset()
    shop.arrive(drifted=drifted)
    with Reader(shop) as reader:
        killed = shop.run(SECOND_RUN, Death(point, 1 if which == "first" else expected.passed[point]))
        assert killed.code == -signal.SIGKILL, killed.errors
        seen, done = examine_dead(shop, killed)
        require_equal(seen, expected.after if point in COMMITTED else expected.before)
        resumed = shop.run(RESUMED)
    examine_done(resumed)
    require_equal(examine_whole(shop, expected.nights), expected.after)
    assert csv_of(shop, len(expected.nights)) == expected.csv
    reader.judge(expected.before, expected.after)
    redone = examine_redone(killed, done, resumed)
    examine_idle(shop.run(ONCE_MORE))
    record(
        request, f"sweep on {shop.ledger_kind}",
        kills=1, rows_lost=0, rows_doubled=0, polls=reader.polls, whole_looks=reader.looks, torn_reads=0,
        steps_redone=redone, most_redone_by_a_kill=redone,
    )  # fmt: skip
