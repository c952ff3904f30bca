"""What each kind of aggregate makes of the classes: a number for every mixture, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

from startrail.capabilities.why.classes import Key


class Piece(NamedTuple):
    """Part of what is due to a cause: the rows of one segment (of distinct counts: the entities)."""

    amount: Fraction
    moved: int
    """How many of its rows the cause changes."""
    rows: int


class Parts(NamedTuple):
    """What is due to the rows that the same causes move, and how many these are."""

    amount: Fraction
    rows: int


class Numbers(Protocol):
    """Of sums and their quotients, of distinct counts, of order statistics."""

    @property
    def values(self) -> Mapping[int, Fraction]:
        """The number of every mixture that shares need."""
        ...

    @property
    def moved(self) -> Sequence[int]:
        """How many rows each cause changes."""
        ...

    @property
    def additive(self) -> bool:
        """Whether the pieces of a dimension sum to the cause."""
        ...

    def pieces(self, cause: int) -> Mapping[Key, Piece]:
        """By segment; the empty segment is all rows. Empty when segments are not told."""
        ...

    def parts(self) -> Mapping[frozenset[int], Parts]:
        """By the causes that move them, disjoint; they sum to the gap. Empty when there is no such partition."""
        ...
