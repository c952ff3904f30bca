"""Run ids of one instant."""

from __future__ import annotations

from datetime import UTC, datetime

from startrail.base.ids import new_run_id


def test_ids_of_many_runs_that_begin_at_one_instant_are_all_different() -> None:
    now = datetime(2026, 10, 3, 5, 59, tzinfo=UTC)
    assert len({new_run_id(now) for _ in range(20_000)}) == 20_000
