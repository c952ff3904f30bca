"""The rows that two definitions share: the source once, every join once, and a condition per side for what each keeps."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec
from sqlglot import exp

from startrail.lineage.expressions import column
from startrail.lineage.metric.slots import Slots, slots
from startrail.lineage.metric.source import joined, kept_row, table
from startrail.model.metric import Join
from startrail.model.why import DATA, Aligned, Slot

_FOUND = "_found"
_ROW = "_row"


class Rows(NamedTuple):
    """FROM and joins, of which no row of either side is missing."""

    select: exp.Select
    alias: str
    differs: bool
    """Whether the sides keep different rows of the source."""

    def keep(self, chosen: Collection[str]) -> str:
        """The column that says whether a side's dedup keeps a row."""
        return "_kept_b" if self.differs and "dedup" in chosen else "_kept_a"

    def condition(self, slot: Slot, place: int, b: bool) -> exp.Expr | None:
        """Whether a joined row is there on a side; None = always."""
        side = slot.b if b else slot.a
        either = slot.a or slot.b
        assert isinstance(either, Join)
        found = exp.Not(this=exp.paren(exp.Is(this=column(either.name, _FOUND), expression=exp.Null())))
        if isinstance(side, Join):
            return found if side.type == "inner" else None
        own, nothing = column(either.name, _ROW), exp.Is(this=column(either.name, _ROW), expression=exp.Null())
        first = exp.Window(this=exp.Min(this=own.copy()), partition_by=[column(self.alias, _ROW)])
        return exp.or_(nothing, exp.EQ(this=own, expression=first))


def rows_from(found: Aligned, differs: bool, base: frozenset[str]) -> Rows:
    """Raises MetricShape."""
    everything = _all_joined(found, base)
    a = everything.metric
    numbered = any(slot.a is None or slot.b is None for slot in found.joins)
    flags = []
    for name, chosen in (("_kept_a", frozenset[str]()), ("_kept_b", frozenset({"dedup"}))):
        mixed = slots(found.mixed(base | chosen))
        if mixed.metric.dedup is None:
            flags.append(exp.alias_(exp.true(), name, quoted=True))
        elif name == "_kept_a" or differs:
            flags.append(exp.alias_(exp.paren(kept_row(mixed)), name, quoted=True))
    needs = found.a.dedup is not None or found.b.dedup is not None
    source: exp.Expr = table(a.source or "", a.alias)
    if needs or numbered:
        extra = [*(flags if needs else []), *([_number()] if numbered else [])]
        source = exp.select("*", *extra).from_(source).subquery(exp.to_identifier(a.alias, quoted=True))
    select = exp.Select().from_(source)
    for place, slot in enumerate(found.joins):
        join = joined(everything, place, keep=True)
        extra = [exp.alias_(exp.true(), _FOUND, quoted=True)]
        if slot.a is None or slot.b is None:
            extra.append(_number())
        inner = join.this
        name = everything.metric.joins[place].name
        star = exp.select("*", *extra).from_(inner)
        join.set("this", star.subquery(exp.to_identifier(name, quoted=True)))
        select.append("joins", join)
    return Rows(select, a.alias, differs)


def _all_joined(found: Aligned, base: frozenset[str]) -> Slots:
    """The metric with every join of either side, all of them left."""
    joins = tuple(side for side in (slot.a or slot.b for slot in found.joins) if isinstance(side, Join))
    mixed = found.mixed(base | ({DATA} & base))
    return slots(msgspec.structs.replace(mixed, joins=joins))


def _number() -> exp.Expr:
    return exp.alias_(exp.Window(this=exp.RowNumber()), _ROW, quoted=True)
