"""A gap between two texts, by running every mixture of them: causes exact, rows not told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import factorial
from pathlib import Path
from typing import NamedTuple

import msgspec

from startrail.base.errors import ModelError
from startrail.capabilities.why.errors import NoGap, NotReproduced
from startrail.capabilities.why.gap import Gap, Line
from startrail.capabilities.why.shapley import order_weights, rounded
from startrail.lineage.gap.errors import NotComparable
from startrail.lineage.gap.texts import Texts
from startrail.model.types import Primitive
from startrail.ports.warehouse import DoesNotBind, Query, Readable, Warehouse

NOTE = "every mixture of the two texts was run as a query of its own: causes are exact, single rows are not told"
_CLOSE = Fraction(1, 10**6)
_QUOTIENT_PLACES = 12
_MOST_TOGETHER = 3
"""One line that says all of more places than these together explains nothing."""


class Number(msgspec.Struct, frozen=True):
    """One of the two numbers, by its own query; ``places``: decimal places that it is shown with at least."""

    label: str
    value: Fraction | None
    places: int = 0
    unit: str | None = None


class Recomputed(NamedTuple):
    """The gap, and the texts behind its lines: a line's ``slots`` are those of one cause."""

    gap: Gap
    texts: Texts


Source = tuple[Readable, ...]
"""What all mixtures read."""


def recompute(found: Texts, a: Number, b: Number, source: Source, warehouse: Warehouse, period: str | None) -> Recomputed:
    """The gap, attributed. Raises NotComparable, NotReproduced, NoGap, and what the warehouse raises."""
    if a.value is None or b.value is None:
        missing = a if a.value is None else b
        raise NoGap(f"{missing.label} has no value in this period", hint="choose another")
    if not found.causes:
        return Recomputed(_gap(found, [a.value], a, b, period, floats=False, statements=2), found)
    found = _bindable(found, source, warehouse)
    values, floats = [], False
    for mixture in range(1 << len(found.causes)):
        value, inexact = _value(found.sql(_chosen(found, mixture)), source, warehouse)
        values.append(value)
        floats = floats or inexact
    for side, value in ((a, values[0]), (b, values[-1])):
        assert side.value is not None
        if value != side.value and not (floats and abs(value - side.value) <= _CLOSE * max(1, abs(side.value))):
            raise NotReproduced(
                f"put together from the texts, {side.label} gives {float(value):,} where it gives {float(side.value):,} itself",
                affects="no line of the gap is given",
                hint="build the models anew, then ask again: startrail run",
            )
    return Recomputed(_gap(found, values, a, b, period, floats=floats, statements=len(values) + 2), found)


def write_texts(found: Recomputed, folder: Path) -> None:
    """``00_a.sql``, ``00_b.sql``, and per line A's text with its place alone as on side B. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = range(len(found.texts.causes))
    files = {"00_a": (), "00_b": tuple(everything)}
    for line in found.gap.lines:
        at = next((place for place in everything if found.texts.causes[place].slots == line.slots), None)
        if at is not None:
            word = "".join(letter if letter.isalnum() else "_" for letter in line.cause)[:40].strip("_")
            files[f"{line.evidence}_{word}"] = (at,)
    for name, chosen in files.items():
        (folder / f"{name}.sql").write_text(found.texts.sql(chosen, pretty=True) + "\n", encoding="utf-8")


def _chosen(found: Texts, mixture: int) -> frozenset[int]:
    return frozenset(place for place in range(len(found.causes)) if mixture >> place & 1)


def _bindable(found: Texts, source: Source, warehouse: Warehouse) -> Texts:
    """Places of which one needs another, as a condition needs the join whose columns it names, are put together."""
    groups = [[place] for place in range(len(found.causes))]
    known: dict[frozenset[int], bool] = {}

    def binds(places: Collection[int]) -> bool:
        key = frozenset(places)
        if key not in known:
            known[key] = _binds(found.sql(key), source, warehouse)
        return known[key]

    if not binds(()) or not binds(range(len(found.causes))):
        raise NotComparable(
            "a text put together from its pieces does not fit its tables any more",
            affects="no line of the gap is given",
            hint="give every table and column a name of its own",
        )
    while len(groups) > 1:
        together = _needing(groups, binds)
        if together is None:
            break
        kept = [group for place, group in enumerate(groups) if place not in together]
        groups = [*kept, sorted(each for place in together for each in groups[place])]
    whole = any(cause.name.endswith(("table", "query")) for cause in found.causes)
    if len(groups) == 1 and (whole or len(found.causes) > _MOST_TOGETHER):
        raise NotComparable(
            "the texts differ in places of which none can be swapped without the others, so one line would say all of it",
            affects="no line of the gap is given",
            hint="bring one text closer to the other",
        )
    return found.together(groups)


def _needing(groups: Sequence[Sequence[int]], binds: Callable[[Collection[int]], bool]) -> set[int] | None:
    """Groups that must be swapped together; None when every mixture binds."""
    count = len(groups)
    for size in range(1, count):
        for mixture in range(1 << count):
            inside = {place for place in range(count) if mixture >> place & 1}
            if mixture.bit_count() != size or binds(_places(groups, inside)):
                continue
            for more in sorted(set(range(count)) - inside):
                if binds(_places(groups, {*inside, more})):
                    return {*inside, more}
            return set(range(count)) if size == 1 else inside
    return None


def _places(groups: Sequence[Sequence[int]], chosen: Collection[int]) -> list[int]:
    return [each for place in chosen for each in groups[place]]


def _binds(sql: str, source: Source, warehouse: Warehouse) -> bool:
    try:
        warehouse.describe(Query(sql, source))
    except DoesNotBind:
        return False
    return True


def _value(sql: str, source: Source, warehouse: Warehouse) -> tuple[Fraction, bool]:
    """The number of a mixture, or the quotient of its two columns, and whether it is floating point."""
    rows = warehouse.fetch(Query(sql, source), 2)
    if len(rows.rows) != 1:
        raise _unmixed(f"a mixture of the two texts gives {'several' if rows.rows else 'no'} rows")
    floats = any(isinstance(each.type, Primitive) and each.type.name in ("float", "double") for each in rows.schema.columns)
    try:
        numbers = [None if item is None else Fraction(Decimal(str(item))) for item in rows.rows[0]]
    except (InvalidOperation, ValueError, OverflowError):
        raise _unmixed("a mixture of the two texts gives no number") from None
    if None in numbers or (len(numbers) == 2 and not numbers[1]):
        raise _unmixed("a mixture of the two texts has no value")
    over, *under = (number for number in numbers if number is not None)
    return (over / under[0] if under else over), floats


def _unmixed(reason: str) -> ModelError:
    return NoGap(reason, affects="no line of the gap is given", hint="choose a longer period, or compare the rows")


def _gap(
    found: Texts, values: list[Fraction], a: Number, b: Number, period: str | None, *, floats: bool, statements: int
) -> Gap:  # fmt: skip
    assert a.value is not None
    assert b.value is not None
    places = max(a.places, b.places, *(_decimals(each) for each in (a.value, b.value, *values)))

    def show(number: Fraction) -> Decimal:
        return Decimal(round(number * 10**places)).scaleb(-places)

    shares, ends = _shares(values), _bands(values)
    gap = show(b.value) - show(a.value)
    off = (b.value - values[-1]) - (a.value - values[0])
    live = [place for place, share in enumerate(shares) if share or any(ends[place])]
    parts = [shares[place] for place in live] + ([off] if off else [])
    drift = Fraction(gap) - sum(parts, Fraction(0))
    amounts = rounded([*parts[:-1], parts[-1] + drift] if parts and drift else parts, places)
    lines = [
        Line(
            cause=found.causes[place].name, a=found.causes[place].a, b=found.causes[place].b, amount=amount,
            share=float(amount / gap) if gap else None, first=show(ends[place][0]), last=show(ends[place][1]),
            sign_depends=ends[place][0] * ends[place][1] < 0, rows=0, slots=found.causes[place].slots, exact=str(shares[place]),
        )
        for place, amount in zip(live, amounts, strict=False)
    ]  # fmt: skip
    if off:
        share = float(amounts[-1] / gap) if gap else None
        lines.append(Line("floating point", None, None, amounts[-1], share, show(off), show(off), False, 0, exact=str(off)))
    lines.sort(key=lambda line: (-abs(line.amount), line.cause))
    notes = [NOTE, *(["floating point: sums may differ in their last places"] if floats else [])]
    return Gap(
        a=a.label, b=b.label, period=period, value_a=show(a.value), value_b=show(b.value), gap=gap,
        lines=tuple(msgspec.structs.replace(line, evidence=f"{at:02d}") for at, line in enumerate(lines, 1)),
        without_effect=tuple(cause.name for place, cause in enumerate(found.causes) if place not in live),
        unexplained=gap - sum((line.amount for line in lines), Decimal(0)),
        unit=a.unit if a.unit == b.unit else None, notes=tuple(notes), statements=statements, method="texts",
    )  # fmt: skip


def _shares(values: Sequence[Fraction]) -> list[Fraction]:
    """Of each cause: what it moves on average over all orders of swapping, its Shapley value."""
    count = len(values).bit_length() - 1
    weights, shares = order_weights(count), [Fraction(0)] * count
    for mixture in range(len(values)):
        for cause in range(count):
            if not mixture >> cause & 1:
                shares[cause] += weights[mixture.bit_count()] * (values[mixture | 1 << cause] - values[mixture])
    return [share / factorial(count) for share in shares]


def _bands(values: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Of each cause: what it moves when it is swapped first, and when it is swapped last."""
    count, full = len(values).bit_length() - 1, len(values) - 1
    return [(values[1 << cause] - values[0], values[full] - values[full & ~(1 << cause)]) for cause in range(count)]


def _decimals(number: Fraction) -> int:
    """Decimal places of a number that ends; 12 otherwise."""
    places = 0
    while number.denominator != 1 and places < _QUOTIENT_PLACES:
        number *= 10
        places += 1
    return places
