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
        self._inside: dict[tuple[int, int], int] = {}
        self._places = self._mixtures_of_places()
        self._steps = [_Steps(frame, cause) for cause in range(frame.count)]
        self._mixtures = {kind: self._mixtures_of(kind) for kind in self._counts[()]}
        self._moves = {kind: self._moves_of(mixtures) for kind, mixtures in self._mixtures.items()}
        self.values = self._totals()
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
                change = (self._mixtures[kind] >> frame.coalitions.full & 1) - (self._mixtures[kind] & 1)
                found[causes] = Parts(known.amount + change * count, known.rows + count)
        return found

    # Sets of mixtures are whole numbers, bit n for mixture n: there may be very many kinds of entities.

    def _mixtures_of_places(self) -> list[int]:
        """Of each combination of the value: the mixtures that have it."""
        causes = self.frame.query.measures[0].causes
        found = [0] * (1 << len(causes))
        for mixture in self.frame.coalitions.mixtures:
            found[chosen(causes, mixture)] |= 1 << mixture
        return found

    def _mixtures_of(self, kind: Kind) -> int:
        """The mixtures in which such an entity counts."""
        found = 0
        for bits in kind.classes:
            found |= self._mixtures_of_class(bits, kind.side)
        return found & self._places[kind.place]

    def _mixtures_of_class(self, bits: int, side: int) -> int:
        key = (bits, side)
        if key not in self._inside:
            frame = self.frame
            self._inside[key] = sum(1 << n for n in frame.coalitions.mixtures if frame.included(bits, side, n))
        return self._inside[key]

    def _moves_of(self, mixtures: int) -> dict[int, int]:
        """The causes that bring such an entity in or take it away, and in how many orders more they bring it in."""
        return {cause: steps.more(mixtures) for cause, steps in enumerate(self._steps) if steps.move(mixtures)}

    def _totals(self) -> dict[int, Fraction]:
        counts: dict[int, int] = {}
        for kind, count in self._counts[()].items():
            counts[self._mixtures[kind]] = counts.get(self._mixtures[kind], 0) + count
        found = {}
        for mixture in self.frame.coalitions.mixtures:
            found[mixture] = Fraction(sum(count for mixtures, count in counts.items() if mixtures >> mixture & 1))
        return found


class _Steps:
    """The steps of one cause, over sets of mixtures."""

    def __init__(self, frame: Frame, cause: int) -> None:
        self.shift = 1 << cause
        self.by_weight: dict[int, int] = {}
        """How much steps count -> the mixtures that they start from."""
        for mixture, weight in frame.coalitions.steps[cause]:
            self.by_weight[weight] = self.by_weight.get(weight, 0) | 1 << mixture
        self.before = sum(self.by_weight.values())

    def move(self, mixtures: int) -> bool:
        """Whether some step changes that an entity counts."""
        return bool((mixtures ^ mixtures >> self.shift) & self.before)

    def more(self, mixtures: int) -> int:
        """By how much those steps that bring it in outweigh those that take it away."""
        after = mixtures >> self.shift
        return sum(
            weight * ((after & before).bit_count() - (mixtures & before).bit_count()) for weight, before in self.by_weight.items()
        )
