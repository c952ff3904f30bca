"""Attribute the gap between two metrics to the slots in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from startrail.capabilities.why.classes import Cell, Frame, cells
from startrail.capabilities.why.errors import NoGap, NotReproduced
from startrail.capabilities.why.gap import Gap, Line, Part
from startrail.capabilities.why.lists import MOST_VALUES, Lists, distinct_values
from startrail.capabilities.why.segments import segments_of
from startrail.capabilities.why.shapley import bands, rounded, shapley
from startrail.lineage.gap.causes import align, causes
from startrail.lineage.gap.errors import NotComparable
from startrail.lineage.gap.query import ClassQuery, Kinds, class_query
from startrail.lineage.metric.time import Window
from startrail.model.metric import Metric, MetricInput
from startrail.model.types import Primitive
from startrail.model.why import DATA, TIME_SLOTS, Aligned, Cause
from startrail.ports.warehouse import DoesNotBind, Query, Readable, Rows, Warehouse

QUOTIENT_PLACES = 12
FLOATS = "floating point"
_MOST_DIMENSIONS = 4


class Side(msgspec.Struct, frozen=True):
    """One of the two numbers, and what it was computed from."""

    metric: Metric
    value: Fraction | None
    relations: tuple[Readable, ...]
    kinds: Mapping[str, str]
    label: str = ""
    exact: bool = True
    places: int = 0
    """Decimal places that the number is shown with at least."""
    snapshots: Mapping[str, int] = {}
    """Table -> the snapshot that is read, where it is not the newest."""
    inputs: tuple[MetricInput, ...] = ()
    """The version of every table that is read."""
    definition: str = ""
    """The version of the definition."""


class Game(msgspec.Struct, frozen=True):
    """All mixtures of two sides."""

    found: Aligned
    causes: tuple[Cause, ...]
    values: tuple[Fraction, ...]
    """The value of each mixture."""
    tables: dict[tuple[tuple[str, Any], ...], list[Cell]]
    frame: Frame
    statements: int
    floats: bool = False
    queries: tuple[ClassQuery, ...] = ()
    moved: tuple[int, ...] = ()
    """How many rows each cause changes."""


def explain(a: Side, b: Side, window: Window | None, warehouse: Warehouse, period: str | None = None) -> Gap:
    """The gap, attributed. Raises NotComparable, NotReproduced, NoGap, what the parser and the warehouse raise."""
    return report(play(a, b, window, warehouse), a, b, period)


def play(a: Side, b: Side, window: Window | None, warehouse: Warehouse) -> Game:
    """The value of every mixture, held against the two numbers."""
    for side in (a, b):
        if side.value is None:
            raise NoGap(
                f"{side.label or side.metric.name} has no value in this period", at=side.metric.span, hint="choose another"
            )
    try:
        game = _game(a, b, window, warehouse, ties=False)
    except DoesNotBind as error:
        if a.metric.source == b.metric.source:
            raise
        raise NotComparable(
            f"{a.metric.source} and {b.metric.source} are different tables, and a definition uses what one of them has not",
            at=b.metric.span,
            affects="no line of the gap is given",
            hint=f"compare metrics over one table, or over models that select from one: {error.message[:120]}",
        ) from None
    if _wrong(game, a, b) is not None and a.metric.dedup is not None and b.metric.dedup is not None:
        game = _game(a, b, window, warehouse, ties=True)
    wrong = _wrong(game, a, b)
    if wrong is not None:
        side, found = wrong
        raise NotReproduced(
            f"slot by slot, {side.metric.name} gives {float(found):,} where it gives {float(side.value or 0):,} itself",
            at=side.metric.span,
            affects="no line of the gap is given",
            hint=f"compare the rows of both: startrail metric sql {side.metric.name}",
        )
    return game


def _wrong(game: Game, a: Side, b: Side) -> tuple[Side, Fraction] | None:
    """The side that its own mixture does not reproduce. Floating point may differ in its last places."""
    for side, found in ((a, game.values[0]), (b, game.values[-1])):
        assert side.value is not None
        close = game.floats and abs(found - side.value) <= Fraction(1, 10**6) * max(1, abs(side.value))
        if found != side.value and not close:
            return side, found
    return None


def _game(a: Side, b: Side, window: Window | None, warehouse: Warehouse, *, ties: bool) -> Game:
    found = align(a.metric, b.metric, ties=ties)
    differs = a.relations != b.relations
    known = causes(found, data=differs)
    data = next((place for place, cause in enumerate(known) if DATA in cause.slots), None)
    sides = [(a, frozenset[str]())] if data is None else [(a, frozenset[str]()), (b, frozenset({DATA}))]
    kinds = Kinds(a.kinds, b.kinds)
    dims = [name for name in a.metric.dimensions if name in b.metric.dimensions][:_MOST_DIMENSIONS]
    lists = a.metric.agg in ("count_distinct", "min", "max", "median")
    floats = False
    tables: dict[tuple[tuple[str, Any], ...], list[Cell]] = {(): []}
    queries: list[tuple[ClassQuery, Rows]] = []
    for place, (side, base) in enumerate(sides):
        query = class_query(found, known, window, kinds, () if lists else dims, entities=lists, base=base)
        if not lists and _is_float(query, side, warehouse):
            floats = True
            query = class_query(found, known, window, kinds, dims, floats=True, base=base)
        if lists:
            sql = distinct_values(query) if a.metric.agg == "count_distinct" else query.sql
            queries.append((query, _fetch(sql, side, warehouse, MOST_VALUES + 1)))
            continue
        rows = _fetch(query.sql, side, warehouse)
        queries.append((query, rows))
        for segment, more in cells(query, rows.rows, place).items():
            tables.setdefault(segment, []).extend(more)
    frame = Frame(queries[0][0], len(known), data)
    if lists:
        reading = Lists(frame, a.metric)
        fetched = [rows.rows for _, rows in queries]
        reading = reading.distinct(fetched) if a.metric.agg == "count_distinct" else reading.ordered(fetched)
        values, moved = reading.values, reading.moved
    else:
        values, moved = _values(frame, tables[()], a.metric.agg, a), _moved(frame, tables[()])
    shapes = tuple(query for query, _ in queries)
    return Game(found, known, tuple(values), tables, frame, len(sides) + 2, floats, shapes, tuple(moved))


def _values(frame: Frame, table: list[Cell], agg: str, side: Side) -> list[Fraction]:
    found = []
    for mixture in range(1 << frame.count):
        totals = [frame.total(table, measure, mixture) for measure in frame.query.measures]
        if len(totals) == 1:
            found.append(totals[0])
            continue
        if not totals[1]:
            raise NoGap(
                f"a mixture of the two definitions of this {agg} has nothing to divide by",
                at=side.metric.span,
                affects="no line of the gap is given",
                hint="compare numerator and denominator as metrics of their own",
            )
        found.append(totals[0] / totals[1])
    return found


def _is_float(query: ClassQuery, side: Side, warehouse: Warehouse) -> bool:
    from startrail.lineage.expressions import written

    schema = warehouse.describe(Query(written(query.inner), side.relations))
    return any(
        column.name.startswith("_v") and isinstance(column.type, Primitive) and column.type.name in ("float", "double")
        for column in schema.columns
    )


def _fetch(sql: str, side: Side, warehouse: Warehouse, limit: int | None = None) -> Rows:
    return warehouse.fetch(Query(sql, side.relations, {}, side.metric.span.file, side.metric.span.line), limit)


# -- the report ------------------------------------------------------------------------------------


def report(game: Game, a: Side, b: Side, period: str | None) -> Gap:
    """The lines, ranked, rounded so that they sum to the gap."""
    assert a.value is not None
    assert b.value is not None
    quotient = len(game.frame.query.measures) > 1
    places = (
        QUOTIENT_PLACES if quotient else max(a.places, b.places, *(_places(each) for each in (a.value, b.value, *game.values)))
    )
    show = _shower(places)
    value_a, value_b = show(a.value), show(b.value)
    shares = shapley(game.values)
    names = [cause.name for cause in game.causes]
    off = (b.value - game.values[-1]) - (a.value - game.values[0])
    moved = game.moved
    live = [place for place in range(len(names)) if moved[place] or shares[place]]
    exact = [shares[place] for place in live] + ([off] if off else [])
    drift = Fraction(value_b - value_a) - sum(exact, Fraction(0))
    amounts = rounded([*exact[:-1], exact[-1] + drift] if exact and drift else exact, places)
    gap = value_b - value_a
    lines = [_line(game, place, amounts[at], shares[place], moved[place], gap, show) for at, place in enumerate(live)]
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
        without_effect=tuple(name for place, name in enumerate(names) if place not in live),
        partition=_partition(game, show),
        unexplained=gap - sum((line.amount for line in lines), Decimal(0)),
        unit=a.metric.unit if a.metric.unit == b.metric.unit else None,
        notes=_notes(a, b, amounts, exact, gap),
        statements=game.statements,
    )


def _line(
    game: Game, place: int, amount: Decimal, exact: Fraction, rows: int, gap: Decimal, show: Callable[[Fraction], Decimal]
) -> Line:
    cause = game.causes[place]
    first, last = bands(game.values)[place]
    gross_in, gross_out = _gross(game, place)
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
        rows=rows,
        gross_in=None if gross_in is None else show(gross_in),
        gross_out=None if gross_out is None else show(gross_out),
        timing=None if permanent is None else show(first - permanent),
        permanent=None if permanent is None else show(permanent),
        segments=segments_of(game.tables, game.frame, place, amount) if game.tables[()] else (),
        slots=cause.slots,
        exact=str(exact),
    )


def _float_line(amount: Decimal, off: Fraction, gap: Decimal, show: Callable[[Fraction], Decimal]) -> Line:
    share = float(amount / gap) if gap else None
    return Line(FLOATS, None, None, amount, share, show(off), show(off), False, 0, exact=str(off))


def _moved(frame: Frame, table: list[Cell]) -> list[int]:
    counts = [0] * frame.count
    for cell in table:
        for cause in frame.moved(cell):
            counts[cause] += cell.rows
    return counts


def _gross(game: Game, place: int) -> tuple[Fraction | None, Fraction | None]:
    """What a cause brings in and takes away, swapped alone; only of sums."""
    frame = game.frame
    if len(frame.query.measures) != 1 or not game.tables[()] or place == frame.data:
        return None, None
    measure = frame.query.measures[0]
    came, went = Fraction(0), Fraction(0)
    for cell in game.tables[()]:
        before, after = (frame.output(cell, measure, mixture) for mixture in (0, 1 << place))
        if before is not None and after is not None and before != after:
            at = 2 * measure.causes.index(place)
            came, went = came + cell.moves[at], went + cell.moves[at + 1]
        elif before is None and after is not None:
            came += cell.sums[after]
        elif after is None and before is not None:
            went -= cell.sums[before]
    return came, went


def _permanent(game: Game, place: int) -> Fraction | None:
    """Of what a time slot moves, swapped alone: what no other period makes good. None for other slots, and without a period.

    Another column or zone moves a row to another period, unless it has no moment there; bounds that leave moments out, and
    a cutoff, leave them out of every period.
    """
    frame, slots_of = game.frame, set(game.causes[place].slots)
    windowed = any(factor.name == "time" for factor in frame.query.factors) or "late_cutoff" in slots_of
    if len(frame.query.measures) != 1 or not game.tables[()] or not slots_of <= set(TIME_SLOTS) or not windowed:
        return None
    if slots_of & {"bounds", "late_cutoff"}:
        return game.values[1 << place] - game.values[0]
    if frame.query.unknown is None or "time_column" not in slots_of:
        return Fraction(0)
    measure, total = frame.query.measures[0], Fraction(0)
    for cell in game.tables[()]:
        no_a, no_b = (cell.bits >> bit & 1 for bit in frame.query.unknown)
        before, after = (frame.output(cell, measure, mixture) for mixture in (0, 1 << place))
        if before is None and after is not None and no_a:
            total += cell.sums[after]
        elif after is None and before is not None and no_b:
            total -= cell.sums[before]
    return total


def _partition(game: Game, show: Callable[[Fraction], Decimal]) -> tuple[Part, ...]:
    """Rows by the causes that move them."""
    frame = game.frame
    if len(frame.query.measures) != 1 or frame.data is not None:
        return ()  # rows of two times or tables have no classes in common
    measure, full = frame.query.measures[0], (1 << frame.count) - 1
    found: dict[frozenset[int], tuple[Fraction, int]] = {}
    for cell in game.tables[()]:
        causes_of = frame.moved(cell)
        if not causes_of:
            continue
        before, after = (frame.output(cell, measure, mixture) for mixture in (0, full))
        change = (cell.sums[after] if after is not None else 0) - (cell.sums[before] if before is not None else 0)
        amount, rows = found.get(causes_of, (Fraction(0), 0))
        found[causes_of] = amount + change, rows + cell.rows
    parts = [
        Part(tuple(game.causes[place].name for place in sorted(key)), show(amount), rows) for key, (amount, rows) in found.items()
    ]
    return tuple(sorted(parts, key=lambda part: (-abs(part.amount), part.causes)))


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
