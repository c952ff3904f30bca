"""Where a cause's amount lies: the values of declared dimensions that carry most of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import factorial, log
from typing import Any

from startrail.capabilities.why.classes import Cell, Frame
from startrail.capabilities.why.gap import Segment
from startrail.capabilities.why.shapley import rounded

MOST = 5
_CARRIES = Fraction(1, 2)
"""A pair of values is told instead of one value when it carries at least so much of that value's amount."""

Key = tuple[tuple[str, Any], ...]


def segments_of(tables: Mapping[Key, list[Cell]], frame: Frame, cause: int, amount: Decimal) -> tuple[Segment, ...]:
    """At most five disjoint segments and "everything else", which sum to the amount. Only of sums and counts."""
    if len(frame.query.measures) != 1 or len(tables) < 2:
        return ()
    shares = {key: _share(table, frame, cause) for key, table in tables.items()}
    total = shares[()][0]
    if not total and not shares[()][1]:
        return ()
    best = _best_dimensions(shares, tables, total)
    if best is None:
        return ()
    chosen = sorted(
        ((key, *share) for key, share in shares.items() if tuple(name for name, _ in key) == best and share[0]),
        key=lambda each: (-abs(each[1]), str(each[0])),
    )[:MOST]
    whole = sum((part for _, part, _ in chosen), Fraction(0)) == total
    places = -int(amount.as_tuple().exponent)
    drift = [Fraction(amount) - total] if whole else []
    amounts = rounded([part for _, part, _ in chosen[:-1]] + [chosen[-1][1] + sum(drift)] if chosen else [], places)
    found = [
        Segment({name: _shown(value) for name, value in key}, one, rows)
        for (key, _, rows), one in zip(chosen, amounts, strict=True)
    ]
    rest = amount - sum((each.amount for each in found), Decimal(0))
    others = shares[()][1] - sum(each.rows for each in found)
    return (*found, Segment({}, rest, max(0, others))) if rest else tuple(found)


def _share(table: list[Cell], frame: Frame, cause: int) -> tuple[Fraction, int]:
    measure = frame.query.measures[0]
    total, rows = Fraction(0), 0
    for cell in table:
        for place, weights in frame.weights(cell, measure).items():
            total += weights[cause] * cell.sums[place]
        rows += cell.rows if cause in frame.moved(cell) else 0
    return total / factorial(frame.count), rows


def _best_dimensions(
    shares: Mapping[Key, tuple[Fraction, int]], tables: Mapping[Key, list[Cell]], total: Fraction
) -> tuple[str, ...] | None:
    """The dimension whose values carry the amount most unlike they carry the rows; a pair of them only where one pair of
    values has most of the amount, and nearly all that the one value of it has."""
    gross: dict[tuple[str, ...], list[tuple[Fraction, int]]] = {}
    for key, (share, _) in shares.items():
        if key:
            rows = sum(cell.rows for cell in tables[key])
            gross.setdefault(tuple(name for name, _ in key), []).append((abs(share), rows))
    singles = [names for names in gross if len(names) == 1]
    if not singles:
        return None
    best = max(singles, key=lambda names: (_lift(gross[names]), -len(gross[names]), names))
    tops = {names: _top([share for share, _ in parts], 1) for names, parts in gross.items()}
    wider = [names for names in gross if len(names) == 2 and best[0] in names and tops[names] > _CARRIES * abs(total)]
    sharper = [names for names in wider if tops[names] * 10 >= tops[best] * 9 and _lift(gross[names]) > _lift(gross[best])]
    return max(sharper, key=lambda names: (tops[names], names)) if sharper else best


def _lift(parts: list[tuple[Fraction, int]]) -> float:
    """How far the amounts are from lying evenly over the rows, in nats: 0 where each value has its due part."""
    amount, rows = sum((share for share, _ in parts), Fraction(0)), sum(count for _, count in parts)
    if not amount or not rows:
        return 0.0
    even = [(float(share / amount), count / rows) for share, count in parts if share and count]
    return round(sum(part * log(part / due) for part, due in even), 9)


def _top(parts: list[Fraction], most: int = MOST) -> Fraction:
    return sum(sorted(parts, reverse=True)[:most], Fraction(0))


def _shown(value: object) -> str | None:
    return None if value is None else str(value)
