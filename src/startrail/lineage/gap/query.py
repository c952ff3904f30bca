"""The rows from which every mixture of two definitions can be computed.

Rows are grouped by their *class*: which of the differing slots, in which of their combinations, let a row in, and which
of them change its value. Per class the query gives the number of rows and, for every combination of the slots that the
value depends on, the exact sum. There are few classes, however many rows, and each mixture is a sum over classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from startrail.lineage.expressions import column, columns, written
from startrail.lineage.gap.rows import Rows, rows_from
from startrail.lineage.gap.values import cut, differ, rates_called, worth
from startrail.lineage.metric.query import with_values
from startrail.lineage.metric.rates import rate_join, rate_value
from startrail.lineage.metric.slots import RATES, Slots, slots
from startrail.lineage.metric.time import Window, in_time, in_window, in_window_quickly, local_time, parameters, prefilter
from startrail.model.why import TIME_SLOTS, Aligned, Cause, Slot

WORD = 60
"""Bits of a class that go into one whole number."""


class Factor(NamedTuple):
    """What lets a row in, as a function of some causes: bit ``at + n`` of a class is its answer in combination n, in
    which the i-th of ``causes`` is on side B when bit i of n is set."""

    name: str
    causes: tuple[int, ...]
    at: int


class Measure(NamedTuple):
    """What is summed, as a function of some causes. ``at``: its first sum among the query's; ``edges``: the first bit
    that says, per pair of combinations that differ in one cause, whether the row's value differs."""

    name: str
    causes: tuple[int, ...]
    at: int
    edges: int


class ClassQuery(NamedTuple):
    """Every row with its class and its values, from which :mod:`startrail.lineage.gap.select` makes statements.

    ``inner`` gives ``words`` whole numbers that hold the bits of the row's class, its dimensions, and the values of all
    measures. Rows that no combination lets in are in no mixture: ``live`` leaves them out.
    """

    inner: exp.Select
    words: int
    factors: tuple[Factor, ...]
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...]
    unknown: tuple[int, int] | None = None
    """The bits that say whether a row has no moment on side A, and on side B; only where the time columns differ."""

    @property
    def values(self) -> int:
        """How many values a row has: one for each measure and combination of the causes it depends on."""
        return sum(1 << len(measure.causes) for measure in self.measures)


class Kinds(NamedTuple):
    """The types of the columns of time on both sides."""

    a: Mapping[str, str]
    b: Mapping[str, str]


def class_query(
    found: Aligned, causes: Sequence[Cause], window: Window | None, kinds: Kinds, dimensions: Sequence[str] = (),
    *, floats: bool = False, base: frozenset[str] = frozenset(),
) -> ClassQuery:  # fmt: skip
    """``base``: slots that are on side B throughout, as the rows' own. ``floats``: values are cut to exact decimals first.
    Raises MetricShape, MetricSql."""
    return _Building(found, causes, window, kinds, base).query(dimensions, floats)


def combinations(causes: Sequence[int]) -> range:
    """The combinations of some causes, as numbers."""
    return range(1 << len(causes))


class _Building:
    def __init__(
        self, found: Aligned, causes: Sequence[Cause], window: Window | None, kinds: Kinds, base: frozenset[str]
    ) -> None:
        self.found, self.causes, self.window, self.kinds, self.base = found, causes, window, kinds, base
        self.owner = {slot: place for place, cause in enumerate(causes) for slot in cause.slots if slot not in base}
        self.bits: list[exp.Expr] = []
        self.common: list[exp.Expr] = []
        self.factors: list[Factor] = []
        self.rates: dict[str, str] = {}
        self.rate_joins: list[exp.Join] = []
        self._unknown: tuple[int, int] | None = None
        self._parsed: dict[frozenset[str], Slots] = {}

    def query(self, dimensions: Sequence[str], floats: bool) -> ClassQuery:
        a = self.found.a
        rows = rows_from(self.found, "dedup" in self.owner, self.base)
        self.common += [tree.copy() for _, tree in self._slots(self.base).filters if self._is_common(_)]
        if self.window is not None:
            self.factor("time", TIME_SLOTS[:3], self._in_window)
            self._note_unknown()
            self.factor("in time", (TIME_SLOTS[0], TIME_SLOTS[1], TIME_SLOTS[3]), self._in_time)
        elif any(slot in self.owner for slot in (*TIME_SLOTS[:2], TIME_SLOTS[3])) or a.agg_time_dimension is not None:
            self.factor("in time", (TIME_SLOTS[0], TIME_SLOTS[1], TIME_SLOTS[3]), self._in_time)
        for slot in self.found.filters:
            self.factor(slot.name, (slot.name,), lambda s, slot=slot: self._filter(s, slot))
        if a.dedup is not None or self.found.b.dedup is not None:
            self.factor("dedup", ("dedup",), lambda s: column(a.alias, rows.keep(s)))
        for place, slot in enumerate(self.found.joins):
            self.factor(slot.name, (slot.name,), lambda s, slot=slot, place=place: rows.condition(slot, place, slot.name in s))
        values, measures = self._measures(floats)
        return self._written(rows, values, measures, dimensions, floats)

    # -- factors -----------------------------------------------------------------------------------

    def factor(self, name: str, wanted: Sequence[str], condition: Callable[[frozenset[str]], exp.Expr | None]) -> None:
        """A condition that depends on slots: common when none of them differs, else its answers as bits."""
        depends = self._depends(wanted)
        answers = [condition(self._chosen(depends, n)) for n in combinations(depends)]
        if not depends:
            self.common += [answer for answer in answers if answer is not None]
            return
        if all(answer is None for answer in answers):
            return
        self.factors.append(Factor(name, depends, len(self.bits)))
        self.bits += [answer if answer is not None else exp.true() for answer in answers]

    def _note_unknown(self) -> None:
        """A row without a moment on one side is in no period there: what it adds never comes back."""
        place = self.owner.get("time_column")
        if place is None:
            return
        moments = [self._slots(self.base | frozenset(slots)).time for slots in ((), self.causes[place].slots)]
        if None in moments:
            return
        self._unknown = len(self.bits), len(self.bits) + 1
        self.bits += [exp.Is(this=moment.copy(), expression=exp.Null()) for moment in moments if moment is not None]

    def _depends(self, wanted: Sequence[str]) -> tuple[int, ...]:
        return tuple(sorted({self.owner[slot] for slot in wanted if slot in self.owner}))

    def _chosen(self, depends: Sequence[int], n: int) -> frozenset[str]:
        picked = [slot for place, cause in enumerate(depends) if n >> place & 1 for slot in self.causes[cause].slots]
        return self.base | frozenset(picked)

    def _slots(self, chosen: frozenset[str]) -> Slots:
        if chosen not in self._parsed:
            self._parsed[chosen] = slots(self.found.mixed(chosen))
        return self._parsed[chosen]

    def _kinds(self, chosen: frozenset[str]) -> dict[str, str]:
        time = self.kinds.b if "time_column" in chosen else self.kinds.a
        arrival = self.kinds.b if "late_cutoff" in chosen else self.kinds.a
        return {key: side[key] for key, side in (("time", time), ("arrival", arrival)) if key in side}

    def _in_window(self, chosen: frozenset[str]) -> exp.Expr | None:
        mixed, kinds = self._slots(chosen), self._kinds(chosen)
        if mixed.time is None:  # plain SQL may have no period
            return None
        assert self.window is not None
        return with_values(in_window_quickly(mixed, self.window, kinds), parameters(mixed, self.window, kinds))

    def _in_time(self, chosen: frozenset[str]) -> exp.Expr | None:
        return in_time(self._slots(chosen), self._kinds(chosen))

    def _filter(self, chosen: frozenset[str], slot: Slot) -> exp.Expr | None:
        side = slot.b if slot.name in chosen else slot.a
        if side is None:
            return None
        found = self._slots(chosen | ({slot.name} if slot.name in chosen else frozenset()))
        return next(tree.copy() for name, tree in found.filters if name == getattr(side, "name", ""))

    def _is_common(self, name: str) -> bool:
        return any(each.name == name for each in self.found.common)

    # -- measures ----------------------------------------------------------------------------------

    def _measures(self, floats: bool) -> tuple[list[exp.Expr], list[Measure]]:
        """The values of a row in all combinations, and what they are."""
        values: list[exp.Expr] = []
        measures: list[Measure] = []
        for name, needs, value in worth(self.found.a):
            if self.found.a.currency is not None or self.found.b.currency is not None:
                needs = (*needs, "currency", *TIME_SLOTS[:2])
            depends = self._depends(needs)
            trees = [value(self._slots(chosen), self._rate(chosen)) for chosen in self._all_chosen(depends)]
            edges = len(self.bits)
            measures.append(Measure(name, depends, len(values), edges))
            for low, high in edges_of(depends):
                self.bits.append(differ(self.found.a, trees[low], trees[high], floats))
            values += trees
        return values, measures

    def _all_chosen(self, depends: Sequence[int]) -> list[frozenset[str]]:
        return [self._chosen(depends, n) for n in combinations(depends)]

    def _rate(self, chosen: frozenset[str]) -> str:
        """The alias under which the rates of a mixture are joined."""
        found = self._slots(chosen)
        if rate_value(found) is None:
            return RATES
        join = rate_join(found, local_time(found, self._kinds(chosen)))
        text = written(join)
        if text not in self.rates:
            self.rates[text] = f"{RATES}{len(self.rates)}"
            self.rate_joins.append(rates_called(join, self.rates[text]))
        return self.rates[text]

    # -- the rows ----------------------------------------------------------------------------------

    def _written(
        self, rows: Rows, values: list[exp.Expr], measures: list[Measure], dimensions: Sequence[str], floats: bool
    ) -> ClassQuery:
        dims = self._slots(self.base).dimensions
        names = [name for name in dimensions if name in dims]
        words = [
            exp.alias_(_word(self.bits[start : start + WORD]), f"_k{place}", quoted=True)
            for place, start in enumerate(range(0, max(1, len(self.bits)), WORD))
        ]
        shown = [exp.alias_(dims[name].copy(), f"_d{place}", quoted=True) for place, name in enumerate(names)]
        cells = [exp.alias_(cut(value) if floats else value, f"_v{place}", quoted=True) for place, value in enumerate(values)]
        inner = rows.select.select(*words, *shown, *cells, copy=True)
        for join in self.rate_joins:
            inner.append("joins", join)
        conditions = [*self.common, *self._near()]
        if conditions:
            inner = inner.where(*conditions)
        return ClassQuery(inner, len(words), tuple(self.factors), tuple(measures), tuple(names), self._unknown)

    def _near(self) -> list[exp.Expr]:
        """Bounds on the bare columns of time, wider than the period of any mixture: most rows need no look at the clock."""
        if self.window is None:
            return []
        found: dict[str, exp.Expr] = {}
        depends = self._depends(TIME_SLOTS[:3])
        for n in combinations(depends):
            chosen = self._chosen(depends, n)
            mixed, kinds = self._slots(chosen), self._kinds(chosen)
            if mixed.time is None or any(used.alias != self.found.a.alias.lower() for used in columns([mixed.time])):
                return []
            wide = prefilter(mixed, kinds)
            near = exp.and_(*wide) if wide else in_window(mixed, kinds)
            bound = with_values(near, parameters(mixed, self.window, kinds))
            found[written(bound)] = exp.paren(bound)
        return [exp.or_(*found.values())]


def edges_of(depends: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of combinations that differ in one cause: first those of the first cause, and so on."""
    return [(n, n | 1 << place) for place in range(len(depends)) for n in combinations(depends) if not n >> place & 1]


def _word(bits: Sequence[exp.Expr]) -> exp.Expr:
    """Conditions as the bits of one whole number; NULL is 0."""
    total: exp.Expr | None = None
    for place, bit in enumerate(bits):
        flag = exp.Case(ifs=[exp.If(this=bit.copy(), true=exp.Literal.number(1 << place))], default=exp.Literal.number(0))
        total = flag if total is None else exp.Add(this=total, expression=flag)
    return exp.cast(exp.paren(total) if total is not None else exp.Literal.number(0), "bigint")
