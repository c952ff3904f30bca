"""How much a row's change counts for a cause, in each mixture in which the cause is swapped.

For a sum it counts as the orders do. A quotient R = N/D of sums moves by ``(dN - R dD) / D`` when R and D are taken in the
middle of a step; that is exact, and a sum over rows, so rows have shares of a quotient too.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

from startrail.capabilities.why.shapley import Coalitions


class Steps:
    """For one measure and each cause: mixtures with a whole number, of ``over``, by which a change there counts."""

    def __init__(self, of: list[list[tuple[int, int]]], over: list[int]) -> None:
        self.of, self.over = of, over
        self._among: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def among(self, cause: int, relevant: int) -> list[tuple[int, int]]:
        """The same where only some causes matter: mixtures of these, with what all steps count that look so to them."""
        key = (cause, relevant)
        if key not in self._among:
            found: dict[int, int] = {}
            for mixture, weight in self.of[cause]:
                found[mixture & relevant] = found.get(mixture & relevant, 0) + weight
            self._among[key] = list(found.items())
        return self._among[key]


def plain(coalitions: Coalitions, unit: int) -> Steps:
    """Of a sum in whole numbers of ``1/unit``."""
    return Steps([list(steps) for steps in coalitions.steps], [orders * unit for orders in coalitions.orders])


def quotient(coalitions: Coalitions, over: Mapping[int, int], under: Mapping[int, int]) -> tuple[Steps, Steps] | None:
    """Of a numerator and a denominator, from their sums in every mixture; None when a step has no middle."""
    top: list[list[tuple[int, int]]] = []
    bottom: list[list[tuple[int, int]]] = []
    common: list[int] = []
    for cause, steps in enumerate(coalitions.steps):
        weights = []
        for mixture, weight in steps:
            after = mixture | 1 << cause
            one, two = middle((over[mixture], under[mixture]), (over[after], under[after])) or (None, None)
            if one is None or two is None:
                return None
            weights.append((mixture, weight * one, weight * two))
        shared = lcm(*(each.denominator for _, *both in weights for each in both))
        top.append([(mixture, _whole(one, shared)) for mixture, one, _ in weights])
        bottom.append([(mixture, _whole(two, shared)) for mixture, _, two in weights])
        common.append(shared * coalitions.orders[cause])
    return Steps(top, common), Steps(bottom, common)


def middle(before: tuple[int, int], after: tuple[int, int]) -> tuple[Fraction, Fraction] | None:
    """What a change of numerator and of denominator counts between two quotients; None when their denominators cancel."""
    (n0, d0), (n1, d1) = before, after
    if not d0 + d1:
        return None
    return Fraction(2, d0 + d1), -Fraction(n0 * d1 + n1 * d0, d0 * d1 * (d0 + d1))


def _whole(number: Fraction, common: int) -> int:
    return number.numerator * (common // number.denominator)
