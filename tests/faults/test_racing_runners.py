"""Two runners at once: one works, the other waits, takes over from the dead, and is fenced off when it was too late."""

from __future__ import annotations

import signal

import pytest
from tests.faults.child import Death
from tests.faults.conftest import Controls
from tests.faults.examine import csv_of, examine_done, examine_idle, examine_whole
from tests.faults.figures import record
from tests.faults.invariants import require_equal
from tests.faults.reader import Reader
from tests.faults.shop import ONCE_MORE, RESUMED, SECOND_RUN, Shop


def test_of_two_runners_started_at_once_one_works_at_a_time(
    shop: Shop, controls: Controls, request: pytest.FixtureRequest
) -> None:
    expected = controls(True)
    shop.reset()
    shop.arrive(drifted=True)
    with Reader(shop) as reader, shop.running(SECOND_RUN) as one, shop.running(SECOND_RUN) as other:
        ended = [one.ended(), other.ended()]
    for each in ended:
        examine_done(each)
    assert sorted(each.result["published"] for each in ended) == [False, True]
    assert not ended[0].started & ended[1].started
    assert _turns(shop) == sorted(_turns(shop))
    require_equal(examine_whole(shop, expected.nights), expected.after)
    reader.judge(expected.before, expected.after)
    record(request, f"races on {shop.ledger_kind}", runners=2, polls=reader.polls, rows_lost=0, rows_doubled=0, torn_reads=0)


@pytest.mark.parametrize(
    ("shop", "point"),
    [
        ("sqlite", "before land"),
        ("sqlite", "after stage"),
        ("sqlite", "after delivery written"),
        ("postgres", "between metadata and pointers"),
    ],
    indirect=["shop"],
)
def test_a_waiting_runner_takes_over_when_the_other_is_killed(
    shop: Shop, controls: Controls, point: str, request: pytest.FixtureRequest
) -> None:
    expected = controls(False)
    shop.reset()
    shop.arrive(drifted=False)
    with Reader(shop) as reader, shop.running(SECOND_RUN, Death(point, mode="stop")) as first:
        first.stands_still()
        shop.extend_lease()
        with shop.running(RESUMED) as second:
            second.says(lambda event: event["type"] == "waiting")
            first.send(signal.SIGKILL)
            examine_done(second.ended())
    require_equal(examine_whole(shop, expected.nights), expected.after)
    assert csv_of(shop, len(expected.nights)) == expected.csv
    reader.judge(expected.before, expected.after)
    with shop.opened() as opened:
        assert len(list(opened.ports.ledger.facts(kind="run.waited"))) == 1
    record(request, f"races on {shop.ledger_kind}", runners=2, kills=1, polls=reader.polls)


@pytest.mark.parametrize(
    ("shop", "point"),
    [
        ("sqlite", "after landing bytes"),
        ("sqlite", "after stage"),
        ("sqlite", "between metadata and pointers"),
        ("sqlite", "before delivery"),
        ("postgres", "before check"),
        ("postgres", "between metadata and pointers"),
    ],
    indirect=["shop"],
)
def test_a_runner_that_slept_through_its_lease_changes_nothing_any_more(
    shop: Shop, controls: Controls, point: str, request: pytest.FixtureRequest
) -> None:
    expected = controls(False)
    shop.reset()
    shop.arrive(drifted=False)
    with Reader(shop) as reader, shop.running(SECOND_RUN, Death(point, mode="stop")) as sleeper:
        sleeper.stands_still()
        shop.expire_lease()
        examine_done(shop.run(RESUMED))
        delivered = _delivered(shop)
        sleeper.send(signal.SIGCONT)
        woken = sleeper.ended()
    assert woken.code in (1, 2), woken.errors
    assert "ST503" in str(woken.events) + woken.errors
    assert "Traceback" not in woken.errors
    assert _delivered(shop) == delivered
    require_equal(examine_whole(shop, expected.nights), expected.after)
    reader.judge(expected.before, expected.after)
    examine_idle(shop.run(ONCE_MORE))
    record(request, f"races on {shop.ledger_kind}", runners=2, fenced_off=1, polls=reader.polls)


def test_a_runner_that_will_not_wait_is_told_who_works(shop: Shop) -> None:
    shop.arrive(drifted=False)
    with shop.running(SECOND_RUN, Death("after stage", mode="stop")) as first:
        first.stands_still()
        shop.extend_lease()
        told = shop.run(RESUMED, wait=0)
        assert told.code == 2
        assert [event["code"] for event in told.of("error")] == ["ST531"]
    examine_done(shop.run(ONCE_MORE))


def _turns(shop: Shop) -> list[int]:
    """For each fact of a run, in order, the number of that run: sorted when no two runs mix."""
    with shop.opened() as opened:
        facts = [fact.run for fact in opened.ports.ledger.facts() if fact.run is not None]
    runs = list(dict.fromkeys(facts))
    return [runs.index(run) for run in facts]


def _delivered(shop: Shop) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (shop.root / "delivered").iterdir()}
