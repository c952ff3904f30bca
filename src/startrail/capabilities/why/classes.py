"""The small table from which every mixture is computed: rows of one class behave alike in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from startrail.capabilities.why.shapley import Coalitions
from startrail.capabilities.why.steps import Steps, plain
from startrail.lineage.gap.query import WORD, ClassQuery, Measure, edges_of

Key = tuple[tuple[str, Any], ...]
"""Dimensions and their values; empty = all rows."""


class Cell(NamedTuple):
    """Rows of one class: their bits, the side whose rows they are, how many, and their sums in whole units."""

    bits: int
    side: int
    rows: int
    sums: tuple[int, ...]
    moves: tuple[int, ...] = ()


class Table(NamedTuple):
    """Cells by segment, and how many units make one."""

    cells: dict[Key, list[Cell]]
    unit: int


class Frame:
    """How cells are read: which mixtures there are, and which cause is the rows themselves (None = the same rows)."""

    def __init__(self, query: ClassQuery, coalitions: Coalitions, data: int | None) -> None:
        self.query, self.coalitions, self.data = query, coalitions, data
        self.count = coalitions.count
        self.orders = plain(coalitions, 1)
        self._masks: dict[int, int] = {}
        self._relevant: dict[tuple[int, int], int] = {}
        self._moved: dict[tuple[int, int], frozenset[int]] = {}

    def mask(self, mixture: int) -> int:
        """The bits that a class in a mixture has."""
        found = self._masks.get(mixture)
        if found is None:
            found = sum(1 << (factor.at + chosen(factor.causes, mixture)) for factor in self.query.factors)
            self._masks[mixture] = found
        return found

    def side(self, mixture: int) -> int:
        """Whose rows a mixture has."""
        return 0 if self.data is None else mixture >> self.data & 1

    def included(self, bits: int, side: int, mixture: int) -> bool:
        """Whether rows of a class are in a mixture."""
        mask = self.mask(mixture)
        return bits & mask == mask and side == self.side(mixture)

    def output(self, cell: Cell, measure: Measure, mixture: int) -> int | None:
        """Which sum of a measure a cell adds to a mixture; None = it is not in it."""
        return measure.at + chosen(measure.causes, mixture) if self.included(cell.bits, cell.side, mixture) else None

    def relevant(self, bits: int, side: int) -> int:
        """The causes, as a mixture, that may change what rows of a class add. No other cause has to be looked at."""
        key = (bits, side)
        if key not in self._relevant:
            self._relevant[key] = self._causes_of(bits)
        return self._relevant[key]

    def changes(self, cell: Cell, measure: Measure, steps: Steps, cause: int) -> dict[int, int]:
        """By which number, of ``steps.over``, each of a cell's sums counts for a cause."""
        found: dict[int, int] = {}
        relevant = self.relevant(cell.bits, cell.side)
        if not relevant >> cause & 1:
            return found
        for mixture, weight in steps.among(cause, relevant):
            before, after = (self.output(cell, measure, each) for each in (mixture, mixture | 1 << cause))
            if before == after:
                continue
            if before is not None:
                found[before] = found.get(before, 0) - weight
            if after is not None:
                found[after] = found.get(after, 0) + weight
        return found

    def moved(self, cell: Cell) -> frozenset[int]:
        """The causes that change what rows of a class add, in any mixture."""
        key = (cell.bits, cell.side)
        if key not in self._moved:
            relevant = self.relevant(*key)
            causes = [cause for cause in range(self.count) if relevant >> cause & 1]
            self._moved[key] = frozenset(
                cause
                for cause in causes
                if any(self._differs(cell, mixture, cause) for mixture, _ in self.orders.among(cause, relevant))
            )
        return self._moved[key]

    def _causes_of(self, bits: int) -> int:
        found = 0 if self.data is None else 1 << self.data
        for factor in self.query.factors:
            answers = bits >> factor.at & ((1 << (1 << len(factor.causes))) - 1)
            if not answers:
                return 0
            for place, cause in enumerate(factor.causes):
                if any((answers >> low ^ answers >> high) & 1 for low, high in _pairs(len(factor.causes), place)):
                    found |= 1 << cause
        for measure in self.query.measures:
            for number, (low, high) in enumerate(edges_of(measure.causes)):
                if bits >> (measure.edges + number) & 1:
                    found |= 1 << measure.causes[(low ^ high).bit_length() - 1]
        return found

    def _differs(self, cell: Cell, mixture: int, cause: int) -> bool:
        after = mixture | 1 << cause
        before_in, after_in = (self.included(cell.bits, cell.side, each) for each in (mixture, after))
        if before_in != after_in:
            return True
        if not before_in:
            return False
        return any(_edge(cell.bits, measure, mixture, cause) for measure in self.query.measures if cause in measure.causes)


def chosen(causes: Sequence[int], mixture: int) -> int:
    """Which combination of some causes a mixture has."""
    found = 0
    for place, cause in enumerate(causes):
        found |= (mixture >> cause & 1) << place
    return found


def class_bits(words: Sequence[Any]) -> int:
    """The bits of a class from the whole numbers that hold them."""
    return sum(int(word) << (WORD * place) for place, word in enumerate(words))


def key_of(dimensions: Sequence[str], places: Sequence[int], values: Sequence[Any]) -> Key:
    """The segment of a row that has all dimensions, of which only some were grouped by."""
    return tuple((dimensions[place], values[place]) for place in places)


def table(
    query: ClassQuery, sides: Sequence[Iterable[Sequence[Any]]], sets: Sequence[tuple[int, ...]], figures: int
) -> Table:  # fmt: skip
    """From the rows of the statement over class sums, those of side A first; ``figures``: how many of them are sums."""
    everything = [list(rows) for rows in sides]
    first = 1 + query.words + len(query.dimensions)
    places = decimals(text for rows in everything for row in rows for text in row[first + 1 :])
    found: dict[Key, list[Cell]] = {(): []}
    for side, rows in enumerate(everything):
        for row in rows:
            key = key_of(query.dimensions, sets[int(row[0])], row[1 + query.words : first])
            numbers = [units(text, places) for text in row[first + 1 :]]
            cell = Cell(
                class_bits(row[1 : 1 + query.words]), side, int(row[first]), tuple(numbers[:figures]), tuple(numbers[figures:])
            )
            found.setdefault(key, []).append(cell)
    return Table(found, 10**places)


def decimals(texts: Iterable[str | None]) -> int:
    """Decimal places that all of the numbers have at most."""
    return max((len(text.partition(".")[2]) for text in map(_plain, texts) if text is not None), default=0)


def units(text: str | None, places: int) -> int:
    """A number, as the engine writes it, in units of so many decimal places; nothing summed is 0."""
    found = _plain(text)
    if found is None:
        return 0
    head, _, tail = found.partition(".")
    return int(head + tail) * 10 ** (places - len(tail))


def exact(item: object) -> Fraction:
    """A sum as the engine gives it, as text; nothing summed is 0."""
    return Fraction(0) if item is None else Fraction(Decimal(str(item)))


def _plain(text: str | None) -> str | None:
    """Without an exponent."""
    return format(Decimal(text), "f") if text is not None and "e" in text.lower() else text


def _edge(bits: int, measure: Measure, mixture: int, cause: int) -> bool:
    low = chosen(measure.causes, mixture)
    high = low | 1 << measure.causes.index(cause)
    return bool(bits >> (measure.edges + edges_of(measure.causes).index((low, high))) & 1)


def _pairs(count: int, place: int) -> list[tuple[int, int]]:
    return [(n, n | 1 << place) for n in range(1 << count) if not n >> place & 1]
