"""The small table from which every mixture is computed: rows of one class behave alike in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from startrail.capabilities.why.shapley import coefficients
from startrail.lineage.gap.query import WORD, ClassQuery, Measure, edges_of


class Cell(NamedTuple):
    """Rows of one class: their bits, the side whose rows they are, how many, and their sums."""

    bits: int
    side: int
    rows: int
    sums: tuple[Fraction, ...]
    moves: tuple[Fraction, ...] = ()


class Frame:
    """How cells are read: how many causes there are, and which of them is the rows themselves (None = the same rows)."""

    def __init__(self, query: ClassQuery, count: int, data: int | None) -> None:
        self.query, self.count, self.data = query, count, data
        self._weights: dict[tuple[int, int, str], dict[int, list[int]]] = {}
        self._moved: dict[tuple[int, int], frozenset[int]] = {}

    def included(self, bits: int, side: int, mixture: int) -> bool:
        """Whether rows of a class are in a mixture."""
        if self.data is not None and mixture >> self.data & 1 != side:
            return False
        return all(bits >> (factor.at + chosen(factor.causes, mixture)) & 1 for factor in self.query.factors)

    def total(self, cells: Iterable[Cell], measure: Measure, mixture: int) -> Fraction:
        """The sum of a measure in a mixture."""
        place = measure.at + chosen(measure.causes, mixture)
        return sum((cell.sums[place] for cell in cells if self.included(cell.bits, cell.side, mixture)), Fraction(0))

    def rows(self, cells: Iterable[Cell], mixture: int) -> int:
        """How many rows are in a mixture."""
        return sum(cell.rows for cell in cells if self.included(cell.bits, cell.side, mixture))

    def output(self, cell: Cell, measure: Measure, mixture: int) -> int | None:
        """Which sum of a measure a cell adds to a mixture."""
        if not self.included(cell.bits, cell.side, mixture):
            return None
        return measure.at + chosen(measure.causes, mixture)

    def weights(self, cell: Cell, measure: Measure) -> dict[int, list[int]]:
        """What each of the cell's sums counts for each cause, times ``count!``."""
        key = (cell.bits, cell.side, measure.name)
        if key not in self._weights:
            self._weights[key] = coefficients(self.count, lambda mixture: self.output(cell, measure, mixture))
        return self._weights[key]

    def moved(self, cell: Cell) -> frozenset[int]:
        """The causes that change what rows of a class add, in any mixture."""
        key = (cell.bits, cell.side)
        if key not in self._moved:
            self._moved[key] = self._movers(cell)
        return self._moved[key]

    def _movers(self, cell: Cell) -> frozenset[int]:
        found: set[int] = set()
        for mixture in range(1 << self.count):
            for cause in range(self.count):
                if cause not in found and not mixture >> cause & 1 and self._differs(cell, mixture, cause):
                    found.add(cause)
        return frozenset(found)

    def _differs(self, cell: Cell, mixture: int, cause: int) -> bool:
        after = mixture | 1 << cause
        before_in, after_in = (self.included(cell.bits, cell.side, each) for each in (mixture, after))
        if before_in != after_in:
            return True
        if not before_in:
            return False
        return any(self._edge(cell.bits, measure, mixture, cause) for measure in self.query.measures if cause in measure.causes)

    def _edge(self, bits: int, measure: Measure, mixture: int, cause: int) -> bool:
        low = chosen(measure.causes, mixture)
        high = low | 1 << measure.causes.index(cause)
        return bool(bits >> (measure.edges + edges_of(measure.causes).index((low, high))) & 1)


def chosen(causes: Sequence[int], mixture: int) -> int:
    """Which combination of some causes a mixture has."""
    return sum((mixture >> cause & 1) << place for place, cause in enumerate(causes))


def cells(query: ClassQuery, rows: Iterable[Sequence[Any]], side: int) -> dict[tuple[tuple[str, Any], ...], list[Cell]]:
    """Cells by segment; the empty segment is all rows."""
    sums = sum(1 << len(measure.causes) for measure in query.measures)
    found: dict[tuple[tuple[str, Any], ...], list[Cell]] = {(): []}
    first, several = query.words, len(query.sets) > 1
    for row in rows:
        wanted = row[first : first + len(query.dimensions)]
        segment: tuple[tuple[str, Any], ...] = ()
        if several:
            absent = row[-1]
            places = range(len(query.dimensions))
            segment = tuple((query.dimensions[p], wanted[p]) for p in places if not absent >> (len(query.dimensions) - 1 - p) & 1)
        at = first + len(query.dimensions)
        numbers = [exact(item) for item in row[at + 1 : len(row) - (1 if several else 0)]]
        cell = Cell(bits(row[:first]), side, int(row[at]), tuple(numbers[:sums]), tuple(numbers[sums:]))
        found.setdefault(segment, []).append(cell)
    return found


def bits(words: Sequence[int]) -> int:
    """The bits of a class from the whole numbers that hold them."""
    return sum(int(word) << (WORD * place) for place, word in enumerate(words))


def exact(item: object) -> Fraction:
    """A sum as the engine gives it, as text; nothing summed is 0."""
    return Fraction(0) if item is None else Fraction(Decimal(str(item)))
