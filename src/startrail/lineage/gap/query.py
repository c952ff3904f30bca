"""One SELECT from which every mixture of two definitions can be computed.

Rows are grouped by their *class*: which of the differing slots, in which of their combinations, let a row in, and which
of them change its value. Per class the query gives the number of rows and, for every combination of the slots that the
value depends on, the exact sum. There are few classes, however many rows, and each mixture is a sum over classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp

from startrail.lineage.expressions import column, written
from startrail.lineage.gap.rows import Rows, rows_from
from startrail.lineage.metric.query import amount, with_values
from startrail.lineage.metric.rates import rate_join, rate_value
from startrail.lineage.metric.slots import RATES, PartSlots, Slots, slots
from startrail.lineage.metric.time import Window, in_time, in_window, local_time, parameters
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
    counts: bool = False


class ClassQuery(NamedTuple):
    """The SELECT, and how to read it: ``words`` whole numbers that hold the bits of a class, the dimensions, the number
    of rows, then the sums of all measures as text, then what the value causes move in and out, each for itself."""

    tree: exp.Expr
    inner: exp.Expr
    words: int
    factors: tuple[Factor, ...]
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...]
    sets: tuple[tuple[str, ...], ...]
    unknown: tuple[int, int] | None = None
    """The bits that say whether a row has no moment on side A, and on side B; only where the time columns differ."""

    @property
    def sql(self) -> str:
        """The text; it has no parameters."""
        return written(self.tree)


class Kinds(NamedTuple):
    """The types of the columns of time on both sides."""

    a: Mapping[str, str]
    b: Mapping[str, str]


def class_query(
    found: Aligned, causes: Sequence[Cause], window: Window | None, kinds: Kinds, dimensions: Sequence[str] = (),
    *, floats: bool = False, entities: bool = False, base: frozenset[str] = frozenset(),
) -> ClassQuery:  # fmt: skip
    """``base``: slots that are on side B throughout, as the rows' own. ``floats``: values are cut to exact decimals first.
    ``entities``: the rows' values themselves are wanted, not sums. Raises MetricShape, MetricSql."""
    return _Building(found, causes, window, kinds, base).query(dimensions, floats, entities)


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

    def query(self, dimensions: Sequence[str], floats: bool, entities: bool) -> ClassQuery:
        a = self.found.a
        rows = rows_from(self.found, "dedup" in self.owner, self.base)
        self.common += [tree.copy() for _, tree in slots(self.found.mixed(self.base)).filters if self._is_common(_)]
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
        values, measures = self._measures(floats, entities)
        return self._written(rows, values, measures, dimensions, floats, entities)._replace(unknown=self._unknown)

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
        return slots(self.found.mixed(chosen))

    def _kinds(self, chosen: frozenset[str]) -> dict[str, str]:
        time = self.kinds.b if "time_column" in chosen else self.kinds.a
        arrival = self.kinds.b if "late_cutoff" in chosen else self.kinds.a
        return {key: side[key] for key, side in (("time", time), ("arrival", arrival)) if key in side}

    def _in_window(self, chosen: frozenset[str]) -> exp.Expr | None:
        mixed, kinds = self._slots(chosen), self._kinds(chosen)
        if mixed.time is None:  # plain SQL may have no period
            return None
        return with_values(in_window(mixed, kinds), parameters(mixed, self.window, kinds))

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

    def _measures(self, floats: bool, entities: bool) -> tuple[list[exp.Expr], list[Measure]]:
        """The values of a row in all combinations, and what they are."""
        metric = self.found.a
        if metric.agg == "ratio":
            wanted: list[tuple[str, tuple[str, ...], Callable[[Slots, str], exp.Expr], bool]] = [
                ("numerator", ("numerator",), lambda found, rates: _part(found, found.parts[0], rates), False),
                ("denominator", ("denominator",), lambda found, rates: _part(found, found.parts[1], rates), False),
            ]
        elif metric.agg == "count":
            wanted = [("value", ("expr",), lambda found, _: _one_if(found.value), True)]
        elif metric.agg == "avg":
            wanted = [
                ("numerator", ("expr",), _amount, False),
                ("denominator", ("expr",), lambda found, rates: _one_if(_amount(found, rates)), True),
            ]
        else:
            wanted = [("value", ("expr",), _amount, False)]
        values: list[exp.Expr] = []
        measures: list[Measure] = []
        for name, needs, value, counts in wanted:
            if self.found.a.currency is not None or self.found.b.currency is not None:
                needs = (*needs, "currency", *TIME_SLOTS[:2])
            depends = self._depends(needs)
            trees = [value(self._slots(chosen), self._rate(chosen)) for chosen in self._all_chosen(depends)]
            edges = len(self.bits)
            measures.append(Measure(name, depends, len(values), edges, counts))
            for low, high in edges_of(depends):
                self.bits.append(_differ(trees[low], trees[high], floats, entities))
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
            self.rate_joins.append(_called(join, self.rates[text]))
        return self.rates[text]

    # -- the statement -----------------------------------------------------------------------------

    def _written(
        self, rows: Rows, values: list[exp.Expr], measures: list[Measure], dimensions: Sequence[str], floats: bool, entities: bool
    ) -> ClassQuery:
        dims = slots(self.found.mixed(self.base)).dimensions
        names = [name for name in dimensions if name in dims]
        words = [
            exp.alias_(_word(self.bits[start : start + WORD]), f"_k{place}", quoted=True)
            for place, start in enumerate(range(0, max(1, len(self.bits)), WORD))
        ]
        cells = [exp.alias_(_cut(value) if floats else value, f"_v{place}", quoted=True) for place, value in enumerate(values)]
        shown = [exp.alias_(dims[name].copy(), f"_d{place}", quoted=True) for place, name in enumerate(names)]
        inner = rows.select.select(*words, *shown, *cells, copy=True)
        for join in self.rate_joins:
            inner.append("joins", join)
        if self.common:
            inner = inner.where(*self.common)
        keys = [column("r", f"_k{place}") for place in range(len(words))]
        wanted = [column("r", f"_d{place}") for place in range(len(names))]
        sets = _sets(range(len(names)))
        outer = exp.select(*keys, *wanted).from_(inner.subquery("r"))
        windowed = [factor for factor in self.factors if factor.name == "time"]
        for factor in windowed:  # rows that no combination has in the period are the most, and add nothing
            mask = sum(1 << (factor.at + n) for n in combinations(factor.causes))
            inside = exp.Anonymous(this="bit_count", expressions=[_and(keys[0], mask)])
            outer = outer.where(exp.GT(this=inside, expression=exp.Literal.number(0)))
        cells = [column("r", f"_v{place}") for place in range(len(values))]
        if entities:
            grouped = outer.select(*cells, exp.Count(this=exp.Star())).group_by(*keys, *wanted, *cells)
            return ClassQuery(grouped, inner, len(words), tuple(self.factors), tuple(measures), tuple(names), ((),))
        outer = outer.select(exp.Count(this=exp.Star()), *(_text(exp.Sum(this=cell)) for cell in cells))
        outer = outer.select(*_moves(measures, cells))
        if len(sets) > 1:
            outer = outer.select(exp.Anonymous(this="grouping", expressions=[w.copy() for w in wanted]))
        outer.set("group", exp.Group(grouping_sets=[exp.GroupingSets(expressions=[
            exp.Tuple(expressions=[*(key.copy() for key in keys), *(wanted[place].copy() for place in each)]) for each in sets
        ])]))  # fmt: skip
        named = tuple(tuple(names[place] for place in each) for each in sets)
        return ClassQuery(outer, inner, len(words), tuple(self.factors), tuple(measures), tuple(names), named)


def edges_of(depends: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of combinations that differ in one cause: first those of the first cause, and so on."""
    return [(n, n | 1 << place) for place in range(len(depends)) for n in combinations(depends) if not n >> place & 1]


def _differ(low: exp.Expr, high: exp.Expr, floats: bool, entities: bool) -> exp.Expr:
    """Whether a row adds something else. To a sum nothing is 0, and a float is what is left of it; to a list they are values."""
    if entities:
        return exp.NullSafeNEQ(this=low.copy(), expression=high.copy())
    one, two = (_or_zero(_cut(tree) if floats else tree) for tree in (low, high))
    return exp.NEQ(this=one, expression=two)


def _moves(measures: Sequence[Measure], cells: Sequence[exp.Expr]) -> list[exp.Expr]:
    """What each value cause, swapped alone, adds to rows and takes from rows; only of the first measure."""
    measure = measures[0]
    found: list[exp.Expr] = []
    zero = exp.Literal.number(0)
    for place in range(len(measure.causes)):
        before, after = (_or_zero(cells[measure.at + n]) for n in (0, 1 << place))
        change = exp.paren(exp.Sub(this=after, expression=before))
        sides = [exp.Anonymous(this=word, expressions=[change.copy(), zero.copy()]) for word in ("greatest", "least")]
        found += [_text(exp.Sum(this=side)) for side in sides]
    return found


def _sets(places: range) -> list[tuple[int, ...]]:
    singles = [(place,) for place in places]
    pairs = [(one, two) for one in places for two in places if one < two][:6]
    return [(), *singles, *pairs]


def _part(found: Slots, part: PartSlots, rates: str) -> exp.Expr:
    if part.agg == "count" or part.value is None:
        value: exp.Expr = _one_if(part.value)
    else:
        value = _rated(amount(found, part.value), rates)
    if not part.filters:
        return value
    return exp.Case(ifs=[exp.If(this=exp.and_(*(tree.copy() for _, tree in part.filters)), true=value)])


def _amount(found: Slots, rates: str) -> exp.Expr:
    assert found.value is not None
    return _rated(amount(found, found.value), rates)


def _rated(tree: exp.Expr, alias: str) -> exp.Expr:
    for used in tree.find_all(exp.Column):
        if used.table == RATES:
            used.set("table", exp.to_identifier(alias, quoted=True))
    return tree


def _called(join: exp.Join, alias: str) -> exp.Join:
    """A join of rates under another alias."""
    renamed = join.copy()
    _rated(renamed, alias)
    renamed.this.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return renamed


def _one_if(value: exp.Expr | None) -> exp.Expr:
    one = exp.Literal.number(1)
    if value is None:
        return one
    return exp.Case(
        ifs=[exp.If(this=exp.Not(this=exp.paren(exp.Is(this=exp.paren(value.copy()), expression=exp.Null()))), true=one)]
    )


def _word(bits: Sequence[exp.Expr]) -> exp.Expr:
    """Conditions as the bits of one whole number; NULL is 0."""
    total: exp.Expr | None = None
    for place, bit in enumerate(bits):
        flag = exp.Case(ifs=[exp.If(this=bit.copy(), true=exp.Literal.number(1 << place))], default=exp.Literal.number(0))
        total = flag if total is None else exp.Add(this=total, expression=flag)
    return exp.cast(exp.paren(total) if total is not None else exp.Literal.number(0), "bigint")


def _and(key: exp.Expr, mask: int) -> exp.Expr:
    return exp.BitwiseAnd(this=key.copy(), expression=exp.Literal.number(mask))


def _or_zero(tree: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=tree.copy(), expressions=[exp.Literal.number(0)])


def _cut(tree: exp.Expr) -> exp.Expr:
    return exp.cast(exp.paren(tree.copy()), "decimal(38, 9)")


def _text(tree: exp.Expr) -> exp.Expr:
    return exp.cast(tree, "varchar")
