"""Aggregates that are no sums: distinct counts, extremes and medians, computed anew for every mixture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from sqlglot import exp

from startrail.capabilities.why.classes import Cell, Frame, bits, chosen, exact
from startrail.capabilities.why.errors import NoGap, TooManyValues
from startrail.lineage.gap.query import ClassQuery
from startrail.model.metric import Metric

MOST_VALUES = 1_000_000


def distinct_values(query: ClassQuery) -> str:
    """The SELECT that gives, per combination and set of classes, how many entities have rows in just these classes."""
    from startrail.lineage.expressions import column, written

    words: list[exp.Expr] = [exp.cast(column("r", f"_k{place}"), "varchar") for place in range(query.words)]
    key = words[0] if len(words) == 1 else exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(":"), *words])
    selects: list[exp.Select] = []
    for place in range(1 << len(query.measures[0].causes)):
        value = column("r", f"_v{place}")
        listed = exp.Anonymous(this="list", expressions=[exp.Distinct(expressions=[key.copy()])])
        ordered = exp.Anonymous(this="list_sort", expressions=[listed])
        joined = exp.Anonymous(this="array_to_string", expressions=[ordered, exp.Literal.string(",")])
        entities = exp.select(exp.alias_(joined, "keys", quoted=True)).from_("r").group_by(value)
        entities = entities.where(exp.Not(this=exp.paren(exp.Is(this=value.copy(), expression=exp.Null()))))
        number, keys = exp.Literal.number(place), column("e", "keys")
        selects.append(exp.select(number, keys, exp.Count(this=exp.Star())).from_(entities.subquery("e")).group_by(keys.copy()))
    whole: exp.Query = selects[0]
    for each in selects[1:]:
        whole = exp.union(whole, each, distinct=False)
    return f"WITH r AS MATERIALIZED ({written(query.inner)}) {written(whole)}"


class Lists:
    """The values of all mixtures, and how many rows (of distinct counts: entities) each cause changes."""

    def __init__(self, frame: Frame, metric: Metric) -> None:
        self.frame, self.metric = frame, metric
        self.values: list[Fraction] = []
        self.moved = [0] * frame.count

    def distinct(self, tables: Sequence[Iterable[Sequence[Any]]]) -> Lists:
        """From the rows of :func:`distinct_values`, those of side A first."""
        frame, totals = self.frame, [0] * (1 << self.frame.count)
        causes = frame.query.measures[0].causes
        for side, rows in enumerate(tables):
            for place, keys, count in rows:
                classes = [bits([int(word) for word in key.split(":")]) for key in str(keys).split(",")]
                inside = [
                    chosen(causes, mixture) == place and any(frame.included(each, side, mixture) for each in classes)
                    for mixture in range(len(totals))
                ]
                for mixture, counted in enumerate(inside):
                    totals[mixture] += int(count) if counted else 0
                self._note_moved(inside, int(count))
        self.values = [Fraction(total) for total in totals]
        return self

    def ordered(self, tables: Sequence[Iterable[Sequence[Any]]]) -> Lists:
        """From rows of class, values and count, those of side A first. Raises NoGap, TooManyValues."""
        frame, measure = self.frame, self.frame.query.measures[0]
        found: list[list[tuple[Fraction, int]]] = [[] for _ in range(1 << frame.count)]
        for side, rows in enumerate(tables):
            for number, row in enumerate(rows):
                if number >= MOST_VALUES:
                    raise TooManyValues(
                        f"{self.metric.name} is a {self.metric.agg} of more than {MOST_VALUES:,} different values",
                        at=self.metric.span,
                        hint="ask about a shorter period",
                    )
                words = frame.query.words
                cell = Cell(bits(row[:words]), side, int(row[-1]), ())
                values = [None if item is None else exact(item) for item in row[words:-1]]
                for mixture, each in enumerate(found):
                    place = frame.output(cell, measure, mixture)
                    value = values[place] if place is not None else None
                    if value is not None:
                        each.append((value, cell.rows))
                for cause in frame.moved(cell):
                    self.moved[cause] += cell.rows
        self.values = [self._one(each) for each in found]
        return self

    def _one(self, values: list[tuple[Fraction, int]]) -> Fraction:
        if not values:
            raise NoGap(
                f"a mixture of the two definitions has no rows, and no {self.metric.agg}",
                at=self.metric.span,
                affects="no line of the gap is given",
                hint="choose a longer period",
            )
        if self.metric.agg == "min":
            return min(value for value, _ in values)
        if self.metric.agg == "max":
            return max(value for value, _ in values)
        return _median(values)

    def _note_moved(self, inside: list[bool], count: int) -> None:
        for cause in range(self.frame.count):
            if any(inside[mixture] != inside[mixture | 1 << cause] for mixture in range(len(inside)) if not mixture >> cause & 1):
                self.moved[cause] += count


def _median(values: list[tuple[Fraction, int]]) -> Fraction:
    total, ordered = sum(count for _, count in values), sorted(values)
    lower, upper = (total - 1) // 2, total // 2
    picked: list[Fraction] = []
    seen = 0
    for value, count in ordered:
        picked += [value for place in (lower, upper) if seen <= place < seen + count]
        seen += count
    return sum(picked, Fraction(0)) / 2
