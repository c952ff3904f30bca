"""Which load of a delivery is visible, and how its rows stand."""

from __future__ import annotations

from datetime import UTC, datetime

from startrail.capabilities.contracts.quarantine.standing import REPLACES, visible_load
from startrail.model.delivery import Counts
from startrail.model.step import Step, StepOutput, StepRecord, StepState

AT = datetime(2026, 10, 3, tzinfo=UTC)


def record(code: str, state: StepState = "published", replaces: StepRecord | None = None) -> StepRecord:
    step = Step("load", "orders", "d", code)
    note = {} if replaces is None else {REPLACES: replaces.key}
    return StepRecord(step.key, step, state, "run", AT, AT, output=StepOutput(counts=Counts(), note=note))


def test_the_visible_load_is_the_one_that_none_replaces_whatever_the_clocks_said() -> None:
    first = record("a")
    second = record("b", replaces=first)
    third = record("c", replaces=second)
    for order in ([first, second, third], [third, first, second], [second, third, first]):
        assert visible_load(order) == third


def test_what_is_staged_or_held_replaces_nothing_yet() -> None:
    first = record("a")
    assert visible_load([record("b", "staged", first), first, record("c", "held", first)]) == first
    assert visible_load([record("b", "held")]) is None
