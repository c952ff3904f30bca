"""The mixtures of two metrics: what is asked of the engine, and held against both numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from startrail.capabilities.why.classes import Frame, table
from startrail.capabilities.why.distinct import Distinct
from startrail.capabilities.why.errors import NoGap, NotReproduced
from startrail.capabilities.why.numbers import Numbers
from startrail.capabilities.why.ordered import MOST_VALUES, MOST_WITH_DIMENSIONS, Ordered
from startrail.capabilities.why.shapley import Coalitions
from startrail.capabilities.why.sums import Sums
from startrail.lineage.gap.blocks import FEW_MIXTURES, MOST_CAUSES, MOST_MIXTURES, Blocked, block_of, blocked
from startrail.lineage.gap.causes import align, causes
from startrail.lineage.gap.errors import NotComparable
from startrail.lineage.gap.query import ClassQuery, Kinds, class_query
from startrail.lineage.gap.select import Grouped, class_rows, class_sums, class_values, entity_sets, touched
from startrail.lineage.metric.time import Window
from startrail.model.metric import Metric, MetricInput
from startrail.model.types import Primitive
from startrail.model.why import DATA, Aligned, Cause
from startrail.ports.warehouse import DoesNotBind, Query, Readable, Rows, Warehouse

_MOST_DIMENSIONS = 4
_OF_SUMS = ("sum", "count", "avg", "ratio")
_OWN = 2
"""Statements that gave the two numbers themselves."""


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
    """All mixtures of two sides that shares need."""

    found: Aligned
    causes: tuple[Cause, ...]
    blocks: Blocked
    numbers: Numbers
    frame: Frame
    statements: int
    floats: bool = False
    idle: tuple[Cause, ...] = ()
    """Differences that were found to change no row, and were left out."""

    @property
    def values(self) -> Mapping[int, Fraction]:
        """The value of each mixture."""
        return self.numbers.values


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
        again = _game(a, b, window, warehouse, ties=True)
        game = msgspec.structs.replace(again, statements=game.statements + again.statements - _OWN)
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
    for side, found in ((a, game.values[0]), (b, game.values[game.frame.coalitions.full])):
        assert side.value is not None
        close = game.floats and abs(found - side.value) <= Fraction(1, 10**6) * max(1, abs(side.value))
        if found != side.value and not close:
            return side, found
    return None


def _game(a: Side, b: Side, window: Window | None, warehouse: Warehouse, *, ties: bool) -> Game:
    found = align(a.metric, b.metric, ties=ties)
    asking = _Asking(found, window, Kinds(a.kinds, b.kinds), warehouse)
    known, rows, idle = asking.few(causes(found, data=a.relations != b.relations), a)
    blocks = blocked(known, rows, MOST_MIXTURES if a.metric.agg in _OF_SUMS else FEW_MIXTURES)
    data = next((place for place, cause in enumerate(blocks.causes) if DATA in cause.slots), None)
    sides = [(a, frozenset[str]())] if data is None else [(a, frozenset[str]()), (b, frozenset({DATA}))]
    dims = [name for name in a.metric.dimensions if name in b.metric.dimensions][:_MOST_DIMENSIONS]
    numbers, frame = asking.numbers(blocks, sides, dims, data)
    return Game(found, blocks.causes, blocks, numbers, frame, asking.statements + _OWN, asking.floats, idle)


class _Asking:
    """The statements that are put to the engine for one pair of metrics."""

    def __init__(self, found: Aligned, window: Window | None, kinds: Kinds, warehouse: Warehouse) -> None:
        self.found, self.window, self.kinds, self.warehouse = found, window, kinds, warehouse
        self.statements = 0
        self.floats = False

    def few(self, known: tuple[Cause, ...], side: Side) -> tuple[tuple[Cause, ...], dict[str, int], tuple[Cause, ...]]:
        """Where there are many causes: without filters that change no row, and how many rows the others change."""
        filters = [cause.name for cause in known if len(cause.slots) == 1 and block_of(cause) == "filters"]
        if len(known) <= MOST_CAUSES or not filters or any(DATA in cause.slots for cause in known):
            return known, {}, ()  # of rows of two times, one look would not do
        query = class_query(self.found, known, self.window, self.kinds)
        places = [factor.causes for factor in query.factors if len(factor.causes) == 1]
        (counts,) = self._fetch(touched(query), side).rows
        found = {known[place].name: int(count) for (place,), count in zip(places, counts, strict=True)}
        idle = tuple(cause for cause in known if cause.name in filters and not found.get(cause.name, 1))
        return tuple(cause for cause in known if cause not in idle), found, idle

    def numbers(
        self, blocks: Blocked, sides: Sequence[tuple[Side, frozenset[str]]], dims: Sequence[str], data: int | None
    ) -> tuple[Numbers, Frame]:
        """What the aggregate makes of the classes."""
        metric = self.found.a
        queries = [self._query(blocks, dims, base, side) for side, base in sides]
        frame = Frame(queries[0], Coalitions(blocks.blocks), data)
        if metric.agg == "count_distinct":
            grouped = [entity_sets(query) for query in queries]
            rows = self._rows(grouped, sides, None)
            return Distinct(frame, rows, grouped[0].sets), frame
        if metric.agg in ("min", "max", "median"):
            grouped = [class_values(query, MOST_WITH_DIMENSIONS) for query in queries]
            rows = self._rows(grouped, sides, MOST_VALUES + 1)
            return Ordered(frame, rows, grouped[0].sets, metric), frame
        grouped = [class_sums(query) for query in queries]
        rows = self._rows(grouped, sides, None)
        return Sums(frame, table(queries[0], rows, grouped[0].sets, queries[0].values), metric), frame

    def _query(self, blocks: Blocked, dims: Sequence[str], base: frozenset[str], side: Side) -> ClassQuery:
        query = class_query(self.found, blocks.causes, self.window, self.kinds, dims, base=base)
        if self.found.a.agg in _OF_SUMS and self._is_float(query, side):
            self.floats = True
            return class_query(self.found, blocks.causes, self.window, self.kinds, dims, floats=True, base=base)
        return query

    def _is_float(self, query: ClassQuery, side: Side) -> bool:
        schema = self.warehouse.describe(Query(class_rows(query), side.relations))
        return any(
            column.name.startswith("_v") and isinstance(column.type, Primitive) and column.type.name in ("float", "double")
            for column in schema.columns
        )

    def _rows(
        self, grouped: Sequence[Grouped], sides: Sequence[tuple[Side, frozenset[str]]], limit: int | None
    ) -> list[list[tuple[Any, ...]]]:
        return [self._fetch(each.sql, side, limit).rows for each, (side, _) in zip(grouped, sides, strict=True)]

    def _fetch(self, sql: str, side: Side, limit: int | None = None) -> Rows:
        self.statements += 1
        return self.warehouse.fetch(Query(sql, side.relations, {}, side.metric.span.file, side.metric.span.line), limit)
