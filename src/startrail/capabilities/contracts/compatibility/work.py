"""A limit on work, so that no pair of schemas, however made, takes for ever."""

from __future__ import annotations

BUDGET = 400_000
"""Steps for one pair of schemas; an everyday pair takes some hundreds."""


class OutOfWork(Exception):
    """The budget is used up; the caller answers "not decidable"."""


class Work:
    """Counts steps down."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.left = budget
        self.answers: dict[object, bool | None] = {}
        """Values already tried against schemas."""

    def spend(self, steps: int = 1) -> None:
        """Raises OutOfWork."""
        self.left -= steps
        if self.left < 0:
            raise OutOfWork
