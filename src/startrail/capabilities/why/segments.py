"""Where a cause's amount lies: the values of declared dimensions that carry most of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import log

from startrail.capabilities.why.classes import Key
from startrail.capabilities.why.gap import Segment
from startrail.capabilities.why.numbers import Piece
from startrail.capabilities.why.shapley import rounded

MOST = 5
_CARRIES = Fraction(1, 2)
"""A pair of values is told instead of one value when it carries at least so much of that value's amount."""


def segments_of(pieces: Mapping[Key, Piece], amount: Decimal, *, additive: bool) -> tuple[Segment, ...]:
    """At most five disjoint segments and "everything else", which sum to the amount. Pieces that are not additive are told
    without the rest."""
    whole = pieces.get(())
    if whole is None or len(pieces) < 2 or not (whole.amount or whole.moved):
        return ()
    best = _best_dimensions(pieces, whole.amount)
    if best is None:
        return ()
    chosen = sorted(
        ((key, piece) for key, piece in pieces.items() if _names(key) == best and piece.amount),
        key=lambda each: (-abs(each[1].amount), str(each[0])),
    )[:MOST]
    places = -int(amount.as_tuple().exponent)
    shares = [piece.amount for _, piece in chosen]
    if not additive:
        return tuple(_segment(key, piece, Decimal(round(piece.amount * 10**places)).scaleb(-places)) for key, piece in chosen)
    if shares and sum(shares, Fraction(0)) == whole.amount:  # nothing else: they take up what the line was rounded by
        shares[-1] += Fraction(amount) - whole.amount
    found = [_segment(key, piece, one) for (key, piece), one in zip(chosen, rounded(shares, places), strict=True)]
    rest = amount - sum((each.amount for each in found), Decimal(0))
    others = whole.moved - sum(each.rows for each in found)
    return (*found, Segment({}, rest, max(0, others))) if rest else tuple(found)


def _segment(key: Key, piece: Piece, amount: Decimal) -> Segment:
    return Segment({name: _shown(value) for name, value in key}, amount, piece.moved)


def _best_dimensions(pieces: Mapping[Key, Piece], total: Fraction) -> tuple[str, ...] | None:
    """The dimension whose values carry the amount most unlike they carry the rows; a pair of them only where one pair of
    values has most of the amount, and nearly all that the one value of it has."""
    gross: dict[tuple[str, ...], list[tuple[Fraction, int]]] = {}
    for key, piece in pieces.items():
        if key:
            gross.setdefault(_names(key), []).append((abs(piece.amount), piece.rows))
    singles = [names for names in gross if len(names) == 1]
    if not singles:
        return None
    best = max(singles, key=lambda names: (_lift(gross[names]), -len(gross[names]), names))
    tops = {names: max(share for share, _ in parts) for names, parts in gross.items()}
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


def _names(key: Key) -> tuple[str, ...]:
    return tuple(name for name, _ in key)


def _shown(value: object) -> str | None:
    return None if value is None else str(value)
