"""Leases with fencing tokens, on both databases."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.fixtures.ledgers import NOW, Place, later, take

from startrail.ledger.errors import LeaseLost
from startrail.model.run import Lease, NewFact


def test_a_lease_has_one_holder_until_it_expires(place: Place):
    ledger = place.open()
    assert ledger.holder("runner") is None
    mine = ledger.acquire("runner", "me", 30, NOW)
    assert mine == Lease("runner", "me", 1, later(30))
    assert ledger.holder("runner") == mine
    assert ledger.acquire("runner", "you", 30, later(29.9)) is None
    yours = ledger.acquire("runner", "you", 30, later(30))
    assert yours == Lease("runner", "you", 2, later(60))


def test_leases_of_other_names_do_not_matter(place: Place):
    ledger = place.open()
    assert take(ledger, "me", "one").token == take(ledger, "you", "two").token == 1


def test_taking_ones_own_lease_again_fences_off_the_older_self(place: Place):
    ledger = place.open()
    first, second = take(ledger), take(ledger)
    assert second.token == first.token + 1
    with pytest.raises(LeaseLost):
        ledger.renew(first, 30, NOW)


def test_a_released_lease_is_free_and_its_token_never_comes_back(place: Place):
    ledger = place.open()
    first = take(ledger)
    ledger.release(first)
    assert ledger.holder("runner") is None
    with pytest.raises(LeaseLost, match="released"):
        ledger.record_growing("s", {}, first)
    assert take(ledger, "you").token == 2


def test_releasing_a_lease_that_was_lost_leaves_the_new_holder_alone(place: Place):
    ledger = place.open()
    old = take(ledger)
    new = ledger.take_over(old, "you", 60, NOW)
    ledger.release(old)
    assert ledger.holder("runner") == new


def test_renewing_moves_the_expiry_and_keeps_the_token(place: Place):
    ledger = place.open()
    lease = take(ledger)
    renewed = ledger.renew(lease, 60, later(50))
    assert (renewed.token, renewed.expires_at) == (lease.token, later(110))
    assert ledger.acquire("runner", "you", 60, later(100)) is None
    ledger.record_growing("s", {}, lease)  # the older copy of the same lease still counts


def test_an_expired_lease_that_nobody_wanted_can_still_be_renewed(place: Place):
    ledger = place.open()
    assert ledger.renew(take(ledger), 60, later(500)).expires_at == later(560)


def test_a_dead_holders_lease_is_taken_over_once(place: Place):
    ledger = place.open()
    dead = take(ledger, "dead")
    assert ledger.take_over(dead, "one", 60, NOW) == Lease("runner", "one", 2, later(60))
    assert ledger.take_over(dead, "two", 60, NOW) is None


def test_eight_threads_race_for_a_lease_and_one_wins(place: Place):
    ledgers = [place.open() for _ in range(8)]
    start = threading.Barrier(8)

    def race(number: int) -> Lease | None:
        start.wait()
        return ledgers[number].acquire("runner", f"thread {number}", 60, NOW)

    with ThreadPoolExecutor(8) as pool:
        won = [lease for lease in pool.map(race, range(8)) if lease is not None]
    assert len(won) == 1
    assert ledgers[0].holder("runner") == won[0]


RACER = """
import sys
from tests.fixtures.ledgers import NOW, Place
dialect, address, schema, who = sys.argv[1:]
sys.stdin.read()
ledger = Place(dialect, address, schema).open()
print("won" if ledger.acquire("runner", who, 60, NOW) else "lost")
ledger.close()
"""


def test_processes_that_make_the_ledger_and_race_for_a_lease_agree_on_one_winner(place: Place):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, place.dialect, place.address, place.schema, f"process {n}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )
        for n in range(4)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    said = []
    for racer in racers:
        assert racer.stdout is not None
        said.append(racer.stdout.read().strip())
        racer.stdout.close()
        assert racer.wait() == 0
    assert sorted(said) == ["lost", "lost", "lost", "won"]


def test_one_ledger_is_safe_to_share_between_threads(place: Place):
    ledger = place.open()

    def work(number: int) -> None:
        for n in range(10):
            ledger.append([NewFact("k", f"{number} {n}")], run=None, at=NOW)
            assert ledger.latest_fact() is not None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert [fact.seq for fact in ledger.facts()] == list(range(1, 81))
    assert ledger.verify().altered is None


def test_appends_of_several_connections_make_one_chain(place: Place):
    ledgers = [place.open() for _ in range(4)]

    def work(number: int) -> None:
        for n in range(10):
            ledgers[number].append([NewFact("k", f"{number} {n}"), NewFact("l", "x")], run=None, at=NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert (ledgers[0].verify().facts, ledgers[0].verify().altered) == (80, None)
