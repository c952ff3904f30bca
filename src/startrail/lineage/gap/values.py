"""What a row is worth to an aggregate, as a function of a definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlglot import exp

from startrail.lineage.metric.query import amount
from startrail.lineage.metric.slots import RATES, PartSlots, Slots
from startrail.model.metric import Metric


class Worth(NamedTuple):
    """Something that is summed: the slots it depends on, beside those of rates, and its value under the slots of a mixture
    and the alias of its rates."""

    name: str
    slots: tuple[str, ...]
    value: Callable[[Slots, str], exp.Expr]


def worth(metric: Metric) -> list[Worth]:
    """One for each sum that the number is made of: two for a quotient."""
    if metric.agg == "ratio":
        return [
            Worth("numerator", ("numerator",), lambda found, rates: _part(found, found.parts[0], rates)),
            Worth("denominator", ("denominator",), lambda found, rates: _part(found, found.parts[1], rates)),
        ]
    if metric.agg == "count":
        return [Worth("value", ("expr",), lambda found, _: _one_if(found.value))]
    if metric.agg == "avg":
        return [
            Worth("numerator", ("expr",), _amount),
            Worth("denominator", ("expr",), lambda found, rates: _one_if(_amount(found, rates))),
        ]
    return [Worth("value", ("expr",), _amount)]


def differ(metric: Metric, low: exp.Expr, high: exp.Expr, floats: bool) -> exp.Expr:
    """Whether two values of a row add something else. To a sum nothing is 0, and a float is what is left of it when it is cut;
    to other aggregates they are values."""
    if metric.agg not in ("sum", "count", "avg", "ratio"):
        return exp.NullSafeNEQ(this=low.copy(), expression=high.copy())
    one, two = (
        exp.Coalesce(this=cut(tree) if floats else tree.copy(), expressions=[exp.Literal.number(0)]) for tree in (low, high)
    )
    return exp.NEQ(this=one, expression=two)


def rates_called(join: exp.Join, alias: str) -> exp.Join:
    """A join of rates under another alias."""
    renamed = join.copy()
    _rated(renamed, alias)
    renamed.this.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return renamed


def cut(tree: exp.Expr) -> exp.Expr:
    """A floating point value as a decimal, so that its sums are exact."""
    return exp.cast(exp.paren(tree.copy()), "decimal(38, 9)")


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


def _one_if(value: exp.Expr | None) -> exp.Expr:
    one = exp.Literal.number(1)
    if value is None:
        return one
    there = exp.Not(this=exp.paren(exp.Is(this=exp.paren(value.copy()), expression=exp.Null())))
    return exp.Case(ifs=[exp.If(this=there, true=one)])
