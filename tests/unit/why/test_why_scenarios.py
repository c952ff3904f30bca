"""Every planted scenario and control, alone and combined: the planted amounts come back to the cent, and nothing else.

``SCENARIO_SEEDS`` sets how many seeds each has; there are three combinations for each of them.
"""

from __future__ import annotations

import os
import random
import sys
from decimal import Decimal

import pytest

from startrail.base.errors import StartrailError
from startrail.capabilities.metrics.period import parse_period
from startrail.capabilities.metrics.tables import Pinned
from startrail.capabilities.why.gap import Gap
from startrail.lineage.gap.blocks import MOST_CAUSES
from startrail.ports.warehouse import Warehouse
from startrail.testing.scenarios import ALONE, CONTROLS, COUNTED, PERIOD, SCENARIOS, Planted, plant
from startrail.wiring.why import gap_between, side

SEEDS = int(os.environ.get("SCENARIO_SEEDS", "2"))
SPAN = parse_period(PERIOD)
PLAIN = tuple(name for name in SCENARIOS if name not in ALONE)


def gap(planted: Planted, warehouse: Warehouse, *, check: bool = False) -> Gap:
    a = side(planted.a, SPAN, Pinned(planted.tables_a), warehouse)
    b = side(planted.b, SPAN, Pinned(planted.tables_b), warehouse)
    return gap_between(a, b, SPAN, warehouse, check=check)


def judge(planted: Planted, warehouse: Warehouse, *, check: bool = False) -> Gap | None:
    """The gap, held against what was planted. None = refused, as it must be."""
    if planted.refused:
        with pytest.raises(StartrailError, match="ST458"):
            gap(planted, warehouse)
        return None
    found = gap(planted, warehouse, check=check)
    assert found.unexplained == 0
    assert sum((line.amount for line in found.lines), Decimal(0)) == found.gap == found.value_b - found.value_a
    if found.partition:
        assert sum((part.amount for part in found.partition), Decimal(0)) == found.gap
    for line in found.lines:
        if line.segments and line.additive:
            assert sum((each.amount for each in line.segments), Decimal(0)) == line.amount
    if planted.a.agg not in ("ratio", "avg"):
        assert {line.cause: line.amount for line in found.lines if line.amount} == planted.truth
    else:
        assert {line.cause for line in found.lines} == set(planted.truth)
        assert abs(found.gap - planted.gap) < Decimal("1e-11")
    return found


def figures(name: str, seed: int, found: Gap) -> None:
    """A row of the table that ``pytest -rP`` shows."""
    lines = f"{len(found.lines)} lines, {len(found.without_effect)} without effect"
    sys.stdout.write(f"{name:<60} seed {seed:>3}  gap {found.gap:>14,}  {lines}, unexplained {found.unexplained}\n")


@pytest.mark.parametrize("name", [*SCENARIOS, *CONTROLS])
def test_alone(name: str, warehouse: Warehouse) -> None:
    for seed in range(SEEDS):
        found = judge(plant([name], seed), warehouse, check=seed == 0)
        if found is not None:
            figures(name, seed, found)


@pytest.mark.parametrize("seed", range(3 * SEEDS))
def test_combined(seed: int, warehouse: Warehouse) -> None:
    draw = random.Random(seed)
    names = draw.sample(PLAIN, draw.randint(2, 5))
    found = judge(plant(names, seed), warehouse, check=seed % 4 == 0)
    assert found is not None
    figures(" + ".join(names), seed, found)


@pytest.mark.parametrize("seed", range(2))
def test_more_than_eight_at_once_share_in_blocks(seed: int, warehouse: Warehouse) -> None:
    names = [name for name in PLAIN if seed or name not in ("late_data", "changed_overnight")]
    found = judge(plant(names, seed), warehouse, check=seed == 1)
    assert found is not None
    assert len(found.lines) + len(found.without_effect) > MOST_CAUSES
    assert {line.block for line in found.lines} == {"time", "filters", "source and joins", "measure"}
    figures(f"{len(names)} scenarios at once", seed, found)


@pytest.mark.parametrize("name", ["order_value", "mean_value", "median_value"])
def test_numbers_that_are_no_sums_have_segments(name: str, warehouse: Warehouse) -> None:
    for seed in range(SEEDS):
        found = judge(plant([name], seed), warehouse)
        assert found is not None
        (line,) = found.lines
        assert line.segments
        assert line.additive == (name != "median_value")
        if name != "order_value":
            assert [(each.by, each.amount) for each in line.segments] == [({"country": "IT"}, line.amount)]


@pytest.mark.parametrize("seed", range(2))
def test_distinct_customers_combined(seed: int, warehouse: Warehouse) -> None:
    names = [
        "active_users",
        *random.Random(seed).sample([name for name in COUNTED if name not in ("statuses", "status_text")], 3),
    ]
    judge(plant(names, seed), warehouse, check=True)


def test_the_same_seed_plants_the_same(warehouse: Warehouse) -> None:
    assert plant(["order_date", "rates"], 7) == plant(["order_date", "rates"], 7)
    assert plant(["order_date"], 7).tables_a != plant(["order_date"], 8).tables_a


def test_what_differs_in_text_alone_is_named_apart(warehouse: Warehouse) -> None:
    found = gap(plant(["status_text"], 1), warehouse)
    assert (found.lines, found.without_effect) == ((), ("filter open",))


def test_offsetting_differences_are_told_although_the_numbers_agree(warehouse: Warehouse) -> None:
    found = gap(plant(["offsetting"], 1), warehouse)
    assert found.gap == 0
    assert len(found.lines) == 2
    assert "the two numbers are equal, but differences of definition offset each other" in found.notes
