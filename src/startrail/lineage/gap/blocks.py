"""Many differences in few blocks: each mixture is a number to be computed, and there are 2 to the power of the differences.

Up to eight differences are told apart as they are. Beyond, they stand in blocks by what they say, and only such mixtures are
needed in which all blocks but one are whole or absent (Owen values). What even then would be too many is told as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from startrail.model.why import DATA, TIME_SLOTS, Cause

MOST_CAUSES = 8
"""So many are told apart without blocks."""
MOST_IN_BLOCK = 10
MOST_MIXTURES = 1024
FEW_MIXTURES = 256
"""Where each mixture needs more than sums."""
_BLOCKS = ("time", "filters", "source and joins", "measure")


class Blocked(NamedTuple):
    """The differences that are told apart, block after block, and those that are told as one."""

    causes: tuple[Cause, ...]
    blocks: tuple[tuple[int, ...], ...]
    """The places of each block's causes; one block when there are few."""
    grouped: Mapping[str, tuple[str, ...]]
    """The name of what is told as one -> the names of what is in it."""


def blocked(causes: Sequence[Cause], touched: Mapping[str, int], most: int = MOST_MIXTURES) -> Blocked:
    """``touched``: how many rows a difference changes, by its name; those that change most are told apart first."""
    if len(causes) <= MOST_CAUSES:
        return Blocked(tuple(causes), (tuple(range(len(causes))),), {})
    members = {name: [cause for cause in causes if block_of(cause) == name] for name in _BLOCKS}
    rooms = _rooms({name: len(each) for name, each in members.items() if each}, most)
    found: list[Cause] = []
    blocks: list[tuple[int, ...]] = []
    grouped: dict[str, tuple[str, ...]] = {}
    for name, room in rooms.items():
        told = members[name]
        if room < len(told):
            told, rest = _split(told, room, touched)
            one = together(f"{len(rest)} {'joins' if name == _BLOCKS[2] else name}", rest)
            grouped[one.name] = tuple(cause.name for cause in rest)
            told = [*told, one]
        blocks.append(tuple(range(len(found), len(found) + len(told))))
        found += told
    return Blocked(tuple(found), tuple(blocks), grouped)


def block_of(cause: Cause) -> str:
    """What a difference is about."""
    if any(slot == DATA or slot.startswith("join ") for slot in cause.slots):
        return _BLOCKS[2]
    if any(slot in TIME_SLOTS for slot in cause.slots):
        return _BLOCKS[0]
    return _BLOCKS[1] if any(slot.startswith("filter ") for slot in cause.slots) else _BLOCKS[3]


def together(name: str, causes: Sequence[Cause]) -> Cause:
    """Differences that are swapped together."""

    def side(texts: list[str | None]) -> str | None:
        return "; ".join(text for text in texts if text) or None

    slots = tuple(slot for cause in causes for slot in cause.slots)
    return Cause(name, slots, side([cause.a for cause in causes]), side([cause.b for cause in causes]))


def mixtures(sizes: Sequence[int]) -> int:
    """How many mixtures blocks of such sizes need."""
    count = len(sizes)
    return 2**count + sum(2 ** (count - 1) * (2**size - 2) for size in sizes)


def _rooms(sizes: dict[str, int], most: int) -> dict[str, int]:
    """How many are told apart in each block: the largest give way until the mixtures are few enough."""
    rooms = {name: min(size, MOST_IN_BLOCK) for name, size in sizes.items()}
    while mixtures(list(rooms.values())) > most:
        rooms[max(rooms, key=lambda name: rooms[name])] -= 1
    return rooms


def _split(causes: Sequence[Cause], room: int, touched: Mapping[str, int]) -> tuple[list[Cause], list[Cause]]:
    """Those that are told apart, and those that are told as one. The rows themselves are always told."""

    def weight(cause: Cause) -> tuple[bool, int]:
        return DATA in cause.slots, touched.get(cause.name, 0)

    chosen = sorted(causes, key=weight, reverse=True)[: room - 1]
    return [cause for cause in causes if cause in chosen], [cause for cause in causes if cause not in chosen]
