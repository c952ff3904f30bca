"""Distinct counts: an entity counts in a mixture when any of its rows is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from startrail.capabilities.why.classes import Frame, Key, chosen, class_bits, key_of
from startrail.capabilities.why.numbers import Parts, Piece


class Kind(NamedTuple):
    """Entities of one side with one combination of the value, and rows in the same classes."""

    side: int
    place: int
    classes: tuple[int, ...]


class Distinct:
    """From the rows of the statement over entities, those of side A first.

    A dimension in which an entity has several values puts it into a segment of its own, so that segments are of disjoint
    entities and sum.
    """

    additive = True

    def __init__(self, frame: Frame, sides: Sequence[Iterable[Sequence[Any]]], sets: Sequence[tuple[int, ...]]) -> None:
        self.frame = frame
        self._counts: dict[Key, dict[Kind, int]] = {(): {}}
        for side, rows in enumerate(sides):
            for row in rows:
                key = key_of(frame.query.dimensions, sets[int(row[0])], row[3:-1])
                classes = tuple(class_bits(each.split(":")) for each in str(row[2]).split(","))
                kinds = self._counts.setdefault(key, {})
                kind = Kind(side, int(row[1]), classes)
                kinds[kind] = kinds.get(kind, 0) + int(row[-1])
        self._moves = {kind: self._moves_of(kind) for kind in self._counts[()]}
        self.values = {mixture: Fraction(self._total(mixture)) for mixture in frame.coalitions.mixtures}
        self.moved = [0] * frame.count
        for kind, count in self._counts[()].items():
            for cause in self._moves[kind]:
                self.moved[cause] += count

    def pieces(self, cause: int) -> Mapping[Key, Piece]:
        """How many entities of a segment a cause is due to bring in or take away."""
        if len(self._counts) < 2:
            return {}
        found = {}
        for key, kinds in self._counts.items():
            amount = moved = 0
            for kind, count in kinds.items():
                share = self._moves[kind].get(cause)
                if share is not None:
                    amount, moved = amount + share * count, moved + count
            orders = self.frame.coalitions.orders[cause]
            found[key] = Piece(Fraction(amount, orders), moved, sum(kinds.values()))
        return found

    def parts(self) -> Mapping[frozenset[int], Parts]:
        """Entities by the causes that move them."""
        frame = self.frame
        if frame.data is not None:
            return {}
        found: dict[frozenset[int], Parts] = {}
        for kind, count in self._counts[()].items():
            causes = frozenset(self._moves[kind])
            if causes:
                known = found.get(causes, Parts(Fraction(0), 0))
                change = self._counted(kind, frame.coalitions.full) - self._counted(kind, 0)
                found[causes] = Parts(known.amount + change * count, known.rows + count)
        return found

    def _counted(self, kind: Kind, mixture: int) -> bool:
        frame = self.frame
        if chosen(frame.query.measures[0].causes, mixture) != kind.place:
            return False
        return any(frame.included(bits, kind.side, mixture) for bits in kind.classes)

    def _total(self, mixture: int) -> int:
        return sum(count for kind, count in self._counts[()].items() if self._counted(kind, mixture))

    def _moves_of(self, kind: Kind) -> dict[int, int]:
        """The causes that bring such an entity in or take it away, and in how many orders more they bring it in."""
        frame, relevant = self.frame, 0
        for cause in frame.query.measures[0].causes:
            relevant |= 1 << cause
        for bits in kind.classes:
            relevant |= frame.relevant(bits, kind.side)
        found = {}
        for cause in range(frame.count):
            if relevant >> cause & 1:
                steps = [
                    (weight, self._counted(kind, mixture | 1 << cause) - self._counted(kind, mixture))
                    for mixture, weight in frame.orders.among(cause, relevant)
                ]
                if any(change for _, change in steps):
                    found[cause] = sum(weight * change for weight, change in steps)
        return found
