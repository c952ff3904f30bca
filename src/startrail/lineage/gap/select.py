"""Statements over the rows of a class query: sums per class, values per class, entities per set of classes, rows touched.

Each reads the tables once. Rows are grouped as finely as anything asks for, and the coarser groups, by one dimension or by
two, are made of that. A grouping that has too many groups is left out, so that what comes back is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlglot import exp

from startrail.lineage.expressions import column, written
from startrail.lineage.gap.query import WORD, ClassQuery, Measure, combinations

SEVERAL = "(several)"
"""What a dimension of an entity reads whose rows have more than one value of it."""
MOST_GROUPS = 20_000
"""A dimension, or a pair of them, that makes more groups than these is not told."""


class Grouped(NamedTuple):
    """A statement whose first column numbers the grouping; ``sets`` are their dimensions, by place. Then come the key, all
    dimensions and the figures."""

    sql: str
    sets: tuple[tuple[int, ...], ...]


def class_rows(query: ClassQuery) -> str:
    """Every row with its class and values."""
    return written(query.inner)


def class_sums(query: ClassQuery) -> Grouped:
    """Per class and segment: rows, the sums of all measures as text, and what each value cause, swapped alone, moves in and
    out."""
    values = [column("r", f"_v{place}") for place in range(query.values)]
    figures: list[exp.Expr] = [exp.Count(this=exp.Star()), *(exp.Sum(this=each) for each in values), *_moves(query, values)]
    keys = [f"_k{place}" for place in range(query.words)]
    dims = [f"_d{place}" for place in range(len(query.dimensions))]
    named = [exp.alias_(each, f"_s{place}", quoted=True) for place, each in enumerate(figures)]
    fine = exp.select(*(column("r", name) for name in (*keys, *dims)), *named).from_(exp.to_table("r"))
    fine = _only_live(fine, query).group_by(*(column("r", name) for name in (*keys, *dims)))
    return _rolled(query, fine, keys, dims, len(figures))


def entity_sets(query: ClassQuery) -> Grouped:
    """Per combination of the value, set of classes and segment: how many entities have rows in just these classes.

    The key is the combination and the classes as text: words joined by colons, classes by commas.
    """
    words: list[exp.Expr] = [exp.cast(column("r", f"_k{place}"), "varchar") for place in range(query.words)]
    key = words[0] if len(words) == 1 else exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(":"), *words])
    dims = [f"_d{place}" for place in range(len(query.dimensions))]
    entities = [_entities(query, place, key, dims) for place in combinations(query.measures[0].causes)]
    whole: exp.Query = entities[0]
    for each in entities[1:]:
        whole = exp.union(whole, each, distinct=False)
    keys = ["_place", "_keys"]
    fine = exp.select(*(column("e", name) for name in (*keys, *dims)), exp.alias_(exp.Count(this=exp.Star()), "_s0", quoted=True))
    fine = fine.from_(whole.subquery("e")).group_by(*(column("e", name) for name in (*keys, *dims)))
    return _rolled(query, fine, keys, dims, 1)


def class_values(query: ClassQuery, most: int) -> Grouped:
    """Per class, values and dimensions: how many rows. Without the dimensions when there are more than ``most`` groups."""
    keys = [f"_k{place}" for place in range(query.words)]
    dims = [f"_d{place}" for place in range(len(query.dimensions))]
    values = [f"_v{place}" for place in range(query.values)]
    names = [*keys, *dims, *values]
    fine = exp.select(*(column("r", name) for name in names), exp.alias_(exp.Count(this=exp.Star()), "_s0", quoted=True))
    fine = _only_live(fine.from_(exp.to_table("r")), query).group_by(*(column("r", name) for name in names))
    groups = exp.select(exp.Count(this=exp.Star())).from_(exp.to_table("f")).subquery()
    few = exp.LTE(this=groups, expression=exp.Literal.number(most))
    head = [column("f", name) for name in keys]
    tail = [column("f", name) for name in values]
    whole = exp.select(_number(1), *head, *(column("f", name) for name in dims), *tail, column("f", "_s0"))
    whole = whole.from_(exp.to_table("f"))
    rows = f"WITH r AS ({written(query.inner)}), f AS MATERIALIZED ({written(fine)})"
    sets = ((), tuple(range(len(dims))))
    if not dims:
        return Grouped(f"{rows} {written(whole)}", sets)
    bare = exp.select(_number(0), *(tree.copy() for tree in head), *(exp.Null() for _ in dims), *(t.copy() for t in tail))
    bare = bare.select(exp.cast(exp.Sum(this=column("f", "_s0")), "bigint")).from_(exp.to_table("f"))
    bare = bare.where(exp.Not(this=exp.paren(few.copy()))).group_by(*(tree.copy() for tree in (*head, *tail)))
    return Grouped(f"{rows} {written(exp.union(whole.where(few), bare, distinct=False))}", sets)


def touched(query: ClassQuery) -> str:
    """One row: for each of the factors that depends on one cause, how many rows it answers differently on the two sides."""
    counts = []
    for factor in query.factors:
        if len(factor.causes) == 1:
            differs = exp.NEQ(this=_bit(factor.at), expression=_bit(factor.at + 1))
            counts.append(exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=differs)))
    outer = _only_live(exp.select(*counts).from_(exp.to_table("r")), query)
    return f"WITH r AS ({written(query.inner)}) {written(outer)}"


def _rolled(query: ClassQuery, fine: exp.Select, keys: Sequence[str], dims: Sequence[str], figures: int) -> Grouped:
    """The fine groups summed by key alone, by key and each dimension, and by key and each pair."""
    sets = _sets(range(len(dims)))
    head = [column("f", name) for name in (*keys, *dims)]
    texts = [exp.alias_(exp.cast(exp.Sum(this=column("f", f"_s{n}")), "varchar"), f"_s{n}", quoted=True) for n in range(figures)]
    number = exp.Anonymous(this="grouping", expressions=[column("f", name) for name in dims])
    rolled = exp.select(exp.alias_(number if dims else _number(0), "_set", quoted=True), *head, *texts).from_(exp.to_table("f"))
    places = [
        exp.Tuple(expressions=[column("f", name) for name in (*keys, *(dims[place] for place in each))]) for each in sets
    ]  # fmt: skip
    rolled.set("group", exp.Group(grouping_sets=[exp.GroupingSets(expressions=places)]))
    outer = exp.select("*").from_(rolled.subquery("q"))
    every = (1 << len(dims)) - 1
    whole = exp.EQ(this=column("q", "_set"), expression=_number(every))
    size = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[column("q", "_set")])
    outer.set("qualify", exp.Qualify(this=exp.or_(whole, exp.LTE(this=size, expression=_number(MOST_GROUPS)))))
    by_number: list[tuple[int, ...]] = [()] * (every + 1)
    for each in sets:
        by_number[every - sum(1 << (len(dims) - 1 - place) for place in each)] = each
    again = " MATERIALIZED" if fine.find(exp.Subquery) else ""  # read once for each combination of the value
    return Grouped(f"WITH r AS{again} ({written(query.inner)}), f AS ({written(fine)}) {written(outer)}", tuple(by_number))


def _entities(query: ClassQuery, place: int, key: exp.Expr, dims: Sequence[str]) -> exp.Select:
    """One row per entity: the classes of its rows, and its dimensions where they are of one value."""
    value = column("r", f"_v{place}")
    listed = exp.Anonymous(this="list", expressions=[exp.Distinct(expressions=[key.copy()])])
    ordered = exp.Anonymous(this="list_sort", expressions=[listed])
    joined = exp.Anonymous(this="array_to_string", expressions=[ordered, exp.Literal.string(",")])
    entities = exp.select(exp.alias_(_number(place), "_place", quoted=True), exp.alias_(joined, "_keys", quoted=True))
    entities = entities.select(*(exp.alias_(_single(name), name, quoted=True) for name in dims)).from_(exp.to_table("r"))
    there = exp.Not(this=exp.paren(exp.Is(this=value.copy(), expression=exp.Null())))
    return _only_live(entities, query).where(there).group_by(value)


def _single(name: str) -> exp.Expr:
    """The one value of a dimension, as text; NULL is a value."""
    value = column("r", name)
    unknown = exp.LT(this=exp.Count(this=value.copy()), expression=exp.Count(this=exp.Star()))
    kinds = exp.Count(this=exp.Distinct(expressions=[value.copy()]))
    several = exp.GT(this=exp.Add(this=kinds, expression=exp.cast(exp.paren(unknown), "int")), expression=_number(1))
    one = exp.Min(this=exp.cast(value, "varchar"))
    return exp.Case(ifs=[exp.If(this=several, true=exp.Literal.string(SEVERAL))], default=one)


def _only_live(select: exp.Select, query: ClassQuery) -> exp.Select:
    """Without rows that some factor lets in for no combination."""
    for factor in query.factors:
        mask = sum(1 << (factor.at + n) for n in combinations(factor.causes))
        select = select.where(exp.or_(*(exp.NEQ(this=word, expression=_number(0)) for word in _masked(mask, query.words))))
    return select


def _masked(mask: int, words: int) -> list[exp.Expr]:
    """The bits of a mask in the words that have some of them."""
    parts = [(place, mask >> (WORD * place) & ((1 << WORD) - 1)) for place in range(words)]
    return [
        exp.paren(exp.BitwiseAnd(this=column("r", f"_k{place}"), expression=_number(part))) for place, part in parts if part
    ]  # fmt: skip


def _bit(at: int) -> exp.Expr:
    (found,) = _masked(1 << at, at // WORD + 1)
    return exp.paren(exp.NEQ(this=found, expression=_number(0)))


def _moves(query: ClassQuery, cells: Sequence[exp.Expr]) -> list[exp.Expr]:
    """What each value cause, swapped alone, adds to rows and takes from rows; only of the first measure."""
    measure: Measure = query.measures[0]
    found: list[exp.Expr] = []
    for place in range(len(measure.causes)):
        before, after = (_or_zero(cells[measure.at + n]) for n in (0, 1 << place))
        change = exp.paren(exp.Sub(this=after, expression=before))
        sides = [exp.Anonymous(this=word, expressions=[change.copy(), _number(0)]) for word in ("greatest", "least")]
        found += [exp.Sum(this=side) for side in sides]
    return found


def _sets(places: range) -> list[tuple[int, ...]]:
    singles = [(place,) for place in places]
    pairs = [(one, two) for one in places for two in places if one < two]
    return [(), *singles, *pairs]


def _number(number: int) -> exp.Expr:
    return exp.Literal.number(number)


def _or_zero(tree: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=tree.copy(), expressions=[_number(0)])
