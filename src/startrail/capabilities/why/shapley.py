"""Fair shares of a gap, exactly: Shapley values over the mixtures of two definitions, and Owen values where causes are in blocks.

L. S. Shapley, "A Value for n-Person Games", 1953. G. Owen, "Values of Games with a Priori Unions", 1977.
A mixture is a number whose bit i says that cause i is as on side B.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import factorial, lcm


class Coalitions:
    """Which mixtures fair shares need, and how much each step between two of them counts.

    A step of a cause swaps it in a mixture in which its own block is there in any part, and every other block whole or not
    at all: the orders in which blocks, and causes inside a block, stay together. With one block, or with one cause in each,
    these are all orders, and shares are Shapley values.
    """

    def __init__(self, blocks: Iterable[Sequence[int]]) -> None:
        self.blocks = tuple(tuple(block) for block in blocks if block)
        self.count = sum(len(block) for block in self.blocks)
        self.full = (1 << self.count) - 1
        self.steps: list[list[tuple[int, int]]] = [[] for _ in range(self.count)]
        """Of each cause: the mixtures that it is swapped in, and in how many orders, of :attr:`orders`."""
        self.orders = [1] * self.count
        for block in self.blocks:
            self._note_steps(block)
        found = {mixture for steps in self.steps for mixture, _ in steps}
        found |= {mixture | 1 << cause for cause, steps in enumerate(self.steps) for mixture, _ in steps}
        self.mixtures = tuple(sorted(found or {0}))

    def shares(self, values: Mapping[int, Fraction]) -> list[Fraction]:
        """The share of each cause, from the value of every mixture; they sum to what the full mixture has more than none."""
        return [
            total((weight, values[mixture | 1 << cause] - values[mixture]) for mixture, weight in steps) / self.orders[cause]
            for cause, steps in enumerate(self.steps)
        ]

    def bands(self, values: Mapping[int, Fraction]) -> list[tuple[Fraction, Fraction]]:
        """Of each cause: what it moves when it is swapped first, and when it is swapped last."""
        last = values[self.full]
        return [(values[1 << cause] - values[0], last - values[self.full & ~(1 << cause)]) for cause in range(self.count)]

    def _note_steps(self, block: tuple[int, ...]) -> None:
        others = [sum(1 << cause for cause in each) for each in self.blocks if each != block]
        outside, inside = order_weights(len(self.blocks)), order_weights(len(block))
        for whole in _subsets(others):
            for part in _subsets([1 << cause for cause in block]):
                weight_outside = outside[len(whole)]
                for cause in block:
                    if not sum(part) >> cause & 1:
                        self.steps[cause].append((sum(whole) + sum(part), weight_outside * inside[len(part)]))
        for cause in block:
            self.orders[cause] = factorial(len(self.blocks)) * factorial(len(block))


def total(parts: Iterable[tuple[int, Fraction]]) -> Fraction:
    """The sum of weighted fractions; their denominators are brought together once."""
    parts = list(parts)
    common = lcm(*(part.denominator for _, part in parts))
    return Fraction(sum(weight * part.numerator * (common // part.denominator) for weight, part in parts), common)


def order_weights(count: int) -> list[int]:
    """In how many orders, of ``count!``, one comes right after a given set of that size."""
    return [factorial(size) * factorial(count - size - 1) for size in range(count)]


def rounded(shares: Sequence[Fraction], places: int) -> list[Decimal]:
    """Shares with so many decimal places whose sum is the sum of the shares, if that has no more places.

    The unit goes to those that lose most by rounding down (the method of largest remainders).
    """
    scale = 10**places
    exact = [share * scale for share in shares]
    whole = [share.__floor__() for share in exact]
    missing = round(sum(exact, Fraction(0))) - sum(whole)
    order = sorted(range(len(shares)), key=lambda place: (-(exact[place] - whole[place]), place))
    for place in order[:missing]:
        whole[place] += 1
    return [Decimal(number).scaleb(-places) for number in whole]


def _subsets(members: Sequence[int]) -> list[tuple[int, ...]]:
    return [tuple(each for place, each in enumerate(members) if n >> place & 1) for n in range(1 << len(members))]
