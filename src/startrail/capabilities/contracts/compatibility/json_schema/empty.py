"""Contradictions: a world of one type that certainly has no instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from startrail.capabilities.contracts.compatibility.json_schema.assertions import NUMBERS
from startrail.capabilities.contracts.compatibility.json_schema.world import World, nothing_between
from startrail.capabilities.contracts.compatibility.regex import apart

if TYPE_CHECKING:
    from startrail.capabilities.contracts.compatibility.json_schema.prove import Prover

_MAX_PAIRS = 6
_MAX_POSITIONS = 64


def contradictory(prover: Prover, world: World) -> bool:
    """``world`` has one type only, all numbers counting as one."""
    kinds = world.types
    if not kinds or world.values == []:
        return True
    if kinds <= NUMBERS:
        return nothing_between(world.low, world.high)
    if kinds == {"string"}:
        return _no_text(world)
    if kinds == {"array"}:
        return _no_array(prover, world)
    return kinds == {"object"} and _no_object(prover, world)


def _no_text(world: World) -> bool:
    if world.max_length is not None and world.min_length > world.max_length:
        return True
    patterns = sorted(set(world.patterns))[:_MAX_PAIRS]
    return any(apart(one, other, world.work) for i, one in enumerate(patterns) for other in patterns[i + 1 :])


def _no_array(prover: Prover, world: World) -> bool:
    if world.max_items is not None and world.min_items > world.max_items:
        return True
    last = min(world.min_items, world.positions + 1, _MAX_POSITIONS)
    return any(_none_at(prover, world.item(position)) for position in range(last))


def _no_object(prover: Prover, world: World) -> bool:
    if world.max_properties is not None and world.min_properties > world.max_properties:
        return True
    return any(_none_at(prover, world.property(name)) for name in sorted(world.required))


def _none_at(prover: Prover, part: World) -> bool:
    prover.level += 1
    try:
        return prover.empty(part)
    finally:
        prover.level -= 1
