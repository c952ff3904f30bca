"""Fair shares of a gap, exactly: Shapley values over all mixtures of two definitions.

L. S. Shapley, "A Value for n-Person Games", 1953. A mixture is a number whose bit i says that cause i is as on side B.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import factorial


def shapley(values: Sequence[Fraction]) -> list[Fraction]:
    """The share of each cause, from the value of every mixture; they sum to ``values[-1] - values[0]``."""
    count = len(values).bit_length() - 1
    weights = order_weights(count)
    shares = [Fraction(0)] * count
    for mixture in range(len(values)):
        for cause in range(count):
            if not mixture >> cause & 1:
                step = values[mixture | 1 << cause] - values[mixture]
                shares[cause] += weights[mixture.bit_count()] * step
    return [share / factorial(count) for share in shares]


def order_weights(count: int) -> list[int]:
    """In how many orders, of ``count!``, a cause comes right after a given set of that size."""
    return [factorial(size) * factorial(count - size - 1) for size in range(count)]


def bands(values: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Of each cause: what it moves when it is swapped first, and when it is swapped last."""
    count, full = len(values).bit_length() - 1, len(values) - 1
    return [(values[1 << cause] - values[0], values[full] - values[full & ~(1 << cause)]) for cause in range(count)]


def coefficients(count: int, output: Callable[[int], int | None]) -> dict[int, list[int]]:
    """For rows of one class: by which number, of ``count!``, each sum counts for each cause.

    ``output`` says which sum such rows add in a mixture; None = they are not in it.
    """
    weights = order_weights(count)
    found: dict[int, list[int]] = {}
    outputs = [output(mixture) for mixture in range(1 << count)]
    for mixture, before in enumerate(outputs):
        for cause in range(count):
            if mixture >> cause & 1 or outputs[mixture | 1 << cause] == before:
                continue
            weight, after = weights[mixture.bit_count()], outputs[mixture | 1 << cause]
            if before is not None:
                found.setdefault(before, [0] * count)[cause] -= weight
            if after is not None:
                found.setdefault(after, [0] * count)[cause] += weight
    return found


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
