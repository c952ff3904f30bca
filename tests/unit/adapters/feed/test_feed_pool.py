"""Connections that several lanes share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from startrail.adapters.feed.pool import Pool


class Server:
    """Lets ``most`` in at a time, and says how many there were."""

    def __init__(self, most: int) -> None:
        self.most, self.open, self.greatest, self.opened = most, 0, 0, 0
        self._lock = threading.Lock()

    def connect(self) -> object:
        with self._lock:
            if self.open == self.most:
                raise ConnectionRefusedError("421 too many connections")
            self.open += 1
            self.opened += 1
            self.greatest = max(self.greatest, self.open)
        return object()

    def close(self, connection: object) -> None:
        with self._lock:
            self.open -= 1


def _pool(server: Server, most: int, interrupt: Callable[[object], None] = lambda connection: None) -> Pool[object]:
    return Pool(
        most,
        open=server.connect,
        close=server.close,
        interrupt=interrupt,
        refused=lambda error: isinstance(error, ConnectionRefusedError),
    )


def _use(pool: Pool[object], meet: threading.Barrier | None = None) -> None:
    try:
        pool.mine()
        if meet is not None:
            meet.wait(240)
    finally:
        pool.rest()


@pytest.mark.parametrize(("most", "allowed"), [(8, 3), (8, 1), (2, 8)])
def test_all_get_a_turn_within_what_both_sides_allow(most: int, allowed: int) -> None:
    server = Server(allowed)
    pool = _pool(server, most)
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(_use, pool) for _ in range(200)]:
            done.result()
    assert server.greatest <= min(most, allowed)
    pool.close()
    assert server.open == 0


def test_lanes_that_need_one_at_the_same_time_have_one_each() -> None:
    server = Server(4)
    pool, meet = _pool(server, 4), threading.Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(_use, pool, meet) for _ in range(4)]:
            done.result()
    assert server.opened == 4


def test_one_after_another_they_share_one() -> None:
    server = Server(4)
    pool = _pool(server, 4)
    for _ in range(5):
        with ThreadPoolExecutor(1) as threads:
            threads.submit(_use, pool).result()
    assert server.opened == 1


def test_a_thread_keeps_its_own_until_it_rests_and_a_dropped_one_is_replaced() -> None:
    server = Server(4)
    pool = _pool(server, 4)
    first = pool.mine()
    assert pool.mine() is first
    pool.drop()
    assert not pool.has_mine()
    assert server.open == 0
    second = pool.mine()
    assert second is not first
    pool.rest()
    assert pool.mine() is second


def test_the_first_refusal_of_all_is_an_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        _pool(Server(0), 4).mine()


def test_when_the_last_open_one_is_gone_whoever_waits_hears_the_refusal() -> None:
    server = Server(1)
    pool, asked = _pool(server, 4), threading.Event()
    pool.mine()

    def wait() -> None:
        asked.set()
        pool.mine()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        asked.wait(240)
        server.most = 0
        pool.drop()
        with pytest.raises(ConnectionRefusedError):
            waiting.result(240)


def test_closing_interrupts_those_in_use_and_gives_no_more() -> None:
    server, broken = Server(2), list[object]()
    pool = _pool(server, 2, broken.append)
    mine = pool.mine()
    pool.close()
    assert broken == [mine]
    pool.drop()
    with pytest.raises(ConnectionAbortedError):
        pool.mine()


def test_who_rests_after_the_end_leaves_nothing_open() -> None:
    server = Server(1)
    pool = _pool(server, 1)
    pool.mine()
    pool.close()
    assert server.open == 1
    pool.rest()
    assert server.open == 0
