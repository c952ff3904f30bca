"""Medians and extremes: every mixture has its rows in another order, so each is looked up among the values of its classes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any

from startrail.capabilities.why.classes import Cell, Frame, Key, class_bits, decimals, key_of, units
from startrail.capabilities.why.errors import NoGap, TooManyValues
from startrail.capabilities.why.numbers import Parts, Piece
from startrail.model.metric import Metric

MOST_VALUES = 1_000_000
"""More groups of class and value than these are not computed in memory."""
MOST_WITH_DIMENSIONS = 200_000
"""More groups of class, value and dimensions than these, and segments are not told."""
_MOST_SEGMENTS = 8
"""Of one dimension, or a pair: those in which a cause changes most rows."""


class Heap:
    """Values in order, and how many there are up to each."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self.values = sorted(counts)
        self.up_to = [0, *accumulate(counts[value] for value in self.values)]

    def below(self, value: int) -> int:
        """How many are at most so large."""
        return self.up_to[bisect_right(self.values, value)]


Signed = list[tuple[int, Heap]]
"""Values that are counted (1) or taken away again (-1)."""
Place = tuple[int, int, int]
"""Side, class, and combination of the value."""


class Ordered:
    """From the rows of the statement over values, those of side A first. Raises NoGap, TooManyValues.

    What a segment makes of a cause is how far the number moves when the cause is swapped in the rows of the segment alone.
    That does not sum: an order statistic is not made of parts.
    """

    additive = False

    def __init__(self, frame: Frame, sides: Sequence[Sequence[Sequence[Any]]], sets: Sequence[tuple[int, ...]], metric: Metric):
        self.frame, self.metric = frame, metric
        query = frame.query
        first = 1 + query.words + len(query.dimensions)
        if any(len(rows) > MOST_VALUES for rows in sides):
            raise TooManyValues(
                f"{metric.name} is a {metric.agg} of more than {MOST_VALUES:,} different values",
                at=metric.span,
                hint="ask about a shorter period",
            )
        decimal_places = decimals(_text(item) for rows in sides for row in rows for item in row[first:-1])
        self.unit = 10**decimal_places
        self.moved = [0] * frame.count
        counts: dict[Key, dict[Place, dict[int, int]]] = {(): {}}
        self._moved: dict[Key, list[int]] = {}
        self._sizes: dict[Key, int] = {}
        for side, rows in enumerate(sides):
            for row in rows:
                bits, count = class_bits(row[1 : 1 + query.words]), int(row[-1])
                values = [None if item is None else units(_text(item), decimal_places) for item in row[first:-1]]
                moved = frame.moved(Cell(bits, side, count, ()))
                for cause in moved:
                    self.moved[cause] += count
                for key in self._keys(sets[int(row[0])], row[1 + query.words : first]):
                    self._note(counts.setdefault(key, {}), side, bits, values, count)
                    noted = self._moved.setdefault(key, [0] * frame.count)
                    for cause in moved:
                        noted[cause] += count
                    self._sizes[key] = self._sizes.get(key, 0) + count
        self._heaps = {key: {place: Heap(each) for place, each in places.items()} for key, places in counts.items()}
        self._grid = sorted({value for heap in self._heaps[()].values() for value in heap.values})
        self._merged: dict[tuple[Key, int], Heap] = {}
        self.values = {mixture: self._number(_few(self._counted((), mixture))) for mixture in frame.coalitions.mixtures}

    def pieces(self, cause: int) -> Mapping[Key, Piece]:
        """Of the segments in which a cause changes rows: how far it moves the number when it is swapped there alone."""
        if len(self._heaps) < 2:
            return {}
        step = 1 << cause
        found = {key: Piece(Fraction(0), self._moved[key][cause], size) for key, size in self._sizes.items()}
        found[()] = Piece(self.values[step] - self.values[0], self.moved[cause], self._sizes.get((), 0))
        for key in self._most_moved(cause):
            swapped = [(1, self._whole((), 0)), (-1, self._whole(key, 0)), (1, _merged(self._counted(key, step)))]
            if sum(sign * heap.up_to[-1] for sign, heap in swapped):
                amount = self._number(swapped) - self.values[0]
                found[key] = Piece(amount, self._moved[key][cause], self._sizes[key])
        return found

    def parts(self) -> Mapping[frozenset[int], Parts]:
        """An order statistic is not made of parts."""
        return {}

    def _keys(self, places: Sequence[int], values: Sequence[Any]) -> Iterable[Key]:
        dimensions = self.frame.query.dimensions
        yield ()
        for one in places:
            yield key_of(dimensions, (one,), values)
            yield from (key_of(dimensions, (one, two), values) for two in places if one < two)

    def _note(
        self, found: dict[Place, dict[int, int]], side: int, bits: int, values: list[int | None], count: int
    ) -> None:  # fmt: skip
        for place, value in enumerate(values):
            if value is not None:
                counts = found.setdefault((side, bits, place), {})
                counts[value] = counts.get(value, 0) + count

    def _most_moved(self, cause: int) -> list[Key]:
        by: dict[tuple[str, ...], list[Key]] = {}
        for key, moved in self._moved.items():
            if key and moved[cause]:
                by.setdefault(tuple(name for name, _ in key), []).append(key)
        return [
            key
            for keys in by.values()
            for key in sorted(keys, key=lambda key: (-self._moved[key][cause], str(key)))[:_MOST_SEGMENTS]
        ]

    def _counted(self, key: Key, mixture: int) -> Signed:
        """The values of a segment that are in a mixture."""
        frame, measure = self.frame, self.frame.query.measures[0]
        return [
            (1, heap)
            for (side, bits, place), heap in self._heaps[key].items()
            if frame.output(Cell(bits, side, 0, ()), measure, mixture) == place
        ]

    def _whole(self, key: Key, mixture: int) -> Heap:
        """The values of a segment that are in a mixture, in one."""
        if (key, mixture) not in self._merged:
            self._merged[key, mixture] = _merged(self._counted(key, mixture))
        return self._merged[key, mixture]

    def _number(self, counted: Signed) -> Fraction:
        count = sum(sign * heap.up_to[-1] for sign, heap in counted)
        if not count:
            raise NoGap(
                f"a mixture of the two definitions has no rows, and no {self.metric.agg}",
                at=self.metric.span,
                affects="no line of the gap is given",
                hint="choose a longer period",
            )
        if self.metric.agg == "min":
            return Fraction(self._nth(counted, 0), self.unit)
        if self.metric.agg == "max":
            return Fraction(self._nth(counted, count - 1), self.unit)
        return Fraction(self._nth(counted, (count - 1) // 2) + self._nth(counted, count // 2), 2 * self.unit)

    def _nth(self, counted: Signed, place: int) -> int:
        """The value that stands at a place, from 0."""
        low, high = 0, len(self._grid) - 1
        while low < high:
            between = (low + high) // 2
            if sum(sign * heap.below(self._grid[between]) for sign, heap in counted) > place:
                high = between
            else:
                low = between + 1
        return self._grid[low]


def _few(counted: Signed) -> Signed:
    """Many short ones in one: a look-up asks each of them some thirty times."""
    longest = sum(len(heap.values) for _, heap in counted)
    return counted if longest > 30 * len(counted) else [(1, _merged(counted))]


def _merged(counted: Signed) -> Heap:
    found: dict[int, int] = {}
    for _, heap in counted:
        for place, value in enumerate(heap.values):
            found[value] = found.get(value, 0) + heap.up_to[place + 1] - heap.up_to[place]
    return Heap(found)


def _text(item: object) -> str | None:
    return None if item is None else str(item)
