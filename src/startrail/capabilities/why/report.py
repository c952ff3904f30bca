"""The answer: what is due to each cause, ranked, rounded so that it sums to the gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

import msgspec

from startrail.capabilities.why.explain import Game, Side
from startrail.capabilities.why.gap import Gap, Line, Part
from startrail.capabilities.why.segments import segments_of
from startrail.capabilities.why.shapley import rounded
from startrail.capabilities.why.sums import Sums
from startrail.lineage.gap.blocks import block_of
from startrail.model.why import TIME_SLOTS

QUOTIENT_PLACES = 12
FLOATS = "floating point"


def report(game: Game, a: Side, b: Side, period: str | None) -> Gap:
    """The lines, ranked, rounded so that they sum to the gap."""
    assert a.value is not None
    assert b.value is not None
    quotient = len(game.frame.query.measures) > 1
    places = (
        QUOTIENT_PLACES
        if quotient
        else max(a.places, b.places, *(_places(each) for each in (a.value, b.value, *game.values.values())))
    )
    show = _shower(places)
    value_a, value_b = show(a.value), show(b.value)
    coalitions = game.frame.coalitions
    shares = coalitions.shares(game.values)
    bands = coalitions.bands(game.values)
    names = [cause.name for cause in game.causes]
    off = (b.value - game.values[coalitions.full]) - (a.value - game.values[0])
    moved = game.numbers.moved
    live = [place for place in range(len(names)) if moved[place] or shares[place]]
    exact = [shares[place] for place in live] + ([off] if off else [])
    drift = Fraction(value_b - value_a) - sum(exact, Fraction(0))
    amounts = rounded([*exact[:-1], exact[-1] + drift] if exact and drift else exact, places)
    gap = value_b - value_a
    lines = [_line(game, place, amounts[at], (shares[place], *bands[place]), gap, show) for at, place in enumerate(live)]
    if off:
        lines.append(_float_line(amounts[-1], off, gap, show))
    lines.sort(key=lambda line: (-abs(line.amount), line.cause))
    lines = [msgspec.structs.replace(line, evidence=f"{at:02d}") for at, line in enumerate(lines, 1)]
    return Gap(
        a=a.label or a.metric.name,
        b=b.label or b.metric.name,
        period=period,
        value_a=value_a,
        value_b=value_b,
        gap=gap,
        lines=tuple(lines),
        without_effect=(*(name for place, name in enumerate(names) if place not in live), *(cause.name for cause in game.idle)),
        partition=_partition(game, gap, show),
        unexplained=gap - sum((line.amount for line in lines), Decimal(0)),
        unit=a.metric.unit if a.metric.unit == b.metric.unit else None,
        notes=(*_notes(a, b, amounts, exact, gap), *_block_notes(game)),
        statements=game.statements,
    )


def _line(
    game: Game, place: int, amount: Decimal, exact: tuple[Fraction, Fraction, Fraction], gap: Decimal,
    show: Callable[[Fraction], Decimal],
) -> Line:  # fmt: skip
    """``exact``: the share, and what the cause moves when it is swapped first and last."""
    cause, numbers = game.causes[place], game.numbers
    share, first, last = exact
    gross = numbers.gross(place) if isinstance(numbers, Sums) else None
    permanent = _permanent(game, place)
    return Line(
        cause=cause.name,
        a=cause.a,
        b=cause.b,
        amount=amount,
        share=float(amount / gap) if gap else None,
        first=show(first),
        last=show(last),
        sign_depends=first * last < 0,
        rows=numbers.moved[place],
        gross_in=None if gross is None else show(gross[0]),
        gross_out=None if gross is None else show(gross[1]),
        timing=None if permanent is None else show(first - permanent),
        permanent=None if permanent is None else show(permanent),
        segments=segments_of(numbers.pieces(place), amount, additive=numbers.additive),
        additive=numbers.additive,
        block=_block_name(game, place),
        slots=cause.slots,
        exact=str(share),
    )


def _float_line(amount: Decimal, off: Fraction, gap: Decimal, show: Callable[[Fraction], Decimal]) -> Line:
    share = float(amount / gap) if gap else None
    return Line(FLOATS, None, None, amount, share, show(off), show(off), False, 0, exact=str(off))


def _permanent(game: Game, place: int) -> Fraction | None:
    """Of what a time slot moves, swapped alone: what no other period makes good. None for other slots, and without a period.

    Another column or zone moves a row to another period, unless it has no moment there; bounds that leave moments out, and
    a cutoff, leave them out of every period.
    """
    frame, slots_of, numbers = game.frame, set(game.causes[place].slots), game.numbers
    windowed = any(factor.name == "time" for factor in frame.query.factors) or "late_cutoff" in slots_of
    if not isinstance(numbers, Sums) or len(numbers.totals) > 1 or not slots_of <= set(TIME_SLOTS) or not windowed:
        return None
    if slots_of & {"bounds", "late_cutoff"}:
        return game.values[1 << place] - game.values[0]
    return numbers.undated(place) if "time_column" in slots_of else Fraction(0)


def _partition(game: Game, gap: Decimal, show: Callable[[Fraction], Decimal]) -> tuple[Part, ...]:
    """Rows by the causes that move them; rounded so that they sum to the gap, where it is the mixtures' own."""
    found = list(game.numbers.parts().items())
    if not found:
        return ()
    amounts = [show(parts.amount) for _, parts in found]
    exact = [parts.amount for _, parts in found]
    places = -int(gap.as_tuple().exponent)
    if sum(amounts) != gap and abs(sum(exact, Fraction(0)) - Fraction(gap)) <= Fraction(1, 10**places):
        amounts = rounded([*exact[:-1], Fraction(gap) - sum(exact[:-1], Fraction(0))], places)
    parts = [
        Part(tuple(game.causes[place].name for place in sorted(causes)), amount, part.rows)
        for (causes, part), amount in zip(found, amounts, strict=True)
    ]
    return tuple(sorted(parts, key=lambda part: (-abs(part.amount), part.causes)))


def _block_name(game: Game, place: int) -> str:
    return block_of(game.causes[place]) if len(game.blocks.blocks) > 1 else ""


def _block_notes(game: Game) -> list[str]:
    """Which causes share in blocks, and which are told as one."""
    notes = []
    if len(game.blocks.blocks) > 1:
        shown = "; ".join(
            f"{block_of(game.causes[block[0]])}: {', '.join(game.causes[place].name for place in block)}"
            for block in game.blocks.blocks
        )
        notes.append(f"{len(game.causes)} differences share in blocks (Owen values): {shown}")
    notes += [f"told as one, {name}: {', '.join(names)}" for name, names in game.blocks.grouped.items()]
    return notes


def _notes(a: Side, b: Side, amounts: Sequence[Decimal], exact: Sequence[Fraction], gap: Decimal) -> tuple[str, ...]:
    notes = []
    if any(Fraction(amount) != share for amount, share in zip(amounts, exact, strict=True)):
        notes.append("lines are rounded to the unit; the units left over went to those that lost most by it")
    if not gap and any(amounts):
        notes.append("the two numbers are equal, but differences of definition offset each other")
    if a.metric.unit and b.metric.unit and a.metric.unit != b.metric.unit:
        notes.append(f"the units differ: {a.metric.unit} and {b.metric.unit}")
    if not a.exact or not b.exact:
        notes.append("floating point: each row's value was cut to 9 decimal places; what that makes is a line of its own")
    return tuple(notes)


def _places(number: Fraction) -> int:
    """Decimal places of a number that ends; 12 otherwise."""
    places = 0
    while number.denominator != 1 and places < QUOTIENT_PLACES:
        number *= 10
        places += 1
    return places


def _shower(places: int) -> Callable[[Fraction], Decimal]:
    def show(number: Fraction) -> Decimal:
        return Decimal(round(number * 10**places)).scaleb(-places)

    return show
